"""Messages of voicemail boxes: what is stored, and what changes it.

A client sends and is shown the metadata of a message; around them the stored document says which
box it is in (``source_id``) and what its audio is. The operations are in ``vm_routes``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from crossbar.clock import GREGORIAN_OFFSET, moment
from crossbar.core.attachments import ATTACHMENTS, UPLOAD, attach, copy_attachments, drop_all
from crossbar.core.change import Change, Note, event_of, put_of
from crossbar.core.ports import Command
from crossbar.core.preconditions import require_match, require_writable
from crossbar.core.ranges import LATEST, seconds_of, time_key
from crossbar.core.reading import load_document
from crossbar.core.requests import Actor, Request, Upload
from crossbar.core.shapes import Collection, Hooks, Index
from crossbar.core.shelving import moves_of
from crossbar.core.stamping import stamped
from crossbar.core.writing import in_turn, remove, save
from crossbar.documents import Document, lookup, new_id, private, public
from crossbar.errors import NoSuchDocument, ValidationFailed
from crossbar.families.voicemail.mails import write_about
from crossbar.storage import Batch, Entry, Key, Put, Span

MESSAGE_TYPE = "mailbox_message"
BOX_TYPE = "vmbox"
FOLDERS = ("new", "saved", "deleted")
ANONYMOUS = "0000000000"
"""Number and name of a caller who shows none."""

CALLFLOW_CONFIG = ("account_config", "configs_callflow")
"""Type and id of the document in which an account has settings of its own for callflows."""

RETENTION_MESSAGE = "the message is older than messages are kept"

BOX: Note[Document | None] = Note(None)
"""Note of a change: the box that a new message enters."""

T = TypeVar("T")


def message_key(actor: Actor, timestamp: object = None) -> Key:
    """A key for a new message: the month of its time, and 32 hex digits."""
    seconds = seconds_of(timestamp)
    if seconds is None or not GREGORIAN_OFFSET <= seconds <= LATEST:
        seconds = actor.services.clock.gregorian()
    month = f"{moment(seconds):%Y%m}"
    return Key(actor.account_id, MESSAGE_TYPE, f"{month}-{new_id()}")


async def check_timestamp(change: Change) -> None:
    """A message was left when there were telephones, and when dates can be written."""
    timestamp = change.value("timestamp")
    if not isinstance(timestamp, int | float):
        return
    if timestamp < GREGORIAN_OFFSET:
        message = f"Value must be at least {GREGORIAN_OFFSET}"
        change.refusals.add(
            "timestamp", "minimum", message, target=GREGORIAN_OFFSET, value=timestamp
        )
    elif timestamp > LATEST:
        message = f"Value must be at most {LATEST}"
        change.refusals.add("timestamp", "maximum", message, target=LATEST, value=timestamp)
    else:
        change.document["timestamp"] = int(timestamp)  # to a schema 5.0 is an integer, too


async def wrap(change: Change) -> None:
    """Put the metadata into the document that is stored: a new one, or the one it came from."""
    metadata, kept = public(change.document), private(change.document)
    box = BOX.found(change)
    if box is None:
        change.document = {**public(change.current or {}), "metadata": metadata, **kept}
    else:
        metadata = _completed(change, box, metadata)
        change.document = {**document_in(box, metadata), **kept}


def _completed(change: Change, box: Document, sent: Document) -> Document:
    """The metadata of a new message: what was sent of it, the rest made up."""
    realm = change.actor.require_account().realm
    number = sent.get("caller_id_number", ANONYMOUS)
    from_user, to_user = sent.get("from", number), sent.get("to", box["mailbox"])
    return {
        "media_id": change.key.doc_id,
        "call_id": sent.get("call_id") or new_id(),
        "caller_id_name": sent.get("caller_id_name", ANONYMOUS),
        "caller_id_number": number,
        "from": f"{from_user}@{realm}",
        "from_user": from_user,
        "from_realm": realm,
        "to": f"{to_user}@{realm}",
        "to_user": to_user,
        "to_realm": realm,
        "length": sent.get("length", 1),
        "timestamp": sent.get("timestamp", change.actor.services.clock.gregorian()),
        "folder": sent.get("folder", "new"),
    }


def document_in(box: Document, metadata: Document) -> Document:
    """The public part of a message's document in a box."""
    left = moment(metadata["timestamp"], box.get("timezone"))
    return {
        "name": f"mailbox {box['mailbox']} message {left:%m-%d-%Y %H:%M:%S}",
        "description": "voicemail message media",
        "source_type": "voicemail",
        "source_id": box["_id"],
        "media_source": "recording",
        "streamable": True,
        "utc_seconds": metadata["timestamp"],
        "metadata": metadata,
    }


