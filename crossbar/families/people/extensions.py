"""Numbers that are nobody's extension although no document lists them."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from crossbar.core.requests import Request
from crossbar.documents import texts_at
from crossbar.families.callflows import CALLFLOWS
from crossbar.families.numbers import classifiers_of
from crossbar.storage import Entry, Span
from crossbar.validation import Expression, Unusable

HELP = frozenset(("000", "110", "111", "112", "118", "119", "911", "999"))
"""Numbers that call for help in some country, whatever the settings' classes of numbers are."""


def calls_for_help(request: Request, number: str) -> bool:
    """Whether somebody in need may dial the number, who must not reach a colleague."""
    classes = classifiers_of(request.services.settings.numbers)
    return number in HELP or bool(classes.classified(number).get("emergency"))


async def patterns_of(request: Request) -> list[Expression]:
    """The patterns of the account's callflows, but for those that fit no number that is dialed."""
    span = Span(
        account_id=request.account_id,
        doc_type=CALLFLOWS.doc_type,
        entry=Entry("patterned", "true"),
    )
    found = []
    async for row in request.services.store.scan(span):
        await asyncio.sleep(0)  # others have their turn: there may be many
        for pattern in texts_at(row.document, "patterns"):
            with suppress(Unusable):
                found.append(Expression(pattern))
    return found
