"""Menus: callers press keys."""

from __future__ import annotations

from typing import Any

from crossbar.documents import Document, lookup
from crossbar.switch.executor.finding import Found, dialed, expression, find
from crossbar.switch.executor.greeting import keep_recording, reviewed
from crossbar.switch.executor.heard import Sound, sound_of
from crossbar.switch.executor.step import DEFAULT, Branch, Go, Next, Step
from crossbar.switch.executor.walking import enter


async def menu(step: Step) -> Next:
    """Plays a greeting and goes where the keys lead: to a child, or to a callflow's number."""
    document = await step.book.get("menu", step.data.get("id")) or {}
    await step.answer()
    retries = _whole(document, "retries", 3)
    while retries > 0:
        digits = await _ask(step, document)
        if digits and _may_record(step, document, digits):
            await _record_greeting(step, document)
            document = await step.book.get("menu", step.data.get("id")) or document
            retries = _whole(document, "retries", 3)
            continue
        if then := await _chosen(step, document, digits):
            return then
        retries -= 1
        if digits:
            step.note(f"{digits} is no choice")
            await step.media.play(*_sound(step, document, "invalid_media", "menu-invalid_entry"))
    return await _given_up(step, document)


async def _ask(step: Step, document: Document) -> str:
    greeting = lookup(document, ("media", "greeting"))
    sound = sound_of(greeting) if greeting else step.prompt("menu-no_prompt")
    between = step.number("interdigit_timeout", _whole(document, "interdigit_timeout", 2000))
    return await step.media.collect(
        max(_whole(document, "max_extension_length", 4), 1),
        sound,
        first=_whole(document, "timeout", 10_000) / 1000,
        between=between / 1000,
    )


async def _chosen(step: Step, document: Document, digits: str) -> Next | None:
    """Where keys lead; ``None`` when they lead nowhere."""
    if not digits:
        return Go(key="timeout", why="nothing was pressed") if step.has("timeout") else None
    if digits in step.children and digits != DEFAULT:
        return Go(key=digits, why=f"{digits} was pressed")
    found = await _hunted(step, document, digits)
    if found is None:
        return None
    enter(step.call, found)
    await step.media.play(*_sound(step, document, "transfer_media", "menu-transferring_call"))
    return Branch(callflow=found.callflow, why=f"{digits} was dialed")


async def _hunted(step: Step, document: Document, digits: str) -> Found | None:
    """The callflow of a number that was dialed in the menu, where it allows that."""
    if document.get("hunt") is not True:
        return None
    allow, deny = document.get("hunt_allow"), document.get("hunt_deny")
    if (allow and not _fits(allow, digits)) or (deny and _fits(deny, digits)):
        step.note(f"{digits} may not be dialed here")
        return None
    found = await find(step.book, dialed(step.book, digits))
    return None if found is None or found.is_no_match else found


def _fits(pattern: Any, digits: str) -> bool:
    compiled = expression(pattern) if isinstance(pattern, str) else None
    return compiled is not None and compiled.finds(digits)


async def _given_up(step: Step, document: Document) -> Next:
    await step.media.play(*_sound(step, document, "exit_media", "menu-exit"))
    if step.has("max_retries"):
        return Go(key="max_retries", why="there were too many tries")
    if step.has(DEFAULT):
        await step.media.play(*_sound(step, document, "transfer_media", "menu-transferring_call"))
    else:
        await step.tell("vm-goodbye")
    return Go(why="there were too many tries")


def _may_record(step: Step, document: Document, digits: str) -> bool:
    if digits in step.children or digits != document.get("record_pin"):
        return False
    return not step.call.is_external or document.get("allow_record_from_offnet") is True


async def _record_greeting(step: Step, document: Document) -> None:
    """The caller records what the menu says, and hears it before it is kept."""
    recording = await reviewed(step, "vm-record_greeting", least_ms=1500)
    media_id = ""
    if recording is not None:
        name = f"{document.get('name', '')} menu greeting"
        media_id = await keep_recording(step, recording, name, document["_id"], "menu")
    changed = media_id and await step.book.change(
        "menus", document["_id"], {"media": {"greeting": media_id}}
    )
    await step.tell("vm-saved" if changed else "vm-deleted", "menu-return")


def _sound(step: Step, document: Document, name: str, default: str) -> tuple[Sound, ...]:
    if document.get("suppress_media") is True and name != "transfer_media":
        return ()
    return tuple(step.sound(lookup(document, ("media", name)), default))


def _whole(document: Document, name: str, default: int) -> int:
    value = document.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else default
