"""TwiML: what it says is done to the caller's leg, verb by verb."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urljoin
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from crossbar.documents import Document
from crossbar.switch.executor.heard import BEEP, Address, Silence, Sound, Spoken
from crossbar.switch.executor.media import (
    ANY_KEY,
    Dialed,
    Dialing,
    Leg,
    Seat,
    Strategy,
    ToNumber,
)
from crossbar.switch.executor.recording import keep_recording
from crossbar.switch.executor.ringing import legs_of_device, legs_of_user, ring, ring_of
from crossbar.switch.executor.step import Step

MOST_VERBS = 200
"""Verbs that a call may take, of all documents: one that redirects to itself ends."""

MOST_DIGITS = 128
LONGEST_PAUSE = 3600
LONGEST_RECORDING = 10_800
MOST_SOUNDS = 20
"""Sounds with which keys are asked for."""

CONFERENCE = "twiml"


class NoTwiml(ValueError):
    """What was answered cannot be read as TwiML. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Where the document came from, and how another is asked for: by address, verb and facts."""

    url: str
    ask: Callable[[str, str, Document], Awaitable[str | None]]


def parsed(text: str) -> list[Element]:
    """The verbs of a document. Raises :class:`NoTwiml`.

    One with a document type is refused: its entities could make a book of a line.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise NoTwiml("it has a document type")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - without a document type
    except ElementTree.ParseError as error:
        raise NoTwiml(str(error)) from None
    if root.tag != "Response":
        raise NoTwiml("its root is not Response")
    return list(root)


async def perform(step: Step, elements: Iterable[Element], asking: Asking) -> str:
    """Do what a document says, and those that it leads to; how that ended, in words."""
    verbs, waiting = 0, list(elements)
    while waiting:
        element = waiting.pop(0)
        verbs += 1
        if verbs > MOST_VERBS:
            return f"the call was ended after {MOST_VERBS} verbs"
        if element.tag in ("Hangup", "Reject"):
            await _end(step, element)
            return f"{element.tag} was answered"
        verb = VERBS.get(element.tag)
        if verb is None:
            return f"there is no verb {element.tag}"
        following = await verb(step, element, asking)
        if following is not None:
            try:
                waiting = parsed(following)
            except NoTwiml as error:
                return f"what the server has answered is no TwiML: {error}"
    return "the document is done"


def _number(element: Element, name: str, default: float, most: float) -> float:
    try:
        value = float(element.get(name, default))
    except ValueError:
        return default
    return min(max(value, 0), most) if value == value else default  # no number is not itself


async def _end(step: Step, element: Element) -> None:
    if element.tag == "Hangup":
        await step.media.hang_up()
    elif element.get("reason") == "busy":
        await step.media.hang_up("USER_BUSY", 486)
    else:
        await step.media.hang_up("CALL_REJECTED", 503)


def _sounds(step: Step, element: Element, asking: Asking) -> list[Sound]:
    """What Say, Play and Pause sound like."""
    text = (element.text or "").strip()
    if element.tag == "Pause":
        return [Silence(milliseconds=int(_number(element, "length", 1, LONGEST_PAUSE) * 1000))]
    if not text:
        return []
    if element.tag == "Play":
        return [Address(url=_joined(asking, text))]
    voice = "male" if element.get("voice") == "man" else "female"
    language = (element.get("language") or step.call.language).lower()
    return [Spoken(text=text[:1000], language=language, voice=voice)]


async def _sound(step: Step, element: Element, asking: Asking) -> str | None:
    await step.answer()
    times = int(_number(element, "loop", 1, 1000))
    await step.media.play(*_sounds(step, element, asking), keys="", times=times)
    return None


async def _gather(step: Step, element: Element, asking: Asking) -> str | None:
    """Ask for keys; when there are some, what the server answers to them is next."""
    await step.answer()
    spoken = [each for each in element if each.tag in ("Say", "Play", "Pause")]
    sounds = [sound for each in spoken[:MOST_SOUNDS] for sound in _sounds(step, each, asking)]
    most = int(_number(element, "numDigits", MOST_DIGITS, MOST_DIGITS)) or 1
    seconds = _number(element, "timeout", 5, LONGEST_PAUSE)
    ends = "".join(each for each in element.get("finishOnKey", "#") if each in ANY_KEY)
    digits = await step.media.collect(most, *sounds, first=seconds, between=seconds, ends=ends)
    if not digits:
        return None
    step.call.digits["default"] = digits
    return await _next(element, asking, {"Digits": digits})


def _joined(asking: Asking, address: str) -> str:
    """An address as it is meant in a document; one that is none stays so."""
    try:
        return urljoin(asking.url, address)
    except ValueError:
        return address


