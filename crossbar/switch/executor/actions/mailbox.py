"""Hearing messages, and setting up a box, by telephone."""

from __future__ import annotations

from secrets import compare_digest

from crossbar.documents import Document, lookup
from crossbar.switch.executor.callers import authorizing, called, why_denied
from crossbar.switch.executor.finding import dialed, find
from crossbar.switch.executor.greeting import keep_recording, reviewed
from crossbar.switch.executor.heard import Recorded, Sound
from crossbar.switch.executor.mailboxes import (
    LONGEST_NUMBER,
    Keys,
    box_meant,
    box_of,
    counts,
    is_owner,
    keys_of,
    messages_in,
    winding_of,
)
from crossbar.switch.executor.step import Branch, Go, Leave, Next, Step
from crossbar.switch.executor.walking import enter

LOGINS = 3
TRIES = 4
PIN_DIGITS = 6
SHORTEST_PIN = 4
MOST_ROUNDS = 100
"""How often the same is asked, at most: nobody listens any more."""


async def check(step: Step, box: Document | None = None) -> Next:
    """Let the caller in to a box, and hear what is in it."""
    await step.answer()
    keys = await keys_of(step.book)
    box = box or await box_meant(step) or await _ask_box(step)
    if box is None:
        await step.tell("vm-abort")
        return Go(why="there is no such box")
    is_new = box.get("is_setup") is not True
    if not (is_new and is_owner(step, box)) and (why := await _why_kept_out(step, box)):
        return Go(why=why)
    if is_new:
        if not await _set_up(step, box):
            await step.tell("vm-goodbye")
            await step.media.hang_up()
            return Leave(why="the box was not set up")
        box = await _again(step, box)
    if box.get("announcement_only") is True and box.get("not_configurable") is not True:
        await _settings(step, box, keys)
        return Go(why="the caller left the box")
    return await _main_menu(step, box, keys) or Go(why="the caller left the box")


async def _ask_box(step: Step) -> Document | None:
    for _ in range(LOGINS):
        number = await step.media.collect(LONGEST_NUMBER, step.prompt("vm-enter_id"))
        if found := await box_of(step, number):
            return found
        await step.tell("menu-invalid_entry")
    return None


async def _again(step: Step, box: Document) -> Document:
    """The box as it is now."""
    return await step.book.get("vmbox", box["_id"]) or box


async def _why_kept_out(step: Step, box: Document) -> str:
    """Why the caller may not open the box; "" once the caller has shown to know its pin."""
    if is_owner(step, box) and box.get("require_pin") is not True:
        return ""
    pin = str(box.get("pin") or "")
    if not pin:
        await step.tell("vm-no_access")
        return "the box has no pin, and the caller does not own it"
    for _ in range(LOGINS):
        tried = await step.media.collect(PIN_DIGITS, step.prompt("vm-enter_pass"))
        if compare_digest(tried.encode(), pin.encode()):
            return ""
        await step.tell("vm-fail_auth")
    await step.tell("vm-abort")
    return "the pin was wrong too often"


async def _set_up(step: Step, box: Document) -> bool:
    """The first use, by its owner or who knows the pin: a new pin, a greeting."""
    await step.tell("vm-setup_intro")
    if not await _new_pin(step, box):
        return False
    await step.tell("vm-setup_rec_greeting")
    await _record(step, box, "vm-record_greeting", "unavailable")
    await step.book.change("vmboxes", box["_id"], {"is_setup": True})
    await step.tell("vm-setup_complete")
    return True


async def _new_pin(step: Step, box: Document) -> bool:
    for _ in range(LOGINS):
        first = await step.media.collect(PIN_DIGITS, step.prompt("vm-enter_new_pin"))
        second = await step.media.collect(PIN_DIGITS, step.prompt("vm-enter_new_pin_confirm"))
        is_good = first == second and len(first) >= SHORTEST_PIN and first.isdigit()
        if is_good and await step.book.change("vmboxes", box["_id"], {"pin": first}):
            await step.tell("vm-pin_set")
            return True
        await step.tell("vm-pin_invalid")
    return False


async def _main_menu(step: Step, box: Document, keys: Keys) -> Next | None:
    failed = 0
    for _ in range(MOST_ROUNDS):
        await step.media.flush()
        can_set = box.get("not_configurable") is not True
        menu = "vm-main_menu" if can_set else "vm-main_menu_not_configurable"
        key = await step.media.collect(
            1, *_count(step, await counts(step, box)), step.prompt(menu), ends=""
        )
        if key in (keys.hear_new, keys.hear_saved):
            folder = "new" if key == keys.hear_new else "saved"
            if then := await _hear(step, box, keys, folder):
                return then
        elif key == keys.configure and can_set:
            if not await _settings(step, box, keys):
                return None
            box = await _again(step, box)
        elif key == keys.exit:
            break
        else:
            failed += 1
            if failed > TRIES:
                break
    await step.tell("vm-goodbye")
    return None


def _count(step: Step, count: dict[str, int]) -> list[Sound]:
    """How many messages there are, in words."""
    new, saved = count["new"], count["saved"]
    if not new and not saved:
        return [step.prompt("vm-no_messages")]
    sounds: list[Sound] = [step.prompt("vm-you_have")]
    if new:
        last = "vm-new_and" if saved else "vm-new_message" if new == 1 else "vm-new_messages"
        sounds += [step.say(str(new)), step.prompt(last)]
    if saved:
        last = "vm-saved_message" if saved == 1 else "vm-saved_messages"
        sounds += [step.say(str(saved)), step.prompt(last)]
    return sounds


