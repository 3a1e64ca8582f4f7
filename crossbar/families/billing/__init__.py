"""Billing: limits, allotments, plans and what they cost, ledgers, transactions."""

from __future__ import annotations

from crossbar.families.billing.allotments import ALLOTMENTS
from crossbar.families.billing.assigned import is_billed
from crossbar.families.billing.audit import AUDIT
from crossbar.families.billing.booking import ENTRIES_OF, Booking, Repeated
from crossbar.families.billing.bookkeeping import LocalBookkeeper, available_to
from crossbar.families.billing.braintree import BRAINTREE
from crossbar.families.billing.charges import billed, charge, charged, freed
from crossbar.families.billing.credit import low_threshold
from crossbar.families.billing.ledgers import LEDGERS
from crossbar.families.billing.limits import LIMITS, limits_of
from crossbar.families.billing.money import dollars, units_of
from crossbar.families.billing.older import SERVICE_PLANS
from crossbar.families.billing.paths import SERVICES, SERVICES_OF_SYSTEM
from crossbar.families.billing.payments import PENDING_PAYMENTS, TRANSACTIONS_OF
from crossbar.families.billing.plans import PLANS
from crossbar.families.billing.pricing import ALL
from crossbar.families.billing.quantities import COUNTED, billed_as, count
from crossbar.families.billing.transactions import TRANSACTIONS

BILLING = (
    ALLOTMENTS,
    AUDIT,
    BRAINTREE,
    ENTRIES_OF,
    LEDGERS,
    LIMITS,
    PLANS,
    SERVICES,
    SERVICES_OF_SYSTEM,
    SERVICE_PLANS,
    TRANSACTIONS,
    TRANSACTIONS_OF,
)
"""Every family of the room."""

__all__ = [
    "ALL",
    "BILLING",
    "COUNTED",
    "PENDING_PAYMENTS",
    "Booking",
    "LocalBookkeeper",
    "Repeated",
    "available_to",
    "billed",
    "billed_as",
    "charge",
    "charged",
    "count",
    "dollars",
    "freed",
    "is_billed",
    "limits_of",
    "low_threshold",
    "units_of",
]
