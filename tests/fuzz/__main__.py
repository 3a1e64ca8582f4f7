"""``make fuzz``: every phase on every operation of every document, for as long as it takes.

Options of ``schemathesis run`` may be given, such as ``-n 500`` or ``--seed 7``, which hold for
each of three runs; before them the names of documents to be asked about, all by default. In the
end it tells how far the phases came, and what never succeeded.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.fuzz.runs import (
    TARGETS,
    Answered,
    Target,
    admitted,
    answers,
    fetched,
    run,
    serving,
)

BAD_REQUEST = 400

ALONE = (
    ("--phases", "examples,coverage,fuzzing", "--exclude-method", "DELETE"),
    ("--phases", "examples,coverage,fuzzing", "--include-method", "DELETE"),
    ("--phases", "stateful"),
)
"""Runs on servers of their own: what is asked about is still there while nothing is deleted."""


def main(arguments: list[str]) -> int:
    """The number of runs that show that the server does not keep to a document."""
    names = {target.name for target in TARGETS}
    wanted = [each for each in arguments if each in names] or names
    options = [each for each in arguments if each not in names]
    return sum(_broken(target, options) for target in TARGETS if target.name in wanted)


def _broken(target: Target, options: list[str]) -> int:
    """Ask about one document, and tell about it."""
    broken, answered = 0, list[Answered]()
    for part in ALONE:
        with (
            tempfile.TemporaryDirectory() as folder,
            serving(Path(folder)) as (server, master),
        ):
            admission = admitted(server, target, master)
            done = run(server, target, admission, fetched(server, target), *part, *options)
            print(done.stdout, done.stderr, server.log, sep="\n", flush=True)
            broken += done.returncode != 0
            answered += answers(server.folder)
    _tell(answered)
    return broken


def _tell(answered: list[Answered]) -> None:
    """Print how many operations each phase asked for, and which never succeeded."""
    for phase in sorted({each.phase for each in answered}):
        here = [each for each in answered if each.phase == phase]
        asked = {each.operation for each in here}
        good = {each.operation for each in here if each.status < BAD_REQUEST}
        times = sum(each.times for each in here)
        print(f"{phase}: {times} requests, {len(asked)} operations, {len(good)} with success")
    good = {each.operation for each in answered if each.status < BAD_REQUEST}
    for operation in sorted({each.operation for each in answered} - good):
        said = sorted({each.status for each in answered if each.operation == operation})
        print(f"never with success: {operation} {said}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
