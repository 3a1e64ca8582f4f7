"""Search: documents of a type by the beginning of a name or a number.

Texts are compared by their letters and digits alone, whatever their case. Every document of the
type is looked at, and no more of them are kept than a page has rows.
"""

from __future__ import annotations

import asyncio
import heapq
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

from crossbar.core.access import require_access, require_unrestricted
from crossbar.core.answers import SOME_OBJECT, TEXT, Answers, rows
from crossbar.core.directory import ACCOUNT_TYPE
from crossbar.core.paging import decode_key, encode_key, page_of, page_size_of
from crossbar.core.reading import revision_of_long_list
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Collection, Routes, Scope, route
from crossbar.documents import Document, texts_at
from crossbar.errors import Forbidden, NoSuchPath, TooMuchToHold, ValidationFailed
from crossbar.storage import SYSTEM, Entry, Position, Span

USUAL_TYPES = ("account", "user", "callflow", "device")
"""What is suggested to who names no type; any other is as good."""

AT_A_TIME = 200
"""Documents that are looked at before anybody else is answered."""

_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]")

Found = tuple[str, Document]
"""A text that can be looked for, and the row that it leads to."""

View = Callable[[Document], Iterable[Found]]
"""What of a document can be looked for. A row comes once, whichever of its texts fit."""


def plain(text: Any) -> str:
    """A text as it is compared: lower-case letters and digits only."""
    return _NOT_ALPHANUMERIC.sub("", text.lower()) if isinstance(text, str) else ""


def _name_row(document: Document) -> Document:
    names = [document.get(part) for part in ("first_name", "last_name")]
    texts = [name for name in names if isinstance(name, str) and name]
    own = document.get("name")
    name = " ".join(texts) or (own if isinstance(own, str) and own else document["_id"])
    row = {"id": document["_id"], "name": name}
    if texts:
        row |= {"first_name": plain(names[0]), "last_name": plain(names[1])}
    return row


def _by_name(document: Document) -> Iterable[Found]:
    """A person is found by either name, and by both."""
    row = _name_row(document)
    texts = [plain(row["name"]), row.get("first_name", ""), row.get("last_name", "")]
    return ((text, row) for text in dict.fromkeys(filter(None, texts)))


def _by_number(document: Document) -> Iterable[Found]:
    numbers = texts_at(document, "numbers")
    facts = {"id": document["_id"], "name": _name_row(document)["name"], "numbers": numbers}
    return ((plain(number), {**facts}) for number in numbers)


def _by_name_and_number(document: Document) -> Iterable[Found]:
    found = [*_by_name(document)]
    for _, row in found[:1]:  # the same row for every name
        if numbers := texts_at(document, "numbers"):
            row["numbers"] = numbers
    return [*found, *_by_number(document)]


def _account_view(field: str) -> View:
    def view(document: Document) -> Iterable[Found]:
        text = document["_id"] if field == "id" else document.get(field)
        row = {name: document.get(name, "") for name in ("name", "realm")}
        yield plain(text), {"id": document["_id"], **row}

    return view


OF_ACCOUNTS: Mapping[str, View] = {each: _account_view(each) for each in ("id", "name", "realm")}
OF_OTHERS: Mapping[str, View] = {
    "name": _by_name,
    "number": _by_number,
    "name_and_number": _by_name_and_number,
}


def _refusal(field: str, rule: str, message: str, **detail: Any) -> ValidationFailed:
    return ValidationFailed.of(field, rule, message, **detail)


def _type_of(request: Request) -> str:
    wanted = request.control("t")
    if not isinstance(wanted, str) or not wanted:
        message = "Search needs a document type to search on"
        raise _refusal("t", "required", message, target=[*USUAL_TYPES])
    return wanted


def _views_of(doc_type: str) -> Mapping[str, View]:
    return OF_ACCOUNTS if doc_type == ACCOUNT_TYPE else OF_OTHERS


def _view(doc_type: str, field: Any) -> View:
    """The view of a field. Raises 400 for one that there is not."""
    views = _views_of(doc_type)
    if not isinstance(field, str) or not field:
        message = "Search needs a view to search in"
        raise _refusal("q", "required", message, target=[*views])
    if field not in views:
        raise _refusal("q", "enum", "Value not found in enumerated list", cause=field)
    return views[field]


def _value(value: Any) -> str:
    """What the texts begin with; nothing in particular for ``true``, which is a bare ``v``."""
    if value is None:
        raise _refusal("v", "required", "Search needs a value to search for")
    return "" if value is True else plain(str(value))


async def _documents(request: Request, doc_type: str) -> AsyncIterator[Document]:
    """Those that the caller may list. Raises :class:`Forbidden` for a type of which it may not."""
    caller = request.require_caller()
    if doc_type == ACCOUNT_TYPE:
        entry = Entry("ancestor", caller.account_id)
        span = Span(account_id=SYSTEM, doc_type=ACCOUNT_TYPE, entry=entry)
    else:
        account_id = request.account.account_id if request.account else caller.account_id
        family = _family(request, doc_type)
        if family is None:
            return
        await _require_list(request, account_id, family.noun)
        span = Span(account_id=account_id, doc_type=doc_type)
    looked_at = 0
    async for row in request.services.store.scan(span):
        yield row.document
        looked_at += 1
        if looked_at % AT_A_TIME == 0:
            await asyncio.sleep(0)  # others have their turn


def _family(request: Request, doc_type: str) -> Collection | None:
    try:
        return request.services.registry.collection(doc_type)
    except LookupError:
        return None


