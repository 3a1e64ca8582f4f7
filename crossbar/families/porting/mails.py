"""Letters about port requests: what has become of them, and what somebody has said.

The customer is written to at ``notifications.email.send_to``, the port authority at the address of
its account's ``contact.admin``. A letter is a job of the commit that it tells of.
"""

from __future__ import annotations

from collections.abc import Iterator

from crossbar.core.change import Change
from crossbar.core.jobs import Kind
from crossbar.core.ports import Letter
from crossbar.core.services import Services
from crossbar.documents import Document, lookup
from crossbar.families.porting.authority import authority_of, decides
from crossbar.families.porting.judging import new_comments
from crossbar.families.porting.states import CANCELED, SUBMITTED
from crossbar.families.porting.transitions import REASON, TARGET

MOST_ADDRESSES = 20
"""Who is written to at most; a request is no list of subscribers."""

LONGEST = 10_000
"""Characters of what was said that a letter repeats."""

WORDS = {
    "submitted": "was submitted and waits for the port authority",
    "pending": "was handed on to the carrier that has the numbers",
    "scheduled": "was given a date",
    "completed": "is completed: the numbers are here",
    "rejected": "was rejected and needs changes",
    "canceled": "was cancelled",
}

COMMENT = "comment"

TEXT = """\
The port request {name} of {account} {what}.
{details}
Its id is {port_id}.
"""


async def write_about(change: Change) -> None:
    """Have those written to whom a change concerns."""
    if not change.actor.services.mail.is_available:
        return
    target = TARGET.found(change)
    if target:
        to_authority = target in (SUBMITTED, CANCELED)
        await _ask(change, target, REASON.found(change), to_authority=to_authority)
    # Private ones are by who would be told of them. However many there are, it is one letter.
    new = [each for each in new_comments(change) if not each.get("is_private")]
    if new:
        by_authority = await decides(change.actor, change.actor.require_account())
        text = "\n\n".join(f"{each['author']}: {each['content']}" for each in new)
        await _ask(change, COMMENT, text[:LONGEST], to_authority=not by_authority)


async def _ask(change: Change, what: str, text: str, *, to_authority: bool) -> None:
    addresses = list(addresses_of(change.document))[:MOST_ADDRESSES]
    if to_authority:
        authority = await authority_of(change.actor, change.actor.require_account())
        address = lookup(authority.document, ("contact", "admin", "email"))
        addresses += [address] if isinstance(address, str) and address else []
    for address in dict.fromkeys(addresses):
        about = {
            "account_id": change.key.account_id,
            "port_id": change.key.doc_id,
            "name": change.document["name"],
            "what": what,
            "text": text,
            "to": address,
        }
        change.ask(PORT_MAIL, about)


def addresses_of(document: Document) -> Iterator[str]:
    """Where the customer wants to be written to."""
    wanted = lookup(document, ("notifications", "email", "send_to"))
    for each in wanted if isinstance(wanted, list) else [wanted]:
        if isinstance(each, str) and each:
            yield each


async def write(services: Services, about: Document) -> None:
    """Send a letter, if the account is still there."""
    account = await services.accounts.get(about["account_id"])
    if account is None:
        return
    what, text = about["what"], about["text"]
    words = "has a new comment" if what == COMMENT else WORDS[what]
    details = f"\n{text}\n" if text else ""
    body = TEXT.format(
        name=about["name"],
        account=account.name,
        what=words,
        details=details,
        port_id=about["port_id"],
    )
    name = " ".join(about["name"].split())
    await services.mail.send(Letter(to=about["to"], subject=f"Port request {name}", text=body))


PORT_MAIL = Kind(name="port_mail", run=write)
