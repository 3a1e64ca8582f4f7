"""Photos of people: an attachment that goes up, comes down and goes away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from crossbar.core.amending import amend
from crossbar.core.attachments import download, only_file, replace_upload
from crossbar.core.change import Change
from crossbar.core.reading import key_of, load
from crossbar.core.recipes import answer
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Handler, Route

PHOTO = "photo"
BASE64 = "application/base64"
DOWNLOADED_AS = ("application/octet-stream", BASE64)
UPLOADED_AS = (
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/jpg",
    "image/png",
    "image/webp",
    BASE64,
    "application/x-base64",
)


async def fetch_photo(request: Request) -> Result:
    """The photo's bytes, called binary or, to who asks for that, base64: the same either way."""
    stored = await load(request)
    photo = download(request.actor, stored, PHOTO)
    wanted = next((each for each in request.accept if each in DOWNLOADED_AS), DOWNLOADED_AS[0])
    return Result(download=replace(photo, content_type=wanted), revision=stored["_rev"])


async def upload_photo(request: Request) -> Result:
    """A photo instead of the one before; answered with the document that it is kept with."""
    file = only_file(request)

    async def attach(change: Change) -> None:
        await replace_upload(change, PHOTO, file)

    family = request.operation.collection
    return await answer(request, await amend(request, family, key_of(request), attach))


async def remove_photo(request: Request) -> Result:
    """No photo any more, whether or not there was one."""

    async def detach(change: Change) -> None:
        await replace_upload(change, PHOTO, None)

    await amend(request, request.operation.collection, key_of(request), detach)
    return Result(data={})


def _photo(action: Action, handler: Handler, about: str, **more: Any) -> Route:
    return Route(path="{user_id}/photo", action=action, handler=handler, about=about, **more)


PHOTO_ROUTES = (
    _photo(Action.FETCH, fetch_photo, "Download the photo", produces=DOWNLOADED_AS),
    _photo(Action.REPLACE, upload_photo, "Upload a photo", reads=UPLOADED_AS),
    _photo(Action.DELETE, remove_photo, "Remove the photo"),
)
