"""What can be done to messages of voicemail boxes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

from crossbar.core.answers import SOME_OBJECT, TEXT, Answers, an_object, some
from crossbar.core.attachments import UPLOAD, only_file
from crossbar.core.change import Change
from crossbar.core.ranges import list_in_range, time_key
from crossbar.core.reading import load, parent_entry, require_parents
from crossbar.core.recipes import sent
from crossbar.core.requests import Action, Request, Result, Upload
from crossbar.core.shapes import Route
from crossbar.core.writing import save
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


async def list_messages(request: Request) -> Result:
    """The messages of a box, newest first."""
    await require_parents(request)
    entry = Entry("box", request.doc_id)
    return await _listed(request, _row, entry)


async def list_all(request: Request) -> Result:
    """The messages of all boxes of the account, or of a user's, each under the id of its box."""
    await require_parents(request)
    owner = parent_entry(request)
    if owner is None:
        return await _listed(request, _row_of_account)
    boxes = Span(account_id=request.account_id, doc_type=BOX_TYPE, entry=owner)
    own = {row.position.doc_id async for row in request.services.store.scan(boxes)}
    filters = (*request.query.filters, lambda seen: seen["source_id"] in own)
    narrowed = replace(request, query=replace(request.query, filters=filters))
    return await _listed(narrowed, _row_of_account)


async def _listed(
    request: Request, show: Callable[[int, Document], Document], entry: Entry | None = None
) -> Result:
    span = Span(account_id=request.account_id, doc_type=MESSAGE_TYPE, entry=entry)
    now, retention = request.services.clock.gregorian(), await retention_of(request.actor)
    return await list_in_range(
        request,
        span,
        partial(show, now - retention),
        maximum=retention,
        seen=partial(_seen, now - retention),
    )


async def fetch_message(request: Request) -> Result:
    """The metadata of one message."""
    await require_parents(request)
    return await _answer(request, await load_message(request, request.ids["message_id"]))


async def _answer(request: Request, stored: Document) -> Result:
    data = metadata_of(await oldest_kept(request.actor), stored)
    return Result(data=data, revision=stored["_rev"])


def _whole(stored: Document) -> Document:
    return {**public(stored), "id": stored["_id"]}


def _audio(request: Request) -> Upload:
    """The one file of an upload, which must be audio."""
    file = only_file(request)
    if file.content_type not in AUDIO_TYPES:
        raise UnsupportedMediaType
    return file


async def create_message(request: Request) -> Result:
    """Leave a message, with or without audio."""
    await require_parents(request)
    box = await load(request)
    document = sent(request)
    change = Change(
        actor=request.actor,
        request=request,
        family=MESSAGES,
        key=message_key(request.actor, document.get("timestamp")),
        document=document,
    )
    BOX.leave(change, box)
    if request.files:
        UPLOAD.leave(change, _audio(request))
    stored = await save(change, "created")
    data = stored["metadata"] if request.files else _whole(stored)
    return Result(data=data, revision=stored["_rev"], created_id=stored["_id"])


async def upload_audio(request: Request) -> Result:
    """Give a message its audio, or other audio."""
    await require_parents(request)
    stored = await replace_audio(request, request.ids["message_id"], _audio(request))
    return await _answer(request, stored)


async def change_message(request: Request) -> Result:
    """Move a message to another folder or box, or copy it to several boxes."""
    await require_parents(request)
    message_id, target = request.ids["message_id"], _target(request)
    if target is None:
        stored = await put_in_folder(request, message_id, _folder(request))
        return await _answer(request, stored)
    boxes, failed = await boxes_of(request.actor, target if isinstance(target, list) else [target])
    if isinstance(target, list):
        copies = await copy(request, message_id, boxes)
        return Result(data={"succeeded": copies, "failed": failed})
    if failed:
        raise NoSuchDocument(target)
    moved = await move(request, message_id, boxes[0])
    return Result(data=_whole(moved), revision=moved["_rev"])


async def delete_message(request: Request) -> Result:
    """Delete a message."""
    await require_parents(request)
    deleted = await discard(request, request.ids["message_id"], is_soft=_is_soft(request))
    data = {**deleted["metadata"], "_read_only": {"deleted": True}}
    return Result(data=data, revision=deleted["_rev"])


async def change_messages(request: Request) -> Result:
    """Move or copy several messages, each for itself."""
    await require_parents(request)
    ids, target = _ids(request), _target(request)
    if target is None:
        folder = _folder(request)
        return await _each(ids, lambda one: _kept_id(put_in_folder(request, one, folder)))
    boxes, failed = await boxes_of(request.actor, target if isinstance(target, list) else [target])
    if isinstance(target, list):
        return await _each(ids, lambda one: copy(request, one, boxes), failed)
    if failed:
        raise NoSuchDocument(target)
    return await _each(ids, lambda one: _kept_id(move(request, one, boxes[0])))


async def delete_messages(request: Request) -> Result:
    """Delete the messages that are named, or those of a folder, or all."""
    await require_parents(request)
    data = request.data if isinstance(request.data, dict) else {}
    ids = _ids(request) if "messages" in data else await _ids_in_folder(request)
    is_soft = _is_soft(request)
    return await _each(ids, lambda one: _kept_id(discard(request, one, is_soft=is_soft)))


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


async def download_several(request: Request) -> Result:
    """The audio of several messages, as a zip file."""
    await require_parents(request)
    found = [await load_message(request, message_id) for message_id in _ids(request)]
    return await archive(request, await load(request), found)


async def download_audio(request: Request) -> Result:
    """The audio of a message."""
    await require_parents(request)
    stored = await load_message(request, request.ids["message_id"])
    return play(request, await load(request), stored)


def _ids(request: Request) -> list[str]:
    """The ids under ``messages``, each once. Raises 400 for none, and for what are no ids."""
    wanted = request.data.get("messages") if isinstance(request.data, dict) else None
    if wanted in (None, []):
        message = "Field is required but missing"
        raise ValidationFailed.of("messages", "required", message, value="messages")
    if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
        message = "Value did not match type(s): array of string"
        raise ValidationFailed.of("messages", "type", message, target="array", value=wanted)
    return list(dict.fromkeys(wanted))


async def _ids_in_folder(request: Request) -> list[str]:
    """The messages that are still kept: of the folder that is named, or of all."""
    wanted, low = request.control("folder"), time_key(await oldest_kept(request.actor))
    folders = (wanted,) if wanted in FOLDERS else FOLDERS
    scan = request.services.store.scan
    return [
        row.position.doc_id
        for folder in folders
        async for row in scan(folder_span(request.actor, request.doc_id, folder, low))
    ]


def _folder(request: Request) -> str:
    folder = request.control("folder")
    return folder if folder in FOLDERS else "saved"


def _is_soft(request: Request) -> bool:
    return not request.says_no("should_soft_delete")


def _target(request: Request) -> str | list[str] | None:
    """The box, or the boxes, under ``source_id``. Raises 400 for one that is empty or none."""
    if not isinstance(request.data, dict) or "source_id" not in request.data:
        return None
    target = request.data["source_id"]
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
