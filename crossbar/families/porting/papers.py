"""The papers that belong to a port request: bills and letters, as files."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from crossbar.core.amending import amend
from crossbar.core.answers import DOCUMENT, SOME_OBJECT, Answers
from crossbar.core.attachments import ATTACHMENTS, download, only_file, replace_upload
from crossbar.core.change import Change
from crossbar.core.reading import key_of, load
from crossbar.core.recipes import answer
from crossbar.core.requests import Action, Request, Result, Upload
from crossbar.core.shapes import Route
from crossbar.documents import Document
from crossbar.errors import NoSuchDocument, ValidationFailed
from crossbar.families.porting.judging import require_removable
from crossbar.families.porting.places import keep_place
from crossbar.families.porting.showing import uploads_of

EXTENSIONS = {
    "application/pdf": ".pdf",
    "application/x-pdf": ".pdf",
    "text/plain": ".txt",
    "application/octet-stream": ".bin",
}
"""The media types that can be uploaded, with the ends of their files' names."""

BASE64_TYPES = ("application/base64", "application/x-base64")
READ = (*EXTENSIONS, *BASE64_TYPES)

LONGEST_NAME = 255
"""Characters."""

MOST = 100
"""Papers of a request."""


async def list_papers(request: Request) -> Result:
    """Every paper by name, with its type and size."""
    stored = await load(request)
    return Result(data=uploads_of(stored), revision=stored["_rev"])


async def add_paper(request: Request) -> Result:
    """Another paper, under the name that the client gives or one that is made up."""
    file = only_file(request)
    wanted = request.control("filename")
    is_named = isinstance(wanted, str) and wanted
    name = wanted if is_named else secrets.token_hex(16) + EXTENSIONS.get(file.content_type, "")
    _require_reachable(name)
    stored = await _write(request, name, file)
    return await answer(request, stored)


def _require_reachable(name: str) -> None:
    """Refuse a name that clients cannot put into a path, or that is none."""
    if name in (".", "..") or len(name) > LONGEST_NAME or not name.isprintable():
        message = f"A name is printable, at most {LONGEST_NAME} characters long, and no dots alone"
        raise ValidationFailed.of("filename", "invalid", message, target=LONGEST_NAME, cause=name)


async def replace_paper(request: Request) -> Result:
    """Another content of a paper that there is."""
    file, name = only_file(request), _name(request)
    return await answer(request, await _write(request, name, file, _require(name)))


async def download_paper(request: Request) -> Result:
    """A paper, as it was uploaded."""
    stored, name = await load(request), _name(request)
    _require(name)(stored)
    return Result(download=download(request.actor, stored, name), revision=stored["_rev"])


async def remove_paper(request: Request) -> Result:
    """One paper less."""
    name = _name(request)

    def judge(stored: Document) -> None:
        _require(name)(stored)
        require_removable(stored)

    return await answer(request, await _write(request, name, None, judge))


def _name(request: Request) -> str:
    return request.ids["attachment_name"]


def _require(name: str) -> Callable[[Document], None]:
    def judge(stored: Document) -> None:
        if name not in stored.get(ATTACHMENTS, {}):
            raise NoSuchDocument(name)

    return judge


def _room(stored: Document) -> None:
    if len(stored.get(ATTACHMENTS, {})) >= MOST:
        message = f"A port request has {MOST} attachments at most"
        raise ValidationFailed.of("attachments", "maxItems", message, target=MOST)


async def _write(
    request: Request,
    name: str,
    file: Upload | None,
    judge: Callable[[Document], None] = _room,
) -> Document:
    async def alter(change: Change) -> None:
        judge(change.document)
        await replace_upload(change, name, file)
        await keep_place(change)

    return await amend(request, request.operation.collection, key_of(request), alter)


LIST = "{port_request_id}/attachments"
ONE = f"{LIST}/{{attachment_name}}"

PAPER_ROUTES = (
    Route(
        path=LIST,
        action=Action.FETCH,
        handler=list_papers,
        about="List attachments",
        answers=Answers(SOME_OBJECT),
    ),
    Route(
        path=LIST,
        action=Action.CREATE,
        handler=add_paper,
        about="Upload an attachment",
        reads=READ,
        answers=DOCUMENT,
    ),
    Route(
        path=ONE,
        action=Action.FETCH,
        handler=download_paper,
        about="Download an attachment",
        produces=("*/*",),
    ),
    Route(
        path=ONE,
        action=Action.REPLACE,
        handler=replace_paper,
        about="Replace an attachment",
        reads=READ,
        answers=DOCUMENT,
    ),
    Route(
        path=ONE,
        action=Action.DELETE,
        handler=remove_paper,
        about="Remove an attachment",
        answers=DOCUMENT,
    ),
)
