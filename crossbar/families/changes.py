"""What changes in an account, in order, from any number of the event log on: to follow it.

Each page, and each event of a stream, says up to which number it tells everything. Who comes back
with that number misses nothing, whichever server answers; or is told that the log does not reach
back so far any more.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import orjson

from crossbar.core.answers import COUNT, TEXT, YES_OR_NO, Answers, an_object, maybe, some
from crossbar.core.feed import Ended, Follower, Late, account_of_event
from crossbar.core.paging import page_size_of
from crossbar.core.requests import EVENT_STREAM, Action, Request, Result, Stream
from crossbar.core.shapes import Access, Route, Routes, Scope
from crossbar.core.sight import Place, read_at
from crossbar.documents import Document
from crossbar.errors import Gone, ValidationFailed
from crossbar.storage import Key, Numbered
from crossbar.values import valueclass

NOW = "now"

LONGEST = 500
"""Changes that a page has at most."""

LOOKED_AT = 5000
"""Events of all accounts that are looked through for a page at most."""

PORTION = 500
"""Events that are read at a time."""

HEARTBEAT = 15.0
"""Seconds of silence after which a stream says that it is still there, and how far it has got."""

RETRY = 2000
"""Milliseconds after which a browser is to connect again."""

CHANGE = maybe(
    an_object(seq=COUNT, action=TEXT, type=TEXT, id=TEXT, revision=TEXT, timestamp=COUNT),
    name=TEXT,
    path=TEXT,
    document={},
)

PAGE = Answers(an_object(changes=some(CHANGE), last_seq=COUNT, has_more=YES_OR_NO))


@valueclass
class Told:
    """Changes with their numbers, and the number up to which these are all."""

    changes: list[Document]
    last: int
    has_more: bool


async def list_changes(request: Request) -> Result:
    """What has changed since the number ``since``, the oldest first; where the log ends without.

    With ``include_docs`` each change has its document, as a ``GET`` would show it now: ``null``
    where it is gone. To who would rather have ``text/event-stream`` the same is told as it
    happens.
    """
    since = await _since(request)
    size = min(page_size_of(request.query, PORTION) or LONGEST, LONGEST)
    told = await _told(request, since, size)
    if request.prefers(EVENT_STREAM):
        return Result(
            stream=Stream(content_type=EVENT_STREAM, chunks=_Stream(request, since).chunks())
        )
    data = {"changes": told.changes, "last_seq": told.last, "has_more": told.has_more}
    return Result(data=data)


async def _since(request: Request) -> int:
    """Where the client has got to; the end of the log for one that says nothing of it."""
    since = request.control("last_event_id") or request.control("since", NOW)
    if since == NOW:
        return await request.services.store.last_event()
    text = str(since)
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        message = "a number that an answer has told, or now"
        raise ValidationFailed.of("since", "invalid", message, value=text)
    return int(text)


async def _told(request: Request, since: int, size: int) -> Told:
    """A page of changes. Raises :class:`Gone` when some are forgotten."""
    store, last = request.services.store, since
    changes: list[Document] = []
    for _ in range(LOOKED_AT // PORTION):
        found = await store.events(last, PORTION)
        if not found:
            await _require_known(request, last)
            return Told(changes=changes, last=last, has_more=False)
        if found[0].number != last + 1:
            raise await _gone(request, last)
        for numbered in found:
            last = numbered.number
            changes += await _changes_of(request, numbered)
            if len(changes) >= size:
                return Told(changes=changes, last=last, has_more=True)
    return Told(changes=changes, last=last, has_more=True)


async def _require_known(request: Request, since: int) -> None:
    """Refuse a number that was not given out yet: it is of another log."""
    if since > await request.services.store.last_event():
        raise await _gone(request, since)


async def _gone(request: Request, since: int) -> Gone:
    last = await request.services.store.last_event()
    why = (
        "no change has such a high number: it is of another log, or mistyped"
        if since > last
        else "changes since then are forgotten"
    )
    return Gone(
        f"{why}: read the account anew, then follow from last_seq",
        code="changes_forgotten",
        since=since,
        last_seq=last,
    )


async def _changes_of(request: Request, numbered: Numbered) -> list[Document]:
    """The event as the caller is told of it; nothing of what is none of its business."""
    event, account = numbered.event, request.require_account()
    if account_of_event(event) != account.account_id:
        return []
    services, caller = request.services, request.require_caller()
    places = await services.sight.places(caller, account, event)
    if not places:
        return []
    change = _change(numbered, places[0])
    if request.says_yes("include_docs"):
        # A number that is somebody else's by now is gone, though who is above both can read it.
        is_gone = event.action == "deleted"
        change["document"] = None if is_gone else await _document(request, event.key, places)
    return [change]


def _change(numbered: Numbered, place: Place) -> Document:
    event = numbered.event
    change = {
        "seq": numbered.number,
        "action": event.action,
        "type": event.key.doc_type,
        "id": event.key.doc_id,
        "revision": event.revision,
        "timestamp": event.at,
    }
    if "name" in event.summary:
        change["name"] = event.summary["name"]
    if all(place.path):
        change["path"] = "/".join(place.path)
    return change


async def _document(request: Request, key: Key, places: list[Place]) -> Any:
    for place in places:
        if (document := await read_at(request, key, place)) is not None:
            return document
    return None


class _Stream:
    """Changes as they happen, as Server-Sent Events. ``_since`` is what was told up to."""

    def __init__(self, request: Request, since: int) -> None:
        self._request = request
        self._since = since

    async def chunks(self) -> AsyncGenerator[bytes]:
        """What is sent; ends when the server does, or with an event that says why."""
        yield f"retry: {RETRY}\n\n".encode()
        feed, account = self._request.services.feed, self._request.require_account()
        async with feed.following(account.account_id) as follower:
            try:
                while True:
                    async for chunk in self._from_log():
                        yield chunk
                    async for chunk in self._from(follower):
                        yield chunk
            except Gone as gone:
                yield b"event: gone\ndata: " + orjson.dumps(gone.data) + b"\n\n"
            except Ended:
                pass

    async def _from_log(self) -> AsyncIterator[bytes]:
        """What the log has to its end."""
        has_more = True
        while has_more:
            told = await _told(self._request, self._since, LONGEST)
            for change in told.changes:
                yield _as_event(change)
            self._since, has_more = told.last, told.has_more
            yield self._mark()

    async def _from(self, follower: Follower) -> AsyncIterator[bytes]:
        """What happens, until some of it is missed."""
        feed = self._request.services.feed
        while True:
            try:
                taken = await follower.next(HEARTBEAT)
            except Late:
                return
            upto = feed.position  # what was not taken up to there is of other accounts
            for numbered in taken:
                if numbered.number > self._since:
                    for change in await _changes_of(self._request, numbered):
                        yield _as_event(change)
                    self._since = numbered.number
            if upto > self._since or not taken:
                self._since = max(self._since, upto)
                yield self._mark()

    def _mark(self) -> bytes:
        """Says that everything was told up to there; a browser remembers it and shows nothing."""
        return f": up to date\nid: {self._since}\n\n".encode()


def _as_event(change: Document) -> bytes:
    text = orjson.dumps(change)
    return b"id: %d\nevent: change\ndata: %s\n\n" % (change["seq"], text)


CHANGES = Routes(
    noun="changes",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        Route(
            path="",
            action=Action.LIST,
            handler=list_changes,
            about="List what has changed in an account, or follow it as it changes",
            produces=(EVENT_STREAM,),
            answers=PAGE,
        ),
    ),
)
