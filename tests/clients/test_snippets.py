"""The programs of ``docs/clients.md``, run as they stand by curl, Python and Node.

A dialect takes part by a section of that page and a :class:`Section` in ``SECTIONS``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ops.processes import Server, crossbar

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery"

PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "sh": ("bash", "-s"),
    "python": (sys.executable, "-W", "error", "-"),
    "js": ("node", "--input-type=module", "-"),
}
"""What runs a block of each language, from its standard input."""

NEEDED: Mapping[str, tuple[str, ...]] = {"sh": ("bash", "curl", "md5sum"), "js": ("node",)}


@dataclass(frozen=True)
class Site:
    """A running server and what ``crossbar init`` said of its master account."""

    server: Server
    master: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the page promises."""
        return {
            "CROSSBAR_URL": f"http://127.0.0.1:{self.server.port}",
            "CROSSBAR_ACCOUNT": self.master["account_id"],
            "CROSSBAR_ACCOUNT_NAME": self.master["account_name"],
            "CROSSBAR_USERNAME": self.master["username"],
            "CROSSBAR_PASSWORD": PASSWORD,
        }


@dataclass(frozen=True)
class Section:
    """A section of the page: its heading, what its programs need beyond, what they print."""

    heading: str
    prints: list[str]
    more: Callable[[Site], dict[str, str]] = lambda site: {}


SECTIONS = (
    Section(
        heading="/v2",
        prints=["1", "Europe/Berlin", "String must be at least 1 characters"],
    ),
    Section(heading="/v1", prints=["10", "Pvt", "ValidationException"]),
    Section(
        heading="/v1.1",
        prints=["1", "ann@example.com", "ann@example.com", "v1.1/watch", "not_found"],
    ),
)

CASES = [(section, language) for section in SECTIONS for language in PROGRAMS]


def program(heading: str, language: str) -> str:
    """The blocks of one language in a section, in order."""
    text = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    blocks = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert blocks, f"{heading} has no {language}"
    return "\n".join(blocks)


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, str]]:
    """A folder with a new store, which is only ever copied, and what was said of it."""
    folder = tmp_path_factory.mktemp("initialised")
    done = crossbar(folder, "init", "--json", "--password", PASSWORD)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


@pytest.fixture
def site(initialised: tuple[Path, Mapping[str, str]], tmp_path: Path) -> Iterator[Site]:
    """A server on a new store."""
    folder, master = initialised
    shutil.copytree(folder, tmp_path / "site")
    with Server(tmp_path / "site") as server:
        yield Site(server, master)


@pytest.mark.parametrize(
    ("section", "language"), CASES, ids=lambda each: getattr(each, "heading", each)
)
def test_a_program_of_the_page_works(site: Site, section: Section, language: str) -> None:
    missing = [tool for tool in NEEDED.get(language, ()) if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    done = subprocess.run(
        PROGRAMS[language],
        input=program(section.heading, language),
        env={**os.environ, **site.environment, **section.more(site)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == section.prints
