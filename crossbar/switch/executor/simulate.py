"""Rehearsing a callflow: what would happen to a call, step by step. Nobody is called."""

from __future__ import annotations

import asyncio
from typing import Any

from crossbar.clock import GREGORIAN_OFFSET, FixedClock
from crossbar.core.answers import SOME_OBJECT, TEXT, Answers, an_object, some
from crossbar.core.reading import live_documents, load_document
from crossbar.core.recipes import sent, valid
from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.shapes import Access, Nesting, Route, Routes
from crossbar.documents import Document, lookup, new_id, texts_at
from crossbar.errors import ValidationFailed
from crossbar.storage import Key
from crossbar.switch.executor.actions import ACTIONS
from crossbar.switch.executor.call import Call
from crossbar.switch.executor.carrying import carry_out
from crossbar.switch.executor.finding import Found, dialed, find, matches
from crossbar.switch.executor.media import Channel, Waited
from crossbar.switch.executor.rehearsal import Rehearsal
from crossbar.switch.executor.script import Ringing, Script, ScriptedMedia
from crossbar.switch.executor.step import DEFAULT, Branch, Go, Next, Step

SCHEMA = "callflow_simulation"
PATIENCE = 10
"""Seconds that a rehearsal may take."""


class Recorder:
    """Notes the steps of a walk, with what each asked of the caller's leg."""

    def __init__(self, media: ScriptedMedia) -> None:
        self._media = media
        self.before: list[Document] = []
        self.steps: list[Document] = []

    def begins(self, step: Step, callflow: Document, path: tuple[str, ...]) -> None:
        """A step is about to be carried out."""
        self.take_told()
        flow = {"id": callflow["_id"], "name": callflow.get("name")}
        document_id = step.data.get("id")
        self.steps.append(
            {
                "module": step.module,
                "callflow": {name: value for name, value in flow.items() if value},
                "path": list(path),
                "at": self._media.elapsed,
                "document_id": document_id if isinstance(document_id, str) else None,
                "known": step.module in ACTIONS,
                "does": [],
            }
        )

    def ends(self, step: Step, then: Next) -> None:
        """A step was carried out."""
        self.take_told()
        ended = self.steps[-1] | {"notes": list(step.notes), "why": then.why}
        if isinstance(then, Go):
            ended["branch"] = then.key if step.has(then.key) else DEFAULT
            ended["goes_on"] = step.has(ended["branch"])
        elif isinstance(then, Branch):
            ended |= {"branch": then.callflow["_id"], "goes_on": True}
        else:
            ended["goes_on"] = False
        self.steps[-1] = ended

    def take_told(self) -> None:
        """Add what was asked of the leg to the step that asked; the first had none before it."""
        told = self.steps[-1]["does"] if self.steps else self.before
        told += self._media.told
        self._media.told.clear()


async def simulate(request: Request) -> Result:
    """Tell what would happen to a call; nothing is written, and nobody is called."""
    key = Key(request.account_id, "callflow", request.ids["callflow_id"])
    callflow = await load_document(request.actor, key)
    asked = await valid(request.actor, SCHEMA, sent(request))
    clock = FixedClock(asked["timestamp"] - GREGORIAN_OFFSET if "timestamp" in asked else 0)
    if "timestamp" not in asked:
        clock.advance(request.services.clock.unix())
    media = ScriptedMedia(script=script_of(asked), clock=clock)
    book = Rehearsal(request.actor, clock)
    call = await _call(book, asked, callflow)
    recorder = Recorder(media)
    found = await _found(book, call, callflow)
    try:
        async with asyncio.timeout(PATIENCE):
            how = await carry_out(book, call, media, found, observer=recorder)
    except TimeoutError:
        how = f"the rehearsal was ended after {PATIENCE} s"
    recorder.take_told()
    return Result(
        data={
            "call": await _shown_call(book, call, found),
            "steps": await _with_documents(request.actor, recorder.steps),
            "before": recorder.before,
            "ends": {"how": how, **(media.ended or {}), "answered": call.is_answered},
            "changes": book.changes,
            "seconds": media.elapsed,
        }
    )


async def _found(book: Rehearsal, call: Call, callflow: Document) -> Found:
    """How the number leads to the callflow, which is carried out in any case."""
    number = dialed(book, call.dialed)
    if number in texts_at(callflow, "numbers"):
        return Found(callflow=callflow, how="number")
    fitting = max(matches(callflow, number), key=lambda each: len(each.capture), default=None)
    return fitting or Found(callflow=callflow, how="nothing")


