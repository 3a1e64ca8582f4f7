"""Parking calls, and fetching them."""

from __future__ import annotations

from crossbar.documents import lookup
from crossbar.switch.executor.media import Dialing, Waited
from crossbar.switch.executor.ringing import Ring, legs_of_device, ring
from crossbar.switch.executor.slots import Slot, free_slot, hold_slot, release_slot, slot_of
from crossbar.switch.executor.step import DEFAULT, End, Go, Next, Step

RINGBACK_MS = 120_000
CALLBACK_MS = 30_000
MOST_RINGBACKS = 50
FETCHES = 3
TRIES = 10
"""How often a free slot is looked for while other calls take those that were found."""

COMPLETING = 30
"""Seconds that who parks a call by an attended transfer may take to complete it."""


async def park(step: Step) -> Next:
    """Parks the call in a slot, or connects the caller with the call that is parked there."""
    wanted = step.text("slot") or step.call.capture
    action = step.text("action") or "park"
    if action == "retrieve":
        return await _retrieve(step, wanted)
    taken = await slot_of(step.book, wanted) if wanted else None
    if action == "auto" and taken is not None and not step.call.is_transfer:
        return await _retrieve(step, wanted)
    waits = action == "direct_park" or step.call.is_transfer
    slot = _slot(step, is_reserved=not waits)
    number = await _hold(step, wanted, slot)
    if not number:
        return await _occupied(step, wanted) if wanted else Go(why="no slot is free")
    return await (_wait if waits else _reserve)(step, number, slot)


async def _hold(step: Step, wanted: str, slot: Slot) -> str:
    """Take the slot that is wanted, or a free one; its number, "" when there is none."""
    word = "" if slot.is_reserved else "PARK_PARKED"
    for _ in range(TRIES):
        number = wanted or await free_slot(step.book, _highest(step))
        if not number or await hold_slot(step.book, number, slot, word):
            return number
        if wanted:
            break
    return ""


def _highest(step: Step) -> int:
    return int(step.number("max_slot_number", 0))


async def _retrieve(step: Step, number: str) -> Next:
    """Connect the caller with the parked call."""
    for _ in range(FETCHES):
        slot = await slot_of(step.book, number)
        if slot is None:
            break
        if not slot.is_reserved:
            await step.answer()
            is_mine = await release_slot(step.book, number, "PARK_RETRIEVED")
            if is_mine and await step.media.take(slot.call_id):
                step.call.was_connected = True
                return await step.finish(f"the call in slot {number} was fetched")
            break
        await step.media.wait(1)
    await step.answer()
    await step.tell("park-no_caller")
    return End(why=f"nobody is in slot {number or '(none)'}")


async def _occupied(step: Step, number: str) -> Next:
    """The slot is taken: who parks hears so, or is rung back with the call."""
    if not step.call.is_transfer:
        await step.answer()
        await step.tell("park-already_in_use")
        return End(why=f"slot {number} is taken")
    parker = step.call.transferor_id
    legs = await legs_of_device(step, parker, Ring(can_call_self=True)) if parker else []
    dialed = await ring(step, legs, Dialing(timeout=CALLBACK_MS / 1000))
    if dialed is None or dialed.answered is None:
        return End(why=f"slot {number} is taken, and who parked does not answer")
    return await step.finish("the call went back to who parked it")


async def _reserve(step: Step, number: str, slot: Slot) -> Next:
    """Who parks by an attended transfer has reserved the slot, hears it, and completes that."""
    said = step.say(number, "number", "iterated")
    try:
        await step.answer()
        await step.media.play(step.prompt("park-call_placed_in_spot"), said)
        await step.media.wait(COMPLETING)
    finally:
        await release_slot(step.book, number, "", of=slot.call_id, only_reserved=True)
    return End(why=f"slot {number} was reserved, and no call came")


def _slot(step: Step, *, is_reserved: bool = False) -> Slot:
    return Slot(
        call_id=step.call.call_id,
        parker=step.call.transferor_id or step.call.device_id,
        caller_name=step.call.from_name,
        caller_number=step.call.from_number,
        is_reserved=is_reserved,
    )


async def _wait(step: Step, number: str, slot: Slot) -> Next:
    """Wait in the slot; after a while who parked the call is rung, and then it is given up."""
    try:
        await step.answer()
        patience = await _patience(step, number, "ringback_timeout", RINGBACK_MS)
        for _ in range(MOST_RINGBACKS):
            waited = await step.media.park(number, patience if slot.parker else 0)
            if waited is Waited.CONNECTED:
                return await step.finish("the parked call was fetched")
            if await _rings_back(step, number, slot):
                return await step.finish("the parked call went back to who parked it")
            if step.has(number) or step.has(DEFAULT):
                await release_slot(step.book, number, "PARK_ABANDONED")
                return Go(key=number, why="nobody has fetched the parked call")
        return End(why="nobody has fetched the parked call")
    finally:
        await release_slot(step.book, number, "", of=step.call.call_id)


async def _patience(step: Step, number: str, name: str, default: int) -> float:
    own = lookup(step.data, ("slots", number, name))
    value = own if isinstance(own, int) else step.number(f"default_{name}", default)
    return float(value) / 1000


async def _rings_back(step: Step, number: str, slot: Slot) -> bool:
    seconds = await _patience(step, number, "callback_timeout", CALLBACK_MS)
    before = step.call.name_prefixes
    step.call.name_prefixes = [f"Parking slot {number} - ", *before]
    legs = await legs_of_device(step, slot.parker, Ring(can_call_self=True))
    step.call.name_prefixes = before
    dialed = await ring(step, legs, Dialing(timeout=seconds))
    return dialed is not None and dialed.answered is not None
