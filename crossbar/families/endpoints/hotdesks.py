"""Hotdesks: who is logged in at which device.

Nothing is stored here: the users of a device are part of its document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from crossbar.core.answers import SOME_OBJECT, Answers, some
from crossbar.core.paging import decode_key, encode_key, page_of, page_size_of
from crossbar.core.presenting import chosen_by
from crossbar.core.reading import list_span, live_documents, revision_of_list
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Column, Nesting, Route, Routes, Scope
from crossbar.core.summaries import summarizer
from crossbar.documents import Document
from crossbar.families.endpoints.devices import hotdesking
from crossbar.families.endpoints.users import SHOWN, features, smartpbx_features
from crossbar.storage import Entry, Key, Position, Span

FEATURES = (
    "call_forward",
    "call_forward_failover",
    "caller_id",
    "hotdesk",
    "music_on_hold",
    "vm_to_email",
)
"""The features that are named here; lists of users know more."""


def _features(user: Document) -> list[str]:
    named = {*FEATURES, *smartpbx_features(user)}
    return [name for name in features(user) if name in named]


_user_row = summarizer((Column("features", _features), *SHOWN))


async def _chosen(
    request: Request, doc_type: str, show: Callable[[Document], Any]
) -> Callable[[Document], bool]:
    """Whether a document passes the filters of the request."""
    filters = (*request.query.filters, *request.query.bounds)
    return await chosen_by(request, filters, doc_type, show)


def _device_row(device: Document) -> Document:
    return {"device_id": device["_id"], "device_name": device.get("name")}


async def list_all(request: Request) -> Result:
    """A row for each user at each device of the account, by user."""
    span = Span(account_id=request.account_id, doc_type="device")
    is_wanted = await _chosen(request, "device", _device_row)
    found = [
        (Position(user_id, row.position.doc_id), _device_row(row.document))
        async for row in request.services.store.scan(span)
        if is_wanted(row.document)
        for user_id in hotdesking(row.document)
    ]
    return paged(request, found)


async def list_of_user(request: Request) -> Result:
    """The devices where the user is logged in."""
    entry = Entry("hotdesk", request.ids["user_id"])
    span = Span(account_id=request.account_id, doc_type="device", entry=entry)
    return await list_span(request, span, _device_row)


async def list_of_device(request: Request) -> Result:
    """The users who are logged in at the device."""
    key = Key(request.account_id, "device", request.ids["device_id"])
    device = await request.services.store.get(key) or {}
    users = await live_documents(request.actor, hotdesking(device), "user")
    is_wanted = await _chosen(request, "user", _user_row)
    found = [
        (Position(user_id, user_id), _user_row(user))
        for user_id, user in users.items()
        if is_wanted(user)
    ]
    return paged(request, found)


def paged(request: Request, found: Iterable[tuple[Position, Any]]) -> Result:
    """A page of rows that are all at hand, in the order of their positions."""
    query = request.query
    size = page_size_of(query, request.services.settings.lists.page_size)
    page = page_of(query)
    rows = sorted(found, key=lambda row: row[0], reverse=not query.ascending)
    if page.start_key:
        start = decode_key(page.start_key, descending=not query.ascending)
        rows = [row for row in rows if row[0] == start or (row[0] > start) is query.ascending]
    if size is not None and len(rows) > size:
        page.next_start_key = encode_key(rows[size][0])
        rows = rows[:size]
    page.size = len(rows)
    data = [row for _, row in rows]
    revision = revision_of_list(data, page.next_start_key)
    return Result(data=data, page=page if query.paginate else None, revision=revision)


def _listing(handler: Any, about: str) -> tuple[Route, ...]:
    answers = Answers(some(SOME_OBJECT), is_paged=True)
    return (Route(path="", action=Action.LIST, handler=handler, about=about, answers=answers),)


HOTDESKS = Routes(
    noun="hotdesks",
    routes=_listing(list_all, "List who is logged in where"),
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
)
HOTDESKS_OF_USER = Routes(
    noun="hotdesks",
    routes=_listing(list_of_user, "List devices where the user is logged in"),
    scopes=(),
    nested=(Nesting(noun="users", doc_type="user"),),
    access=Access.ACCOUNT,
)
HOTDESKS_OF_DEVICE = Routes(
    noun="hotdesks",
    routes=_listing(list_of_device, "List users who are logged in at the device"),
    scopes=(),
    nested=(Nesting(noun="devices", doc_type="device"),),
    access=Access.ACCOUNT,
)
