"""Leaving messages."""

from __future__ import annotations

from crossbar.documents import Document, lookup, texts_at
from crossbar.families.callflows import CALLFLOWS
from crossbar.switch.executor.actions.mailbox import check
from crossbar.switch.executor.callers import caller_id
from crossbar.switch.executor.heard import BEEP, Recording, Sound, Taped, sound_of
from crossbar.switch.executor.mailboxes import (
    Keys,
    box_meant,
    counts,
    is_full,
    is_owner,
    keys_of,
    setting,
)
from crossbar.switch.executor.media import HungUp
from crossbar.switch.executor.step import Branch, Go, Next, Step, is_number

LONGEST = 500
SHORTEST_MS = 500
TRIES = 4
MOST_TAKES = 20


async def voicemail(step: Step) -> Next:
    """Takes a message, or (``check``) lets callers hear theirs and set up their box."""
    if step.text("action") == "check":
        return await check(step)
    return await _compose(step)


async def _compose(step: Step) -> Next:
    box, keys = await box_meant(step), await keys_of(step.book)
    await step.answer()
    if box is None:
        await step.tell("vm-not_available_no_voicemail")
        return Go(why="there is no such box")
    if is_owner(step, box) and _checks_owner(step, box):
        return await check(step, box)
    if box.get("announcement_only") is True:
        return await _announce(step, box, keys)
    if await is_full(step, box):
        return await _turn_away(step, box, keys)
    await step.media.flush()
    key = await step.media.play(*_greeting(step, box), *_instructions(step, box))
    if key == keys.login:
        return await check(step, box)
    if key == keys.operator and (operator := await _operator(step)):
        return operator
    if key and key == keys.continues:
        return Go(why="the caller went on")
    return await _take(step, box, keys)


def _checks_owner(step: Step, box: Document) -> bool:
    """Whether owners who call their own box hear their messages."""
    told = box.get("check_if_owner")
    return step.before in ("", "device") if told is None else told is True


def _greeting(step: Step, box: Document) -> list[Sound]:
    """What is said before the tone."""
    sounds: list[Sound] = []
    if box.get("play_greeting_intro") is True:
        sounds.append(step.prompt("vm-greeting_intro"))
    if box.get("skip_greeting") is True:
        return sounds
    for name in ("temporary_unavailable", "unavailable"):
        if media_id := lookup(box, ("media", name)):
            return [*sounds, sound_of(media_id)]
    if box.get("use_person_not_available") is True:
        return [*sounds, step.prompt("vm-person_not_available")]
    number = step.say(str(box.get("mailbox", "")), "name_spelled")
    return [*sounds, step.prompt("vm-person"), number, step.prompt("vm-not_available")]


def _instructions(step: Step, box: Document) -> list[Sound]:
    return [] if box.get("skip_instructions") is True else [step.prompt("vm-record_message")]


async def _announce(step: Step, box: Document, keys: Keys) -> Next:
    """Boxes that only say something."""
    if is_owner(step, box):
        return await check(step, box)
    if await step.media.play(*_greeting(step, box), keys=keys.login) == keys.login:
        return await check(step, box)
    return Go(why="the box takes no messages")


async def _turn_away(step: Step, box: Document, keys: Keys) -> Next:
    facts = {"type": "voicemail_full", "voicemail_box": box["_id"], "mailbox": box.get("mailbox")}
    await step.book.tell("notifications", facts)
    await _write_of_full(step, box)
    sounds = (*_greeting(step, box), step.prompt("vm-mailbox_full"))
    if await step.media.play(*sounds) == keys.login:
        return await check(step, box)
    return Go(why="the box is full")


async def _write_of_full(step: Step, box: Document) -> None:
    owner = await step.book.get("user", box.get("owner_id"))
    addresses = [str((owner or {}).get("email") or ""), *texts_at(box, "notify_email_addresses")]
    counted = await counts(step, box)
    facts = {"voicemail": {"box": box.get("mailbox"), "count": sum(counted.values())}}
    await step.book.notify("voicemail_full", facts, addresses, owner)


async def _operator(step: Step) -> Next | None:
    """The callflow of the operator, if the account has one."""
    config = await step.book.config("callflow")
    number = str(config.get("operator_key") or "0")
    found = await step.book.holder(CALLFLOWS, "numbers", {"numbers": [number]})
    return Branch(callflow=found, why="the caller wants the operator") if found else None


async def _take(step: Step, box: Document, keys: Keys) -> Next:
    """Record, let the caller hear and change it, and store it."""
    limit = step.data.get("max_message_length") or box.get("max_message_length")
    seconds = limit if is_number(limit) and limit > 0 else LONGEST
    for _ in range(MOST_TAKES):
        await step.media.play(BEEP, keys="")
        recording = await step.media.record(seconds)
        if recording.hung_up:
            await store(step, box, recording)
            await step.media.wait_for_hangup()
        try:
            choice = await _review(step, recording, keys)
        except HungUp:  # what was said counts, whether it was reviewed or not
            await store(step, box, recording)
            raise
        if choice == keys.record:
            continue
        if await store(step, box, recording):
            await step.tell("vm-saved")
        if choice == keys.operator and (operator := await _operator(step)):
            return operator
        break
    await step.tell("vm-thank_you")
    return Go(why="the message is left")


async def _review(step: Step, recording: Recording, keys: Keys) -> str:
    """What the caller wants done with the message; "" after too many other keys."""
    for _ in range(TRIES):
        key = await step.media.collect(1, step.prompt("vm-review_recording"))
        if key in (keys.save, keys.record, keys.operator):
            return key
        if key == keys.listen:
            await step.media.play(Taped(recording=recording))
    return ""


async def store(step: Step, box: Document, recording: Recording) -> bool:
    """Put a message into a box, and tell its owner; one that is too short is dropped."""
    least = await setting(step, "min_message_size", SHORTEST_MS)
    if recording.milliseconds < (least if is_number(least) else SHORTEST_MS):
        step.note("the message is too short to be kept")
        return False
    call, now = step.call, step.book.clock.gregorian()
    shown = await caller_id(step.book, call, "internal")
    facts = {
        "call_id": call.call_id,
        "caller_id_name": shown.name or shown.number or "unknown",
        "caller_id_number": shown.number or "unknown",
        "from": call.from_number or "unknown",
        "to": call.dialed,
        "length": recording.milliseconds,
        "timestamp": now,
        "folder": "new",
    }
    message_id = await step.book.keep(facts, step.media.audio(recording), box)
    if not message_id:
        return False
    call.left_message = True
    told = {
        "type": "voicemail_new",
        "voicemail_box": box["_id"],
        "voicemail_id": message_id,
        "caller_id_name": facts["caller_id_name"],
        "caller_id_number": facts["caller_id_number"],
        "voicemail_timestamp": now,
        "voicemail_length": recording.milliseconds,
        "call_id": call.call_id,
    }
    await step.book.tell("notifications", told)
    return True
