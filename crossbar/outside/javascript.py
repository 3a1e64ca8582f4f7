"""Runs the body of a function in JavaScript, as a program of its own.

It reads a JSON object from its input: the ``body``, and, unless that is only to be judged, the
``call`` that it is given, the time that it is told (``at``, seconds since 1970) and its ``zone``.
To its output it writes another one: what was ``returned``, as JSON in a text, or what has
``failed``, and what was ``said`` of it. The engine knows no files, no network and no other
programs. Should somebody get out of it: this process holds nothing of the server's, and the
system lets it open no file, take no more time and no more memory than is said here.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

from _quickjs import Context, JSException  # the package around it starts a thread, for nothing

MEMORY = 32_000_000
"""Bytes that a function may use."""

ADDRESSES = 256_000_000
"""Bytes of addresses that the program may use, all in all."""

SECONDS = 1
"""Seconds of the processor that a function may take, as far as the engine looks at the time: some
of what is built in does not. The system ends it a second later."""

STACK = 500_000
"""Bytes of the stack: it is used up before that of the process is."""

LONGEST = 64_000
"""Characters of what is returned, as a web server may answer a flow of so many."""

LONGEST_SAID = 200

PRELUDE = """
(at) => {
  const stringify = JSON.stringify, Made = Function, Later = Promise, read = eval;
  const Real = Date, tick = Real.now, ahead = at - tick();
  Real.now = () => tick() + ahead;
  globalThis.Date = Real.prototype.constructor = new Proxy(Real, {
    construct: (target, given, asked) =>
      Reflect.construct(target, given.length ? given : [tick() + ahead], asked),
    apply: () => new Real(tick() + ahead).toString(),
  });
  return (body, call, longest) => {
    try {
      read("throw 0;\\n\\n({run(call) {" + body + "\\n}})");
    } catch (error) {
      if (error !== 0) throw error;
    }
    const made = new Made("call", body);
    if (call === null) return null;
    const value = made(call);
    if (value instanceof Later) throw new TypeError("it returns a Promise, which nobody awaits");
    const text = stringify(value);
    return text === undefined || text.length <= longest ? text : text.length;
  };
}
"""
"""What runs the function: it has put away what it needs before the function can replace it.

The engine makes a function by putting its body between two braces. A body that closes the first
and opens another would be code around the function, so it is first put elsewhere, to be read only:
what does not fit there either is refused, and nothing runs behind a ``throw``.
"""

ABOVE = 2
"""Lines that the engine puts above the body of a function."""

ERROR = re.compile(r"((?:Eval|Internal|Range|Reference|Syntax|Type|URI)?Error): (.*)")
LINE = re.compile(r"<input>:(\d{1,6})\b")

BOUNDS = {
    "interrupted": "it takes too long",
    "out of memory": "it takes too much memory",
    "Maximum call stack size exceeded": "it calls itself too deep",
    "null": "null is thrown, as the engine does where it has no memory left",
}
"""What the engine says when a function meets one of its bounds."""


def main() -> int:
    """Run the function that is read."""
    given = json.loads(sys.stdin.buffer.read())
    os.environ["TZ"] = given.get("zone", "UTC")
    time.tzset()  # reads a file
    os.nice(5)  # calls are not to stutter meanwhile, nor is one to wait for it too long
    for kind, most in (
        (resource.RLIMIT_AS, ADDRESSES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, SECONDS + 1),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(kind, (most, most))
    json.dump(made_of(given), sys.stdout)
    return 0


def made_of(given: dict[str, Any]) -> dict[str, str]:
    """What a function returns, or why it does not."""
    context = Context()
    context.set_memory_limit(MEMORY)
    context.set_max_stack_size(STACK)
    context.set_time_limit(SECONDS)
    # On one line, so that no place in it is taken for one of the function.
    run = context.eval(PRELUDE.replace("\n", " "))(1000.0 * given.get("at", 0))
    call = context.parse_json(json.dumps(given.get("call")))
    try:
        returned = run(given["body"], call, LONGEST)
    except JSException as error:
        return failure(str(error), given["body"], lambda body: complaint(run, body))
    if returned is None:
        return {"failed": "it returns nothing", "said": ""}
    if not isinstance(returned, str):
        return {"failed": f"it returns more than {LONGEST} characters of JSON", "said": ""}
    return {"returned": returned}


def complaint(run: Callable[..., object], body: str) -> str:
    """What the engine says of a body that it only reads; "" where that is in order."""
    try:
        run(body, None, LONGEST)
    except JSException as error:
        return str(error)
    return ""


def failure(told: str, body: str, read: Callable[[str], str]) -> dict[str, str]:
    """What has failed and where, in words of ours, and what was said of it.

    A function may throw whatever it likes, named as it likes: only names of errors are repeated.
    """
    error = ERROR.match(told)
    what, said = error.groups() if error else ("something is thrown", told.partition("\n")[0])
    line = line_of(told, body)
    if line > lines_in(body):  # the engine has met a brace of ours
        line = lines_in(body.rstrip())
        if is_cut_short(body, read):
            said = "the text ends before it is complete"
    what = BOUNDS.get(said, what)
    return {"failed": f"{what}, line {line}" if line else what, "said": said[:LONGEST_SAID]}


def is_cut_short(body: str, read: Callable[[str], str]) -> bool:
    """Whether a text that fails behind its end lacks something there.

    One or two braces too many fail there as well, but not with as many before the text.
    """
    return all(line_of(read("{" * more + body), body) > lines_in(body) for more in (1, 2))


def line_of(told: str, body: str) -> int:
    """The line of a body that an error is about, 0 for none; the one behind the last is ours."""
    places = (int(place) - ABOVE for place in LINE.findall(told))
    return next((place for place in places if 0 < place <= lines_in(body) + 1), 0)


def lines_in(text: str) -> int:
    """How many lines a text has, as the engine counts them."""
    return text.count("\n") + 1


if __name__ == "__main__":
    sys.exit(main())
