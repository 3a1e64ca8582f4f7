"""``make fuzz``: every phase on every operation of every document, for as long as it takes.

Options of ``schemathesis run`` may be given, such as ``-n 500`` or ``--seed 7``; before them the
names of documents to be asked about, all by default. In the end it tells what never succeeded.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.fuzz.runs import TARGETS, Answered, admitted, answers, fetched, labels, run, serving

BAD_REQUEST = 400


def main(arguments: list[str]) -> int:
    """The number of documents that the server does not keep to."""
    names = {target.name for target in TARGETS}
    wanted = [each for each in arguments if each in names] or names
    options = [each for each in arguments if each not in names]
    broken = 0
    for target in TARGETS:
        if target.name in wanted:
            with (
                tempfile.TemporaryDirectory() as folder,
                serving(Path(folder)) as (server, master),
            ):
                admission = admitted(server, target, master)
                document = fetched(server, target)
                done = run(server, target, admission, document, *options)
                print(done.stdout, done.stderr, server.log, sep="\n")
                _tell(answers(server.folder), labels(document))
                broken += done.returncode != 0
    return broken


def _tell(answered: list[Answered], every: set[str]) -> None:
    """Print how many operations each phase asked for, and which never succeeded."""
    for phase in sorted({each.phase for each in answered}):
        here = [each for each in answered if each.phase == phase]
        asked = {each.operation for each in here}
        good = {each.operation for each in here if each.status < BAD_REQUEST}
        times = sum(each.times for each in here)
        print(f"{phase}: {times} requests, {len(asked)} operations, {len(good)} with success")
    good = {each.operation for each in answered if each.status < BAD_REQUEST}
    for operation in sorted(every - good):
        said = sorted({each.status for each in answered if each.operation == operation})
        print(f"never with success: {operation} {said}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