async def _shown_call(book: Rehearsal, call: Call, found: Found) -> Document:
    """The call, and whether its number would lead to this callflow at all."""
    leads = await find(book, dialed(book, call.dialed), is_trusted=call.is_trusted)
    return {
        "from": {"name": call.from_name, "number": call.from_number},
        "to": call.dialed,
        "found_by": found.how,
        "leads_to": leads.callflow["_id"] if leads else None,
        "capture": call.capture,
        "language": call.language,
    }


async def _call(book: Rehearsal, asked: Document, callflow: Document) -> Call:
    """The call as it begins: a device that says nothing of itself shows its name and user name."""
    caller: Document = asked.get("from") or {}
    device = await _calling(book, caller.get("device_id"))
    sip: Document = lookup(device, ("sip",)) or {}
    owner = str(caller.get("user_id") or lookup(device, ("owner_id",)) or "")
    is_external = caller.get("external") is True or (device is None and not owner)
    numbers = texts_at(callflow, "numbers")
    return Call(
        call_id=f"rehearsal-{new_id()}",
        account_id=book.account_id,
        dialed=str(asked.get("to") or (numbers[0] if numbers else "")),
        realm=str(sip.get("realm") or ""),
        from_name=str(caller.get("name") or lookup(device, ("name",)) or ""),
        from_number=str(caller.get("number") or sip.get("username") or ""),
        device_id=device["_id"] if device else "",
        owner_id=owner,
        authorizing_type="resource" if is_external else "device" if device else "user",
        is_external=is_external,
        is_anonymous=caller.get("anonymous") is True,
        is_transfer=asked.get("transferred") is True,
        channel_vars=asked.get("variables") or {},
    )


async def _calling(book: Rehearsal, device_id: str | None) -> Document | None:
    """The device that calls, if one does. Raises :class:`~crossbar.errors.ValidationFailed`."""
    if not device_id:
        return None
    device = await book.get("device", device_id)
    if device is None:
        message = "The device could not be found"
        raise ValidationFailed.of("from.device_id", "not_found", message, cause=device_id)
    return device


def script_of(asked: Document) -> Script:
    """What happens to the leg, as it was asked."""
    rings: dict[str, Any] = asked.get("rings") or {}
    return Script(
        keys=list(asked.get("keys") or ()),
        interrupts=dict(asked.get("interrupts") or {}),
        rings={name: Ringing(**_fields(each)) for name, each in rings.items()},
        otherwise=asked.get("otherwise", "no_answer"),
        hangs_up_after=asked.get("hangs_up_after"),
        records_ms=list(asked.get("records_ms") or ()),
        channels=[
            Channel(
                call_id=each.get("call_id") or f"call-{place}",
                device_id=each["device_id"],
                answered=each.get("answered", True),
            )
            for place, each in enumerate(asked.get("channels") or ())
        ],
        waits=Waited(asked.get("waits", "timeout")),
        people=asked.get("people", 0),
        is_fax=asked.get("fax", False),
    )


def _fields(ringing: Document) -> Document:
    names = ("result", "after", "talks")
    return {name: ringing[name] for name in names if name in ringing}


async def _with_documents(actor: Actor, steps: list[Document]) -> list[Document]:
    """The steps, each with the name of the document that it is about."""
    ids = dict.fromkeys(step["document_id"] for step in steps if step["document_id"])
    found = await live_documents(actor, ids)
    for step in steps:
        doc_id = step.pop("document_id")
        if doc_id:
            step["document"] = {"id": doc_id, **_about(found.get(doc_id))}
    return steps


def _about(document: Document | None) -> Document:
    if document is None:
        return {"missing": True}
    person = f"{document.get('first_name', '')} {document.get('last_name', '')}".strip()
    return {"name": document.get("name") or person, "type": document["pvt_type"]}


SIMULATION = Routes(
    noun="simulate",
    scopes=(),
    nested=(Nesting(noun="callflows", doc_type="callflow"),),
    access=Access.ADMIN,
    routes=(
        Route(
            path="",
            action=Action.REPLACE,
            handler=simulate,
            about="Tell what would happen to a call",
            schema=SCHEMA,
            answers=Answers(
                an_object(
                    call=SOME_OBJECT,
                    steps=some(SOME_OBJECT),
                    before=some(SOME_OBJECT),
                    ends=an_object(how=TEXT),
                    changes=some(SOME_OBJECT),
                )
            ),
        ),
    ),
)
"""For administrators: who rehearses a call might try what pins are."""
