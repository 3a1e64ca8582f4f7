"""Parked calls: the slots of the account's parking lot.

Switches tell when a call is parked, in events; here slots are only read.
"""

from __future__ import annotations

from typing import Any

from crossbar.core.answers import SOME_OBJECT, Answers, an_object
from crossbar.core.reading import list_span
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Route, Routes, Scope
from crossbar.documents import Document
from crossbar.storage import Span

DOC_TYPE = "parked_call"
ID_PREFIX = "parking-slot-"


def parking_slot(number: str) -> str:
    """The id of a slot's document."""
    return f"{ID_PREFIX}{number}"


def slot_of(document: Document) -> Document:
    """One slot under its number, its keys in the API's spelling."""
    slot: Any = document.get("slot")
    facts = slot.items() if isinstance(slot, dict) else ()
    shown = {name.lower().replace("-", "_"): value for name, value in facts}
    return {document["_id"].removeprefix(ID_PREFIX): shown}


async def fetch(request: Request) -> Result:
    """A page of slots as one object."""
    span = Span(account_id=request.account_id, doc_type=DOC_TYPE)
    listed = await list_span(request, span, slot_of)
    slots = listed.data or []
    if listed.portions is not None:
        slots = [slot async for some in listed.portions for slot in some]
    merged = {number: facts for slot in slots for number, facts in slot.items()}
    return Result(data={"slots": merged}, page=listed.page, revision=listed.revision)


PARKED_CALLS = Routes(
    noun="parked_calls",
    routes=(
        Route(
            path="",
            action=Action.LIST,
            handler=fetch,
            about="List parked calls",
            answers=Answers(an_object(slots=SOME_OBJECT), is_paged=True),
        ),
    ),
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
)
