"""Mails about port requests: what has become of them, and what somebody has said.

The customer is written to at ``notifications.email.send_to``, the port authority at the address of
its account's ``contact.admin``, by its own template.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crossbar.clock import moment
from crossbar.core.change import Change
from crossbar.core.directory import Account
from crossbar.documents import Document, lookup
from crossbar.families.notifications import notify
from crossbar.families.porting.authority import authority_of, decides
from crossbar.families.porting.judging import new_comments
from crossbar.families.porting.states import CANCELED, SUBMITTED
from crossbar.families.porting.transitions import REASON, TARGET

LONGEST = 10_000
"""Characters of what was said that a mail repeats."""

TEMPLATES: Mapping[str, str] = {
    "unconfirmed": "port_unconfirmed",
    "submitted": "port_request",
    "pending": "port_pending",
    "scheduled": "port_scheduled",
    "completed": "ported",
    "rejected": "port_rejected",
    "canceled": "port_cancel",
}
"""By the state that a request is in now."""

FOR_AUTHORITY, ON_COMMENT = "port_request_admin", "port_comment"


async def write_about(change: Change) -> None:
    """Have those written to whom a change concerns."""
    if not change.actor.services.mail.is_available:
        return
    target = TARGET.found(change)
    if target:
        facts = {**_facts(change), "reason": REASON.found(change)}
        _to_customer(change, TEMPLATES[target], facts)
        if target in (SUBMITTED, CANCELED):
            await _to_authority(change, facts)
    # Private ones are by who would be told of them. However many there are, it is one mail.
    new = [each for each in new_comments(change) if not each.get("is_private")]
    if new:
        authors = ", ".join(dict.fromkeys(str(each["author"]) for each in new))
        text = "\n\n".join(str(each["content"]) for each in new)[:LONGEST]
        facts = {**_facts(change), "comment": {"author": authors, "content": text}}
        _to_customer(change, ON_COMMENT, facts)
        if not await decides(change.actor, change.actor.require_account()):
            await _to_authority(change, facts)


def _facts(change: Change) -> Document:
    """What templates are told of the request."""
    document = change.document
    facts: Document = {
        "id": change.key.doc_id,
        "name": " ".join(document["name"].split()),
        "numbers": list(document.get("numbers") or {}),
    }
    scheduled = document.get("scheduled_date")
    if isinstance(scheduled, int):
        facts["scheduled_date"] = f"{moment(scheduled):%Y-%m-%d %H:%M} UTC"
    return facts


def _to_customer(change: Change, template_id: str, facts: Document) -> None:
    addresses = list(addresses_of(change.document))
    if addresses:
        told = {"port_request": facts}
        notify(change, template_id, change.key.account_id, told, to=addresses)


async def _to_authority(change: Change, facts: Document) -> None:
    account = change.actor.require_account()
    authority = await authority_of(change.actor, account)
    address = lookup(authority.document, ("contact", "admin", "email"))
    if isinstance(address, str) and address:
        told = {"port_request": facts, "account": _named(account)}
        notify(change, FOR_AUTHORITY, authority.account_id, told, to=(address,))


def _named(account: Account) -> Document:
    return {"id": account.account_id, "name": account.name, "realm": account.realm}


def addresses_of(document: Document) -> Iterator[str]:
    """Where the customer wants to be written to."""
    wanted = lookup(document, ("notifications", "email", "send_to"))
    for each in wanted if isinstance(wanted, list) else [wanted]:
        if isinstance(each, str) and each:
            yield each
