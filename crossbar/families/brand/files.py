"""Images and pages that come with documents: uploaded under names of their own, shown to browsers.

What is shown here was uploaded by customers and comes from the API's own address, perhaps to
browsers that have a login there: so it is downloaded, never opened, and runs nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace

from crossbar.core.attachments import ATTACHMENTS, download, only_file, replace_upload
from crossbar.core.change import Change
from crossbar.core.requests import Actor, Request, Result, Upload
from crossbar.documents import Document
from crossbar.errors import NoSuchAttachment, NoSuchDocument, UnsupportedMediaType

BASE64_TYPES = ("application/base64", "application/x-base64")
UNNAMED = "uploaded_file"
"""What a file is called that came without a name."""

EXTENSIONS = {
    "image/avif": ".avif",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
    "image/ico": ".ico",
    "image/icon": ".ico",
    "image/jpeg": ".jpg",
    "image/jpg": ".jpg",
    "image/png": ".png",
    "image/svg+xml": ".svg",
    "image/tiff": ".tiff",
    "image/vnd.microsoft.icon": ".ico",
    "image/webp": ".webp",
    "image/x-icon": ".ico",
    "text/html": ".html",
}
"""The media types that can be uploaded, with the ends of their files' names."""

IMAGES = tuple(each for each in EXTENSIONS if each.startswith("image/"))
UNKNOWN = "application/octet-stream"

HARMLESS = {"content-security-policy": "sandbox"}
"""Sent with every file."""


def uploaded(request: Request, *types: str) -> Upload:
    """The one file of a request, which is of one of the types, or of an unknown one.

    Raises 400 for none and for several, and :class:`UnsupportedMediaType`: the type that the
    request is sent as may be that of the wrapping only.
    """
    file = only_file(request)
    if file.content_type not in (*types, UNKNOWN):
        raise UnsupportedMediaType
    return file


def named(request: Request, kind: str, file: Upload) -> Upload:
    """The file under a name that begins with its kind: its own name, else a random one."""
    wanted = request.control("filename") or file.name
    is_named = isinstance(wanted, str) and wanted and wanted != UNNAMED
    extension = EXTENSIONS.get(file.content_type, "")
    name = str(wanted)[:128] if is_named else secrets.token_hex(16)
    if not name.endswith(extension):
        name += extension
    return replace(file, name=f"{kind}-{name}")


def names_of(document: Document, kind: str) -> list[str]:
    """The names of the document's files of a kind."""
    return [name for name in document.get(ATTACHMENTS, {}) if name.startswith(f"{kind}-")]


async def keep(change: Change, file: Upload, gone: Iterable[str]) -> None:
    """Have the file among the document's attachments, and those of the other names no more."""
    for name in gone:
        await replace_upload(change, name, None)
    await replace_upload(change, file.name, file)


def sent_file(actor: Actor, account_id: str, document: Document, name: str, kind: str) -> Result:
    """A file of an account's document, by its name. Raises :class:`NoSuchAttachment`."""
    try:
        found = download(replace(actor, account_id=account_id), document, name)
    except NoSuchDocument:
        raise NoSuchAttachment(kind) from None
    return Result(download=found, revision=document["_rev"], headers=HARMLESS)
