"""Media: recordings and prompts, with their audio."""

from __future__ import annotations

import secrets
from dataclasses import replace as replace_fields

from crossbar.core.answers import DOCUMENT, ROWS
from crossbar.core.attachments import UPLOAD, attach, download, drop_all, only_file
from crossbar.core.change import Change
from crossbar.core.reading import key_of, load
from crossbar.core.recipes import answer, fetch_or, list_documents, replace
from crossbar.core.requests import Action, Request, Result, Upload
from crossbar.core.shapes import Access, Collection, Column, Hooks, Route, Scope
from crossbar.core.writing import save
from crossbar.documents import Document, public
from crossbar.families.media.prompts import (
    PROMPT_INDEXES,
    identify,
    language_of,
    prompt_routes,
    remove_for_good,
)

EXTENSIONS = {
    "audio/x-wav": ".wav",
    "audio/wav": ".wav",
    "audio/mpeg": ".mp3",
    "audio/mp3": ".mp3",
    "audio/mpeg3": ".mp3",
    "audio/ogg": ".ogg",
    "video/x-flv": ".flv",
    "video/h264": ".h264",
    "video/mpeg": ".mpeg",
    "video/quicktime": ".mov",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
}
"""The media types that can be uploaded, with the ends of their files' names."""

BASE64_TYPES = ("application/base64", "application/x-base64")
PLAYABLE = (*EXTENSIONS, *BASE64_TYPES)


async def normalize(change: Change) -> None:
    """Languages are compared in lower case."""
    language = change.value("language")
    if isinstance(language, str):
        change.document["language"] = language.lower()


async def refuse_speech(change: Change) -> None:
    """Text is not spoken here: no engine is connected, so nothing is stored that will not play."""
    if change.value("media_source") == "tts" and change.changed("media_source"):
        message = "No text-to-speech engine is connected; upload the audio instead"
        change.refusals.add("media_source", "forbidden", message, cause="tts")


async def play(request: Request) -> Result:
    """The audio."""
    stored = await load(request)
    return Result(download=download(request.actor, stored), revision=stored["_rev"])


async def replace_or_upload(request: Request) -> Result:
    """New metadata, or new audio when the body is a file."""
    return await upload(request) if request.files else await replace(request)


async def upload(request: Request) -> Result:
    """New audio: the document learns its type and length, the old audio goes."""
    file = only_file(request)
    stored = await load(request)
    document: Document = public(stored) | {
        "content_type": file.content_type,
        "content_length": len(file.content),
        "media_source": "upload",
    }
    change = Change(
        actor=request.actor,
        request=request,
        family=request.operation.collection,
        key=key_of(request),
        document=document,
        current=stored,
    )
    UPLOAD.leave(change, _named(request, file))
    return await answer(request, await save(change, "changed"))


def _named(request: Request, file: Upload) -> Upload:
    """The file under the name that the client asked for, or a random one."""
    wanted = request.control("filename")
    if isinstance(wanted, str) and wanted:
        name = wanted
    else:
        name = secrets.token_hex(16) + EXTENSIONS.get(file.content_type, "")
    return replace_fields(file, name=name)


def _routes(reading: Access | None) -> tuple[Route, ...]:
    """Metadata and audio at the same paths, and prompts; ``reading`` is who may read them."""
    return (
        Route(
            path="{media_id}",
            action=Action.FETCH,
            handler=fetch_or(play, *PLAYABLE),
            about="Read media, or its audio with an audio Accept header",
            access=reading,
            produces=PLAYABLE,
            answers=DOCUMENT,
        ),
        Route(
            path="{media_id}",
            action=Action.REPLACE,
            handler=replace_or_upload,
            about="Replace media, or upload its audio",
            schema="media",
            reads=PLAYABLE,
        ),
        Route(
            path="{media_id}/raw",
            action=Action.FETCH,
            handler=play,
            about="Download the audio",
            access=reading,
            produces=("*/*",),
        ),
        Route(
            path="{media_id}/raw",
            action=Action.REPLACE,
            handler=upload,
            about="Upload the audio",
            reads=PLAYABLE,
        ),
        *prompt_routes(reading),
    )


MEDIA = Collection(
    noun="media",
    doc_type="media",
    schema="media",
    actions=frozenset(Action) - {Action.PATCH},
    summary=(
        "name",
        "media_type",
        "media_source",
        Column("language", language_of),
        Column("is_prompt", lambda document: bool(document.get("prompt_id"))),
    ),
    indexes=PROMPT_INDEXES,
    hooks=Hooks(
        normalize=(normalize, identify),
        check=(refuse_speech,),
        prepare=(attach,),
        deleting=(drop_all, remove_for_good),
    ),
    routes=_routes(None),
)

MEDIA_OF_SYSTEM = replace_fields(
    MEDIA,
    scopes=(Scope.SYSTEM,),
    access=Access.SUPERDUPER,
    routes=(
        Route(
            path="",
            action=Action.LIST,
            handler=list_documents,
            about="List media of the system",
            access=Access.TOKEN,
            answers=ROWS,
        ),
        *_routes(Access.TOKEN),
    ),
)
"""What every account hears unless it has its own: read by all, written by operators."""
