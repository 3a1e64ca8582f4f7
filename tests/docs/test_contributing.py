"""The example of CONTRIBUTING.md, followed to the letter in a copy of the project."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ops.processes import ROOT, environment

COPIED = ("crossbar", "schemas", "tests", "docs", "etc")
DOCS = (
    "import pathlib; from crossbar.reference import family_pages; "
    "family_pages.write(pathlib.Path())"
)


def blocks(language: str) -> list[str]:
    """The blocks of the example in a language, in order."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("\n## A family from start to finish\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the copy."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**environment(measured=False), "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project in which the test of the example is written, and nothing else."""
    compiled = shutil.ignore_patterns("__pycache__")  # other tests write there meanwhile
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=compiled)
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    (tmp_path / "tests/families/test_rooms.py").write_text(blocks("python")[0], encoding="utf-8")
    return tmp_path


@pytest.mark.thorough
def test_a_family_is_added_as_the_page_says(copy: Path) -> None:
    tests = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/families/test_rooms.py")
    missing = run(copy, *tests)
    assert "2 failed" in missing.stdout
    assert "404" in missing.stdout
    [schema] = blocks("json")
    (copy / "schemas/rooms.json").write_text(schema, encoding="utf-8")
    _, entry = blocks("python")
    plain = copy / "crossbar/families/plain.py"
    before = plain.read_text(encoding="utf-8").partition("PLAIN = ")[0]
    plain.write_text(before + entry, encoding="utf-8")
    assert run(copy, "-c", DOCS).returncode == 0
    assert "A meeting room" in (copy / "docs/families/rooms.md").read_text(encoding="utf-8")
    fresh = "tests/docs/test_pages.py::test_the_pages_of_families_are_fresh"
    canonical = "tests/schemas/test_schemas.py::test_file_is_canonical"
    done = run(copy, *tests, fresh, canonical)
    assert "4 passed" in done.stdout, done.stdout + done.stderr


def test_the_example_names_every_plain_family_that_there_is() -> None:
    """So that its list can be typed as it stands."""
    from crossbar.families import plain

    _, entry = blocks("python")
    [listed] = re.findall(r"^PLAIN = \((.*)\)$", entry, re.MULTILINE)
    names = [name for name in vars(plain) if name.isupper() and name not in ("PLAIN", "FLAGS")]
    assert sorted(listed.split(", ")) == sorted([*names, "ROOMS"])
