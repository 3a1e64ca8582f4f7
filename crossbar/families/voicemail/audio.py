"""The audio of messages, alone or as a zip file of several."""

from __future__ import annotations

import asyncio
import re
import tempfile
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import IO

from crossbar.clock import moment
from crossbar.core.attachments import CHUNK, download
from crossbar.core.requests import Actor, Download, Request, Result
from crossbar.documents import Document
from crossbar.errors import NoSuchDocument

EXTENSIONS = {
    "audio/x-wav": "wav",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/ogg": "ogg",
}
"""The ends of file names, by type."""

AUDIO_TYPES = (*EXTENSIONS, "application/octet-stream")
"""What can be uploaded."""

NO_AUDIO = "voicemail message does not have any audio file"
IN_MEMORY = 1_000_000
"""Bytes of a zip file that are kept in memory; a larger one is written to disk."""

_UNSAFE = re.compile(r"[^\w+-]", re.ASCII)


def play(request: Request, box: Document, stored: Document) -> Result:
    """The audio, named by caller and time. Raises 404 when there is none."""
    return Result(download=_named(request.actor, box, stored), revision=stored["_rev"])


def _named(actor: Actor, box: Document, stored: Document) -> Download:
    try:
        audio = download(actor, stored)
    except NoSuchDocument:
        raise NoSuchDocument(NO_AUDIO) from None
    metadata = stored["metadata"]
    zone = box.get("timezone") or actor.require_account().document.get("timezone")
    left = moment(metadata["timestamp"], zone)
    caller = _UNSAFE.sub("_", metadata["caller_id_number"])
    end = EXTENSIONS.get(audio.content_type) or box.get("media_extension", "mp3")
    return replace(audio, filename=f"{caller}_{left:%Y-%m-%d_%H-%M-%S}.{end}")


async def archive(request: Request, box: Document, messages: list[Document]) -> Result:
    """A zip file of the messages' audio. Raises 404 when one of them has none."""
    parts = [_named(request.actor, box, stored) for stored in messages]
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 closed when sent
    try:
        await _write(file, parts)
    except BaseException:
        file.close()
        raise
    length = file.tell()
    return Result(
        download=Download(
            content_type="application/zip",
            length=length,
            filename=f"{request.request_id}.zip",
            read=lambda start, stop: _read(file, start, stop),
        )
    )


async def _write(file: IO[bytes], parts: list[Download]) -> None:
    """Audio is compressed already, so it is put into the file as it is."""
    taken: set[str] = set()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for part in parts:
            name = _free(part.filename, taken)
            with archive.open(zipfile.ZipInfo(name), "w") as entry:
                try:
                    async for chunk in part.read(0, part.length):
                        await asyncio.to_thread(entry.write, chunk)
                except KeyError:  # deleted since the message was read
                    raise NoSuchDocument(NO_AUDIO) from None
    file.seek(0, 2)


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number when another message has it."""
    stem, _, end = name.rpartition(".")
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{stem}_{number}.{end}"
    taken.add(free)
    return free


async def _read(file: IO[bytes], start: int, stop: int) -> AsyncIterator[bytes]:
    with file:
        file.seek(start)
        while start < stop:
            chunk = file.read(min(CHUNK, stop - start))
            start += len(chunk)
            yield chunk
