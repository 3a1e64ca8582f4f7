"""Calls that a click-to-call button starts.

Who only starts a call is answered with what the switch was asked to do; what comes of it is kept
as history. Who waits is answered with the history itself.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from crossbar.core.access import require_access, require_unrestricted
from crossbar.core.change import event_of
from crossbar.core.journals import new_key, record_put
from crossbar.core.ports import Command
from crossbar.core.reading import load
from crossbar.core.requests import Request, Result, is_true
from crossbar.core.shapes import Access, Index, Journal
from crossbar.core.stamping import stamped
from crossbar.documents import Document, lookup
from crossbar.errors import ContactRefused, SwitchTimedOut, SwitchUnavailable, ValidationFailed
from crossbar.numbers import normalized
from crossbar.storage import Batch, Entry, Span, Store
from crossbar.validation import Expression, Unusable

HISTORY_TYPE = "c2c_history"
BUTTON_TYPE = "click2call"
BUTTON = "pvt_clicktocall_id"
RING_SECONDS = 30
PATIENCE = 20
"""Seconds that are waited for what came of a call."""

LONGEST_CONTACT = 128
EXPORTED = ["Account-ID", "Authorizing-ID", "Authorizing-Type", "Loopback-From-URI"]


async def _kept_as_documents(store: Store, account_id: str) -> AsyncIterator[Document]:
    """Calls that an earlier version kept: whose they are was said by their entry alone."""
    async for button in store.scan(Span(account_id=account_id, doc_type=BUTTON_TYPE)):
        button_id = button.position.doc_id
        entry = Entry("clicktocall", button_id)
        calls = Span(account_id=account_id, doc_type=HISTORY_TYPE, entry=entry)
        async for call in store.scan(calls):
            yield {**call.document, BUTTON: button_id}


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
    request.services.background.start(_call_alone(request, order, contact), "click to call")
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
    """What the switch is to do: ring the one, then transfer the call to the other."""
    extension = button["extension"]
    rings_contact = button.get("dial_first") == "contact"
    first, second = (contact, extension) if rings_contact else (extension, contact)
    leg = {
        "invite_format": "loopback",
        "route": first,
        "to_did": first,
        "to_realm": request.require_account().realm,
    }
    media = button.get("media") or {}
    order = {
        "application_name": "transfer",
        "application_data": {"route": second},
        "call_id": f"c2c-{secrets.token_hex(16)}",
        "continue_on_fail": True,
        "custom_application_vars": _tags(request, button),
        "custom_channel_vars": _channel_vars(request, button),
        "custom_sip_headers": button.get("custom_sip_headers"),
        "dial_endpoint_method": "single",
        "endpoints": [leg],
        "export_custom_channel_vars": EXPORTED,
        "hold_media": lookup(button, ("music_on_hold", "media_id")),
        "ignore_early_media": media.get("ignore_early_media", True),
        "media": "bypass" if is_true(button.get("bypass_media")) else "process",
        "outbound_call_id": f"c2c-{button['_id']}-{secrets.token_hex(5)}",
        "outbound_callee_id_name": button.get("outbound_callee_id_name"),
        "outbound_callee_id_number": button.get("outbound_callee_id_number", extension),
        "outbound_caller_id_name": button["name"],
        "outbound_caller_id_number": button.get("caller_id_number", contact),
        "presence_id": button.get("presence_id"),
        "ringback": button.get("ringback"),
        "timeout": button.get("timeout", RING_SECONDS),
    }
    return {name: value for name, value in order.items() if value is not None}


def _tags(request: Request, button: Document) -> Document:
    """The tags of the call: the button's, and those of this request over them."""
    own: Document = button.get("custom_application_vars") or {}
    sent: Any = request.control("custom_application_vars")
    return own | sent if isinstance(sent, dict) else own


def _channel_vars(request: Request, button: Document) -> Document:
    return {
        "account_id": request.account_id,
        "authorizing_id": button["_id"],
        "authorizing_type": "clicktocall",
        "auto_answer_loopback": request.controls.get("auto_answer", True) not in (False, "false"),
        "inherit_codec": False,
    }


async def _call(request: Request, order: Document, contact: str) -> Document:
    """Have the call made, and keep what came of it."""
    item: Document = {"timestamp": request.services.clock.gregorian(), "contact": contact}
    command = Command("clicktocall.connect", request.account_id, order)
    try:
        outcome = await request.services.switch.order(command, PATIENCE)
    except SwitchUnavailable:
        item |= {"result": "error", "cause": "no resources"}
    except SwitchTimedOut:
        item |= {"result": "error", "cause": "timed out"}
    else:
        call_id = outcome.get("call_id", order["outbound_call_id"])
        item |= {"call_id": call_id, "result": "success"}
    await _keep(request, item)
    return item


async def _call_alone(request: Request, order: Document, contact: str) -> None:
    """The same when nobody waits."""
    await _call(request, order, contact)


async def _keep(request: Request, item: Document) -> None:
    clock, seconds = request.services.clock, item["timestamp"]
    key = new_key(CLICKTOCALL_HISTORY, request.account_id, clock, seconds=seconds)
    document = stamped(request.actor, key, {**item, BUTTON: request.doc_id})
    put = record_put(CLICKTOCALL_HISTORY, key, document)
    event = event_of(request.actor, "created", put)
    await request.services.commit(Batch(records=(put,), events=(event,)))
