"""Click-to-call: buttons on web pages that start a call.

What a button starts is in ``clicktocall_calls``. A button may be for everybody, so the operations
that press it are public and ask for a caller only if the button says so.
"""

from __future__ import annotations

from crossbar.core.answers import SOME_OBJECT, Answers, some
from crossbar.core.journals import list_records
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Collection, Route
from crossbar.documents import Document
from crossbar.families.callflows.clicktocall_calls import BUTTON_TYPE, CLICKTOCALL_HISTORY, connect
from crossbar.storage import Entry

HISTORY_KEYS = ("timestamp", "contact", "result", "call_id", "cause")


def _call_row(document: Document) -> Document:
    known = {name: document[name] for name in HISTORY_KEYS if name in document}
    return {"id": document["_id"], **known}


async def list_calls(request: Request) -> Result:
    """The calls that the button has started, newest first, within a range of time."""
    entry = Entry("clicktocall", request.doc_id)
    return await list_records(request, CLICKTOCALL_HISTORY, _call_row, entry=entry)


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
    doc_type=BUTTON_TYPE,
    schema="clicktocall",
    summary=("name", "extension"),
    routes=(
        Route(
            path="{click2call_id}/history",
            action=Action.LIST,
            handler=list_calls,
            about="List calls that were started",
            answers=Answers(some(SOME_OBJECT), is_paged=True),
        ),
        _connecting(Action.FETCH),
        _connecting(Action.REPLACE),
    ),
)
