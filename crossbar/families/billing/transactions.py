"""Transactions: money that an account pays, or is paid back, by way of its bookkeeper."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from crossbar.core.answers import ROW, SOME_OBJECT, Answers, some
from crossbar.core.journals import list_records, load_record, new_key, record_put
from crossbar.core.ports import Outcome, Payment
from crossbar.core.recipes import sent
from crossbar.core.requests import Action, Request, Result
from crossbar.core.services import Services
from crossbar.core.shapes import Access, Handler, Journal, Route, Routes, Scope, route
from crossbar.core.stamping import stamped
from crossbar.documents import Document, public
from crossbar.errors import PaymentRequired, ValidationFailed
from crossbar.families.billing.booking import Booking, book
from crossbar.families.billing.bookkeeping import PAYMENTS
from crossbar.families.billing.ledgers import shown
from crossbar.families.billing.money import MOST_DOLLARS, decimal_of, dollars, units_of
from crossbar.storage import Batch, Put

TRANSACTION_TYPE = "transaction"
UNITS = "pvt_units"

PENDING, COMPLETED, FAILED = "pending", "completed", "failed"

PATIENCE = 20.0
"""Seconds that a bookkeeper may take."""

TRANSACTIONS_OF = Journal(
    noun="transactions", doc_type=TRANSACTION_TYPE, actions=frozenset(), scopes=()
)
"""The transactions; routes of the same noun read and write them."""


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
    return await _transact(request, is_refund=False)


async def refund(request: Request) -> Result:
    """Pay money back to the account."""
    return await _transact(request, is_refund=True)


async def _transact(request: Request, *, is_refund: bool) -> Result:
    units = amount_in(request)
    ask = request.services.bookkeeper.pay
    record = await _asked(request, ask, units, is_refund=is_refund)
    await request.services.commit(Batch(records=[record]))
    return Result(data=shown_transaction(record.document), revision=record.document["_rev"])


async def top_up(request: Request) -> Result:
    """Have the amount charged to what the account pays by; then it is the account's credit."""
    units = amount_in(request)
    record = await _asked(request, request.services.bookkeeper.top_up, units)
    entry: Document = {
        "source": {"service": PAYMENTS, "id": record.key.doc_id},
        "usage": {"type": "topup", "quantity": 1, "unit": "payment"},
        "description": "Credit that was paid in",
    }

    async def build(books: list[Booking]) -> Document:
        return await books[0].add(entry, units)

    ledger = await book(request.actor, [request.require_account()], build, [record])
    return Result(
        data={"transaction": shown_transaction(record.document), "ledger": shown(ledger)}
    )


Ask = Callable[[Services, Payment], Awaitable[Outcome]]


async def _asked(request: Request, ask: Ask, units: int, *, is_refund: bool = False) -> Put:
    """The write of a transaction that the bookkeeper has made, to be committed.

    It is written as pending before the bookkeeper is asked, so that none is lost. Raises
    :class:`PaymentRequired`, with the bookkeeper's reason as its code, for one that failed.
    """
    services = request.services
    pending = _pending(request, -units if is_refund else units)
    await services.commit(Batch(records=[pending]))
    payment = Payment(
        account_id=request.account_id,
        transaction_id=pending.key.doc_id,
        units=units,
        is_refund=is_refund,
        description=str(pending.document.get("description", "")),
    )
    try:
        async with asyncio.timeout(PATIENCE):
            outcome = await ask(services, payment)
    except TimeoutError:
        outcome = Outcome(False, "timeout", "the bookkeeper did not answer in time")
    settled = stamped(request.actor, pending.key, _settled(pending.document, outcome))
    record = record_put(TRANSACTIONS_OF, pending.key, settled, pending.document["_rev"])
    if not outcome.has_succeeded:
        await services.commit(Batch(records=[record]))
        raise PaymentRequired(outcome.message, code=outcome.reason, id=pending.key.doc_id)
    return record


def _settled(pending: Document, outcome: Outcome) -> Document:
    """The transaction with what has become of it."""
    results: Document = {"status": "success"}
    if not outcome.has_succeeded:
        results = {"status": "error", "reason": outcome.reason, "message": outcome.message}
    bookkeeper: Document = {**pending["bookkeeper"], "results": results}
    status = COMPLETED if outcome.has_succeeded else FAILED
    return {**pending, "status": status, "bookkeeper": bookkeeper}


def _pending(request: Request, units: int) -> Put:
    """The write of a new transaction."""
    account, data = request.require_account(), sent(request)
    key = new_key(TRANSACTIONS_OF, account.account_id, request.services.clock)
    kept: Document = {
        name: data[name] for name in ("description", "metadata", "order_id") if name in data
    }
    document: Document = {
        "metadata": {},
        **kept,
        "account": {"id": account.account_id, "name": account.name},
        "executor": {"trigger": "crossbar", "module": "cb_transactions"},
        "bookkeeper": {
            "type": request.services.bookkeeper.name,
            "vendor_id": account.reseller_id,
        },
        "status": PENDING,
        UNITS: units,
    }
    return record_put(TRANSACTIONS_OF, key, stamped(request.actor, key, document))


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
