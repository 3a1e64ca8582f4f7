"""Who pays for a call by a carrier: by a trunk that is free, or by credit.

That is the account, and the reseller of whom it has what it calls by, unless that is the operator:
both by the same rate. What carriers of their own carry is paid for elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from crossbar.core.directory import Account
from crossbar.core.services import Services
from crossbar.errors import CrossbarError
from crossbar.families.billing import available_to
from crossbar.families.carriers import (
    BILLING,
    PRICE,
    RESELLER,
    RESELLER_BILLING,
    Asked,
    cost_of,
    deck_named,
    is_charged,
    rate_number,
    terms_of,
)
from crossbar.families.numbers import classifiers_of
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.tallies import TRUNKS, Standing, paid_by
from crossbar.switch.asterisk.wishes import IN, OUT, Refused, Wish
from crossbar.switch.executor import BARRED
from crossbar.validation import Expression, Unusable

NOTHING = "none"
"""What a call is let through by for which nothing is paid."""


class Payers:
    """Decides by what calls are paid for."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def terms(self, wish: Wish, standings: Sequence[Standing]) -> dict[str, str]:
        """By what a call is paid for, for its variables. Raises :class:`Refused`.

        ``standings`` are those of all accounts at which it counts: who pays is among them.
        """
        by_id = {each.account_id: each for each in standings}
        account = await self.account(wish.account_id)
        own = await self._terms_of(wish, account, by_id[account.account_id], "the account")
        reseller = await self._reseller(wish, account)
        if reseller is None:
            return own
        theirs = await self._terms_of(wish, reseller, by_id[reseller.account_id], "its reseller")
        shared = {RESELLER: reseller.account_id, RESELLER_BILLING: theirs[BILLING]}
        return {**theirs, **own, **shared}

    async def _reseller(self, wish: Wish, account: Account) -> Account | None:
        """The reseller who pays, too; ``None`` for the operator, and for a call by its own carrier
        or by that of an account below it."""
        above = account.tree[1:]
        if account.reseller_id not in above:
            return None
        if wish.resource_of in above[above.index(account.reseller_id) :]:
            return None
        return await self.account(account.reseller_id)

    async def _terms_of(
        self, wish: Wish, payer: Account, standing: Standing, whose: str
    ) -> dict[str, str]:
        """By what one of them pays."""
        trunk = self._trunk(wish, standing)
        return {BILLING: trunk} if trunk else await self._credit(wish, payer, standing, whose)

    def _trunk(self, wish: Wish, standing: Standing) -> str:
        """A trunk that is free; "" for none."""
        if wish.direction == OUT and not self._is_flat(wish):
            return ""
        taken = list(standing.everywhere().trunks)
        for name in TRUNKS[wish.direction]:
            if taken.count(name) < int(standing.limits.get(name) or 0):
                return name
        return ""

    def _is_flat(self, wish: Wish) -> bool:
        """Whether a number may be called for nothing more: the carrier says so, or its class."""
        settings = self._services.settings
        listed = wish.resource.get("flat_rate_whitelist")
        if _finds(wish.resource.get("flat_rate_blacklist"), wish.number):
            return False
        if listed:
            return _finds(listed, wish.number)
        name = classifiers_of(settings.numbers).name_of(wish.number)
        return name in settings.switch.outbound_classes

    async def _credit(
        self, wish: Wish, payer: Account, standing: Standing, whose: str
    ) -> dict[str, str]:
        """What can be paid for."""
        try:
            asked = Asked(
                number=wish.number,
                deck=deck_named(""),
                direction=wish.direction,
                caller_id=wish.other,
                resource_id=wish.resource["_id"] if not wish.resource_of else None,
            )
            terms = terms_of(await rate_number(self._services, asked))
        except CrossbarError:
            if wish.direction == IN:
                return {BILLING: NOTHING}  # who calls pays
            raise Refused("no_rate", "there is no rate for the number", BARRED) from None
        least = cost_of(terms, 1)
        if least == 0 and terms[PRICE] == "0":
            return terms
        if standing.limits.get("allow_prepay") is False:
            raise Refused("no_trunk", f"no trunk is free, and {whose} may not pay", BARRED)
        if await self.left(payer, standing) < max(least, 1):
            raise Refused("no_credit", f"{whose} has no credit for the call", BARRED)
        return terms

    async def account(self, account_id: str) -> Account:
        """An account. Raises :class:`Refused` if it is gone."""
        account = await self._services.accounts.get(account_id)
        if account is None:
            raise Refused("no_account", "the account is gone", BARRED)
        return account

    async def left(self, account: Account, standing: Standing) -> int:
        """What an account can still be charged, in units, besides the calls that run."""
        spent = standing.everywhere().spent(self._services.clock.gregorian())
        return await available_to(self._services, account) - spent


def is_paid_by(leg: Line, account_id: str) -> bool:
    """Whether an account is charged for a leg by its length."""
    return any(map(is_charged, paid_by(account_id, leg.account_id, leg.terms)))


def _finds(pattern: object, number: str) -> bool:
    if not isinstance(pattern, str) or not pattern:
        return False
    try:
        return Expression(pattern).finds(number)
    except Unusable:
        return False
