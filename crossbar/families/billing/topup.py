"""Topping up: an account pays into its credit by what it pays with, such as a card."""

from __future__ import annotations

from crossbar.core.requests import Request, Result
from crossbar.documents import Document
from crossbar.families.billing.booking import Booking, book
from crossbar.families.billing.bookkeeping import PAYMENTS
from crossbar.families.billing.ledgers import shown
from crossbar.families.billing.transactions import amount_in, paid, shown_transaction


async def top_up(request: Request) -> Result:
    """Have the amount charged; then it is the account's credit."""
    units = amount_in(request)
    transaction = await paid(request, units, is_refund=False, is_topup=True)
    entry = {
        "source": {"service": PAYMENTS, "id": transaction["_id"]},
        "usage": {"type": "topup", "quantity": 1, "unit": "payment"},
        "description": "Credit that was paid in",
    }

    async def build(books: list[Booking]) -> Document:
        return await books[0].add(entry, units)

    ledger = await book(request.actor, [request.require_account()], build)
    return Result(data={"transaction": shown_transaction(transaction), "ledger": shown(ledger)})