async def tell_people(change: Change) -> None:
    """Those are written to whom a new message is for."""
    box = BOX.found(change)
    if box is not None:
        await write_about(change, box)


async def tell_switch(change: Change) -> None:
    """Lamps of telephones follow what is in the box."""
    box = (change.current or change.document)["source_id"]
    await update_lamps(change.actor, box)


async def update_lamps(actor: Actor, box_id: str) -> None:
    """Have the switch light the lamps of telephones as the box asks for it."""
    command = Command("vmboxes.update_mwi", actor.account_id, {"vmbox_id": box_id})
    await actor.services.switch.tell(command)


def _place(document: Document) -> str:
    return place_of(document["source_id"], document["metadata"]["folder"])


def place_of(box_id: str, folder: str) -> str:
    """What the messages in a folder of a box are found by."""
    return f"{box_id}/{folder}"


MESSAGES = Collection(
    noun="messages",
    doc_type=MESSAGE_TYPE,
    schema="vm_message_metadata",
    summary=(),
    actions=frozenset(),
    scopes=(),
    order=lambda document: time_key(document["metadata"]["timestamp"]),
    indexes=(
        Index(name="box", values=lambda document: (document["source_id"],)),
        Index(name="folder", values=lambda document: (_place(document),)),
    ),
    hooks=Hooks(
        check=(check_timestamp,),
        prepare=(wrap, attach, tell_people),
        deleting=(drop_all,),
        committed=(tell_switch,),
    ),
)
"""The entry of the documents; their operations are routes of the boxes."""


async def load_message(request: Request, message_id: str) -> Document:
    """The live message with this id, if it is in the box that the URL names."""
    stored = await load_document(request.actor, Key(request.account_id, MESSAGE_TYPE, message_id))
    if stored["source_id"] != request.doc_id:
        raise NoSuchDocument(message_id)
    return stored


async def retention_of(actor: Actor) -> int:
    """For how many seconds messages are kept, by the account's own settings or the server's."""
    config = await actor.services.store.get(Key(actor.account_id, *CALLFLOW_CONFIG))
    own = lookup(config or {}, ("voicemail", "message_retention_duration"))
    return seconds_of(own) or actor.services.settings.voicemail.retention


async def oldest_kept(actor: Actor) -> int:
    """The time, in Gregorian seconds, before which messages are no longer kept."""
    return actor.services.clock.gregorian() - await retention_of(actor)


async def require_kept(actor: Actor, stored: Document) -> None:
    """Raises 400 for a message that is older than messages are kept: it cannot change any more."""
    timestamp = stored["metadata"]["timestamp"]
    if timestamp < await oldest_kept(actor):
        raise ValidationFailed.of(stored["_id"], "date_range", RETENTION_MESSAGE, cause=timestamp)


def change_of(request: Request, stored: Document) -> Change:
    """A change of a stored message, so far without one."""
    return Change(
        actor=request.actor,
        request=request,
        family=MESSAGES,
        key=Key(request.account_id, MESSAGE_TYPE, stored["_id"]),
        document=dict(stored["metadata"]),
        current=stored,
    )


async def with_message(
    request: Request, message_id: str, write: Callable[[Document], Awaitable[T]]
) -> T:
    """Load a message of the box and change it; again when another write came between."""

    async def attempt() -> T:
        stored = await load_message(request, message_id)
        await require_kept(request.actor, stored)
        return await write(stored)

    key = Key(request.account_id, MESSAGE_TYPE, message_id)
    return await in_turn(request.actor, key, attempt, once=request.if_match is not None)


async def put_in_folder(request: Request, message_id: str, folder: str) -> Document:
    """Move a message to another folder of its box; the message."""

    async def write(stored: Document) -> Document:
        change = change_of(request, stored)
        change.document["folder"] = folder
        return await save(change, "changed")

    return await with_message(request, message_id, write)


async def replace_audio(request: Request, message_id: str, upload: Upload) -> Document:
    """Give a message other audio; the message."""

    async def write(stored: Document) -> Document:
        change = change_of(request, stored)
        UPLOAD.leave(change, upload)
        return await save(change, "changed")

    return await with_message(request, message_id, write)


