"""Asking web servers what to do: they answer a flow in JSON, or TwiML."""

from __future__ import annotations

import orjson

from crossbar.aside import done
from crossbar.core.ports import Reply
from crossbar.documents import Document
from crossbar.switch.executor.reporting import message_of
from crossbar.switch.executor.step import Branch, Go, Leave, Next, Step
from crossbar.switch.executor.twiml import Asking, NoTwiml, parsed, perform

PATIENCE_MS = 5000


class NoFlow(ValueError):
    """A text holds no steps that could be carried out. The message says why."""


async def pivot(step: Step) -> Next:
    """Asks a web server what to do: it answers a flow in JSON, which is next, or TwiML."""
    reply = await _ask(step, step.text("voice_url"), step.text("method"), {})
    if reply is None:
        return Go(why="the server has not answered")
    if not reply.body.strip():
        await step.media.hang_up()
        return Leave(why="the server has answered nothing")
    if reply.body.lstrip().startswith("<"):
        return await _twiml(step, reply)
    try:
        callflow = await callflow_of(step, reply.body, "pivot")
    except NoFlow as error:
        return Go(why=f"what the server has answered is no flow: {error}")
    return Branch(callflow=callflow, why="the server has answered a flow")


async def _ask(step: Step, url: str, method: str, more: Document) -> Reply | None:
    """What a server answers; ``None`` when it does not, or says that it cannot."""
    form = step.text("req_body_format") != "json"
    facts = _twilio(step) if step.text("req_format") == "twiml" else facts_of(step)
    message = message_of(method or "get", url, facts | more, form=form)
    wanted = step.number("req_timeout_ms", PATIENCE_MS) or PATIENCE_MS
    reply = await step.book.fetch(message, min(wanted, PATIENCE_MS) / 1000)
    return reply if reply is not None and 200 <= reply.status < 300 else None


async def callflow_of(step: Step, text: str, flow_id: str) -> Document:
    """The callflow, by this id, whose steps are a JSON text. Raises :class:`NoFlow`."""
    try:
        node = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NoFlow(f"it is no JSON: {error}") from None
    schemas = step.book.actor.services.schemas
    flow, errors = await done(node, lambda: schemas.apply("callflows", {"flow": node}))
    if errors:
        raise NoFlow(f"what is wrong is at {', '.join(errors)}")
    return {"_id": flow_id, **flow}


async def _twiml(step: Step, reply: Reply) -> Next:
    try:
        elements = parsed(reply.body)
    except NoTwiml as error:
        return Go(why=f"what the server has answered is no TwiML: {error}")

    async def ask(url: str, method: str, more: Document) -> str | None:
        answered = await _ask(step, url, method, more)
        return None if answered is None else answered.body

    asking = Asking(url=step.text("voice_url"), ask=ask)
    why = await perform(step, elements, asking)
    await step.media.hang_up()
    return Leave(why=why)


def facts_of(step: Step) -> Document:
    """A call as web servers and functions are told of it."""
    call = step.call
    facts = {
        "Account-ID": call.account_id,
        "Api-Version": "4.x",
        "Call-ID": call.call_id,
        "Call-Status": "in-progress" if call.is_answered else "ringing",
        "Caller-ID-Name": call.from_name,
        "Caller-ID-Number": call.from_number,
        "Direction": "inbound",
        "From": call.from_number,
        "From-Realm": call.realm,
        "Language": call.language,
        "Request": call.dialed,
        "Request-Realm": call.realm,
        "To": call.to_number or call.dialed,
        "To-Realm": call.realm,
        "User-ID": call.owner_id,
    }
    given = {"Custom-Application-Vars": call.variables, "Digits": call.digits}
    return facts | {name: value for name, value in given.items() if value}


def _twilio(step: Step) -> Document:
    """The same in the words of TwiML."""
    call = step.call
    return {
        "AccountSid": call.account_id,
        "ApiVersion": "2010-04-01",
        "CallSid": call.call_id,
        "CallStatus": "in-progress" if call.is_answered else "ringing",
        "CallerName": call.from_name,
        "CallerNumber": call.from_number,
        "Direction": "inbound",
        "From": call.from_number,
        "FromRealm": call.realm,
        "To": call.to_number or call.dialed,
        "ToRealm": call.realm,
    }
