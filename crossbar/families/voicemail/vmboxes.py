"""Voicemail boxes: the boxes themselves, with counts of their messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace as replace_fields
from functools import wraps

from crossbar.core.answers import DOCUMENT, ROWS
from crossbar.core.change import Change
from crossbar.core.presenting import row_maker
from crossbar.core.reading import list_span, listed_span, revision_of_list
from crossbar.core.recipes import create, patch, replace
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import (
    FLAGS,
    Collection,
    Handler,
    Hooks,
    Nesting,
    Powers,
    Route,
    Unique,
    by_name,
    field_index,
)
from crossbar.documents import Document
from crossbar.families.billing import billed, freed
from crossbar.families.voicemail.messages import count_kept, empty_box, oldest_kept
from crossbar.families.voicemail.routes import MESSAGE_ROUTES

COUNTS = ("messages", "folders")
RENAMED = {"warning": '214 - "notify_email_address is notify_email_addresses now"'}

BAD_MAILBOX = "Invalid mailbox number or already exists"


def _mailboxes(document: Document) -> Iterable[str]:
    """Boxes are compared as text, those with numbers as integers: ``012`` is ``12``."""
    mailbox = document.get("mailbox")
    if not isinstance(mailbox, str) or not mailbox:
        return ()
    is_number = mailbox.isascii() and mailbox.isdigit()
    return (mailbox.lstrip("0") or "0",) if is_number else (mailbox,)


async def normalize(change: Change) -> None:
    """A box number sent as an integer is its text; counts that lists show are not stored."""
    for name in COUNTS:
        change.document.pop(name, None)
    mailbox = change.value("mailbox")
    if isinstance(mailbox, int) and not isinstance(mailbox, bool):
        change.document["mailbox"] = str(mailbox)
    if change.current is None and change.actor.services.settings.voicemail.transcribe:
        change.document.setdefault("transcribe", True)


async def check_pin(change: Change) -> None:
    """Telephones take so many digits of a pin."""
    longest, pin = change.actor.services.settings.voicemail.max_pin_length, change.value("pin")
    if isinstance(pin, str) and len(pin) > longest:
        message = f"String must not be more than {longest} characters"
        change.refusals.add("pin", "maxLength", message, target=longest)


async def check_transcription(change: Change) -> None:
    """What transcribes may want one type of audio."""
    wanted = change.actor.services.settings.voicemail.transcribe_format
    extension = change.value("media_extension")
    if wanted and change.value("transcribe") is True and extension != wanted:
        message = f"Messages can be transcribed only as {wanted}"
        change.refusals.add("media_extension", "invalid", message, cause=extension, target=wanted)


def warning(handler: Handler) -> Handler:
    """The handler, telling clients that name several addresses that the field was renamed."""

    @wraps(handler)
    async def warned(request: Request) -> Result:
        result = await handler(request)
        named = isinstance(request.data, dict) and request.data.get("notify_email_addresses")
        return replace_fields(result, headers=RENAMED) if named else result

    return warned


async def list_boxes(request: Request) -> Result:
    """Boxes with the numbers of their messages, which the store counts box by box."""
    span, show = await listed_span(request), await row_maker(request)
    listed = await list_span(request, span, show)
    if request.query.full_docs:
        return listed
    if listed.portions is not None:
        return Result(portions=_counted(request, listed.portions), page=listed.page)
    oldest = await oldest_kept(request.actor)
    for row in listed.data:
        await add_counts(request, row, oldest)
    following = listed.page.next_start_key if listed.page else None
    revision = revision_of_list(listed.data, following)
    return Result(data=listed.data, page=listed.page, revision=revision)


async def _counted(
    request: Request, portions: AsyncIterator[list[Document]]
) -> AsyncIterator[list[Document]]:
    oldest = await oldest_kept(request.actor)
    async for rows in portions:
        for row in rows:
            await add_counts(request, row, oldest)
        yield rows


async def add_counts(request: Request, row: Document, oldest: int) -> None:
    """How many messages a box has, and in which folders; only what is to be shown is counted."""
    if not set(request.query.fields or COUNTS).intersection(COUNTS):
        return
    folders = await count_kept(request.actor, row["id"], oldest)
    row["messages"] = sum(folders.values())
    if row["messages"]:
        row["folders"] = folders


VMBOXES = Collection(
    noun="vmboxes",
    doc_type="vmbox",
    schema="vmboxes",
    summary=("name", "mailbox", "owner_id", FLAGS),
    order=by_name,
    unique=(Unique(path="mailbox", values=_mailboxes, message=BAD_MAILBOX),),
    indexes=tuple(map(field_index, ("owner_id", "mailbox", "type"))),
    nested=(Nesting(noun="users", doc_type="user", index="owner_id"),),
    powers=Powers(own=("pin", "require_pin"), secrets=("pin",), owner="owner_id"),
    hooks=Hooks(
        normalize=(normalize,),
        check=(check_pin, check_transcription),
        prepare=(billed("voicemails"),),
        deleting=(empty_box, freed("voicemails")),
    ),
    routes=(
        Route(path="", action=Action.LIST, handler=list_boxes, about="List vmboxes", answers=ROWS),
        *(
            Route(
                path=path,
                action=action,
                handler=warning(handler),
                about=about,
                schema="vmboxes",
                answers=DOCUMENT,
                loads=False,
            )
            for path, action, handler, about in (
                ("", Action.CREATE, create, "Create vmboxes"),
                ("{vmbox_id}", Action.REPLACE, replace, "Replace vmboxes"),
                ("{vmbox_id}", Action.PATCH, patch, "Merge changes into vmboxes"),
            )
        ),
        *MESSAGE_ROUTES,
    ),
)
