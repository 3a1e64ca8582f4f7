"""Recordings of calls: what is known of each, and its audio."""

from __future__ import annotations

from typing import Any

from crossbar.core.answers import ROW, Answers, some
from crossbar.core.attachments import ATTACHMENTS, attachment_ids, download
from crossbar.core.change import event_of
from crossbar.core.journals import list_records, load_record, record_put
from crossbar.core.preconditions import require_match
from crossbar.core.reading import require_parents
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Journal, Nesting, Route, Routes, field_index, route
from crossbar.core.stamping import stamped
from crossbar.core.writing import persistently
from crossbar.documents import Document, merge, public
from crossbar.errors import ValidationFailed
from crossbar.families.calls.records import RETENTION
from crossbar.storage import Batch, Entry, Event, Key, Remove

AUDIO_TYPES = ("audio/mpeg", "audio/mp3", "audio/wav", "audio/x-wav", "audio/ogg")
WRITABLE = "user_metadata"
"""What of a recording clients may change."""


def shown(stored: Document) -> Document:
    """A recording as lists and answers show it."""
    facts: dict[str, Any] = stored.get(ATTACHMENTS, {})
    types = sorted({each["content_type"] for each in facts.values()})
    return {**public(stored), "id": stored["_id"], "_read_only": {"content_types": types}}


async def list_recordings(request: Request) -> Result:
    """The recordings in a range of time, the newest first; below a user, that user's."""
    await require_parents(request)
    owner = request.ids.get("user_id")
    entry = Entry("owner_id", owner) if owner else None
    return await list_records(request, RECORDINGS, shown, entry=entry)


async def _load(request: Request) -> Document:
    return await load_record(request.actor, RECORDINGS, request.ids["call_recording_id"])


async def fetch(request: Request) -> Result:
    """What is known of a recording; to who would rather have audio, its audio."""
    stored = await _load(request)
    if request.prefers(*AUDIO_TYPES):
        audio = download(request.actor, stored)
        return Result(download=audio, revision=stored["_rev"])
    return Result(data=shown(stored), revision=stored["_rev"])


async def note(request: Request) -> Result:
    """Merge what the client has to say of a recording; the rest is not the client's to change."""
    sent: Document = request.data if isinstance(request.data, dict) else {}
    foreign = [name for name in public(sent) if name not in (WRITABLE, "id")]
    if foreign:
        raise ValidationFailed(
            {name: {"forbidden": {"message": "Read-only property"}} for name in foreign}
        )
    said = sent.get(WRITABLE)
    if said is not None and not isinstance(said, dict):
        message = "Value did not match type(s): object"
        raise ValidationFailed.of(WRITABLE, "type", message, target="object")

    async def attempt() -> Document:
        stored = await _load(request)
        require_match(request, stored)
        if WRITABLE not in sent:
            return stored
        changed = merge(stored, {WRITABLE: said})
        key = Key(request.account_id, RECORDINGS.doc_type, stored["_id"])
        put = record_put(RECORDINGS, key, stamped(request.actor, key, changed), stored["_rev"])
        event = event_of(request.actor, "changed", put)
        await request.services.commit(Batch(records=(put,), events=(event,)))
        return put.document

    stored = await persistently(attempt)
    return Result(data=shown(stored), revision=stored["_rev"])


async def delete(request: Request) -> Result:
    """Remove a recording with its audio, for good."""

    async def attempt() -> Document:
        stored = await _load(request)
        require_match(request, stored)
        key = Key(request.account_id, RECORDINGS.doc_type, stored["_id"])
        now = request.services.clock.gregorian()
        await request.services.commit(
            Batch(
                records=(Remove(key, stored["_rev"]),),
                drop_attachments=[(key.account_id, name) for name in attachment_ids(stored)],
                events=(Event("deleted", key, stored["_rev"], now, {}),),
            )
        )
        return stored

    stored = await persistently(attempt)
    answered = shown(stored)
    answered["_read_only"] = {**answered["_read_only"], "deleted": True}
    return Result(data=answered, revision=stored["_rev"])


def _on_one(action: Action, handler: Any, about: str, **more: Any) -> Route:
    return Route(
        path="{call_recording_id}",
        action=action,
        handler=handler,
        about=about,
        loads=False,
        answers=Answers(ROW),
        **more,
    )


LIST = route(
    "", Action.LIST, list_recordings, "List recordings", Answers(some(ROW), is_paged=True)
)

RECORDINGS = Journal(
    noun="recordings",
    doc_type="call_recording",
    schema="call_recordings",
    time="start",
    retention=RETENTION,
    indexes=(field_index("owner_id"),),
    actions=frozenset(),
    routes=(
        LIST,
        _on_one(
            Action.FETCH,
            fetch,
            "Read a recording, or its audio with an audio Accept header",
            produces=AUDIO_TYPES,
        ),
        _on_one(Action.PATCH, note, "Merge changes into the user_metadata of a recording"),
        _on_one(Action.DELETE, delete, "Delete a recording"),
    ),
)

RECORDINGS_OF_USER = Routes(
    noun="recordings",
    scopes=(),
    nested=(Nesting(noun="users", doc_type="user"),),
    access=Access.ACCOUNT,
    routes=(LIST,),
)
