"""Conferences: finding the room, showing the pin, taking a seat."""

from __future__ import annotations

from crossbar.documents import Document, lookup, texts_at
from crossbar.families.conferencing import CONFERENCES
from crossbar.switch.executor.heard import BEEP, Prompt, Sound, Taped, Tone, sound_of
from crossbar.switch.executor.media import Seat
from crossbar.switch.executor.step import Leave, Next, Step

TRIES = 3
DIGITS = 16
NAME_SECONDS = 60
ENTRY = (
    Tone(frequencies=(523, 659), on_ms=300, repeat=2),
    Tone(frequencies=(659, 783), on_ms=800),
)
EXIT = (Tone(frequencies=(523, 440), on_ms=300), Tone(frequencies=(349, 440), on_ms=800))
MODERATOR, MEMBER, UNKNOWN = "moderator", "member", ""
Found = tuple[Document, str]


async def conference(step: Step) -> Next:
    """Puts the caller into a conference; without one in the data its number is asked for."""
    return await _join(step, await step.book.get("conference", step.data.get("id")))


async def conference_feature(step: Step) -> Next:
    """Puts the caller into the conference whose id was dialed behind the code."""
    return await _join(step, await step.book.get("conference", step.call.capture))


async def _join(step: Step, document: Document | None) -> Next:
    await step.answer()
    if lookup(step.data, ("welcome_prompt", "play"), True) is not False:
        welcome = lookup(step.data, ("welcome_prompt", "media_id"))
        await step.media.play(*step.sound(welcome, "conf-welcome"))
    config, role = step.data.get("config"), UNKNOWN
    if document is None and isinstance(config, dict):
        document = {"_id": f"flow-{step.call.account_id}-{step.call.flow_id}", **config}
    if document is None:
        found = await _ask(step)
        if found is None:
            return await _turn_away(step, "no conference was found")
        document, role = found
    admitted = await _role(step, document, role)
    if admitted is None:
        return await _turn_away(step, "the pin was wrong too often")
    role = _decided(step, document, admitted)
    most = document.get("max_participants") or 0
    if most and await step.media.people_in(document["_id"]) >= most:
        await step.tell("conf-max_participants")
        await step.media.hang_up()
        return Leave(why="the conference is full")
    await step.media.confer(await _seat(step, document, role))
    return Leave(why=f"the caller was in the conference as a {role}")


async def _turn_away(step: Step, why: str) -> Next:
    await step.tell("conf-too_many_attempts")
    await step.media.hang_up()
    return Leave(why=why)


async def _ask(step: Step) -> Found | None:
    """The conference whose number is pressed, and what its number makes of the caller."""
    for _ in range(TRIES):
        number = await step.media.collect(DIGITS, step.prompt("conf-enter_conf_number"))
        like = {"conference_numbers": [number]}
        found = await step.book.holder(CONFERENCES, "numbers", like) if number else None
        if found is not None:
            return found, _numbered(found, number)
        await step.tell("conf-bad_conf")
    return None


def _numbered(document: Document, number: str) -> str:
    """Who a number of a conference is for; the pin tells where that is not said."""
    roles = [role for role in (MEMBER, MODERATOR) if number in texts_at(document, role, "numbers")]
    return roles[0] if len(roles) == 1 else UNKNOWN


async def _role(step: Step, document: Document, role: str) -> str | None:
    """What the pin makes of the caller; ``None`` when it was wrong too often."""
    pins = {each: texts_at(document, each, "pins") for each in (MEMBER, MODERATOR)}
    asked = pins[role] if role else pins[MEMBER] + pins[MODERATOR]
    if not asked:
        return role
    for _ in range(TRIES):
        pin = await step.media.collect(DIGITS, step.prompt("conf-enter_conf_pin"))
        for each in (role,) if role else (MEMBER, MODERATOR):
            if pin and pin in pins[each]:
                return each
        if not pin and role == UNKNOWN and not pins[MEMBER]:
            return MEMBER
        await step.tell("conf-bad_pin")
    return None


def _decided(step: Step, document: Document, role: str) -> str:
    """The step's word counts before the document's, and that before the pin's."""
    for said in (step.data.get("moderator"), document.get("moderator")):
        if isinstance(said, bool):
            return MODERATOR if said else MEMBER
    return role or MEMBER


async def _seat(step: Step, document: Document, role: str) -> Seat:
    settings = document.get(role)
    told = settings if isinstance(settings, dict) else {}
    name = await _name(step, document) if document.get("play_name") is True else ()
    entry, leaving = (_tone(step, document, each) for each in ("entry", "exit"))
    return Seat(
        conference_id=document["_id"],
        name=step.call.from_name,
        is_moderator=role == MODERATOR,
        is_muted=told.get("join_muted") is True,
        is_deaf=told.get("join_deaf") is True,
        entry=(*entry, *name, step.prompt("conf-has_joined")) if name else entry,
        exit=(*leaving, *name, step.prompt("conf-has_left")) if name else leaving,
        settings=document,
    )


async def _name(step: Step, document: Document) -> tuple[Sound, ...]:
    """The caller's name as its user has recorded it, else as it is recorded now."""
    user = await step.book.get("user", step.call.owner_id)
    if media_id := lookup(user, ("pronounced_name", "media_id")):
        return (sound_of(media_id),)
    await step.media.play(step.prompt("conf-announce_your_name"), BEEP, keys="")
    recording = await step.media.record(NAME_SECONDS)
    return (Taped(recording=recording),) if recording.milliseconds else ()


def _tone(step: Step, document: Document, which: str) -> tuple[Sound, ...]:
    name = f"play_{which}_tone"
    for said in (step.data.get(name), document.get(name)):
        if said is False:
            return ()
        if isinstance(said, str) and said:
            is_prompt = said.startswith("conf-")
            return (
                Prompt(name=said, language=step.call.language) if is_prompt else sound_of(said),
            )
        if said is True:
            break
    return ENTRY if which == "entry" else EXIT
