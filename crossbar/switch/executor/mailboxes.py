"""Voicemail boxes, as callers meet them: which one is meant, and with which keys it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crossbar.core.ranges import time_key
from crossbar.documents import Document, lookup
from crossbar.families.voicemail import VMBOXES, count_kept, folder_span, oldest_kept
from crossbar.storage import Entry
from crossbar.switch.executor.book import Book
from crossbar.switch.executor.heard import Winding
from crossbar.switch.executor.step import Step, is_number

MOST_MESSAGES = 100
LONGEST_NUMBER = 15
LONGEST_STEP = 3_600_000
WINDS, STEP = "is_voicemail_ff_rw_enabled", "seek_duration_ms"
"""Whether messages may be wound, and by how many milliseconds at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What the keys mean in voicemail."""

    login: str = "*"
    operator: str = "0"
    continues: str = ""
    save: str = "1"
    listen: str = "2"
    record: str = "3"
    hear_new: str = "1"
    hear_saved: str = "2"
    configure: str = "5"
    exit: str = "#"
    keep: str = "1"
    replay: str = "2"
    forward: str = "3"
    prev: str = "4"
    rewind: str = "5"
    next: str = "6"
    delete: str = "7"
    fastforward: str = "8"
    callback: str = "9"
    return_main: str = "0"
    rec_unavailable: str = "1"
    rec_name: str = "2"
    set_pin: str = "3"
    rec_temporary: str = "4"
    del_temporary: str = "5"
    toggle_announcement: str = "6"


CONFIGURED = {"continue": "continues"}


async def keys_of(book: Book) -> Keys:
    """The keys, as the account's configuration has them."""
    stored: Document = lookup(await book.config("keys"), ("voicemail",)) or {}
    chosen = {CONFIGURED.get(name, name): value for name, value in stored.items()}
    known = {name: value for name, value in chosen.items() if name in Keys.__dataclass_fields__}
    return Keys(**{name: value for name, value in known.items() if isinstance(value, str)})


async def winding_of(book: Book, box: Document, keys: Keys) -> Winding | None:
    """How messages of a box are wound; ``None`` where nobody may."""
    config: Document = (await book.config("callflow")).get("voicemail") or {}
    if not config.get(WINDS) or box.get(WINDS) is not True:
        return None
    step = next(each[STEP] for each in (box, config, {STEP: 0}) if is_number(each.get(STEP)))
    milliseconds = min(int(step), LONGEST_STEP)
    if milliseconds <= 0:
        return None
    return Winding(back=keys.rewind, ahead=keys.fastforward, milliseconds=milliseconds)


async def box_of(step: Step, number: str) -> Document | None:
    """The box with a number."""
    return await step.book.holder(VMBOXES, "mailbox", {"mailbox": number}) if number else None


async def box_meant(step: Step) -> Document | None:
    """The box that the step names, that was dialed, or that is the caller's own."""
    if found := await step.book.get("vmbox", step.data.get("id")):
        return found
    if step.call.capture:
        return await box_of(step, step.call.capture)
    own = await step.book.listed("vmbox", Entry("owner_id", step.call.owner_id or "-"))
    if len(own) == 1 and step.says("single_mailbox_login"):
        return own[0]
    if step.says("callerid_match_login"):
        return next((each for each in own if each["mailbox"] == step.call.from_number), None)
    return None


def is_owner(step: Step, box: Document) -> bool:
    """Whether the caller owns the box."""
    owner = box.get("owner_id")
    return bool(owner) and owner == step.call.owner_id


async def counts(step: Step, box: Document) -> dict[str, int]:
    """How many new and how many saved messages there are."""
    oldest = await oldest_kept(step.book.actor)
    return await count_kept(step.book.actor, box["_id"], oldest)


async def messages_in(step: Step, box: Document, folder: str) -> list[Document]:
    """The messages of a folder, in the order in which they are heard."""
    low = time_key(await oldest_kept(step.book.actor))
    span = folder_span(step.book.actor, box["_id"], folder, low)
    store = step.book.actor.services.store
    found = [row.document async for row in store.scan(span)]
    return found if box.get("oldest_message_first") is True else found[::-1]


async def is_full(step: Step, box: Document) -> bool:
    """Whether the box has as many messages as it may."""
    config = lookup(await step.book.config("callflow"), ("voicemail", "max_message_count"))
    most = config if isinstance(config, int) else MOST_MESSAGES
    return most > 0 and sum((await counts(step, box)).values()) >= most


async def setting(step: Step, name: str, default: Any) -> Any:
    """What the account's configuration says of voicemail."""
    return lookup(await step.book.config("callflow"), ("voicemail", name), default)