async def _record(step: Step, element: Element, asking: Asking) -> str | None:
    """Record the caller; what the server answers to the recording is next, if there is one."""
    await step.answer()
    if element.get("playBeep") != "false":
        await step.media.play(BEEP, keys="")
    ends = element.get("finishOnKey", ANY_KEY)
    recording = await step.media.record(
        _number(element, "maxLength", 3600, LONGEST_RECORDING) or 1,
        ends="".join(each for each in ends if each in ANY_KEY),
        silence=_number(element, "timeout", 5, LONGEST_PAUSE) or 1,
    )
    if not recording.milliseconds:
        return None
    media_id = await keep_recording(step, recording)
    facts = {
        "RecordingSid": media_id,
        "RecordingUrl": _address_of(step, media_id),
        "RecordingDuration": str(round(recording.milliseconds / 1000)),
        "Digits": "hangup" if recording.hung_up else recording.key,
    }
    told = {name: value for name, value in facts.items() if value}
    return await _next(element, asking, told)


def _address_of(step: Step, media_id: str) -> str:
    """Where the account reads a recording; "" where none was kept or nobody knows the address."""
    origins = step.book.actor.services.settings.own_origins()
    if not media_id or not origins:
        return ""
    path = f"v2/accounts/{step.call.account_id}/media/{media_id}/raw"
    return f"{origins[0].rstrip('/')}/{path}"


async def _next(element: Element, asking: Asking, facts: Document, default: str = "") -> str:
    """What the server answers at the element's ``action``; nothing more when it does not."""
    address = _joined(asking, element.get("action") or default)
    method = element.get("method", "post")
    return await asking.ask(address, method, facts) or "<Response/>"


async def _redirect(step: Step, element: Element, asking: Asking) -> str | None:
    return await _next(element, asking, {}, (element.text or "").strip())


async def _variables(step: Step, element: Element, asking: Asking) -> str | None:
    """Set variables of the call: those inside of Set, or one Variable alone."""
    listed = list(element) if element.tag == "Set" else [element]
    chosen = {each.get("key", ""): each.get("value", "") for each in listed}
    chosen.pop("", None)
    step.call.variables |= chosen
    await step.media.label(chosen)
    return None


async def _dial(step: Step, element: Element, asking: Asking) -> str | None:
    """Connect the caller: with a number, a device, a user, or a conference."""
    room = element.find("Conference")
    if room is not None:
        await step.answer()
        name = (room.text or "").strip()
        seat = Seat(
            conference_id=f"{CONFERENCE}-{step.call.account_id}-{name}",
            name=step.call.from_name,
            is_muted=room.get("muted") == "true",
        )
        await step.media.confer(seat)
        dialed: Dialed | None = Dialed(answered=None, cause="NORMAL_CLEARING")
    else:
        if shown := element.get("callerId"):
            step.call.shown_number = shown
        is_single = element.get("strategy") == "single"
        strategy = Strategy.SINGLE if is_single else Strategy.SIMULTANEOUS
        seconds = _number(element, "timeout", 30 if len(element) else 20, LONGEST_PAUSE)
        dialing = Dialing(timeout=seconds, strategy=strategy)
        dialed = await ring(step, await _legs(step, element), dialing)
    if not element.get("action"):
        return None
    return await _next(element, asking, {"DialCallStatus": _status(dialed)})


def _status(dialed: Dialed | None) -> str:
    if dialed is None:
        return "failed"
    if dialed.answered is not None or dialed.cause == "NORMAL_CLEARING":
        return "completed"
    return {"USER_BUSY": "busy", "NO_ANSWER": "no-answer"}.get(dialed.cause, "failed")


async def _legs(step: Step, element: Element) -> list[Leg]:
    """Who is rung: a number in the text, or what is nested."""
    if not len(element):
        return _to(step, element.text)
    legs: list[Leg] = []
    for each in element:
        text = (each.text or "").strip()
        if each.tag == "Number":
            legs += _to(step, text)
        elif each.tag == "Device":
            legs += await legs_of_device(step, text, ring_of(step))
        elif each.tag == "User":
            legs += await legs_of_user(step, text, ring_of(step))
        else:
            step.note(f"{each.tag} cannot be dialed here")
    return legs


def _to(step: Step, number: str | None) -> list[Leg]:
    text = (number or "").strip()
    return [Leg(to=ToNumber(number=text, for_account=True))] if text else []


VERBS: dict[str, Callable[[Step, Element, Asking], Awaitable[str | None]]] = {
    "Dial": _dial,
    "Gather": _gather,
    "Pause": _sound,
    "Play": _sound,
    "Record": _record,
    "Redirect": _redirect,
    "Say": _sound,
    "Set": _variables,
    "Variable": _variables,
}
