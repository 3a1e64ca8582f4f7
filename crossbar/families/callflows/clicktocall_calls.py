"""Calls that a click-to-call button starts.

Who only starts a call is answered with what the switch is asked to do; a job asks it, and keeps
what comes of it as history. Who waits is answered with the history itself.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from crossbar.core.access import require_access, require_unrestricted
from crossbar.core.change import event_of
from crossbar.core.jobs import Kind, asked
from crossbar.core.journals import new_key, record_put
from crossbar.core.ports import Command
from crossbar.core.reading import load
from crossbar.core.requests import Request, Result, is_true
from crossbar.core.services import Services
from crossbar.core.shapes import Access, Index, Journal
from crossbar.core.stamping import stamped
from crossbar.documents import Document, lookup
from crossbar.errors import (
    Conflict,
    ContactRefused,
    NoSuchDocument,
    SwitchTimedOut,
    SwitchUnavailable,
    ValidationFailed,
)
from crossbar.families.endpoints import tags_in
from crossbar.numbers import normalized
from crossbar.storage import Batch, Event, Key, Put, Span, Store
from crossbar.validation import Expression, Unusable

HISTORY_TYPE = "c2c_history"
BUTTON_TYPE = "click2call"
BUTTON = "pvt_clicktocall_id"
RING_SECONDS = 30
LONGEST_RING_SECONDS = 240

RINGING_AT_ONCE = 100
"""Calls of a process that ring: nothing is done meanwhile."""

PATIENCE = 20
"""Seconds that who has pressed a button waits for what comes of it."""

MARGIN = 5
"""Seconds that a call is given beyond those that it rings."""

LATEST = 60
"""Seconds after which a call is not begun any more: who pressed the button has gone."""

UNHEARD: Document = {"result": "error", "cause": "timed out"}

LONGEST_CONTACT = 128
EXPORTED = ["Account-ID", "Authorizing-ID", "Authorizing-Type", "Loopback-From-URI"]


async def _kept_as_documents(store: Store, account_id: str) -> AsyncIterator[Document]:
    """Calls that an earlier version kept: whose they are was said by their entry alone.

    The button may have been deleted since; what it started is kept like that of others.
    """
    if not await store.count(Span(account_id=account_id, doc_type=HISTORY_TYPE), 1):
        return
    async for put in store.walk(account_id):
        if put.key.doc_type == HISTORY_TYPE:
            whose = [entry.value for entry in put.entries if entry.name == "clicktocall"]
            yield {**put.document, BUTTON: whose[0]} if whose else put.document


CLICKTOCALL_HISTORY = Journal(
    noun="clicktocall",
    doc_type=HISTORY_TYPE,
    time="timestamp",
    indexes=(Index(name="clicktocall", values=lambda call: (call[BUTTON],)),),
    actions=frozenset(),
    scopes=(),
    older=_kept_as_documents,
)
"""The entry of the records; they are read by a route of the buttons."""


class _Side(NamedTuple):
    """One of the two: what is dialed, and as whom the other sees it."""

    route: str
    name: str | None
    number: str | None

    @property
    def is_named(self) -> bool:
        """Whether the button says which number is shown."""
        return bool(self.number)

    @property
    def shown(self) -> str:
        """The number that is shown."""
        return self.number or self.route


async def connect(request: Request) -> Result:
    """Start a call between the contact that is named and the button's extension."""
    button = await load(request)
    if button.get("auth_required", True):
        await _require_caller(request)
    contact = contact_of(request, button)
    order = request_of(request, button, contact)
    if request.changes_nothing:
        return Result(data=order)
    if request.says_yes("blocking"):
        return Result(data=await _call(request, order, contact))
    job = asked(request.services.clock, CALL, _about(request, order, contact))
    await request.services.commit(Batch(puts=(job,)))
    return Result(data=order)


async def _require_caller(request: Request) -> None:
    """Refuse, as for every other operation, whom the account does not admit."""
    operation = replace(request.operation, access=Access.ACCOUNT)
    require_access(operation, request.caller, request.account)
    tokens = [request.ids[part[1:-1]] if part.startswith("{") else part for part in operation.path]
    accounts = request.services.accounts
    await require_unrestricted(accounts, operation, request.caller, request.account, tokens)


def contact_of(request: Request, button: Document) -> str:
    """Whom to call. Refused when the button has a list and the contact is not on it."""
    sent = request.control("contact")
    if sent in (None, ""):
        message = "Field is required but missing"
        raise ValidationFailed.of("contact", "required", message)
    if isinstance(sent, int) and not isinstance(sent, bool):
        sent = str(sent)
    if not isinstance(sent, str):
        message = "Value did not match type(s): string"
        raise ValidationFailed.of("contact", "type", message, target="string")
    if len(sent) > LONGEST_CONTACT:
        message = f"String must not be more than {LONGEST_CONTACT} characters"
        raise ValidationFailed.of("contact", "maxLength", message, target=LONGEST_CONTACT)
    contact = normalized(sent)
    whitelist = button.get("whitelist")
    if whitelist and not any(_finds(pattern, contact) for pattern in whitelist):
        raise ContactRefused(contact)
    return contact


def _finds(pattern: str, contact: str) -> bool:
    """Whether a pattern fits; one does not that was stored before patterns were judged."""
    try:
        return Expression(pattern).finds(contact)
    except Unusable:
        return False


