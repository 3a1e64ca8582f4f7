"""What the server answers is what its OpenAPI documents say, whatever is asked.

A bounded number of requests, the same every time; ``make fuzz`` makes as many as it is told to.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.runs import TARGETS, Target, admitted, answers, fetched, labels, run, serving

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.timeout(900),
    pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name),
]

SAME = ("--seed", "1", "--generation-deterministic", "--no-shrink")


def _holds(folder: Path, target: Target, *options: str, is_cut: bool = False) -> None:
    with serving(folder) as (server, master):
        admission = admitted(server, target, master)
        document = fetched(server, target)
        document = target.cut(document) if is_cut else document
        done = run(server, target, admission, document, *SAME, *options)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "passed" in done.stdout
        assert "_failed" not in server.log
        assert "unexpected_error" not in server.log
        assert is_cut or {each.operation for each in answers(folder)} == labels(document)


def test_a_request_to_every_operation(target: Target, tmp_path: Path) -> None:
    _holds(tmp_path, target, "--phases", "fuzzing", "-n", "1")


def test_borders_examples_and_what_follows_from_one_another(
    target: Target, tmp_path: Path
) -> None:
    phases = "examples,coverage,stateful"
    _holds(tmp_path, target, "--phases", phases, "-n", "10", is_cut=True)
