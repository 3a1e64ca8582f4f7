"""What the documentation says of the code is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crossbar.app import REGISTRY
from crossbar.cli.program import COMMANDS
from crossbar.reference import callflow_pages as _callflow_pages
from crossbar.reference import family_pages as _family_pages
from crossbar.reference import notification_pages as _notification_pages
from crossbar.reference import power_pages as _power_pages
from crossbar.reference.error_pages import errors_page
from crossbar.reference.settings_pages import settings_page
from crossbar.settings import Settings
from tests.each import for_each

ROOT = Path(__file__).parents[2]
FAMILIES = ROOT / "docs" / "families"
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    *(str(page.relative_to(ROOT)) for page in sorted(ROOT.glob("docs/*.md"))),
    *(str(page.relative_to(ROOT)) for page in sorted(FAMILIES.glob("*.md"))),
)


@pytest.mark.parametrize(
    ("page", "made"),
    [
        ("callflows", _callflow_pages.page()),
        ("errors", errors_page()),
        ("notifications", _notification_pages.page()),
        ("powers", _power_pages.page()),
        ("settings", settings_page()),
    ],
)
def test_generated_pages_are_fresh(page: str, made: str) -> None:
    assert (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") == made, "run `make docs`"


def test_the_pages_of_families_are_fresh() -> None:
    made = _family_pages.pages(ROOT)
    kept = {page.name: page.read_text(encoding="utf-8") for page in FAMILIES.glob("*.md")}
    assert sorted(name for name in made if kept.get(name) != made[name]) == [], "run `make docs`"
    assert sorted(kept.keys() - made.keys()) == [], "run `make docs`"


def test_each_note_belongs_to_a_family() -> None:
    notes = {note.stem for note in (FAMILIES / "notes").iterdir()}
    assert notes - _family_pages.nouns().keys() == set()


@for_each(PAGES)
def test_files_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    here = (ROOT / page).parent
    linked = re.findall(r"\]\(([^)#:]+)\)", re.sub(r"`[^`\n]*`", "", text))
    named = re.findall(r"`((?:crossbar|schemas|tests|docs|etc)/[\w./-]+)`", text)
    missing = [name for name in linked if not (here / name).exists()]
    missing += [name for name in named if not (ROOT / name).exists()]
    assert missing == []


@for_each(PAGES)
def test_commands_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    commands = {command.partition(" ")[0] for command in COMMANDS}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"`crossbar ([a-z]+)", text)) - commands == set()
    assert set(re.findall(r"(?:`|^)make\s+([a-z]+)", text, re.MULTILINE)) - targets == set()


def test_the_readmes_settings_have_the_defaults_that_it_says() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    described = {f"{each.section}.{each.name}": each for each in Settings.describe()}
    rows = re.findall(r"^\| `([\w.]+)` \| `([^`]+)` \|", text, re.MULTILINE)
    assert len(rows) >= 5
    for name, default in rows:
        assert str(described[name].default).lower() == default


def test_the_changelog_names_this_version() -> None:
    import crossbar

    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", text, re.MULTILINE)
    assert newest is not None
    assert newest[1] == crossbar.__version__


def test_families_that_the_changelog_names_are_served() -> None:
    nouns = {operation.family.noun for operation in REGISTRY.operations()}
    assert {"accounts", "users", "devices", "callflows", "vmboxes", "media", "about"} <= nouns
