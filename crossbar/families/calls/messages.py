"""Text and multimedia messages: sent through a switch, and listed with those that came in.

A message that is sent is kept first, as queued, and then told to the switch, which tells in an
event what became of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from crossbar.clock import GREGORIAN_OFFSET
from crossbar.core.answers import ROW, SOME_OBJECT, Answers, some
from crossbar.core.attachments import ATTACHMENTS, CHUNK, attachment_ids
from crossbar.core.change import event_of
from crossbar.core.journals import list_records, load_record, new_key, record_put
from crossbar.core.ports import Command
from crossbar.core.reading import load_document, require_parents
from crossbar.core.recipes import valid
from crossbar.core.requests import Action, Request, Result, Upload
from crossbar.core.shapes import Access, Journal, Nesting, Route, Routes, Scope, field_index, route
from crossbar.core.stamping import stamped
from crossbar.core.telling import happening
from crossbar.documents import Document, lookup, public
from crossbar.errors import Conflict, Disabled, ValidationFailed
from crossbar.families.calls.records import RETENTION
from crossbar.families.calls.rows import http_time
from crossbar.families.numbers import ASSIGNED_TO, number_key
from crossbar.numbers import to_e164
from crossbar.storage import Batch, Entry, Event, Key, Remove

OFFNET, ONNET = "offnet", "onnet"
LONGEST_BODY = 4096
"""Characters of a text that are told; the message itself has all of it."""

LISTED = ("from", "to", "created", "direction", "status", "body")


def _journal(noun: str) -> Journal:
    return Journal(
        noun=noun,
        doc_type=noun,
        time="created",
        retention=RETENTION,
        indexes=(field_index("owner_id"), field_index("device_id")),
        actions=frozenset(),
        scopes=(),
    )


SMS, MMS = _journal("sms"), _journal("mms")
"""The entries of the records; they are read by the routes below."""

JOURNALS = {"sms": SMS, "mms": MMS}


def _journal_of(request: Request) -> Journal:
    return JOURNALS[request.operation.family.noun]


def row_of(stored: Document) -> Document:
    """A message as lists show it."""
    created = stored["created"]
    value = {name: stored[name] for name in LISTED if name in stored}
    return {
        "id": stored["_id"],
        "key": created,
        "value": {"id": stored["_id"], **value},
        "date": http_time(created - GREGORIAN_OFFSET),
    }


def message_facts(stored: Document) -> Document:
    """What webhooks are told of a message."""
    names = ("from", "to", "direction", "status", "owner_id", "device_id")
    facts = {name: stored[name] for name in names if name in stored}
    return {
        "id": stored["_id"],
        "type": stored["pvt_type"],
        "body": str(stored.get("body", ""))[:LONGEST_BODY],
        "origin": stored.get("route_type", OFFNET),
        "timestamp": stored["created"],
        **facts,
    }


async def list_messages(request: Request) -> Result:
    """The messages in a range of time, the newest first; below a user or device, its own."""
    await require_parents(request)
    ids = request.ids
    entry = None
    if "user_id" in ids or "device_id" in ids:
        name = "owner_id" if "user_id" in ids else "device_id"
        entry = Entry(name, ids.get("user_id") or ids["device_id"])
    return await list_records(request, _journal_of(request), row_of, entry=entry)


async def fetch(request: Request) -> Result:
    """One message."""
    stored = await load_record(request.actor, _journal_of(request), request.ids["message_id"])
    return Result(data={**public(stored), "id": stored["_id"]}, revision=stored["_rev"])


async def delete(request: Request) -> Result:
    """Remove a message for good."""
    journal = _journal_of(request)
    stored = await load_record(request.actor, journal, request.ids["message_id"])
    key = Key(request.account_id, journal.doc_type, stored["_id"])
    event = Event("deleted", key, stored["_rev"], request.services.clock.gregorian(), {})
    drops = [(key.account_id, name) for name in attachment_ids(stored)]
    # Whatever has become of it meanwhile, it goes.
    await request.services.commit(
        Batch(records=(Remove(key),), events=(event,), drop_attachments=drops)
    )
    shown = {**public(stored), "id": stored["_id"], "_read_only": {"deleted": True}}
    return Result(data=shown, revision=stored["_rev"])


async def send(request: Request) -> Result:
    """Have a message sent. Raises 400 for a sender that is not the account's to use."""
    await require_parents(request)
    account, journal = request.require_account(), _journal_of(request)
    sent = await valid(request.actor, journal.noun, request.data or {})
    if journal is MMS and not (sent.get("body") or request.files):
        lacking = "Either a body or files are needed"
        raise ValidationFailed.of("body", "required", lacking)
    if not account.is_enabled:
        raise Disabled
    holder = await _holder(request)
    target = to_e164(sent["to"])
    sender = await _sender(request, sent, holder, is_offnet=target is not None)
    message: Document = {
        "from": sender,
        "to": target or sent["to"],
        "body": sent.get("body", ""),
        "direction": "outbound",
        "status": "queued",
        "created": request.services.clock.gregorian(),
        "route_type": OFFNET if target else ONNET,
        **_owner(request, holder),
    }
    await _keep(request, journal, message)
    facts: Document = {
        "message_id": request.request_id,
        **{name: message[name] for name in ("from", "to", "body", "route_type", "created")},
        "account_id": account.account_id,
        "custom_vars": _variables(request, holder),
    }
    if journal is MMS:
        facts["event_category"] = "mms"
    await request.services.switch.tell(Command(f"{journal.noun}.send", account.account_id, facts))
    shown = {name: value for name, value in facts.items() if journal is SMS or name != "body"}
    return Result(data=shown)


