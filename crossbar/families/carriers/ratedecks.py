"""Ratedecks: price lists, and how the rates of one are kept so that a number finds its own.

Rates are documents of the system, listed by deck and prefix. As prefixes are digits, all rates of
a deck that could be a number's are found by a few steps down that list, however long it is
(:func:`prefixes_of`): nothing is kept in memory, and what one process writes the others find.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing
from typing import cast

from crossbar.core.paging import LAST
from crossbar.core.requests import Request
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.storage import SYSTEM, Key, Row, Span, Store

RATE_TYPE = "rate"
DEFAULT_DECK = "ratedeck"
"""The deck that is meant where none is named."""

FEW = 2
"""Rates that a look reads: mostly there is one of a prefix, and the next shows that it is all."""

_NAMED = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONG_FORM = f"{DEFAULT_DECK}-"

_AFTER = "0"
"""Follows the mark that ends the name of a deck, in the order of characters."""


def deck_named(name: str) -> str:
    """The name of a deck as it is kept, without the prefix that some clients send.

    Raises :class:`ValidationFailed` for what is no name.
    """
    short = name.removeprefix(_LONG_FORM) or DEFAULT_DECK
    if not _NAMED.fullmatch(short):
        message = "The name of a ratedeck has letters, digits, _ and -, at most 64"
        raise ValidationFailed.of("ratedeck_id", "pattern", message, value=name)
    return short


def deck_of(request: Request) -> str:
    """The deck that a request is about."""
    wanted = request.control("ratedeck_id")
    # What is no text is left for the schema to refuse.
    return deck_named(wanted) if isinstance(wanted, str) else DEFAULT_DECK


def rate_key(deck: str, rate_id: str) -> Key:
    """Where a rate is kept: two decks may have rates of the same id."""
    return Key(SYSTEM, RATE_TYPE, f"{deck}/{rate_id}")


def shown_id(stored_id: str) -> str:
    """The id of a rate as clients know it."""
    return stored_id.partition("/")[2]


def place_of(rate: Document) -> str:
    """The deck, a slash, and the prefix."""
    return f"{rate.get('ratedeck_id', DEFAULT_DECK)}/{rate['prefix']}"


def span_of_deck(deck: str) -> Span:
    """The rates of a deck, by prefix."""
    return Span(account_id=SYSTEM, doc_type=RATE_TYPE, low=f"{deck}/", high=f"{deck}/{LAST}")


def _walk(store: Store, span: Span) -> AbstractAsyncContextManager[AsyncIterator[Row]]:
    """The rows of a span, for who does not take all of them: what is left open costs memory."""
    return aclosing(cast("AsyncGenerator[Row, None]", store.scan(span)))


async def decks(store: Store) -> list[str]:
    """The names of the decks that have rates, by one step down the list for each."""
    found: list[str] = []
    low = ""
    while True:
        span = Span(account_id=SYSTEM, doc_type=RATE_TYPE, low=low, portion=1)
        async with _walk(store, span) as rows:
            first = await anext(rows, None)
        if first is None:
            return sorted(found)
        found.append(first.position.sort.partition("/")[0])
        low = f"{found[-1]}{_AFTER}"


def _shared(one: str, other: str) -> str:
    """What two texts begin with."""
    length = 0
    for first, second in zip(one, other, strict=False):
        if first != second:
            break
        length += 1
    return one[:length]


async def prefixes_of(
    store: Store, deck: str, digits: str
) -> AsyncGenerator[tuple[str, list[Document]], None]:
    """The rates whose prefixes begin the number, by prefix, the longest first.

    What stands at or before the number in the list shares a beginning with it; nothing longer
    than what they share can be a prefix of it, so that is where the next look begins.
    """
    left = digits
    while left:
        prefix, group = await _last(store, deck, left)
        if not prefix:
            return
        if left.startswith(prefix):
            yield prefix, group
            left = prefix[:-1]
        else:
            left = _shared(prefix, left)


async def _last(store: Store, deck: str, left: str) -> tuple[str, list[Document]]:
    """The last prefix of a deck at or before some digits; its rates, if it begins them."""
    head = f"{deck}/"
    span = Span(
        account_id=SYSTEM,
        doc_type=RATE_TYPE,
        low=head,
        high=head + left,
        descending=True,
        portion=FEW,
    )
    prefix, group = "", list[Document]()
    async with _walk(store, span) as rows:
        async for row in rows:
            found = row.position.sort[len(head) :]
            if found != (prefix or found):
                break
            prefix = found
            if not left.startswith(prefix):
                break
            group.append(row.document)
    return prefix, group
