"""Sounds and legs as people read them."""

from __future__ import annotations

from crossbar.documents import Document
from crossbar.switch.executor.heard import (
    Address,
    Prompt,
    Recorded,
    Say,
    Silence,
    Sound,
    Spoken,
    Taped,
    Tone,
)
from crossbar.switch.executor.media import Leg, ToDevice, ToGateway, ToNumber


def shown_sound(sound: Sound) -> Document:
    """A sound: its kind, and by what it is known."""
    match sound:
        case Prompt():
            return {"kind": "prompt", "name": sound.name, "language": sound.language}
        case Recorded():
            return {"kind": sound.doc_type, "name": sound.media_id}
        case Taped():
            return {"kind": "recording", "name": sound.recording.name}
        case Address():
            return {"kind": "url", "name": sound.url}
        case Tone():
            return {"kind": "tone", "frequencies": list(sound.frequencies)}
        case Silence():
            return {"kind": "silence", "milliseconds": sound.milliseconds}
        case Say():
            return {"kind": "say", "type": sound.kind, "text": sound.text}
        case Spoken():
            return {"kind": "tts", "text": sound.text, "language": sound.language}


def shown_leg(leg: Leg) -> Document:
    """Who is rung, and what is shown there of the caller."""
    facts: Document = {
        "kind": KINDS[type(leg.to)],
        "name": name_of_target(leg.to),
        "id": names_of_target(leg.to)[0],
        "caller_id_name": "" if leg.caller.hides in ("full", "name") else leg.caller.name,
        "caller_id_number": "" if leg.caller.hides in ("full", "number") else leg.caller.number,
        "delay": leg.delay,
        "timeout": leg.timeout,
        "auto_answer": leg.auto_answer,
    }
    if isinstance(leg.to, ToNumber) and leg.to.confirms:
        facts["confirms"] = True
    return {name: value for name, value in facts.items() if value not in ("", 0, False)}


KINDS = {ToDevice: "device", ToNumber: "number", ToGateway: "gateway"}


def name_of_target(to: ToDevice | ToNumber | ToGateway) -> str:
    """What people call it."""
    match to:
        case ToDevice():
            return to.label or to.name or to.device_id
        case ToNumber():
            return to.number
        case ToGateway():
            return f"{to.number} at {to.gateway.get('server') or to.resource_id}"


def names_of_target(to: ToDevice | ToNumber | ToGateway) -> tuple[str, ...]:
    """What it is known by, the most precise first."""
    match to:
        case ToDevice():
            return (to.device_id,)
        case ToNumber():
            return (to.number,)
        case ToGateway():
            return (to.resource_id, to.number)
