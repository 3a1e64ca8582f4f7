"""The Makefile and the script for continuous integration, without what they would install."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.ops.processes import ROOT, environment

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``make`` on our Makefile in ``folder``."""
    command = ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(measured=False), capture_output=True, text=True
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout without an environment."""
    for name in ("setup.py", "setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_help_lists_every_command(folder: Path) -> None:
    [declared] = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    shown = make(folder).stdout
    assert re.findall(r"^  make ([\w-]+) +\S", shown, re.M) == declared.split()


def test_an_environment_is_made_when_there_is_none(folder: Path) -> None:
    plan = make(folder, "--dry-run", "run", "ARGS=--port 9000").stdout
    assert "-m venv --clear .venv" in plan
    assert "install --editable '.'" in plan
    assert plan.rstrip().endswith("crossbar serve --port 9000")


def test_an_environment_whose_python_is_gone_does_not_count(folder: Path) -> None:
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/python").symlink_to("/nonexistent/python")
    (folder / ".venv/installed-for-run").touch()
    assert "install --editable" in make(folder, "--dry-run", "run").stdout


def test_a_missing_python_is_one_clear_line(folder: Path) -> None:
    done = make(folder, "run", "PYTHON=")
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr
    assert done.stdout == ""


def test_the_script_of_continuous_integration_is_sound() -> None:
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", script], check=True)
