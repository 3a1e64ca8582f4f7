"""What can be done to messages of voicemail boxes (resources/vmboxes.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

from crossbar.core.answers import SOME_OBJECT, TEXT, Answers, an_object, some
from crossbar.core.attachments import UPLOAD, only_file
from crossbar.core.change import Change
from crossbar.core.ranges import list_in_range, time_key
from crossbar.core.recipes import load, parent_entry, require_parents, save, sent
from crossbar.core.requests import Action, Context, Result, Upload
from crossbar.core.shapes import Route
from crossbar.documents import Document, public
from crossbar.errors import (
    Conflict,
    CrossbarError,
    NoSuchDocument,
    UnsupportedMediaType,
    ValidationFailed,
)
from crossbar.families.voicemail.audio import AUDIO_TYPES, archive, play
from crossbar.families.voicemail.messages import (
    BOX,
    BOX_TYPE,
    FOLDERS,
    MESSAGE_TYPE,
    MESSAGES,
    RETENTION_MESSAGE,
    boxes_of,
    copy,
    discard,
    folder_span,
    load_message,
    message_key,
    move,
    oldest_kept,
    put_in_folder,
    replace_audio,
    retention_of,
)
from crossbar.storage import Entry, Span

SUMMARY = (
    "timestamp",
    "from",
    "to",
    "caller_id_number",
    "caller_id_name",
    "call_id",
    "folder",
    "length",
    "media_id",
)

REASONS: tuple[tuple[type[CrossbarError], str], ...] = (
    (NoSuchDocument, "not_found"),
    (ValidationFailed, "prior_to_retention_duration"),
    (Conflict, "conflict"),
)
"""Why a message of several was left as it is, in the words of the answer."""


def metadata_of(oldest: int, stored: Document) -> Document:
    """A message as it is shown: one from before ``oldest`` is no longer kept and looks deleted."""
    metadata: Document = stored["metadata"]
    if metadata["timestamp"] < oldest:
        metadata = {**metadata, "folder": "deleted", **_retention()}
    return metadata


def _retention() -> Document:
    return {"retention": "enforced", "retention_message": RETENTION_MESSAGE}


def _row(oldest: int, stored: Document) -> Document:
    metadata = metadata_of(oldest, stored)
    names = (*SUMMARY, *(_retention() if "retention" in metadata else ()))
    row = {name: metadata[name] for name in names if name in metadata}
    return {**row, "transcribed": "transcription" in metadata}


def _row_of_account(oldest: int, stored: Document) -> Document:
    return {stored["source_id"]: _row(oldest, stored)}


def _seen(oldest: int, stored: Document) -> Document:
    """What filters judge: the metadata, as it is shown, and where the message is."""
    own = {"_id": stored["_id"], "source_id": stored["source_id"]}
    return {**metadata_of(oldest, stored), **own}


async def list_messages(context: Context) -> Result:
    """The messages of a box, newest first."""
    await require_parents(context)
    entry = Entry("box", context.doc_id)
    return await _listed(context, _row, entry)


async def list_all(context: Context) -> Result:
    """The messages of all boxes of the account, or of a user's, each under the id of its box."""
    await require_parents(context)
    owner = parent_entry(context)
    if owner is None:
        return await _listed(context, _row_of_account)
    boxes = Span(account_id=context.account_id, doc_type=BOX_TYPE, entry=owner)
    own = {row.position.doc_id async for row in context.services.store.scan(boxes)}
    filters = (*context.query.filters, lambda seen: seen["source_id"] in own)
    narrowed = replace(context, query=replace(context.query, filters=filters))
    return await _listed(narrowed, _row_of_account)


async def _listed(
    context: Context, show: Callable[[int, Document], Document], entry: Entry | None = None
) -> Result:
    span = Span(account_id=context.account_id, doc_type=MESSAGE_TYPE, entry=entry)
    now, retention = context.services.clock.gregorian(), await retention_of(context)
    return await list_in_range(
        context,
        span,
        partial(show, now - retention),
        maximum=retention,
        seen=partial(_seen, now - retention),
    )


async def fetch_message(context: Context) -> Result:
    """The metadata of one message."""
    await require_parents(context)
    return await _answer(context, await load_message(context, context.params["message_id"]))


