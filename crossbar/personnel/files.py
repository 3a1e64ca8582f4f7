"""Uploaded pictures, for whoever knows their address: the id of the file cannot be guessed."""

from __future__ import annotations

from functools import partial

from crossbar.core.attachments import ATTACHMENTS
from crossbar.core.requests import Action, Download, Request, Result
from crossbar.core.shapes import Access, Route, Routes, Scope
from crossbar.core.shelving import read_attachment
from crossbar.errors import NoSuchDocument
from crossbar.personnel.components import IMAGES, USERS
from crossbar.storage import Key

OWNERS = (IMAGES.doc_type, USERS.doc_type)


async def fetch_file(request: Request) -> Result:
    """The bytes of a picture."""
    owner, doc_type, doc_id, wanted = (
        request.ids[name] for name in ("owner_id", "doc_type", "doc_id", "file_id")
    )
    store = request.services.store
    account = await request.services.accounts.get(owner)
    stored = None
    if account is not None and doc_type in OWNERS:
        stored = await store.get(Key(owner, doc_type, doc_id))
    for name, facts in (stored or {}).get(ATTACHMENTS, {}).items():
        if facts["id"] == wanted and not (stored or {}).get("pvt_deleted"):
            download = Download(
                content_type=facts["content_type"],
                length=facts["length"],
                filename=(stored or {}).get("filename") or name,
                read=partial(read_attachment, request.services, owner, wanted),
            )
            return Result(download=download)
    raise NoSuchDocument(wanted)


FILES = Routes(
    noun="files",
    scopes=(Scope.ACCOUNT,),
    routes=(
        Route(
            path="{owner_id}/{doc_type}/{doc_id}/{file_id}",
            action=Action.FETCH,
            handler=fetch_file,
            about="Download an uploaded picture",
            access=Access.PUBLIC,
            loads=False,
        ),
    ),
)
