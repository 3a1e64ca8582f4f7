"""The seam to who keeps the books: may an account owe more, and how money changes hands.

The gateway keeps a ledger of every account itself (``families.billing``). A bookkeeper beside it
knows what money has really come in: a card processor, an accounting system. The embedded one knows
the ledger alone: what an account has paid in advance, and how much credit it is given.

All amounts are whole units of 1/10000 dollar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from crossbar.core.services import Services


class Standing(NamedTuple):
    """Whether an account may owe more; otherwise a stable ``reason`` and words for people."""

    is_good: bool
    reason: str = ""
    message: str = ""


class Payment(NamedTuple):
    """Money that an account pays, or is paid back (``is_refund``); ``units`` are positive.

    The ``transaction_id``, and when it was begun in Gregorian seconds, stay the same when it is
    tried again: what was paid is not paid twice.
    """

    account_id: str
    transaction_id: str
    units: int
    is_refund: bool
    description: str
    begun: int


class Outcome(NamedTuple):
    """What has become of a payment; a stable ``reason`` and words for people if it failed."""

    has_succeeded: bool
    reason: str = ""
    message: str = ""


class Bookkeeper(Protocol):
    """Who keeps the books of the system's accounts."""

    @property
    def name(self) -> str:
        """How invoices call the kind of bookkeeper."""
        ...

    async def standing(self, services: Services, account_id: str, units: int) -> Standing:
        """Whether the account may be charged so much now; 0 for what is charged later."""
        ...

    async def pay(self, services: Services, payment: Payment) -> Outcome:
        """Take money from an account, or give it back; once, however often it is asked."""
        ...

    async def top_up(self, services: Services, payment: Payment) -> Outcome:
        """Charge what the account pays by, so that its credit can be raised by as much."""
        ...

    async def synchronize(self, services: Services, account_id: str) -> None:
        """Tell the bookkeeper of the account's plans and quantities as they are now."""
        ...