async def _answer(context: Context, stored: Document) -> Result:
    data = metadata_of(await oldest_kept(context), stored)
    return Result(data=data, revision=stored["_rev"])


def _whole(stored: Document) -> Document:
    return {**public(stored), "id": stored["_id"]}


def _audio(context: Context) -> Upload:
    """The one file of an upload, which must be audio."""
    file = only_file(context)
    if file.content_type not in AUDIO_TYPES:
        raise UnsupportedMediaType
    return file


async def create_message(context: Context) -> Result:
    """Leave a message, with or without audio."""
    await require_parents(context)
    box = await load(context)
    document = sent(context)
    change = Change(
        context=context,
        family=MESSAGES,
        key=message_key(context, document.get("timestamp")),
        document=document,
    )
    change.notes[BOX] = box
    if context.files:
        change.notes[UPLOAD] = _audio(context)
    stored = await save(change, "created")
    data = stored["metadata"] if context.files else _whole(stored)
    return Result(data=data, revision=stored["_rev"], created_id=stored["_id"])


async def upload_audio(context: Context) -> Result:
    """Give a message its audio, or other audio."""
    await require_parents(context)
    stored = await replace_audio(context, context.params["message_id"], _audio(context))
    return await _answer(context, stored)


async def change_message(context: Context) -> Result:
    """Move a message to another folder or box, or copy it to several boxes."""
    await require_parents(context)
    message_id, target = context.params["message_id"], _target(context)
    if target is None:
        stored = await put_in_folder(context, message_id, _folder(context))
        return await _answer(context, stored)
    boxes, failed = await boxes_of(context, target if isinstance(target, list) else [target])
    if isinstance(target, list):
        copies = await copy(context, message_id, boxes)
        return Result(data={"succeeded": copies, "failed": failed})
    if failed:
        raise NoSuchDocument(target)
    moved = await move(context, message_id, boxes[0])
    return Result(data=_whole(moved), revision=moved["_rev"])


async def delete_message(context: Context) -> Result:
    """Delete a message."""
    await require_parents(context)
    deleted = await discard(context, context.params["message_id"], is_soft=_is_soft(context))
    data = {**deleted["metadata"], "_read_only": {"deleted": True}}
    return Result(data=data, revision=deleted["_rev"])


async def change_messages(context: Context) -> Result:
    """Move or copy several messages, each for itself."""
    await require_parents(context)
    ids, target = _ids(context), _target(context)
    if target is None:
        folder = _folder(context)
        return await _each(ids, lambda one: _kept_id(put_in_folder(context, one, folder)))
    boxes, failed = await boxes_of(context, target if isinstance(target, list) else [target])
    if isinstance(target, list):
        return await _each(ids, lambda one: copy(context, one, boxes), failed)
    if failed:
        raise NoSuchDocument(target)
    return await _each(ids, lambda one: _kept_id(move(context, one, boxes[0])))


async def delete_messages(context: Context) -> Result:
    """Delete the messages that are named, or those of a folder, or all."""
    await require_parents(context)
    data = context.data if isinstance(context.data, dict) else {}
    ids = _ids(context) if "messages" in data else await _ids_in_folder(context)
    is_soft = _is_soft(context)
    return await _each(ids, lambda one: _kept_id(discard(context, one, is_soft=is_soft)))


async def _kept_id(writing: Awaitable[Document]) -> list[str]:
    return [(await writing)["_id"]]


async def _each(
    ids: list[str],
    write: Callable[[str], Awaitable[list[str]]],
    failed: dict[str, str] | None = None,
) -> Result:
    """Do the same to every message; what is refused for one does not keep the others from it."""
    succeeded: list[str] = []
    failed = dict(failed or {})
    for message_id in ids:
        try:
            succeeded += await write(message_id)
        except tuple(kind for kind, _ in REASONS) as refusal:
            failed[message_id] = next(
                reason for kind, reason in REASONS if isinstance(refusal, kind)
            )
    return Result(data={"succeeded": succeeded, "failed": failed})