def request_of(request: Request, button: Document, contact: str) -> Document:
    """What the switch is to do: ring the one, then transfer the call to the other.

    Each is shown the other. A number that the button itself names is shown to carriers as well
    (``retain_cid``); else these are shown that of the account.
    """
    outside = _Side(contact, button["name"], button.get("caller_id_number"))
    inside = _Side(
        button["extension"],
        button.get("outbound_callee_id_name"),
        button.get("outbound_callee_id_number"),
    )
    rings_contact = button.get("dial_first") == "contact"
    first, second = (outside, inside) if rings_contact else (inside, outside)
    leg = {
        "invite_format": "loopback",
        "route": first.route,
        "to_did": first.route,
        "to_realm": request.require_account().realm,
        "custom_channel_vars": {"retain_cid": second.is_named},
    }
    media = button.get("media") or {}
    order = {
        "application_name": "transfer",
        "application_data": {"route": second.route},
        "call_id": f"c2c-{secrets.token_hex(16)}",
        "continue_on_fail": True,
        "custom_application_vars": _tags(request, button),
        "custom_channel_vars": _channel_vars(request, button) | {"retain_cid": first.is_named},
        "custom_sip_headers": button.get("custom_sip_headers"),
        "dial_endpoint_method": "single",
        "endpoints": [leg],
        "export_custom_channel_vars": EXPORTED,
        "hold_media": lookup(button, ("music_on_hold", "media_id")),
        "ignore_early_media": media.get("ignore_early_media", True),
        "media": "bypass" if is_true(button.get("bypass_media")) else "process",
        "outbound_call_id": f"c2c-{button['_id']}-{secrets.token_hex(5)}",
        "outbound_callee_id_name": first.name,
        "outbound_callee_id_number": first.shown,
        "outbound_caller_id_name": second.name,
        "outbound_caller_id_number": second.shown,
        "presence_id": button.get("presence_id"),
        "ringback": button.get("ringback"),
        "timeout": _ring_seconds(button),
    }
    return {name: value for name, value in order.items() if value is not None}


def _ring_seconds(button: Document) -> int:
    seconds = button.get("timeout", RING_SECONDS)
    return min(seconds, LONGEST_RING_SECONDS) if seconds > 0 else RING_SECONDS


def _tags(request: Request, button: Document) -> Document:
    """The tags of the call: the button's, and those of this request over them."""
    own: Document = button.get("custom_application_vars") or {}
    sent: Any = request.control("custom_application_vars")
    return tags_in(own | sent if isinstance(sent, dict) else own)


def _channel_vars(request: Request, button: Document) -> Document:
    return {
        "account_id": request.account_id,
        "authorizing_id": button["_id"],
        "authorizing_type": "clicktocall",
        "auto_answer_loopback": request.controls.get("auto_answer", True) not in (False, "false"),
        "inherit_codec": False,
    }


async def _call(request: Request, order: Document, contact: str) -> Document:
    """Have the call made now, and keep what came of it."""
    outcome = await _outcome(request.services, request.account_id, order, PATIENCE)
    item = _item(request, contact) | outcome
    await _keep(request.services, *_record(request, item))
    return item


def _item(request: Request, contact: str) -> Document:
    return {"timestamp": request.services.clock.gregorian(), "contact": contact}


async def _outcome(
    services: Services, account_id: str, order: Document, seconds: float
) -> Document:
    """What comes of a call that is begun now, and given up after so long."""
    command = Command("clicktocall.connect", account_id, order)
    try:
        outcome = await services.switch.order(command, seconds)
    except SwitchUnavailable:
        return {"result": "error", "cause": "no resources"}
    except SwitchTimedOut:
        return UNHEARD
    if cause := outcome.get("cause"):
        return {"result": "error", "cause": cause}
    return {"call_id": outcome.get("call_id", order["outbound_call_id"]), "result": "success"}


def _record(request: Request, item: Document) -> tuple[Put, Event]:
    """How a call is kept."""
    clock, seconds = request.services.clock, item["timestamp"]
    key = new_key(CLICKTOCALL_HISTORY, request.account_id, clock, seconds=seconds)
    document = stamped(request.actor, key, {**item, BUTTON: request.doc_id})
    put = record_put(CLICKTOCALL_HISTORY, key, document)
    return put, event_of(request.actor, "created", put)


async def _keep(services: Services, put: Put, event: Event) -> None:
    await services.commit(Batch(records=(put,), events=(event,)))


def _about(request: Request, order: Document, contact: str) -> Document:
    """What the job needs that makes the call: the order, and its record as far as it is known."""
    put, event = _record(request, _item(request, contact))
    return {"order": order, "record": put.document, "told": event.summary}


async def _call_alone(services: Services, about: Document) -> None:
    """Have a call made that nobody waits for, unless it is too late, and keep what came of it."""
    record = about["record"]
    if services.clock.gregorian() - record["timestamp"] > LATEST:
        await _keep_unheard(services, about)
    elif await services.accounts.get(record["pvt_account_id"]):
        order = about["order"]
        seconds = order["timeout"] + MARGIN
        outcome = await _outcome(services, record["pvt_account_id"], order, seconds)
        await _keep_alone(services, about, outcome)


async def _keep_unheard(services: Services, about: Document) -> None:
    """Keep a call of which nobody heard any more. It is not made again: somebody may have rung."""
    await _keep_alone(services, about, UNHEARD)


async def _keep_alone(services: Services, about: Document, outcome: Document) -> None:
    document = {**about["record"], **outcome}
    key = Key(document["pvt_account_id"], HISTORY_TYPE, document["_id"])
    put = record_put(CLICKTOCALL_HISTORY, key, document)
    event = Event("created", key, document["_rev"], services.clock.gregorian(), about["told"])
    with suppress(Conflict, NoSuchDocument):  # it is kept already, or its account was deleted
        await _keep(services, put, event)


CALL = Kind(
    name="click_to_call", run=_call_alone, unfinished=_keep_unheard, at_once=RINGING_AT_ONCE
)
