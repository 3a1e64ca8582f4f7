"""Media whose source is text: the audio is made when somebody plays it, and kept.

So such media can be written where nothing speaks, and a text that nobody hears costs nothing.
"""

from __future__ import annotations

from crossbar.core.attachments import ATTACHMENTS, attachment_ids, store_upload
from crossbar.core.change import Change
from crossbar.core.reading import key_of, load
from crossbar.core.requests import Request, Upload
from crossbar.core.writing import commit_private, in_turn
from crossbar.documents import Document, lookup

SOURCE, SPEECH = "media_source", "tts"

VOICE = "female/en-US"
"""The voice of texts that name none."""


async def check_text(change: Change) -> None:
    """There must be something to say."""
    is_new = change.changed(SOURCE) or change.changed(SPEECH)
    if change.value(SOURCE) == SPEECH and is_new and not _text(change.document):
        message = "Field is required but missing"
        change.refusals.add("tts.text", "required", message, value="text")


async def forget_speech(change: Change) -> None:
    """What another text, or another voice, has said is no audio of this one."""
    is_spoken = change.current is not None and change.value(SOURCE) == SPEECH
    if is_spoken and (change.changed(SOURCE) or change.changed(SPEECH)):
        change.dropped += attachment_ids(change.document)
        change.document.pop(ATTACHMENTS, None)


def _text(document: Document) -> str:
    text = lookup(document, (SPEECH, "text"))
    return text if isinstance(text, str) else ""


def _is_silent(stored: Document) -> bool:
    """Whether there is a text and nobody has spoken it yet."""
    return stored.get(SOURCE) == SPEECH and bool(_text(stored)) and not stored.get(ATTACHMENTS)


async def load_spoken(request: Request) -> Document:
    """The media of the path, with their audio if it is made of text.

    Raises :class:`~crossbar.errors.TtsUnavailable` where it cannot be made.
    """
    stored = await load(request)
    if not _is_silent(stored):
        return stored
    key = key_of(request)

    async def attempt() -> Document:
        current = await load(request)
        if not _is_silent(current):
            return current  # somebody else was quicker
        voice = lookup(current, (SPEECH, "voice"), VOICE)
        spoken = await request.services.speech.speak(_text(current), str(voice))
        change = Change(
            actor=request.actor,
            family=request.operation.collection,
            key=key,
            document=dict(current),
            current=current,
        )
        name = f"text_to_speech_{request.services.clock.gregorian()}{spoken.ending}"
        file = Upload(name=name, content_type=spoken.content_type, content=spoken.content)
        await store_upload(change, name, file)
        return await commit_private(change)

    return await in_turn(request.actor, key, attempt)
