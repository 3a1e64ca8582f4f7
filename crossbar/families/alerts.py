"""Alerts: what people are told when they log in.

Some are written by operators, for accounts, for resellers, or for everybody; they are documents of
the system, found by whom they are for. Others are computed: a port request waits for its customer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Any

import orjson

from crossbar.core.answers import DOCUMENT, TEXT, Answers, rows
from crossbar.core.change import Change
from crossbar.core.directory import Account
from crossbar.core.reading import load, revision_of_list
from crossbar.core.recipes import create, delete, fetch
from crossbar.core.requests import Action, Page, Request, Result
from crossbar.core.shapes import Access, Collection, Hooks, Index, Route, defaulted, renamed
from crossbar.core.summaries import summarizer
from crossbar.documents import Document
from crossbar.errors import BadRequest, Forbidden, NoSuchDocument
from crossbar.families.billing import available_to, dollars, is_billed, low_threshold
from crossbar.families.brand import brand_of
from crossbar.families.porting import (
    STATE,
    SUSPENDED,
    TRANSITIONS,
    UNDER_WAY,
    ports_at_or_below,
    ports_of,
)
from crossbar.storage import SYSTEM, Entry, Span

ALERT_TYPE = "alert"
FIELDS = (
    "category",
    "expiration_date",
    "from",
    "level",
    "message",
    "metadata",
    "title",
    "to",
)

ALL, USERS, ADMINS, RESELLERS, DESCENDANTS = "all", "users", "admins", "resellers", "descendants"

Audience = list[Any]
"""Whose, and which people there."""


def _entry(audience: Audience) -> str:
    return orjson.dumps(audience).decode()


def _audiences(document: Document) -> Iterable[str]:
    """Whom an alert is for."""
    for target in document.get("to", []):
        yield _entry([target["type"], target["value"]])


def audiences_of(request: Request) -> list[Audience]:
    """Everything that an alert can be for that the caller is told, at the account of the path."""
    caller, account = request.require_caller(), request.require_account()
    kinds = [ALL, USERS, *([ADMINS] if caller.is_administrator else [])]
    found: list[Audience] = []
    for kind in kinds:
        found += [[ALL, kind], [account.account_id, kind]]
        if account.is_reseller or not account.tree:
            found.append([RESELLERS, kind])
        found += [[DESCENDANTS, [above, kind]] for above in account.tree]
    if caller.user_id is not None and caller.account_id == account.account_id:
        found.append([account.account_id, caller.user_id])
    return found


async def normalize(change: Change) -> None:
    """What an alert does not have is dropped."""
    change.document = {name: value for name, value in change.document.items() if name in FIELDS}


async def check(change: Change) -> None:
    """Whom an alert is for is text, or an account above and text."""
    targets = change.value("to")
    for place, target in enumerate(targets if isinstance(targets, list) else []):
        value = target.get("value") if isinstance(target, dict) else ""
        parts = value if isinstance(value, list) and len(value) == 2 else [value]
        if not all(isinstance(each, str) for each in parts):
            message = "Value did not match type(s): string, array"
            path = f"to.{place}.value"
            change.refusals.add(path, "type", message, target="string, array", value=value)


def _wants(request: Request, *switches: str) -> bool:
    """Whether the system's configuration wants alerts of a kind."""
    config = request.services.configuration.of_system("crossbar.alerts")
    return all(config.get(f"check_{switch}") is not False for switch in switches)


def _in_system(request: Request) -> Request:
    """The same request about the documents of the system."""
    return replace(request, actor=replace(request.actor, account_id=SYSTEM))


async def create_alert(request: Request) -> Result:
    """A new alert. Raises :class:`BadRequest` where the system's configuration wants none."""
    if request.services.configuration.of_system("alerts").get("enabled") is False:
        raise BadRequest("alerts are disabled", code="disabled")
    return await create(_in_system(request))


async def fetch_alert(request: Request) -> Result:
    """An alert that is for the caller, or that an operator looks after."""
    return await fetch(await _meant(request))


async def clear(request: Request) -> Result:
    """Show an alert no more: to nobody, so who is not the only one that it is for may not."""
    wanted = await _meant(request)
    stored, caller = await load(wanted), request.require_caller()
    own = request.require_account().account_id
    is_own = all(target["type"] == own for target in stored["to"])
    if not (caller.is_operator or (is_own and _may_clear(request, stored))):
        raise Forbidden(cause="the alert is for others too")
    return await delete(wanted)


def _may_clear(request: Request, stored: Document) -> bool:
    caller = request.require_caller()
    return caller.is_administrator or all(
        target["value"] == caller.user_id for target in stored["to"]
    )


async def _meant(request: Request) -> Request:
    """The request to the system's alert, if it is one for the caller. Raises 404 if not."""
    wanted = _in_system(request)
    stored = await load(wanted)
    told = {_entry(audience) for audience in audiences_of(request)}
    if not request.require_caller().is_operator and told.isdisjoint(_audiences(stored)):
        raise NoSuchDocument(request.doc_id)
    return wanted


