"""Numbers that the pages tell are those of the code.

Who changes one of them, or the sentence around it, changes both.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from crossbar.cli import placing
from crossbar.core import writing
from crossbar.dialects.v1 import PER_MINUTE
from crossbar.families.conferencing import dialing as conference_dial
from crossbar.families.directories import directories
from crossbar.families.logins import sso
from crossbar.identity import keys
from crossbar.personnel import includes, reading, searching
from crossbar.personnel import writing as rows
from crossbar.settings import Settings
from crossbar.storage import LARGEST
from crossbar.storage.sqlite.place import LOOK_INTERVAL
from crossbar.validation import patterns
from crossbar.visitors import search as visitor_search
from crossbar.visitors import sweep as visitor_sweep
from crossbar.visitors.connections import HEARTBEAT

DOCS = Path(__file__).parents[2] / "docs"
SETTINGS = Settings()
DAY = 24 * 3600

FACTS = (
    ("differences", f"done again on the newer document, {writing.ATTEMPTS} times"),
    ("differences", f"and for {writing.PATIENCE:.0f} seconds at least"),
    ("differences", f"larger than {LARGEST // 1_000_000} MB"),
    ("differences", f"waits {conference_dial.LONGEST_WAIT} seconds at most"),
    ("differences", f"of {directories.MOST_PEOPLE} people at most"),
    ("differences", f"links to nobody are good for {sso.LINK_LIFETIME // 60} minutes"),
    ("differences", f"at most {patterns.MOST} of {patterns.LONGEST} characters each"),
    ("differences", f"| {SETTINGS.limits.login_cost}, `limits.login_cost` |"),
    ("architecture", f"in the revision that it has, {placing.GROUP} in a commit"),
    ("architecture", {0.25: "four times a second for"}[LOOK_INTERVAL]),
    ("keys", f"the first {keys.SHOWN} characters"),
    ("keys", f"`tokens.session_lifetime` ({SETTINGS.tokens.session_lifetime // DAY} days)"),
    ("dialects/v1", {1000: "A key may ask a thousand times a minute"}[PER_MINUTE]),
    ("dialects/v1", f"| {reading.LARGEST_PAGE} at most, 422 above |"),
    ("dialects/v1", f"| {rows.LARGEST_BATCH} rows at most |"),
    ("dialects/v1", f"| {searching.MOST_FILTERS} filters, nested ones included"),
    ("dialects/v1", f", {searching.MOST_FILTERS} sorts, {searching.MOST_VALUES} values in lists"),
    ("dialects/v1", f", {patterns.LONGEST_LIKE} characters for `like` and `search`"),
    ("dialects/v1", f"the first {reading.DEEPEST} rows, 422 below"),
    ("dialects/v1", f"{includes.MAX_DEPTH} levels, {includes.MAX_INCLUDED} names"),
    ("dialects/v1", f"names, {includes.MOST_ROWS} rows in an answer"),
    ("dialects/v1_1", f"Heartbeats, every {HEARTBEAT} seconds"),
    ("dialects/v1_1", f"at up to {visitor_sweep.ACCOUNTS} accounts"),
    ("dialects/v1_1", f"a search has {visitor_search.MOST_WORDS} words at most"),
)


@pytest.mark.parametrize(("page", "fact"), FACTS)
def test_a_page_tells_the_number_of_the_code(page: str, fact: str) -> None:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    assert fact in " ".join(text.split())
    assert patterns.LONGEST_LIKE == searching.LONGEST_TEXT  # told as one
