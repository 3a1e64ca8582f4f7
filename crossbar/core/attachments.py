"""Binary parts of documents: storing what was uploaded, sending what is asked for.

An attachment's bytes are immutable and are written before the document refers to them, so a
document never names bytes that are not there. ``pvt_attachments`` maps names to facts. Where the
bytes are is none of a document's business (:mod:`crossbar.core.shelving`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from crossbar.core.change import Change, Note
from crossbar.core.requests import Actor, Download, Request, Upload
from crossbar.core.shelving import ATTACHMENTS, ask_to_move, read_attachment
from crossbar.documents import Document
from crossbar.errors import Conflict, NoSuchDocument, ValidationFailed

__all__ = [
    "ATTACHMENTS",
    "CHUNK",
    "UPLOAD",
    "attach",
    "attachment_ids",
    "copy_attachments",
    "download",
    "drop_all",
    "in_memory",
    "only_file",
    "replace_upload",
    "store_upload",
]

CHUNK = 256 * 1024

UPLOAD: Note[Upload | None] = Note(None)
"""The file that :func:`attach` is to store."""


async def attach(change: Change) -> None:
    """Store the uploaded file, when there is one, as the only attachment.

    A stage for ``Hooks.prepare``.
    """
    upload = UPLOAD.found(change)
    if upload is not None:
        await store_upload(change, upload.name, upload)


async def store_upload(change: Change, name: str, upload: Upload) -> None:
    """Store the bytes and make them the document's attachment ``name``, replacing the old one."""
    services = change.actor.services
    stored = await services.put_attachment(change.key.account_id, _chunks(upload.content))
    change.dropped += attachment_ids(change.document)
    change.document[ATTACHMENTS] = {
        name: {
            "id": stored.attachment_id,
            "length": stored.length,
            "md5": stored.md5,
            "content_type": upload.content_type,
        }
    }
    await ask_to_move(change)


async def replace_upload(change: Change, name: str, upload: Upload | None) -> None:
    """Make the bytes one of several attachments of the document; ``None`` removes that one."""
    attachments = dict(change.document.pop(ATTACHMENTS, {}))
    old = attachments.pop(name, None)
    if old is not None:
        change.dropped.append(old["id"])
    if upload is not None:
        await store_upload(change, name, upload)
        attachments |= change.document[ATTACHMENTS]
    if attachments:
        change.document[ATTACHMENTS] = attachments


async def copy_attachments(actor: Actor, source: Document) -> Document:
    """What another document may have as its attachments: copies of the bytes of ``source``.

    Attachments go with the document that names them, so no two documents name the same.
    """
    services, account_id = actor.services, actor.account_id
    attachments = {}
    for name, facts in source.get(ATTACHMENTS, {}).items():
        content = read_attachment(services, account_id, facts["id"])
        try:
            copied = await services.put_attachment(account_id, content)
        except KeyError:  # dropped since the source was read
            raise Conflict from None
        attachments[name] = {**facts, "id": copied.attachment_id}
    return attachments


async def drop_all(change: Change) -> None:
    """Remove the document's attachments with it.

    A stage for ``Hooks.deleting``.
    """
    change.dropped += attachment_ids(change.current or {})


def attachment_ids(document: Document) -> list[str]:
    """The attachments that a document names."""
    return [facts["id"] for facts in document.get(ATTACHMENTS, {}).values()]


def in_memory(content: bytes, content_type: str, filename: str) -> Download:
    """Bytes that were made for this answer, ready to be sent."""
    return Download(
        content_type=content_type,
        length=len(content),
        filename=filename,
        read=lambda start, stop: _chunks(content[start:stop]),
    )


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), CHUNK):
        yield content[start : start + CHUNK]


def only_file(request: Request) -> Upload:
    """The one file of an upload. Raises 400 for none and for several."""
    if not request.files:
        raise ValidationFailed.of("file", "required", "Please provide a file to upload")
    if len(request.files) > 1:
        raise ValidationFailed.of(
            "file", "maxItems", "Please provide a single file to upload", target=1
        )
    return request.files[0]


def download(actor: Actor, document: Document, wanted: str | None = None) -> Download:
    """The document's attachment, or the one of that name, ready to be sent.

    Raises 404 when it has none.
    """
    attachments: Document = document.get(ATTACHMENTS, {})
    for name, facts in attachments.items():
        if wanted not in (None, name):
            continue
        read = partial(read_attachment, actor.services, actor.account_id, facts["id"])
        return Download(
            content_type=facts["content_type"],
            length=facts["length"],
            filename=name,
            read=read,
        )
    raise NoSuchDocument(document["_id"])
