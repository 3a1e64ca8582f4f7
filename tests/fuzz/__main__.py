"""``make fuzz``: every phase on every operation of every document, for as long as it takes.

Options of ``schemathesis run`` may be given, such as ``-n 500`` or ``--seed 7``; before them the
names of documents to be asked about, all by default.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.fuzz.runs import TARGETS, admitted, fetched, run, serving


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
                done = run(server, target, admission, fetched(server, target), *options)
                print(done.stdout, done.stderr, server.log, sep="\n")
                broken += done.returncode != 0
    return broken


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
