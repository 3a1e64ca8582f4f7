"""Ledgers: what an account was charged and credited, by service, and what is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from crossbar.core.answers import ROW, SOME_OBJECT, TEXT, Answers, an_object, rows, some
from crossbar.core.directory import Account
from crossbar.core.journals import list_records, load_record, oldest_kept, stretch_of
from crossbar.core.ranges import time_range
from crossbar.core.recipes import sent
from crossbar.core.requests import Action, Request, Result, is_true
from crossbar.core.shapes import Access, Route, Routes, Scope, route
from crossbar.documents import Document, public
from crossbar.errors import NoSuchDocument, NotFound, ValidationFailed
from crossbar.families.billing.booking import (
    ENTRIES_OF,
    SERVICES_LEDGER,
    UNITS,
    Booking,
    balance_of,
    book,
)
from crossbar.families.billing.bookkeeping import PAYMENTS, available_to
from crossbar.families.billing.money import MOST_DOLLARS, decimal_of, dollars, units_of
from crossbar.families.billing.months import month_of
from crossbar.storage import Entry

SCHEMA = "ledgers"
MOST = 10**12
"""The largest quantity of an entry, on either side of 0."""

AVAILABLE = (
    {"name": "per-minute-voip", "friendly_name": "Per Minute VoIP", "markup_type": ["percentage"]},
    {"name": SERVICES_LEDGER, "friendly_name": "Monthly Recurring Services", "markup_type": []},
    {"name": PAYMENTS, "friendly_name": "Payments", "markup_type": []},
    {"name": "rollovers", "friendly_name": "Monthly Rollover", "markup_type": []},
)


def shown(entry: Document) -> Document:
    """An entry as clients see it: its amount in dollars, negative for what was charged."""
    audit = {"agent": {"account": {"id": entry.get("pvt_auth_account_id")}}}
    return {
        **public(entry),
        "id": entry["_id"],
        "amount": dollars(entry[UNITS]),
        "audit": audit if entry.get("pvt_auth_account_id") else {},
    }


async def credit(request: Request) -> Result:
    """Credit an account with an amount, once."""
    return await _book(request, 1)


async def debit(request: Request) -> Result:
    """Charge an account for something, once."""
    return await _book(request, -1)


async def _book(request: Request, sign: int) -> Result:
    entry = await _judged(request)
    units = sign * units_of(entry.pop("amount", 0))
    account = request.require_account()
    accounts = [account]
    if is_true(request.controls.get("impact_reseller")):
        reseller = await request.services.accounts.get(account.reseller_id)
        if reseller is not None and reseller.account_id != account.account_id:
            accounts.append(reseller)

    async def build(books: list[Booking]) -> list[Document]:
        return [await each.add(entry, units, whose=account) for each in books]

    entries = await book(request.actor, accounts, build)
    if len(accounts) == 1:
        return Result(data=shown(entries[0]), revision=entries[0]["_rev"])
    pairs = zip(accounts, entries, strict=True)
    return Result(data={one.account_id: await _impact(request, one, each) for one, each in pairs})


async def _impact(request: Request, account: Account, entry: Document) -> Document:
    """What an entry has done to an account."""
    left = await available_to(request.services, account)
    return {
        "ledger": shown(entry),
        "available_dollars": dollars(left),
        "is_reseller": account.is_reseller,
    }


async def _judged(request: Request) -> Document:
    """The entry that was sent. Raises :class:`ValidationFailed`."""
    entry, errors = await request.services.schemas.judged(SCHEMA, sent(request))
    errors = dict(errors)
    if not errors:
        amount, quantity = entry.get("amount", 0), entry["usage"]["quantity"]
        if decimal_of(amount) > MOST_DOLLARS:
            errors["amount"] = _too_large(MOST_DOLLARS)
        if abs(quantity) > MOST:
            errors["usage.quantity"] = _too_large(MOST)
        for name, value in (entry.get("period") or {}).items():
            if name in ("start", "end") and not 0 <= value <= MOST:
                errors[f"period.{name}"] = _too_large(MOST)
    if errors:
        raise ValidationFailed(errors)
    usage = {**entry["usage"], "quantity": int(entry["usage"]["quantity"])}
    executor = {"trigger": "crossbar", "module": "cb_ledgers"}
    return {**entry, "usage": usage, "executor": executor}


def _too_large(most: int) -> dict[str, Any]:
    message = f"Value must be at most {most}, and no less than 0 or its negative"
    return {"maximum": {"message": message, "target": most}}


class _Totals:
    """What entries add up to, by service."""

    def __init__(self) -> None:
        self.units = 0
        self._services: dict[str, tuple[int, Document]] = {}

    def add(self, entry: Document) -> None:
        """Count an entry in."""
        service, usage = entry["source"]["service"], entry["usage"]
        units, known = self._services.get(service, (0, {}))
        quantity = known.get("quantity", 0) + usage["quantity"]
        self.units += entry[UNITS]
        self._services[service] = (units + entry[UNITS], {**usage, "quantity": quantity})

    def shown(self) -> Document:
        """The sums as clients see them."""
        return {
            service: {"amount": dollars(units), "usage": usage}
            for service, (units, usage) in self._services.items()
        }


async def _entries(request: Request, lower: int, upper: int) -> AsyncIterator[Document]:
    lower = max(lower, oldest_kept(request.services, ENTRIES_OF))
    span = stretch_of(ENTRIES_OF, request.account_id, lower, upper)
    async for row in request.services.store.scan(span):
        yield row.document


async def list_totals(request: Request) -> Result:
    """What the entries in a range of time come to, by service."""
    lower, upper = time_range(request)
    totals = _Totals()
    async for entry in _entries(request, lower, upper):
        totals.add(entry)
    return Result(data=totals.shown())


async def summarize_month(request: Request) -> Result:
    """What the entries of a month come to, in all and by the account that they are about."""
    bounds = month_of(request.ids["month"])
    if bounds is None:
        raise NotFound
    total, by_account = _Totals(), dict[str, tuple[Document, _Totals]]()
    async for entry in _entries(request, *bounds):
        whose = entry["account"]
        _, sums = by_account.setdefault(whose["id"], (whose, _Totals()))
        sums.add(entry)
        total.add(entry)
    breakdown = [
        {"account": whose, "ledgers": sums.shown(), "total": dollars(sums.units)}
        for whose, sums in by_account.values()
    ]
    return Result(data={"summary": total.shown(), "breakdown": breakdown})


async def list_known(request: Request) -> Result:
    """The services that ledgers are usually kept of."""
    return Result(data=list(AVAILABLE))


async def read_total(request: Request) -> Result:
    """The balance: all that was ever credited and charged."""
    units = await balance_of(request.services.store, request.account_id)
    return Result(data={"amount": dollars(units)})


async def list_entries(request: Request) -> Result:
    """The entries of a service in a range of time, the newest first."""
    entry = Entry("source.service", request.ids["source_service"])
    return await list_records(request, ENTRIES_OF, shown, entry=entry)


async def fetch_entry(request: Request) -> Result:
    """One entry of a service."""
    ledger_id = request.ids["ledger_id"]
    stored = await load_record(request.actor, ENTRIES_OF, ledger_id)
    if stored["source"]["service"] != request.ids["source_service"]:
        raise NoSuchDocument(ledger_id)
    return Result(data=shown(stored), revision=stored["_rev"])


def _booking(path: str, handler: Any, about: str) -> Route:
    return Route(
        path=path,
        action=Action.CREATE,
        handler=handler,
        about=about,
        access=Access.RESELLER,
        schema=SCHEMA,
        answers=Answers(SOME_OBJECT),
    )


LEDGERS = Routes(
    noun="ledgers",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route(
            "", Action.FETCH, list_totals, "Add up the entries by service", Answers(SOME_OBJECT)
        ),
        route(
            "available",
            Action.LIST,
            list_known,
            "List the services that ledgers are kept of",
            Answers(rows(name=TEXT, friendly_name=TEXT, markup_type=some(TEXT))),
        ),
        route(
            "total",
            Action.FETCH,
            read_total,
            "Read the balance",
            Answers(an_object(amount={"type": "number"})),
        ),
        route(
            "summary/{month}",
            Action.FETCH,
            summarize_month,
            "Add up the entries of a month",
            Answers(an_object(summary=SOME_OBJECT, breakdown=some(SOME_OBJECT))),
        ),
        _booking("credit", credit, "Credit the account"),
        _booking("debit", debit, "Charge the account"),
        route(
            "{source_service}",
            Action.LIST,
            list_entries,
            "List the entries of a service",
            Answers(some(ROW), is_paged=True),
        ),
        route(
            "{source_service}/{ledger_id}",
            Action.FETCH,
            fetch_entry,
            "Read an entry",
            Answers(ROW),
        ),
    ),
)
