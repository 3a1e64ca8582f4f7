"""The embedded bookkeeper: it knows what an account has paid in advance, and its credit.

Money comes in by hand, as a credit in the ledger. What is charged comes out of that, and out of
the credit that an account is given where it may pay afterwards.
"""

from __future__ import annotations

from crossbar.core.directory import Account
from crossbar.core.ports import Outcome, Payment, Standing
from crossbar.core.requests import Actor
from crossbar.core.services import Services
from crossbar.core.writing import in_turn
from crossbar.errors import NoSuchDocument
from crossbar.families.billing.booking import Booking, Repeated, balance_key, balance_of
from crossbar.families.billing.credit import credit_terms
from crossbar.families.billing.money import dollars
from crossbar.storage import Batch

NO_CREDIT = "insufficient_credit"
NO_PAYMENT_TOKEN = "no_payment_token"  # noqa: S105 - a reason that clients know

PAYMENTS = "payments"
"""The ledger of money that changed hands."""


async def available_to(services: Services, account: Account) -> int:
    """What an account can still be charged: its balance, and what it may owe, in units."""
    may_owe, most = await credit_terms(services, account)
    return await balance_of(services.store, account.account_id) + (most if may_owe else 0)


def short(units: int, available: int) -> Standing:
    """The standing of an account that lacks credit."""
    lacking = dollars(units - available)
    return Standing(False, NO_CREDIT, f"the account lacks {lacking} dollars of credit")


class LocalBookkeeper:
    """Prepaid credit, and what may be paid afterwards; no cards."""

    name = "local"

    async def standing(self, services: Services, account_id: str, units: int) -> Standing:
        """Good while credit covers what is charged now, and the account owes no more than it may.

        It is no reservation: who charges compares the balance again when it commits.
        """
        account = await services.accounts.get(account_id)
        if account is None:
            raise NoSuchDocument(account_id)
        available = await available_to(services, account)
        return Standing(True) if available >= units else short(units, available)

    async def pay(self, services: Services, payment: Payment) -> Outcome:
        """Take the money out of the account's credit, or put it back."""
        account = await services.accounts.get(payment.account_id)
        if account is None:
            raise NoSuchDocument(payment.account_id)
        actor = Actor(
            services=services,
            account_id=account.account_id,
            account=account,
            request_id=payment.transaction_id,
        )
        entry = {
            "source": {"service": PAYMENTS, "id": payment.transaction_id},
            "usage": {
                "type": "refund" if payment.is_refund else "sale",
                "quantity": 1,
                "unit": "payment",
            },
            "period": {"start": payment.begun},
            "description": payment.description,
        }

        async def attempt() -> Outcome:
            books = await Booking.begun(actor, account)
            await books.add(entry, payment.units if payment.is_refund else -payment.units)
            # What was paid before is no question of credit any more.
            if not payment.is_refund:
                standing = await self.standing(services, account.account_id, payment.units)
                if not standing.is_good:
                    return Outcome(False, standing.reason, standing.message)
            await services.commit(Batch(puts=await books.puts(), records=books.records))
            return Outcome(True)

        try:
            return await in_turn(actor, balance_key(account.account_id), attempt)
        except Repeated:
            return Outcome(True)  # it was paid before

    async def top_up(self, services: Services, payment: Payment) -> Outcome:
        """Refused: an account has no card here."""
        return Outcome(False, NO_PAYMENT_TOKEN, "no payment processor is configured")

    async def synchronize(self, services: Services, account_id: str) -> None:
        """Nothing to tell: what there is is counted when it is asked for."""
