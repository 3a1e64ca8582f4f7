"""Credit: what an account may owe, and the word to its administrators when little is left."""

from __future__ import annotations

from crossbar.core.directory import Account
from crossbar.core.services import Services
from crossbar.documents import lookup
from crossbar.families.billing.assigned import (
    assigned_to,
    is_billed,
    merged_from,
    services_of,
)
from crossbar.families.billing.money import LARGEST, dollars, units_of
from crossbar.families.notifications import asked_for
from crossbar.storage import Put

MAY_OWE = "allow_postpay"
MOST_OWED = "max_postpay_amount"
"""In the limits of an account's plans: whether it may pay afterwards, and how many dollars."""

LOW = ("notifications", "low_balance")
"""Where an account says whether it wants to be told of a low balance, and below what."""


async def credit_terms(services: Services, account: Account) -> tuple[bool, int]:
    """Whether an account may pay afterwards, and how much it may owe, in units.

    Its plans say so; an account without plans may not.
    """
    if not is_billed(account):
        return False, 0
    document = await services_of(services, account.account_id)
    terms = merged_from(await assigned_to(services, document), "limits")
    may_owe = terms.get(MAY_OWE) is True
    most = min(max(units_of(terms.get(MOST_OWED)), 0), LARGEST)
    return may_owe, most


def low_threshold(account: Account) -> int | None:
    """At how much that is left an account wants to be told, in units; ``None`` if it is silent."""
    wanted = lookup(account.document, (*LOW, "threshold"))
    is_number = isinstance(wanted, int | float) and not isinstance(wanted, bool)
    return units_of(wanted) if is_number else None


async def warnings(services: Services, account: Account, before: int, after: int) -> list[Put]:
    """Asks for a mail when a balance, in units, falls to what its account wants to be told of.

    An account that says nothing is told at zero if it has plans, else never. It is told once: not
    again until the balance has been above that.
    """
    threshold = low_threshold(account)
    is_wanted = lookup(account.document, (*LOW, "enabled")) is not False
    if after >= before or not is_wanted or not services.mail.is_available:
        return []
    if threshold is None and not is_billed(account):
        return []
    may_owe, most = await credit_terms(services, account)
    credit, limit = (most if may_owe else 0), threshold or 0
    if not before + credit > limit >= after + credit:
        return []
    facts = {"current_balance": dollars(after + credit), "threshold": dollars(limit)}
    return asked_for(services, "low_balance", account.account_id, facts)
