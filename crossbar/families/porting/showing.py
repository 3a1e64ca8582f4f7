"""What clients are shown of a port request beyond what they have sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crossbar.core.attachments import ATTACHMENTS
from crossbar.core.directory import Account
from crossbar.core.requests import Actor, Request
from crossbar.documents import Document, public
from crossbar.families.porting.authority import authority_of, decides
from crossbar.families.porting.states import PORTED, SENT, state_of

COMMENTS = "comments"

BILL_PIN = "bill.pin"
"""What the present carrier lets the numbers go for. It is for administrators, and in no list."""

UNKNOWN = "unknown"
"""The name of an account that has none."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose requests they are, who decides about them, and whether that is who looks."""

    account: Account
    authority: Account
    decides: bool


async def viewer_of(actor: Actor, account: Account) -> Viewer:
    """Who looks at the requests of an account."""
    return Viewer(account, await authority_of(actor, account), await decides(actor, account))


def visible_comments(document: Document, viewer: Viewer) -> list[Any]:
    """The comments that are for who looks: private ones are for who decides."""
    comments = document.get(COMMENTS) or []
    if viewer.decides:
        return comments
    return [each for each in comments if not each.get("is_private")]


def uploads_of(document: Document) -> Document:
    """What is known of the papers that belong to a request, by name."""
    return {
        name: {"content_type": facts["content_type"], "length": facts["length"]}
        for name, facts in document.get(ATTACHMENTS, {}).items()
    }


def facts_of(stored: Document, viewer: Viewer) -> Document:
    """What the server adds to a request."""
    read_only = {
        "account_id": viewer.account.account_id,
        "account_name": viewer.account.name or UNKNOWN,
        "port_authority": viewer.authority.account_id,
        "port_authority_name": viewer.authority.name or UNKNOWN,
    }
    if PORTED in stored:
        read_only["ported_numbers"] = stored[PORTED]
    return {
        "created": stored["pvt_created"],
        "updated": stored["pvt_modified"],
        "uploads": uploads_of(stored),
        "port_state": state_of(stored),
        "sent": bool(stored.get(SENT)),
        COMMENTS: visible_comments(stored, viewer),
        "_read_only": read_only,
    }


def shown_in_list(stored: Document, viewer: Viewer) -> Document:
    """A request as lists show it: whole, and whose it is."""
    known = {"id": stored["_id"], "account_id": viewer.account.account_id}
    shown = {**public(stored), **facts_of(stored, viewer), **known}
    if "bill" in shown:
        shown["bill"] = {name: value for name, value in shown["bill"].items() if name != "pin"}
    return shown


async def add_facts(request: Request, shown: Document, stored: Document) -> None:
    """A single request as clients see it."""
    shown |= facts_of(stored, await viewer_of(request.actor, request.require_account()))
