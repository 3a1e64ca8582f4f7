"""What the embedded store remembers has room for so much."""

from __future__ import annotations

from crossbar.storage import Shown
from crossbar.storage.sqlite.recent import (
    LARGEST_PAGE,
    LONGEST,
    RECENT,
    RECENT_PAGES,
    SHORT,
    Recent,
)
from tests.storage.builders import key


def test_few_and_short_documents_are_remembered_between_commits() -> None:
    recent = Recent()
    recent.keep(key("long"), (None, b"x" * (LONGEST + 1)))
    assert recent.bodies == {}
    for number in range(RECENT):
        recent.keep(key(str(number)), (None, b"{}"))
    assert len(recent.bodies) == RECENT
    recent.keep(key("one more"), (None, b"{}"))
    assert recent.bodies == {key("one more"): (None, b"{}")}
    recent.keep_shown(key("long"), Shown({}, b"x" * (SHORT + 1)))
    assert recent.shown == {}
    for number in range(RECENT + 1):
        recent.keep_shown(key(str(number)), Shown({}, b"{}"))
    assert recent.shown == {key(str(RECENT)): Shown({}, b"{}")}


def test_few_and_short_pages_are_remembered_between_commits() -> None:
    recent, place = Recent(), ("account", "user")
    recent.keep_page(place, ("large",), "made", LARGEST_PAGE + 1)
    assert recent.page(place, ("large",)) is None
    for number in range(RECENT_PAGES):
        recent.keep_page((str(number % 3), "user"), (number,), "made", LARGEST_PAGE)
    assert recent.page(("0", "user"), (0,)) == "made"
    recent.keep_page(place, ("one more",), "made", 1)
    assert recent.page(place, ("one more",)) == "made"
    assert recent.page(("0", "user"), (0,)) is None
