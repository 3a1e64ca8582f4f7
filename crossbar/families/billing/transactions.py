"""Transactions: money that an account pays, or is paid back, by way of its bookkeeper."""

from __future__ import annotations

from crossbar.core.answers import ROW, SOME_OBJECT, Answers, some
from crossbar.core.journals import list_records, load_record
from crossbar.core.recipes import sent
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Handler, Route, Routes, Scope, route
from crossbar.documents import Document, public
from crossbar.errors import ValidationFailed
from crossbar.families.billing.ledgers import shown
from crossbar.families.billing.money import MOST_DOLLARS, decimal_of, dollars, units_of
from crossbar.families.billing.payments import (
    REFUND,
    SALE,
    TOP_UP,
    TRANSACTIONS_OF,
    UNITS,
    transact,
)


def shown_transaction(transaction: Document) -> Document:
    """A transaction as clients see it: its amount in dollars, negative for a refund."""
    return {
        **public(transaction),
        "id": transaction["_id"],
        "amount": dollars(transaction[UNITS]),
        "created": transaction["pvt_created"],
    }


def _row(transaction: Document) -> Document:
    whole = shown_transaction(transaction)
    names = ("id", "amount", "status", "executor", "description", "metadata", "created")
    row = {name: whole[name] for name in names if name in whole}
    results = whole["bookkeeper"].get("results")
    return {**row, "bookkeeper": results} if results else row


def amount_in(request: Request) -> int:
    """The amount that was sent, in units. Raises :class:`ValidationFailed`."""
    amount = sent(request).get("amount")
    if amount is None:
        raise ValidationFailed.of("amount", "required", "Field is required but missing")
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        message = "Value did not match type(s): number"
        raise ValidationFailed.of("amount", "type", message, target="number", value=amount)
    if decimal_of(amount) > MOST_DOLLARS:
        message = f"Value must be at most {MOST_DOLLARS}"
        raise ValidationFailed.of("amount", "maximum", message, target=MOST_DOLLARS)
    units = units_of(amount)
    if units <= 0:
        message = "Value must be more than 0"
        raise ValidationFailed.of("amount", "minimum", message, target=0, value=amount)
    return units


async def list_transactions(request: Request) -> Result:
    """The transactions in a range of time, the newest first."""
    return await list_records(request, TRANSACTIONS_OF, _row)


async def fetch_transaction(request: Request) -> Result:
    """One transaction."""
    record_id = request.ids["transaction_id"]
    stored = await load_record(request.actor, TRANSACTIONS_OF, record_id)
    return Result(data=shown_transaction(stored), revision=stored["_rev"])


async def sale(request: Request) -> Result:
    """Take money from the account."""
    settled = await transact(request, amount_in(request), SALE)
    return Result(data=shown_transaction(settled.transaction), revision=settled.revision)


async def refund(request: Request) -> Result:
    """Pay money back to the account."""
    settled = await transact(request, amount_in(request), REFUND)
    return Result(data=shown_transaction(settled.transaction), revision=settled.revision)


async def top_up(request: Request) -> Result:
    """Have the amount charged to what the account pays by; then it is the account's credit."""
    settled = await transact(request, amount_in(request), TOP_UP)
    data = {"transaction": shown_transaction(settled.transaction)}
    return Result(data=data | {"ledger": shown(settled.entry)} if settled.entry else data)


def _payment(path: str, handler: Handler, about: str) -> Route:
    return Route(
        path=path,
        action=Action.CREATE,
        handler=handler,
        about=about,
        access=Access.RESELLER,
        answers=Answers(SOME_OBJECT),
    )


TRANSACTIONS = Routes(
    noun="transactions",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route(
            "",
            Action.LIST,
            list_transactions,
            "List transactions",
            Answers(some(ROW), is_paged=True),
        ),
        route(
            "{transaction_id}", Action.FETCH, fetch_transaction, "Read a transaction", Answers(ROW)
        ),
        _payment("sale", sale, "Take money from the account"),
        _payment("refund", refund, "Pay money back to the account"),
    ),
)
