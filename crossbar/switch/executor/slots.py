"""The slots of the account's parking lot: of two calls that want the same one gets it."""

from __future__ import annotations

from dataclasses import dataclass

from crossbar.core.change import event_of
from crossbar.core.stamping import stamped
from crossbar.core.telling import happening
from crossbar.documents import Document, lookup
from crossbar.errors import Conflict
from crossbar.families.callflows import PARKED_TYPE, parking_slot
from crossbar.storage import Batch, Event, Key, Put
from crossbar.switch.executor.book import Book

FIRST = 101
MOST = 200
"""Slots that are looked at for a free one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Who is in a slot; ``parker`` is the device that parked the call."""

    call_id: str
    parker: str = ""
    caller_name: str = ""
    caller_number: str = ""
    is_reserved: bool = False


def _key(book: Book, number: str) -> Key:
    return Key(book.account_id, PARKED_TYPE, parking_slot(number))


async def _stored(book: Book, number: str) -> Document:
    """The document of a slot, also of one that is free again; empty when there never was one."""
    return await book.actor.services.store.get(_key(book, number)) or {}


async def slot_of(book: Book, number: str) -> Slot | None:
    """Who is in a slot; ``None`` when nobody is."""
    return _slot_in(await _stored(book, number)) if number else None


def _slot_in(document: Document) -> Slot | None:
    facts = lookup(document, ("slot",))
    if document.get("pvt_deleted") or not isinstance(facts, dict) or not facts.get("call_id"):
        return None
    return Slot(
        call_id=facts["call_id"],
        parker=str(facts.get("ringback_id", "")),
        caller_name=str(facts.get("caller_id_name", "")),
        caller_number=str(facts.get("caller_id_number", "")),
        is_reserved=facts.get("attended") is True,
    )


async def free_slot(book: Book, highest: int) -> str:
    """The smallest free number; "" when there is none up to the highest (0: any)."""
    last = min(highest or FIRST + MOST, FIRST + MOST)
    for number in range(FIRST, last + 1):
        if await slot_of(book, str(number)) is None:
            return str(number)
    return ""


async def hold_slot(book: Book, number: str, slot: Slot, word: str = "") -> bool:
    """Put a call into a slot; whether it is its own now. ``word`` is what is told of it.

    Of two calls that found it free at once one gets it.
    """
    key, before = _key(book, number), await _stored(book, number)
    holder = _slot_in(before)
    if holder is not None and holder.call_id != slot.call_id:
        return False
    facts = {
        "call_id": slot.call_id,
        "ringback_id": slot.parker,
        "caller_id_name": slot.caller_name,
        "caller_id_number": slot.caller_number,
        "attended": slot.is_reserved,
    }
    kept = {name: value for name, value in before.items() if name != "pvt_deleted"}
    put = Put(key, stamped(book.actor, key, {**kept, "slot": facts}), before.get("_rev"))
    action = "changed" if before else "created"
    return await _commit(book, put, action, _told(book, number, facts, word))


async def _commit(book: Book, put: Put, action: str, told: list[Event]) -> bool:
    """Write a slot; whether nobody was quicker."""
    try:
        await book.commit(Batch(puts=[put], events=[event_of(book.actor, action, put), *told]))
    except Conflict:
        return False
    return True


async def release_slot(
    book: Book, number: str, word: str, *, of: str = "", only_reserved: bool = False
) -> bool:
    """Make a slot free, if it is taken: by the call ``of``, or only while it is reserved.

    Whether it was this that made it free.
    """
    before = await _stored(book, number)
    slot = _slot_in(before)
    if slot is None or (of and slot.call_id != of) or (only_reserved and not slot.is_reserved):
        return False
    # What is removed twice is no race to a store; what is marked twice is.
    key = _key(book, number)
    document = stamped(book.actor, key, {**before, "pvt_deleted": True})
    put = Put(key, document, before["_rev"], sort=None)
    return await _commit(book, put, "deleted", _told(book, number, before["slot"], word))


def _told(book: Book, number: str, slot: Document, word: str) -> list[Event]:
    if not word:
        return []
    names = ("call_id", "caller_id_name", "caller_id_number")
    facts = {name: slot[name] for name in names if name in slot}
    facts |= {"event_name": word, "parking_slot": number}
    return [happening(book.clock, book.account_id, "parking", facts, about=slot["call_id"])]