async def discard(request: Request, message_id: str, *, is_soft: bool) -> Document:
    """Delete a message; the message as it was, in the folder of deleted ones."""

    async def write(stored: Document) -> Document:
        require_match(request, stored)
        stored["metadata"]["folder"] = "deleted"
        await remove(change_of(request, stored), is_soft=is_soft)
        return stored

    return await with_message(request, message_id, write)


async def move(request: Request, message_id: str, box: Document) -> Document:
    """Move a message to another box, where it is new and has an id of its own; the message there.

    The document that it leaves behind is marked as deleted in the same commit, so of two moves at
    once one fails, and names no audio, which goes along.
    """

    async def write(stored: Document) -> Document:
        change = change_of(request, stored)
        require_writable(change)
        put = arriving(request.actor, stored, box, stored.pop(ATTACHMENTS, None))
        change.more.append(put)
        change.events.append(event_of(request.actor, "created", put))
        await remove(change, is_soft=True)
        return put.document

    moved = await with_message(request, message_id, write)
    await update_lamps(request.actor, box["_id"])
    return moved


async def copy(request: Request, message_id: str, boxes: list[Document]) -> list[str]:
    """Copy a message to other boxes, to all or none; the ids of the copies."""

    async def write(stored: Document) -> list[str]:
        require_writable(change_of(request, stored))
        puts = [
            arriving(request.actor, stored, box, await copy_attachments(request.actor, stored))
            for box in boxes
        ]
        events = [event_of(request.actor, "created", put) for put in puts]
        moves = [
            move
            for put in puts
            for move in await moves_of(request.services, put.key, put.document)
        ]
        await request.services.commit(Batch(puts=[*puts, *moves], events=events))
        return [put.key.doc_id for put in puts]

    made = await with_message(request, message_id, write)
    for box in boxes:
        await update_lamps(request.actor, box["_id"])
    return made


def arriving(actor: Actor, stored: Document, box: Document, attachments: Any) -> Put:
    """The write that puts a message into another box, as a new one."""
    now = actor.services.clock.gregorian()
    key = message_key(actor, now)
    metadata = {
        **stored["metadata"],
        "media_id": key.doc_id,
        "folder": "new",
        "timestamp": now,
        "to": f"{box['mailbox']}@{actor.require_account().realm}",
        "to_user": box["mailbox"],
    }
    document = {
        **public(stored),
        **document_in(box, metadata),
        "history": [*stored.get("history", []), stored["source_id"]],
    }
    if attachments:
        document[ATTACHMENTS] = attachments
    return put_of(MESSAGES, key, stamped(actor, key, document), None)


async def boxes_of(actor: Actor, ids: list[Any]) -> tuple[list[Document], dict[str, str]]:
    """The boxes of the account with these ids, each once, and what is wrong with the others."""
    found: list[Document] = []
    failed: dict[str, str] = {}
    for box_id in dict.fromkeys(ids):
        try:
            found.append(await load_document(actor, Key(actor.account_id, BOX_TYPE, box_id)))
        except NoSuchDocument:
            failed[box_id] = "not_found"
    return found, failed


async def count_kept(actor: Actor, box_id: str, oldest: int) -> dict[str, int]:
    """How many new and how many saved messages since ``oldest`` a box has, by its index alone."""
    low = time_key(oldest)
    return {
        folder: await actor.services.store.count(folder_span(actor, box_id, folder, low))
        for folder in ("new", "saved")
    }


def folder_span(actor: Actor, box_id: str, folder: str, low: str | None = None) -> Span:
    """The messages in a folder of a box, from the time ``low`` on."""
    entry = Entry("folder", place_of(box_id, folder))
    return Span(account_id=actor.account_id, doc_type=MESSAGE_TYPE, entry=entry, low=low)


async def empty_box(change: Change) -> None:
    """The messages of the box are moved to the folder ``deleted``.

    A stage for the boxes' ``Hooks.deleting``.
    """
    actor, box_id = change.actor, change.key.doc_id
    for folder in ("new", "saved"):
        async for row in actor.services.store.scan(folder_span(actor, box_id, folder)):
            row.document["metadata"]["folder"] = "deleted"
            key = Key(actor.account_id, MESSAGE_TYPE, row.position.doc_id)
            change.also_put(MESSAGES, key, row.document)
