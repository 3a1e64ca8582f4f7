"""Many resources in one request: all of them are written, or none is."""

from __future__ import annotations

import asyncio
from typing import Any

from crossbar.core.answers import ANYTHING
from crossbar.core.change import Change
from crossbar.core.presenting import row_maker
from crossbar.core.recipes import DOCUMENT_ID
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Route
from crossbar.core.stamping import fresh_id
from crossbar.core.writing import Work, perform
from crossbar.documents import Document, merge, public
from crossbar.errors import ValidationFailed
from crossbar.storage import Key

AT_MOST = 500
"""Resources in one request: they are written in one commit."""

AT_ONCE = 10
"""Resources that are judged before others get their turn."""

UNKNOWN = "resource does not exist"


async def create_many(request: Request) -> Result:
    """Create every resource that was sent."""
    return await _write(request, _created)


async def change_many(request: Request) -> Result:
    """Merge what was sent into the resources that are named."""
    return await _write(request, _changed)


async def _write(request: Request, propose: Any) -> Result:
    items = _items(request)

    async def build(work: Work) -> tuple[dict[str, Any], list[Document]]:
        errors: dict[str, Any] = {}
        written = []
        for at, item in enumerate(items):
            if at % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            name = item.get("id")
            label = name if isinstance(name, str) and name else str(at)
            change = await propose(request, item)
            if change is None:
                errors[label] = UNKNOWN
                continue
            try:
                written.append(await work.save(change))
            except ValidationFailed as failed:
                errors[label] = failed.data
        if errors:
            raise _Faulty(errors)
        return errors, written

    turn = Key(request.account_id, request.operation.doc_type, "collection")
    try:
        _, written = await perform(request.actor, turn, build, request)
    except _Faulty as faulty:
        return Result(data={"errors": faulty.errors})
    row = await row_maker(request)
    return Result(data=[row(document) for document in written])


class _Faulty(Exception):
    """Some of the resources cannot be written, so none is."""

    def __init__(self, errors: dict[str, Any]) -> None:
        super().__init__()
        self.errors = errors


def _items(request: Request) -> list[Document]:
    """What was sent for each resource; an id names one resource only once."""
    items = request.data
    if not isinstance(items, list):
        message = "Value did not match type(s): array"
        raise ValidationFailed.of("data", "type", message, target="array")
    if len(items) > AT_MOST:
        message = f"At most {AT_MOST} resources can be sent at once"
        raise ValidationFailed.of("data", "maxItems", message, target=AT_MOST)
    seen: set[Any] = set()
    for at, item in enumerate(items):
        if not isinstance(item, dict):
            message = "Value did not match type(s): object"
            raise ValidationFailed.of(f"data.{at}", "type", message, target="object")
        name = item.get("id")
        if isinstance(name, str) and name in seen:
            message = "The same resource is sent twice"
            raise ValidationFailed.of(f"data.{at}.id", "uniqueItems", message, cause=name)
        seen.add(name if isinstance(name, str) else None)
    return items


async def _created(request: Request, item: Document) -> Change:
    wanted = item.get("id")
    chosen = isinstance(wanted, str) and DOCUMENT_ID.fullmatch(wanted)
    doc_id = str(wanted) if chosen else fresh_id(request.services.clock)
    return _change(request, doc_id, _fields(item), None)


async def _changed(request: Request, item: Document) -> Change | None:
    doc_id = item.get("id")
    if not isinstance(doc_id, str):
        return None
    key = Key(request.account_id, request.operation.doc_type, doc_id)
    current = await request.services.store.get(key)
    if current is None or current.get("pvt_deleted"):
        return None
    return _change(request, doc_id, merge(public(current), _fields(item)), current)


def _fields(item: Document) -> Document:
    fields = public(item)
    fields.pop("id", None)
    return fields


def _change(request: Request, doc_id: str, document: Document, current: Document | None) -> Change:
    family = request.operation.collection
    key = Key(request.account_id, family.doc_type, doc_id)
    return Change(
        actor=request.actor,
        request=request,
        family=family,
        key=key,
        document=document,
        current=current,
    )


COLLECTION_ROUTES = (
    Route(
        path="collection",
        action=Action.CREATE,
        handler=create_many,
        about="Create many resources",
        answers=ANYTHING,
    ),
    Route(
        path="collection",
        action=Action.REPLACE,
        handler=change_many,
        about="Merge changes into many resources",
        answers=ANYTHING,
    ),
)
