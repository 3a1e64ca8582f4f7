"""What callers switch on and off for themselves: forwarding, rest, second calls, lamps."""

from __future__ import annotations

from crossbar.core.ports import Command
from crossbar.documents import Document, lookup
from crossbar.switch.executor.step import End, Go, Next, Step

NOUNS = {"user": "users", "device": "devices"}
SHORTEST, LONGEST = 3, 20
ASKED_SECONDS = 8
MOST_ASKED = 20
STATES = {"idle": "terminated", "ringing": "early", "busy": "confirmed"}


async def _whose(step: Step, *, named: bool = False) -> Document | None:
    """The document that is changed: the one named, else the caller's user, else the phone."""
    ids = [step.text("id")] if named else []
    for doc_id in filter(None, (*ids, step.call.owner_id, step.call.device_id)):
        if found := await step.book.get_any(doc_id, "user", "device"):
            return found
    return None


async def _change(step: Step, document: Document, patch: Document) -> bool:
    return await step.book.change(NOUNS[document["pvt_type"]], document["_id"], patch)


async def do_not_disturb(step: Step) -> Next:
    """Switches do-not-disturb on or off for the caller."""
    document = await _whose(step, named=True)
    if document is None:
        await step.tell("dnd-not_available")
        return End(why="there is nobody to switch it for")
    return await _switch(step, document, ("do_not_disturb", "enabled"), "dnd", absent=False)


async def call_waiting(step: Step) -> Next:
    """Switches on or off that a second call rings while one is running."""
    scope = step.text("scope") or "device"
    doc_id = step.call.owner_id if scope == "user" else step.call.device_id
    document = await step.book.get(scope if scope in NOUNS else "device", doc_id)
    if document is None:
        await step.tell("cw-not_available")
        return End(why="there is nobody to switch it for")
    return await _switch(step, document, ("call_waiting", "enabled"), "cw", absent=True)


async def _switch(
    step: Step, document: Document, path: tuple[str, str], prompts: str, *, absent: bool
) -> Next:
    now = lookup(document, path, absent) is True
    wanted = {"activate": True, "deactivate": False, "toggle": not now}.get(
        step.text("action") or "toggle"
    )
    await step.answer()
    if wanted is None or not await _change(step, document, {path[0]: {path[1]: wanted}}):
        await step.tell(f"{prompts}-not_available")
        return Go(why="nothing was changed")
    await step.tell(f"{prompts}-activated" if wanted else f"{prompts}-deactivated")
    return Go(why=f"{path[0]} is {'on' if wanted else 'off'}")


async def call_forward(step: Step) -> Next:
    """Switches call forwarding on or off, or changes its number."""
    document = await _whose(step)
    if document is None:
        await step.tell("cf-not_available")
        return End(why="there is nobody to forward calls of")
    await step.answer()
    action = step.text("action")
    if action == "menu":
        return await _forward_menu(step, document)
    if action == "toggle":
        action = _toggled(document)
        if action == "on":
            return await _forward(step, document, str(document["call_forward"]["number"]))
    if action == "deactivate":
        return await _stop_forwarding(step, document)
    number = await _number(step)
    if not number:
        return Go(why="no number was pressed")
    if action == "update":
        await _change(step, document, {"call_forward": {"number": number}})
        return Go(why=f"the number is {number} now")
    return await _forward(step, document, number)


def _toggled(document: Document) -> str:
    """What a toggle does: off, on with the number that is known, or on with one to be asked."""
    if lookup(document, ("call_forward", "enabled")) is True:
        return "deactivate"
    return "on" if lookup(document, ("call_forward", "number")) else "activate"


async def _number(step: Step) -> str:
    """The number that was dialed behind the code, or is pressed now."""
    if step.call.capture:
        return step.call.capture
    for _ in range(MOST_ASKED):
        number = await step.media.collect(
            LONGEST, step.prompt("cf-enter_number"), first=ASKED_SECONDS
        )
        if len(number) >= SHORTEST:
            await step.tell("vm-saved")
            return number
    return ""


async def _forward(step: Step, document: Document, number: str) -> Next:
    forward = {"call_forward": {"enabled": True, "number": number}}
    if not await _change(step, document, forward):
        await step.tell("cf-not_available")
        return Go(why="nothing was changed")
    said = step.say(number, "telephone_number", "iterated")
    await step.media.play(step.prompt("cf-now_forwarded_to"), said)
    return Go(why=f"calls go to {number} now")


async def _stop_forwarding(step: Step, document: Document) -> Next:
    await _change(step, document, {"call_forward": {"enabled": False}})
    await step.tell("cf-disabled")
    return Go(why="calls are not forwarded any more")


async def _forward_menu(step: Step, document: Document) -> Next:
    for _ in range(MOST_ASKED):
        document = await step.book.get(document["pvt_type"], document["_id"]) or document
        is_on = lookup(document, ("call_forward", "enabled")) is True
        key = await step.media.collect(
            1, step.prompt("cf-enabled_menu" if is_on else "cf-disabled_menu")
        )
        if key == "1" and is_on:
            await _stop_forwarding(step, document)
        elif key == "1" and (number := await _known_or_asked(step, document)):
            await _forward(step, document, number)
        elif key == "2" and (number := await _number(step)):
            await _change(step, document, {"call_forward": {"number": number}})
    return Go(why="nothing more was chosen")


async def _known_or_asked(step: Step, document: Document) -> str:
    return str(lookup(document, ("call_forward", "number")) or "") or await _number(step)


async def manual_presence(step: Step) -> Next:
    """Sets a lamp by hand."""
    await step.answer()
    lamp = step.text("presence_id") or step.call.capture
    if not lamp:
        return Go(why="no lamp is named")
    full = lamp if "@" in lamp else f"{lamp}@{step.book.account.realm}"
    state = STATES.get(step.text("status") or "idle", "terminated")
    await step.book.order(
        Command("presence.set", step.book.account_id, {"presence_id": full, "state": state})
    )
    return Go(why=f"the lamp {full} shows {state}")