_value = summarizer(
    (
        "title",
        "message",
        defaulted("category", ""),
        defaulted("level", "info"),
        defaulted("metadata", {}),
        "from",
        "expiration_date",
        renamed("created", "pvt_created"),
    )
)


async def list_alerts(request: Request) -> Result:
    """What the caller is told at this account: what operators have written, and what is computed.

    An alert comes once, whatever it is for; one whose time is over comes no more.
    """
    now = request.services.clock.gregorian()
    found: dict[str, Document] = {}
    for audience in audiences_of(request) if _wants(request, "system_alerts") else ():
        span = Span(account_id=SYSTEM, doc_type=ALERT_TYPE, entry=Entry("to", _entry(audience)))
        async for row in request.services.store.scan(span):
            alert = row.document
            if alert.get("expiration_date", now + 1) > now:
                value = _value(alert)
                shown = {"id": alert["_id"], "key": audience, "value": value, "clearable": True}
                found.setdefault(alert["_id"], shown)
    computed = [alert for make in (_of_money, _of_ports) async for alert in make(request)]
    data = [*found.values(), *computed]
    return Result(data=data, page=Page(size=len(data)), revision=revision_of_list(data))


async def _of_money(request: Request) -> AsyncIterator[Document]:
    """Whether an account that has plans has no more than it wants to be told of."""
    account = request.require_account()
    if not is_billed(account) or not _wants(request, "financials", "low_balance"):
        return
    threshold = low_threshold(account) or 0
    available = await available_to(request.services, account)
    if available <= threshold:
        metadata = {"available": dollars(available), "threshold": dollars(threshold)}
        message = "What is left of the balance is low"
        yield _computed(account, account.account_id, "low_balance", message, metadata)


async def _of_ports(request: Request) -> AsyncIterator[Document]:
    """What port requests ask of somebody."""
    if not _wants(request, "port_requests"):
        return
    wants_action = _wants(request, "port_action_required")
    wants_suspended = _wants(request, "port_suspended")
    async for account, port in _ports_told(request):
        visible = [each for each in port.get("comments", []) if not each.get("is_private")]
        metadata = {"name": port["name"], "state": port[STATE]}
        if wants_action and visible and visible[-1].get("action_required"):
            yield _computed(account, port["_id"], "port_action_required", visible[-1], metadata)
        if wants_suspended and port[STATE] in SUSPENDED:
            transition = port[TRANSITIONS][0]
            message = f"The port request {port['name']} is {port[STATE]}"
            told = {**metadata, "transition": transition}
            yield _computed(account, port["_id"], "port_suspended", message, told)


async def _ports_told(request: Request) -> AsyncIterator[tuple[Account, Document]]:
    """The requests that the caller is told of, with whose they are.

    A reseller is told of its own and of those of all accounts below it, at whichever account it
    asks; others of the account's, unless the brand hides ports from it.
    """
    actor, account = request.actor, request.require_account()
    own = await actor.services.accounts.get(request.require_caller().account_id)
    if own is not None and own.is_reseller and own.tree:
        async for found in ports_at_or_below(actor, own, *UNDER_WAY):
            yield found
        return
    is_hidden = own is not None and bool(own.tree) and await _hides_ports(request, own)
    if not is_hidden:
        async for port in ports_of(actor, account.account_id, *UNDER_WAY):
            yield account, port


async def _hides_ports(request: Request, account: Account) -> bool:
    return (await brand_of(request.services, account)).get("hide_port") is True


TITLES = {
    "low_balance": "The balance is low",
    "port_action_required": "A port request needs an answer",
    "port_suspended": "A port request waits to be submitted",
}


def _computed(
    account: Account, about_id: str, category: str, message: Any, metadata: Document
) -> Document:
    return {
        "id": about_id,
        "title": TITLES[category],
        "message": message,
        "metadata": metadata,
        "category": category,
        "from": [{"type": "account", "value": account.account_id}],
        "clearable": False,
    }


ALERTS = Collection(
    noun="alerts",
    doc_type=ALERT_TYPE,
    schema="alerts",
    summary=(),
    actions=frozenset(),
    indexes=(Index(name="to", values=_audiences),),
    hooks=Hooks(normalize=(normalize,), check=(check,)),
    routes=(
        Route(
            path="",
            action=Action.FETCH,
            handler=list_alerts,
            about="List alerts",
            answers=Answers(rows(id=TEXT)),
        ),
        Route(
            path="",
            action=Action.CREATE,
            handler=create_alert,
            about="Create an alert",
            access=Access.SUPERDUPER,
            schema="alerts",
            answers=DOCUMENT,
        ),
        Route(
            path="{alert_id}",
            action=Action.FETCH,
            handler=fetch_alert,
            about="Read an alert",
            answers=DOCUMENT,
            loads=False,
        ),
        Route(
            path="{alert_id}",
            action=Action.DELETE,
            handler=clear,
            about="Clear an alert",
            answers=DOCUMENT,
            loads=False,
        ),
    ),
)
