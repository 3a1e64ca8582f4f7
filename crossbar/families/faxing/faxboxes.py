"""Fax boxes: who sends faxes, and where received ones go."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from crossbar.core.answers import ROWS
from crossbar.core.change import Change
from crossbar.core.reading import list_span
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Collection, Hooks, Route, Scope, Unique
from crossbar.documents import Document, public
from crossbar.storage import Span

BOX_TYPE = "faxbox"
ADDRESS = "smtp_email_address"
STORED_ADDRESS = f"pvt_{ADDRESS}"


async def normalize(change: Change) -> None:
    """The generated address is the server's; clients only send back what they have read."""
    change.document.pop(ADDRESS, None)


async def give_address(change: Change) -> None:
    """A new box is given a mail domain of its own, and keeps it."""
    domain = change.actor.services.settings.fax.smtp_domain
    change.document.setdefault(STORED_ADDRESS, f"{secrets.token_hex(4)}.{domain}")


async def show_address(request: Request, shown: Document, stored: Document) -> None:
    """The generated address is shown with the box."""
    shown[ADDRESS] = stored[STORED_ADDRESS]


def _addresses(document: Document) -> Iterable[str]:
    address = document.get("custom_smtp_email_address")
    return (address.lower(),) if isinstance(address, str) and address else ()


async def list_boxes(request: Request) -> Result:
    """Whole boxes, with their generated addresses."""
    span = Span(account_id=request.account_id, doc_type=BOX_TYPE)
    return await list_span(request, span, _row)


def _row(stored: Document) -> Document:
    return {**public(stored), "id": stored["_id"], ADDRESS: stored[STORED_ADDRESS]}


FAXBOXES = Collection(
    noun="faxboxes",
    doc_type=BOX_TYPE,
    schema="faxbox",
    summary=(),
    unique=(
        Unique(
            path="custom_smtp_email_address",
            values=_addresses,
            message="email address must be unique",
            within=Scope.SYSTEM,
        ),
    ),
    hooks=Hooks(
        normalize=(normalize,),
        prepare=(give_address,),
        present=(show_address,),
    ),
    routes=(
        Route(
            path="", action=Action.LIST, handler=list_boxes, about="List faxboxes", answers=ROWS
        ),
    ),
)