async def download_several(context: Context) -> Result:
    """The audio of several messages, as a zip file."""
    await require_parents(context)
    found = [await load_message(context, message_id) for message_id in _ids(context)]
    return await archive(context, await load(context), found)


async def download_audio(context: Context) -> Result:
    """The audio of a message."""
    await require_parents(context)
    stored = await load_message(context, context.params["message_id"])
    return play(context, await load(context), stored)


def _ids(context: Context) -> list[str]:
    """The ids under ``messages``, each once. Raises 400 for none, and for what are no ids."""
    wanted = context.data.get("messages") if isinstance(context.data, dict) else None
    if wanted in (None, []):
        message = "Field is required but missing"
        raise ValidationFailed.of("messages", "required", message, value="messages")
    if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
        message = "Value did not match type(s): array of string"
        raise ValidationFailed.of("messages", "type", message, target="array", value=wanted)
    return list(dict.fromkeys(wanted))


async def _ids_in_folder(context: Context) -> list[str]:
    """The messages that are still kept: of the folder that is named, or of all."""
    wanted, low = context.parameter("folder"), time_key(await oldest_kept(context))
    folders = (wanted,) if wanted in FOLDERS else FOLDERS
    scan = context.services.store.scan
    return [
        row.position.doc_id
        for folder in folders
        async for row in scan(folder_span(context, context.doc_id, folder, low))
    ]


def _folder(context: Context) -> str:
    folder = context.parameter("folder")
    return folder if folder in FOLDERS else "saved"


def _is_soft(context: Context) -> bool:
    return not context.says_no("should_soft_delete")


def _target(context: Context) -> str | list[str] | None:
    """The box, or the boxes, under ``source_id``. Raises 400 for one that is empty or none."""
    if not isinstance(context.data, dict) or "source_id" not in context.data:
        return None
    target = context.data["source_id"]
    if not target:
        message = "Field is required but missing"
        raise ValidationFailed.of("source_id", "required", message, value="source_id")
    is_list = isinstance(target, list) and all(isinstance(one, str) for one in target)
    if not is_list and not isinstance(target, str):
        message = "Value did not match type(s): string, array"
        raise ValidationFailed.of(
            "source_id", "type", message, target="string, array", value=target
        )
    chosen: str | list[str] = target
    return chosen


def _at(path: str, action: Action, handler: Any, about: str, **more: Any) -> Route:
    return Route(path=path, action=action, handler=handler, about=about, **more)


LISTED = Answers(some(SOME_OBJECT), is_paged=True)
MESSAGE = Answers(SOME_OBJECT)
OUTCOME = Answers(an_object(succeeded=some(TEXT), failed=SOME_OBJECT))

SEVERAL = "{vmbox_id}/messages"
ONE = "{vmbox_id}/messages/{message_id}"

MESSAGE_ROUTES = (
    _at("messages", Action.LIST, list_all, "List the messages of all boxes", answers=LISTED),
    _at(SEVERAL, Action.LIST, list_messages, "List the messages of a box", answers=LISTED),
    _at(
        SEVERAL,
        Action.CREATE,
        create_message,
        "Leave a message",
        schema="vm_message_metadata",
        reads=AUDIO_TYPES,
        answers=MESSAGE,
    ),
    _at(
        SEVERAL, Action.REPLACE, change_messages, "Move or copy several messages", answers=OUTCOME
    ),
    _at(SEVERAL, Action.DELETE, delete_messages, "Delete several messages", answers=OUTCOME),
    _at(
        f"{SEVERAL}/raw",
        Action.REPLACE,
        download_several,
        "Download the audio of several messages",
        produces=("application/zip",),
    ),
    _at(ONE, Action.FETCH, fetch_message, "Read a message", answers=MESSAGE),
    _at(ONE, Action.REPLACE, change_message, "Move or copy a message", answers=MESSAGE),
    _at(ONE, Action.DELETE, delete_message, "Delete a message", answers=MESSAGE),
    _at(f"{ONE}/raw", Action.FETCH, download_audio, "Download the audio", produces=("*/*",)),
    _at(f"{ONE}/raw", Action.CREATE, upload_audio, "Upload the audio", reads=AUDIO_TYPES),
)
"""The operations, below the noun of the boxes."""