async def _hear(step: Step, box: Document, keys: Keys, folder: str) -> Next | None:
    """Play the messages of a folder, one after the other."""
    messages, place = await messages_in(step, box, folder), 0
    winding = await winding_of(step.book, box, keys)
    wind = winding.keys if winding else ""
    heard = True
    for _ in range(MOST_ROUNDS + len(messages)):
        if place >= len(messages):
            return None
        message = messages[place]
        sounds = _message(step, box, message, place + 1) if heard else []
        sounds.append(step.prompt("vm-message_menu"))
        key = await step.media.collect(1, *sounds, ends="", winding=winding)
        heard = True
        if key == keys.keep:
            await _file(step, box, message, "saved")
        elif key == keys.delete:
            await _file(step, box, message, "deleted")
        elif key == keys.forward:
            await _forward(step, box, message)
        elif key == keys.return_main:
            await _file(step, box, message, "saved")
            return None
        elif key == keys.callback:
            if then := await _call_back(step, box, message):
                return then
        elif key not in (keys.replay, keys.prev, keys.next, *wind):
            heard = False
            await step.tell("menu-invalid_entry")
        place += key in (keys.keep, keys.delete, keys.forward)
        place += key == keys.next and place < len(messages) - 1
        place -= key == keys.prev and place > 0
    return None


def _message(step: Step, box: Document, message: Document, number: int) -> list[Sound]:
    """A message, and when it came."""
    sounds: list[Sound] = [step.prompt("vm-message_number"), step.say(str(number))]
    sounds.append(Recorded(media_id=message["_id"], doc_type="mailbox_message"))
    if box.get("skip_envelope") is not True:
        time = str(message["metadata"]["timestamp"])
        said = step.say(time, "current_date_time", zone=step.book.zone_of(box))
        sounds += [step.prompt("vm-received"), said]
    return sounds


async def _file(step: Step, box: Document, message: Document, folder: str) -> None:
    await step.book.file_message(box["_id"], message["_id"], folder)
    await step.tell("vm-deleted" if folder == "deleted" else "vm-saved")


async def _forward(step: Step, box: Document, message: Document) -> None:
    for _ in range(LOGINS):
        number = await step.media.collect(LONGEST_NUMBER, step.prompt("vm-enter_forward_id"))
        target = await box_of(step, number)
        if target is not None and target["_id"] != box["_id"]:
            await step.book.copy_message(box["_id"], message["_id"], target["_id"])
            await step.tell("vm-forward_confirmed")
            await _file(step, box, message, "saved")
            return
        await step.tell("menu-invalid_entry")
    await step.tell("vm-forward_abort")


async def _call_back(step: Step, box: Document, message: Document) -> Next | None:
    """Call who has left the message, if the caller may."""
    number = str(message["metadata"].get("caller_id_number") or "")
    if not number.lstrip("+").isdigit():
        await step.tell("vm-not_available")
        return None
    device = await authorizing(step.book, step.call)
    if await why_denied(step.book, await called(step.book, step.call, number), device):
        await step.tell("cf-unauthorized_call")
        return None
    found = await find(step.book, dialed(step.book, number), is_trusted=step.call.is_trusted)
    if found is None:
        await step.tell("fault-can_not_be_completed_as_dialed")
        return None
    enter(step.call, found)
    step.call.dialed = number
    return Branch(callflow=found.callflow, why=f"{number} is called back")


async def _settings(step: Step, box: Document, keys: Keys) -> bool:
    """Greetings, name, pin; whether the caller goes back to the main menu."""
    failed = 0
    for _ in range(MOST_ROUNDS):
        announces = box.get("announcement_only") is True
        menu = "vm-settings_menu_announcement_on" if announces else "vm-settings_menu"
        key = await step.media.collect(1, step.prompt(menu))
        if key == keys.return_main:
            return True
        if key == keys.del_temporary:
            patch = {"media": {"temporary_unavailable": None}}
            await step.book.change("vmboxes", box["_id"], patch)
            await step.tell("vm-saved")
            return False
        if key in (keys.rec_unavailable, keys.rec_name, keys.rec_temporary):
            if not await _record_one(step, box, keys, key):
                return False
        elif key == keys.set_pin:
            await _new_pin(step, box)
        elif key == keys.toggle_announcement:
            await step.book.change("vmboxes", box["_id"], {"announcement_only": not announces})
            await step.tell("vm-saved")
        else:
            failed += 1
            if failed == LOGINS:
                return False
        box = await _again(step, box)
    return False


async def _record_one(step: Step, box: Document, keys: Keys, key: str) -> bool:
    if key == keys.rec_unavailable:
        return await _record(step, box, "vm-record_greeting", "unavailable")
    if key == keys.rec_temporary:
        return await _record(step, box, "vm-record_temp_greeting", "temporary_unavailable")
    return await _record(step, box, "vm-record_name", "name")


NAMED = {
    "unavailable": "unavailable greeting",
    "temporary_unavailable": "temporary unavailable greeting",
    "name": "users name",
}


async def _record(step: Step, box: Document, prompt: str, field: str) -> bool:
    """Record a greeting, or the owner's name; whether it was kept."""
    recording = await reviewed(step, prompt)
    media_id = ""
    if recording is not None:
        name = f"mailbox {box.get('mailbox')} {NAMED[field]}"
        media_id = await keep_recording(step, recording, name, box["_id"], "voicemail")
    patch = {"media": {field: media_id}}
    owner = lookup(box, ("owner_id",))
    noun, doc_id = "vmboxes", box["_id"]
    if field == "name" and await step.book.get("user", owner):
        noun, doc_id = "users", str(owner)
        patch = {"pronounced_name": {"media_id": media_id}}
    changed = bool(media_id) and await step.book.change(noun, doc_id, patch)
    await step.tell("vm-saved" if changed else "vm-deleted")
    return changed