async def _holder(request: Request) -> Document:
    """The user or device that the path names, else the account."""
    for name in ("user", "device"):
        if (doc_id := request.ids.get(f"{name}_id")) is not None:
            return await load_document(request.actor, Key(request.account_id, name, doc_id))
    return request.require_account().document


def _owner(request: Request, holder: Document) -> Document:
    owner = holder["_id"] if "user_id" in request.ids else holder.get("owner_id")
    facts = {"owner_id": owner, "device_id": request.ids.get("device_id")}
    return {name: value for name, value in facts.items() if value}


def _variables(request: Request, holder: Document) -> Document:
    account = request.require_account()
    return {
        "account_id": account.account_id,
        "reseller_id": account.reseller_id,
        "authorizing_type": holder["pvt_type"],
        "authorizing_id": holder["_id"],
        **_owner(request, holder),
    }


async def _sender(request: Request, sent: Document, holder: Document, *, is_offnet: bool) -> str:
    """Whom the message is from: who is named, else the caller id. Its number is the account's."""
    kind = "external" if is_offnet else "internal"
    account = request.require_account().document
    named: Any = (
        sent.get("from")
        or lookup(holder, ("caller_id", kind, "number"))
        or lookup(account, ("caller_id", kind, "number"))
    )
    sender = str(named or "")
    if not is_offnet:
        return sender
    number = to_e164(sender)
    if number is None:
        message = "A full telephone number is needed to send to one"
        raise ValidationFailed.of("from", "invalid", message, cause=sender)
    stored = await request.services.store.get(number_key(number))
    if (stored or {}).get(ASSIGNED_TO) != request.account_id:
        message = "This is not a number of the account"
        raise ValidationFailed.of("from", "forbidden", message, cause=number)
    return number


async def _keep(request: Request, journal: Journal, message: Document) -> None:
    key = new_key(journal, request.account_id, request.services.clock, name=request.request_id)
    document = dict(message)
    if request.files:
        document[ATTACHMENTS] = await _stored(request)
    put = record_put(journal, key, stamped(request.actor, key, document))
    event = event_of(request.actor, "created", put)
    told = happening(
        request.services.clock,
        request.account_id,
        journal.noun,
        message_facts(put.document),
        about=key.doc_id,
    )
    try:
        await request.services.commit(Batch(records=(put,), events=(event, told)))
    except Conflict:
        known = "There is a message of this request already"
        raise ValidationFailed.of("message_id", "unique", known) from None


async def _stored(request: Request) -> Document:
    """The files that came with a message, as its attachments."""

    async def chunks(upload: Upload) -> AsyncIterator[bytes]:
        for begin in range(0, len(upload.content), CHUNK):
            yield upload.content[begin : begin + CHUNK]

    found: Document = {}
    for number, upload in enumerate(request.files):
        kept = await request.services.put_attachment(request.account_id, chunks(upload))
        found[f"{number}-{upload.name}"] = {
            "id": kept.attachment_id,
            "length": kept.length,
            "md5": kept.md5,
            "content_type": upload.content_type,
        }
    return found


def _routes(noun: str) -> tuple[Route, ...]:
    listed = Answers(some(ROW), is_paged=True)
    return (
        route("", Action.LIST, list_messages, f"List {noun}", listed),
        Route(
            path="",
            action=Action.CREATE,
            handler=send,
            about=f"Send {noun}",
            schema=noun,
            answers=Answers(SOME_OBJECT),
        ),
        Route(
            path="{message_id}",
            action=Action.FETCH,
            handler=fetch,
            about=f"Read {noun}",
            answers=Answers(ROW),
        ),
        Route(
            path="{message_id}",
            action=Action.DELETE,
            handler=delete,
            about=f"Delete {noun}",
            answers=Answers(ROW),
        ),
    )


def _family(noun: str) -> Routes:
    return Routes(
        noun=noun,
        scopes=(Scope.ACCOUNT,),
        nested=(
            Nesting(noun="users", doc_type="user"),
            Nesting(noun="devices", doc_type="device"),
        ),
        access=Access.ACCOUNT,
        routes=_routes(noun),
    )


SMS_ROUTES, MMS_ROUTES = _family("sms"), _family("mms")

MESSAGES = (SMS, MMS, SMS_ROUTES, MMS_ROUTES)
"""The families of messages."""
