"""What becomes of faxes: what is written of one that was sent or received, and who is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crossbar.clock import moment
from crossbar.core.directory import Account
from crossbar.core.jobs import asked
from crossbar.core.services import Services
from crossbar.documents import Document, lookup, new_id
from crossbar.families.faxing.callbacks import callback_of
from crossbar.families.faxing.faxboxes import BOX_TYPE
from crossbar.families.faxing.folders import INBOX, OUTBOX, OUTGOING, folder_of
from crossbar.families.faxing.jobs import FAX_TYPE, PENDING, SENDING, STATUS
from crossbar.families.notifications import asked_for
from crossbar.storage import Key, Put
from crossbar.values import valueclass

RETRY_AFTER = 300
"""Seconds until a fax is sent once more that was not taken."""

COMPLETED, FAILED = "completed", "failed"

USUAL_ERRORS = ("0", "49")
"""The numbers of errors, unless configured otherwise, that do not concern whom a fax was for."""

UNKNOWN = "unknown error"

Told = tuple[str, Document]
"""What webhooks and sockets are told of a fax: the kind, and the facts."""


@valueclass
class Outcome:
    """What a commit writes of a fax: its document, if there is to be one, who is told, jobs."""

    key: Key
    document: Document | None
    told: tuple[Told, ...]
    asks: tuple[Put, ...]


async def outcome_of_sending(
    services: Services,
    key: Key,
    fax: Document,
    result: Document,
    *,
    attempt: int | None = None,
    is_final: bool = False,
) -> Outcome | None:
    """What comes of an attempt to send a fax; ``None`` if that is known already, or of no account.

    It is sent as often as its ``retries`` say, at least once; not again if that ``is_final``.
    """
    tried, is_sent = int(fax.get("attempts") or 0), result["success"] is True
    if folder_of(fax) != OUTGOING or (not is_sent and attempt not in (None, tried)):
        return None
    attempts = tried + 1
    document = {**fax, "attempts": attempts, "tx_result": _sent(result)}
    if not is_sent and not is_final and attempts < _whole(fax.get("retries"), 1):
        document[STATUS] = PENDING
        about = {"account_id": key.account_id, "fax_id": key.doc_id, "attempt": attempts}
        again = asked(services.clock, SENDING, about, after=RETRY_AFTER)
        told = (status_told(key, document, PENDING),)
        return Outcome(key=key, document=document, told=told, asks=(again,))
    document |= {STATUS: COMPLETED if is_sent else FAILED, "folder": OUTBOX}
    if is_sent:
        document["pvt_delivered_date"] = services.clock.gregorian()
    return await _over(services, key, document, result)


async def _over(services: Services, key: Key, document: Document, result: Document) -> Outcome:
    """A fax was sent, or will not be."""
    box = await _stored(services, key.account_id, BOX_TYPE, document.get("faxbox_id"))
    addresses = (
        *_addresses(document, "notifications", "email", "send_to"),
        *_addresses(box, "notifications", "outbound", "email", "send_to"),
    )
    is_sent = result["success"] is True
    template = "fax_outbound_to_email" if is_sent else "fax_outbound_error_to_email"
    mails = asked_for(
        services,
        template,
        key.account_id,
        _mailed(document, box, result),
        to=dict.fromkeys(addresses),
    )
    facts = _facts("fax_outbound", key.doc_id, document, result)
    told = (status_told(key, document, document[STATUS]), ("notifications", facts))
    calls = callback_of(services, key.account_id, box, "outbound", facts)
    return Outcome(key=key, document=document, told=told, asks=(*mails, *calls))


def status_told(key: Key, fax: Document, status: str) -> Told:
    """What sockets are told of how far a fax has got."""
    facts = {"fax_id": key.doc_id, "status": status, "direction": "outgoing"}
    names = ("faxbox_id", "from_number", "to_number", "attempts")
    return "fax_status", facts | {name: fax[name] for name in names if name in fax}


async def outcome_of_receiving(
    services: Services, account: Account, facts: Document, attachments: Document | None, at: int
) -> Outcome:
    """What comes of a fax that somebody has sent here at a time, in Gregorian seconds.

    There is a document of one that has pages. Of any other there is none, as there was nothing
    but a call; whom it was for is told all the same.
    """
    result, account_id = facts["result"], account.account_id
    is_here = result["success"] is True and bool(attachments)
    key = Key(account_id, FAX_TYPE, f"{moment(at):%Y%m}-{new_id()}")
    box = await _stored(services, account_id, BOX_TYPE, facts.get("faxbox_id"))
    document = {
        "name": f"fax message received at {moment(at):%Y-%m-%d %H:%M:%S} UTC",
        "description": "fax document received",
        "source_type": "incoming_fax",
        "folder": INBOX,
        "timestamp": at,
        "media_type": "tiff",
        "rx_result": _known({**result, "pages_received": result.get("pages", 0)}),
        "fax_timezone": box.get("fax_timezone"),
        STATUS: COMPLETED,
        "pvt_created": at,
        "pvt_attachments": attachments,
        **{name: facts.get(name) for name in KEPT},
    }
    document = {name: value for name, value in document.items() if value is not None}
    owner_id = box.get("owner_id") or facts.get("owner_id")
    owner = await _stored(services, account_id, "user", owner_id)
    addresses = [*_addresses(box, "notifications", "inbound", "email", "send_to")]
    if owner.get("email") and (box or owner.get("fax_to_email_enabled", True)):
        addresses.append(str(owner["email"]))
    place = (FAX_TYPE, key.doc_id)
    templates = (RECEIVED,) if is_here else await _complaints(services, account, result)
    mails = [
        mail
        for template in templates
        for mail in asked_for(
            services,
            template,
            account_id,
            _mailed(document, box, result),
            to=dict.fromkeys(addresses),
            while_there=(place,) if is_here else (),
            enclose=place if is_here else None,
        )
    ]
    told = _facts("fax_inbound", key.doc_id if is_here else "", document, result)
    calls = callback_of(services, account_id, box, "inbound", told)
    return Outcome(
        key=key,
        document=document if is_here else None,
        told=(("notifications", told),),
        asks=(*mails, *calls),
    )


RECEIVED = "fax_inbound_to_email"
ERROR, SELDOM = "fax_inbound_error_to_email", "fax_inbound_error_to_email_filtered"


async def _complaints(services: Services, account: Account, result: Document) -> tuple[str, ...]:
    """The templates of mails about a fax that did not arrive.

    One is for who wants to hear of all errors. The other one is for whom the fax was: not of what
    happens whenever a person calls a fax machine.
    """
    config = await services.configuration.of_account(account, f"notify.{ERROR}")
    usual = config.get("filter_error_codes", USUAL_ERRORS)
    is_usual = isinstance(usual, list | tuple) and str(result.get("result_code", "")) in usual
    return (ERROR,) if is_usual else (ERROR, SELDOM)


KEPT = ("from_number", "from_name", "to_number", "to_name", "owner_id", "faxbox_id", "call_id")
"""What an event says of a fax that is kept with it."""

NAMES = ("from_number", "from_name", "to_number", "to_name", "owner_id", "faxbox_id")


def _sent(result: Document) -> Document:
    return _known({**result, "pages_sent": result.get("pages", 0)})


def _known(result: Document) -> Document:
    """A result as documents have it."""
    facts = {name: value for name, value in result.items() if name != "pages"}
    if not facts["success"]:
        facts["error_message"] = facts.get("error_message") or UNKNOWN
    return facts


def _facts(kind: str, fax_id: str, document: Document, result: Document) -> Document:
    """What webhooks are told."""
    told = {
        "type": kind,
        "fax_id": fax_id,
        "success": result["success"],
        "pages": result.get("pages", 0),
        "error_message": "" if result["success"] else result.get("error_message") or UNKNOWN,
        **{name: document.get(name) for name in NAMES},
    }
    return {name: value for name, value in told.items() if value not in (None, "")}


def _mailed(document: Document, box: Document, result: Document) -> dict[str, Any]:
    """What mails say."""
    return {
        "caller_id": {
            "name": document.get("from_name", ""),
            "number": document.get("from_number", ""),
        },
        "call": {"from": document.get("from_number", ""), "to": document.get("to_number", "")},
        "fax": {"box": box.get("name", ""), "pages": result.get("pages", 0)},
        "error": {"message": result.get("error_message") or UNKNOWN},
    }


async def _stored(services: Services, account_id: str, doc_type: str, doc_id: object) -> Document:
    """A document of the account; empty if there is none."""
    if not isinstance(doc_id, str) or not doc_id:
        return {}
    stored = await services.store.get(Key(account_id, doc_type, doc_id))
    return {} if stored is None or stored.get("pvt_deleted") else stored


def _addresses(document: Document, *path: str) -> Iterable[str]:
    found = lookup(document, path)
    return [found] if isinstance(found, str) else found or ()


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) else default