async def _require_list(request: Request, account_id: str, noun: str) -> None:
    """Refuse to search in what the caller may not list."""
    services, path = request.services, ("accounts", account_id, noun)
    account = await services.accounts.get(account_id)
    try:
        operations, params = services.registry.match(path)
    except NoSuchPath:
        raise Forbidden from None
    operation = operations.get(Action.LIST) or operations.get(Action.FETCH)
    if operation is None:
        raise Forbidden
    require_access(operation, request.caller, account, params)
    await require_unrestricted(services.accounts, operation, request.caller, account, path)


Ranked = tuple[Position, Document]


async def _matches(
    request: Request, doc_type: str, view: View, value: str
) -> AsyncIterator[Ranked]:
    """The rows whose text begins with the value, in no order."""
    async for document in _documents(request, doc_type):
        last = None
        for text, row in view(document):
            if text.startswith(value) and row is not last:
                yield Position(text, document["_id"]), row
                last = row


async def search(request: Request) -> Result:
    """A page of what begins with the value, in the order of its texts."""
    doc_type = _type_of(request)
    view = _view(doc_type, request.control("q"))
    value = _value(request.control("v"))
    size = page_size_of(request.query, request.services.settings.lists.page_size)
    page, ascending = page_of(request.query), request.query.ascending
    start = decode_key(page.start_key, descending=not ascending) if page.start_key else None
    rows_found = [
        ranked
        async for ranked in _best(
            _matches(request, doc_type, view, value), start, size, ascending=ascending
        )
    ]
    if size is not None and len(rows_found) > size:
        page.next_start_key = encode_key(rows_found.pop()[0])
    data = await _counted(request, doc_type, [row for _, row in rows_found])
    page.size = len(data)
    paged = page if request.query.paginate else None
    revision = await revision_of_long_list([*data, page.next_start_key])
    return Result(data=data, page=paged, revision=revision)


async def _best(
    found: AsyncIterator[Ranked], start: Position | None, size: int | None, *, ascending: bool
) -> AsyncIterator[Ranked]:
    """The first rows from ``start`` on, in order: one more than a page has, to know what is next.

    What is kept meanwhile is no more than twice that.
    """
    keep: list[Ranked] = []
    choose = heapq.nsmallest if ascending else heapq.nlargest
    async for ranked in found:
        position = ranked[0]
        if start is not None and (position < start if ascending else position > start):
            continue
        keep.append(ranked)
        if size is not None and len(keep) > 2 * (size + 1):
            keep = choose(size + 1, keep, key=_position)
    if size is None:
        async for ranked in _sorted(keep, ascending=ascending):
            yield ranked
        return
    for ranked in choose(size + 1, keep, key=_position):
        yield ranked


async def _sorted(found: list[Ranked], *, ascending: bool) -> AsyncIterator[Ranked]:
    """All of them in order; there may be so many that others have their turn meanwhile."""
    runs = []
    for start in range(0, len(found), AT_A_TIME):
        run = found[start : start + AT_A_TIME]
        runs.append(sorted(run, key=_position, reverse=not ascending))
        await asyncio.sleep(0)
    merged = heapq.merge(*runs, key=_position, reverse=not ascending)
    for number, ranked in enumerate(merged):
        yield ranked
        if number % AT_A_TIME == 0:
            await asyncio.sleep(0)


def _position(ranked: Ranked) -> Position:
    return ranked[0]


async def _counted(request: Request, doc_type: str, found: list[Document]) -> list[Document]:
    """Rows of accounts say how many accounts are below them."""
    limit = request.services.settings.lists.memory_limit
    if limit and len(found) > limit:
        raise TooMuchToHold(limit=limit)
    if doc_type != ACCOUNT_TYPE:
        return found
    ids = [row["id"] for row in found]
    counts = await request.services.store.tally(SYSTEM, ACCOUNT_TYPE, "ancestor", ids)
    return [{**row, "descendants_count": counts.get(row["id"], 0)} for row in found]


async def search_several(request: Request) -> Result:
    """By field: what begins with the value that is given for it. There are no pages."""
    doc_type = _type_of(request)
    views = _views_of(doc_type)
    wanted = {
        name.removeprefix("by_"): value
        for name, value in _controls(request).items()
        if name.startswith("by_")
    }
    if not wanted:
        message = "Search needs at least one field to search in"
        raise _refusal("multi", "enum", message, target=[*views])
    looked_for = {
        field: (_view(doc_type, field), _value(value)) for field, value in wanted.items()
    }
    data = {}
    for field, (view, value) in looked_for.items():
        found = _matches(request, doc_type, view, value)
        ordered = [
            row async for _, row in _best(found, None, None, ascending=request.query.ascending)
        ]
        data[field] = await _counted(request, doc_type, ordered)
    content = [each for field, found in data.items() for each in (field, *found)]
    return Result(data=data, revision=await revision_of_long_list(content))


def _controls(request: Request) -> dict[str, Any]:
    sent = request.data if isinstance(request.data, dict) else {}
    return {**request.controls, **sent}


ROUTES = (
    route("", Action.LIST, search, "Search by one field", Answers(rows(id=TEXT), is_paged=True)),
    route("multi", Action.LIST, search_several, "Search by several fields", Answers(SOME_OBJECT)),
)

SEARCH = Routes(noun="search", scopes=(Scope.ACCOUNT,), access=Access.ACCOUNT, routes=ROUTES)
SEARCH_OF_SYSTEM = Routes(noun="search", routes=ROUTES)
