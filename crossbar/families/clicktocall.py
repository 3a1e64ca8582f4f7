"""Click-to-call: buttons on web pages that start a call (resources/clicktocall.md).

What a button starts is in ``clicktocall_calls``. A button may be for everybody, so the operations
that press it are public and ask for a caller only if the button says so.
"""

from __future__ import annotations

from crossbar.core.actions import Action, Context, Result
from crossbar.core.service import list_span
from crossbar.core.shapes import Access, Collection, Route
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.families.clicktocall_calls import HISTORY_TYPE, connect, time_key
from crossbar.storage import Entry, Span

HISTORY_KEYS = ("timestamp", "contact", "result", "call_id", "cause")


def _call_row(document: Document) -> Document:
    known = {name: document[name] for name in HISTORY_KEYS if name in document}
    return {"id": document["_id"], **known}


async def list_calls(context: Context) -> Result:
    """The calls that the button has started, newest first, within a range of time."""
    lower, upper = _range(context)
    span = Span(
        account_id=context.account_id,
        doc_type=HISTORY_TYPE,
        entry=Entry("clicktocall", context.doc_id),
        low=time_key(lower),
        high=time_key(upper),
    )
    return await list_span(context, span, _call_row)


def _range(context: Context) -> tuple[int, int]:
    """From when to when, in Gregorian seconds; at most a month (protocol reference §8.5)."""
    longest = context.services.settings.lists.maximum_range
    upper = _seconds(context, "created_to") or context.services.clock.gregorian()
    lower = _seconds(context, "created_from") or upper - longest
    if lower > upper:
        message = f"created_to {upper} is prior to created_from {lower}"
        raise ValidationFailed.of("created_from", "date_range", message, cause=lower)
    if upper - lower > longest:
        message = f"created_to {upper} is more than {longest} seconds from created_from {lower}"
        raise ValidationFailed.of("created_from", "date_range", message, cause=upper)
    return lower, upper


def _seconds(context: Context, name: str) -> int:
    """A time that the client named; 0 for none, and for what is none."""
    text = str(context.parameter(name, ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 13 else 0


def _connecting(action: Action) -> Route:
    return Route(
        path="{click2call_id}/connect",
        action=action,
        handler=connect,
        about="Start a call between the contact and the extension",
        access=Access.PUBLIC,
    )


CLICKTOCALL = Collection(
    noun="clicktocall",
    doc_type="click2call",
    schema="clicktocall",
    summary=("name", "extension"),
    routes=(
        Route(
            path="{click2call_id}/history",
            action=Action.LIST,
            handler=list_calls,
            about="List calls that were started",
        ),
        _connecting(Action.FETCH),
        _connecting(Action.REPLACE),
    ),
)
