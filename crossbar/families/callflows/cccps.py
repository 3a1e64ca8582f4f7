"""Calling cards: who may call through the platform from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from crossbar.core.change import Change
from crossbar.core.ports import Command
from crossbar.core.recipes import sent
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import CRUD, Collection, Hooks, Scope, Unique, renamed, route
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.numbers import to_e164


def _text(document: Document, name: str) -> Iterable[str]:
    value = document.get(name)
    return (value,) if isinstance(value, str) and value else ()


def _cids(card: Document) -> Iterable[str]:
    return _text(card, "cid") if card.get("active") else ()


def _pins(card: Document) -> Iterable[str]:
    """A card with a number is told by that, so its pin need not be its own."""
    return _text(card, "pin") if card.get("active") and not card.get("cid") else ()


async def normalize(change: Change) -> None:
    """The number in one spelling."""
    cid = change.value("cid")
    if isinstance(cid, str):
        change.document["cid"] = to_e164(cid) or cid


async def check_number(change: Change) -> None:
    """A card's number is one of the public network, so that a caller can be told by it."""
    cid = change.value("cid")
    if isinstance(cid, str) and cid and to_e164(cid) is None:
        change.refusals.add("cccp", "unique", "Number is non reconcilable", cause=cid)


async def autodial(request: Request) -> Result:
    """Camp on a number for the caller, who must be of this account."""
    caller = request.require_caller()
    if caller.account_id != request.account_id:
        message = "Only the account's own users can have numbers dialed"
        raise ValidationFailed.of("account", "forbidden", message)
    facts = {**sent(request), "account_id": caller.account_id, "user_id": caller.user_id}
    await request.services.switch.tell(Command("cccps.autodial", request.account_id, facts))
    return Result(data={})


CCCPS = Collection(
    noun="cccps",
    doc_type="cccp",
    schema="cccps",
    actions=CRUD - {Action.PATCH},
    summary=(
        renamed("account_id", "pvt_account_id"),
        "active",
        "user_id",
        "cid",
        "pin",
        "retain_cid",
        "comment",
    ),
    unique=(
        Unique(
            path="cccp",
            values=_cids,
            message="CID already exists",
            within=Scope.SYSTEM,
            space="cccp.cid",
        ),
        Unique(
            path="cccp",
            values=_pins,
            message="Pin already exists",
            within=Scope.SYSTEM,
            space="cccp.pin",
        ),
    ),
    hooks=Hooks(normalize=(normalize,), check=(check_number,)),
    routes=(route("autodial", Action.CREATE, autodial, "Camp on a number for the caller"),),
)
