"""Dialing out of a conference: whom to call, and what came of it."""

from __future__ import annotations

from typing import Any

from crossbar.core.ports import Command
from crossbar.core.reading import live_documents
from crossbar.core.recipes import DOCUMENT_ID
from crossbar.core.requests import Actor, Request
from crossbar.documents import Document
from crossbar.errors import SwitchTimedOut, SwitchUnavailable, ValidationFailed
from crossbar.families.endpoints import devices_behind, usable
from crossbar.numbers import to_e164
from crossbar.validation import Refusals

RING_SECONDS = 30
LONGEST_WAIT = 300
"""Seconds that a request waits at most, however many are called and however long they ring."""

EXTENSION_LENGTH = 5
"""Shorter text is an extension."""

NO_MEDIA_SERVER = "conference dial failed to find a media server"
TIMED_OUT = "timed out trying to dial endpoints"


async def dial(request: Request, arguments: Document) -> Document:
    """Call endpoints into the conference; answer what became of each.

    That no media server is there, or does not answer in time, is an answer, not a refusal.
    """
    asked, errors = await request.services.schemas.judged("conferences.dial", arguments)
    if errors:
        raise ValidationFailed({f"data.{path}": found for path, found in errors.items()})
    endpoints = await _resolved(request.actor, asked["endpoints"])
    told = {**asked, **_beside(request), "endpoints": endpoints, "conference_id": request.doc_id}
    seconds = asked.get("timeout", RING_SECONDS) * len(endpoints)
    command = Command("conferences.dial", request.account_id, told)
    try:
        return await request.services.switch.order(command, min(seconds, LONGEST_WAIT))
    except SwitchUnavailable:
        return {"status": "error", "message": NO_MEDIA_SERVER}
    except SwitchTimedOut:
        return {"status": "error", "message": TIMED_OUT}


def _beside(request: Request) -> Document:
    """What may stand beside the arguments."""
    names = {"outbound_call_id": str, "custom_application_vars": dict}
    found = {name: request.control(name) for name in names}
    return {name: value for name, value in found.items() if isinstance(value, names[name])}


async def _resolved(actor: Actor, endpoints: list[Any]) -> list[Document]:
    """Those that can be called, as the switch is told of them; unknown ids are passed over."""
    found: list[Document] = []
    refusals = Refusals()
    for number, endpoint in enumerate(endpoints, 1):
        if isinstance(endpoint, dict):
            found.append({"endpoint_type": "device", "device": endpoint})
        elif DOCUMENT_ID.fullmatch(endpoint):
            found += await _of_document(actor, endpoint, number, refusals)
        else:
            found += _of_text(endpoint, number, refusals)
    if refusals:
        raise ValidationFailed(refusals)
    if not found:
        message = "The list must have at least 1 items"
        raise ValidationFailed.of("data.endpoints", "minItems", message, target=1)
    return found


async def _of_document(
    actor: Actor, doc_id: str, number: int, refusals: Refusals
) -> list[Document]:
    stored = (await live_documents(actor, [doc_id])).get(doc_id)
    if stored is None:
        return []
    path = f"data.endpoints.{number}"
    if stored["pvt_type"] not in ("user", "device"):
        message = "The document is neither a device nor a user"
        refusals.add(path, "not_found", message, cause=doc_id)
        return []
    devices = usable(await devices_behind(actor, stored))
    if not devices:
        refusals.add(path, "minItems", "There is no device that can be called", cause=doc_id)
    return [{"endpoint_type": "device", "endpoint_id": device["_id"]} for device in devices]


def _of_text(text: str, number: int, refusals: Refusals) -> list[Document]:
    e164 = to_e164(text)
    if text.startswith("sip:"):
        if text != "sip:":
            return [{"endpoint_type": "sip", "endpoint_id": text}]
    elif e164 is not None or 0 < len(text) < EXTENSION_LENGTH:
        return [{"endpoint_type": "number", "endpoint_id": e164 or text}]
    message = "Neither an id, a telephone number nor a SIP URI"
    refusals.add(f"data.endpoints.{number}", "enum", message, value=text)
    return []
