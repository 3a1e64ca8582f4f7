"""Finding visitors as the search box of a dashboard does: all words must hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from crossbar.core.requests import Actor
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.storage import Span
from crossbar.visitors.times import instant
from crossbar.visitors.visitors import ONLINE_FOR, VISITORS, has_code, is_online

MOST_WORDS = 20
CODE = re.compile(r"[0-9]{4}")
E_MAIL = re.compile(r"[^@\s]+@[^@\s.]+\.[^@\s]+")
SEARCHED = (
    "unique_id",
    "short_id",
    "last_url",
    "location_city",
    "location_country_name",
    "ip_address",
)
"""Fields in which any other word may be found, beside identities and tags."""

Test = Callable[[Actor, Document], bool]


async def search_visitors(actor: Actor, query: str, limit: int) -> list[Document]:
    """The visitors that hold every word, last seen first; the latest when there is no word.

    Raises :class:`ValidationFailed` for too many words.
    """
    words = query.split()
    if len(words) > MOST_WORDS:
        message = f"must not have more than {MOST_WORDS} words"
        raise ValidationFailed.of("search", "maxItems", message, target=MOST_WORDS)
    tests = [_test(word) for word in words]
    # Nobody is online who was not heard of lately, so there is no need to look further back.
    low = instant(actor.services.clock, ONLINE_FOR) if "online" in words else None
    span = Span(account_id=actor.account_id, doc_type=VISITORS.doc_type, low=low, descending=True)
    found: list[Document] = []
    async for row in actor.services.store.scan(span):
        if all(test(actor, row.document) for test in tests):
            found.append(row.document)
            if len(found) == limit:
                break
    return found


def _test(word: str) -> Test:
    """What one word asks of a visitor."""
    if word == "online":
        return is_online
    if word == "-online":
        return lambda actor, visitor: not is_online(actor, visitor)
    if word.startswith("ip:"):
        return lambda _, visitor: visitor.get("ip_address") == word[3:]
    if word.startswith("id:"):
        return lambda _, visitor: visitor.get("unique_id") == word[3:]
    if word.startswith("integration_id:"):
        name, _, value = word.removeprefix("integration_id:").partition(":")
        return lambda _, visitor: (
            bool(value) and visitor.get("integration_ids", {}).get(name) == value
        )
    if CODE.fullmatch(word):
        return lambda actor, visitor: has_code(actor, visitor) and visitor["lookup_code"] == word
    if word.startswith("#"):
        return lambda _, visitor: word in visitor.get("tags", ())
    wanted = word.casefold()
    if E_MAIL.fullmatch(word):
        return lambda _, visitor: wanted in map(str.casefold, _names(visitor))
    return lambda _, visitor: any(wanted in text.casefold() for text in _texts(visitor))


def _names(visitor: Document) -> Iterator[str]:
    yield visitor.get("unique_id", "")
    yield from visitor.get("identities", ())


def _texts(visitor: Document) -> Iterator[str]:
    yield from (visitor[name] for name in SEARCHED if name in visitor)
    yield from visitor.get("identities", ())
    yield from visitor.get("tags", ())
