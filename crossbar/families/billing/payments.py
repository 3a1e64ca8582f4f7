"""How money changes hands: a transaction is written, the bookkeeper is asked, the outcome written.

A server may end in between, or the bookkeeper be too slow: then nobody knows whether money has
moved. So a job is asked for in the commit that begins a transaction. It asks the bookkeeper again
of what is still pending; what was paid is not paid twice.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from crossbar.core.directory import Account
from crossbar.core.jobs import Kind, asked
from crossbar.core.journals import new_key, record_put
from crossbar.core.ports import Outcome, Payment
from crossbar.core.recipes import sent
from crossbar.core.requests import Actor, Request
from crossbar.core.services import Services
from crossbar.core.shapes import Journal
from crossbar.core.stamping import continued, stamped
from crossbar.documents import Document
from crossbar.errors import PaymentRequired, ValidationFailed
from crossbar.families.billing.booking import Booking, balance_of, book
from crossbar.families.billing.bookkeeping import PAYMENTS
from crossbar.families.billing.money import dollars
from crossbar.families.notifications import administrators, asked_for
from crossbar.storage import Batch, Key, Put, Remove

TRANSACTION_TYPE = "transaction"
UNITS = "pvt_units"
WAY = "pvt_way"

SALE, REFUND, TOP_UP = "sale", "refund", "topup"
PENDING, COMPLETED, FAILED = "pending", "completed", "failed"

PATIENCE = 20.0
"""Seconds that a bookkeeper may take."""

ASKED_AGAIN = 60.0
"""Seconds after which the bookkeeper is asked again of what is still pending."""

TEXTS = ("description", "order_id")

TRANSACTIONS_OF = Journal(
    noun="transactions", doc_type=TRANSACTION_TYPE, actions=frozenset(), scopes=()
)
"""The transactions; routes of the same noun read and write them."""


class Settled(NamedTuple):
    """What has become of a transaction; the ``entry`` is that of credit which was paid in."""

    transaction: Document
    entry: Document | None = None

    @property
    def revision(self) -> str:
        """The revision of the transaction."""
        return str(self.transaction["_rev"])


async def transact(request: Request, units: int, way: str) -> Settled:
    """Begin a transaction, and see it through.

    Raises :class:`PaymentRequired`, with the bookkeeper's reason as its code, for one that failed
    or of which nothing is known yet.
    """
    services = request.services
    pending = _pending(request, units, way)
    about = {"account_id": pending.key.account_id, "transaction_id": pending.key.doc_id}
    job = asked(services.clock, PENDING_PAYMENTS, about, after=ASKED_AGAIN)
    await services.commit(Batch(records=[pending], puts=[job]))
    try:
        settled = await _settle(request.actor, pending.document, [Remove(job.key)])
    except TimeoutError:
        message = "the bookkeeper did not answer in time, and will be asked again"
        raise PaymentRequired(message, code="timeout", id=pending.key.doc_id) from None
    results = settled.transaction["bookkeeper"]["results"]
    if settled.transaction["status"] == FAILED:
        code = results["reason"]
        raise PaymentRequired(results["message"], code=code, id=pending.key.doc_id)
    return settled


async def _finish(services: Services, about: Document) -> None:
    """Ask the bookkeeper again of a transaction that is still pending."""
    account = await services.accounts.get(about["account_id"])
    key = Key(about["account_id"], TRANSACTION_TYPE, about["transaction_id"])
    stored = await services.store.get_record(key)
    if account is None or stored is None or stored["status"] != PENDING:
        return
    actor = Actor(
        services=services,
        account_id=account.account_id,
        account=account,
        request_id=key.doc_id,
    )
    await _settle(actor, stored, ())


PENDING_PAYMENTS = Kind(name="payments", run=_finish)


async def _settle(actor: Actor, pending: Document, removes: Any) -> Settled:
    """Ask the bookkeeper, and write what has become of it. Raises :class:`TimeoutError`."""
    services, account = actor.services, actor.require_account()
    try:
        async with asyncio.timeout(PATIENCE):
            outcome = await _ask(services, account, pending)
    except ValidationFailed:
        outcome = Outcome(False, "balance_too_large", "the balance would be too large to be kept")
    key = Key(account.account_id, TRANSACTION_TYPE, pending["_id"])
    settled = continued(actor, key, _settled(pending, outcome))
    record = record_put(TRANSACTIONS_OF, key, settled, pending["_rev"])
    if pending[WAY] != TOP_UP or not outcome.has_succeeded:
        left = await balance_of(services.store, account.account_id)
        mails = await _mails(services, account, settled, left)
        await services.commit(Batch(puts=mails, records=[record], removes=removes))
        return Settled(settled)
    entry: Document = {
        "source": {"service": PAYMENTS, "id": key.doc_id},
        "usage": {"type": "topup", "quantity": 1, "unit": "payment"},
        "period": {"start": pending["pvt_created"]},
        "description": "Credit that was paid in",
    }

    async def build(books: list[Booking]) -> Document:
        made = await books[0].add(entry, pending[UNITS])
        books[0].also = await _mails(services, account, settled, books[0].balance)
        return made

    return Settled(settled, await book(actor, [account], build, [record], removes))


async def _mails(services: Services, account: Account, settled: Document, left: int) -> list[Put]:
    """What has administrators told of a transaction that is over, with the balance it leaves."""
    if not services.mail.is_available:
        return []
    template_id = "topup" if settled[WAY] == TOP_UP else "transaction"
    if settled["status"] == FAILED:
        template_id = "transaction_failed"
    about = {
        "amount": dollars(settled[UNITS]),
        "description": settled.get("description") or settled[WAY],
    }
    facts = {"transaction": about, "current_balance": dollars(left)}
    to = await administrators(services, account)
    return asked_for(services, template_id, account.account_id, facts, to=to)


async def _ask(services: Services, account: Account, pending: Document) -> Outcome:
    bookkeeper = services.bookkeeper
    ask = bookkeeper.top_up if pending[WAY] == TOP_UP else bookkeeper.pay
    payment = Payment(
        account_id=account.account_id,
        transaction_id=pending["_id"],
        units=abs(pending[UNITS]),
        is_refund=pending[WAY] == REFUND,
        description=pending.get("description", ""),
        begun=pending["pvt_created"],
    )
    return await ask(services, payment)


def _settled(pending: Document, outcome: Outcome) -> Document:
    """The transaction with what has become of it."""
    results: Document = {"status": "success"}
    if not outcome.has_succeeded:
        results = {"status": "error", "reason": outcome.reason, "message": outcome.message}
    bookkeeper: Document = {**pending["bookkeeper"], "results": results}
    status = COMPLETED if outcome.has_succeeded else FAILED
    return {**pending, "status": status, "bookkeeper": bookkeeper}


def _pending(request: Request, units: int, way: str) -> Put:
    """The write of a new transaction. Raises :class:`ValidationFailed`."""
    account = request.require_account()
    key = new_key(TRANSACTIONS_OF, account.account_id, request.services.clock)
    document: Document = {
        "metadata": {},
        **_described(sent(request)),
        "account": {"id": account.account_id, "name": account.name},
        "executor": {"trigger": "crossbar", "module": "cb_transactions"},
        "bookkeeper": {
            "type": request.services.bookkeeper.name,
            "vendor_id": account.reseller_id,
        },
        "status": PENDING,
        UNITS: -units if way == REFUND else units,
        WAY: way,
    }
    return record_put(TRANSACTIONS_OF, key, stamped(request.actor, key, document))


def _described(data: Document) -> Document:
    """What a client says about a transaction beside its amount."""
    kinds = {"metadata": (dict, "object")} | dict.fromkeys(TEXTS, (str, "string"))
    for name, (kind, called) in kinds.items():
        if name in data and not isinstance(data[name], kind):
            message = f"Value did not match type(s): {called}"
            raise ValidationFailed.of(name, "type", message, target=called, value=data[name])
    return {name: data[name] for name in kinds if name in data}
