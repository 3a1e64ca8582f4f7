"""Files that come along with events, in base64."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator

from crossbar.core.attachments import CHUNK
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.families.switch.board import Board, Told

EXTENSIONS = {
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/ogg": "ogg",
    "image/tiff": "tiff",
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
}
"""The ends of their names, by type."""


def decoded(path: str, file: Document) -> bytes:
    """The bytes of a file, whose content is at a path of the event. Raises 400."""
    try:
        return base64.b64decode(file["content"], validate=True)
    except (binascii.Error, ValueError):
        raise ValidationFailed.of(path, "format", "This is no base64") from None


async def stored_file(
    board: Board, told: Told, name: str, file: Document, content: bytes
) -> Document:
    """The file as an attachment, for the document that is to name it."""
    kind = file["content_type"]

    async def chunks() -> AsyncIterator[bytes]:
        for begin in range(0, len(content), CHUNK):
            yield content[begin : begin + CHUNK]

    kept = await board.services.put_attachment(told.account_id, chunks())
    return {
        f"{name}.{EXTENSIONS[kind]}": {
            "id": kept.attachment_id,
            "length": kept.length,
            "md5": kept.md5,
            "content_type": kind,
        }
    }
