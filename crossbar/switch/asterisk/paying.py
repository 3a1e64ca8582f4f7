"""Who pays for a call by a carrier: by a trunk that is free, or by credit.

That is the account, and the reseller of whom it has what it calls by, unless that is the operator:
both by the same rate. What carriers of their own carry is paid for elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from crossbar.core.directory import Account
from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.errors import CrossbarError
from crossbar.families.billing import available_to, limits_of
from crossbar.families.carriers import (
    BILLING,
    PRICE,
    RESELLER,
    RESELLER_BILLING,
    Asked,
    Terms,
    cost_of,
    deck_named,
    for_reseller,
    is_charged,
    rate_number,
    terms_of,
)
from crossbar.families.numbers import classifiers_of
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.wishes import IN, OUT, Refused, Wish, by_carriers
from crossbar.switch.executor import BARRED
from crossbar.validation import Expression, Unusable

TRUNKS = {
    OUT: ("outbound_trunks", "twoway_trunks", "burst_trunks"),
    IN: ("inbound_trunks", "twoway_trunks", "burst_trunks"),
}
"""The trunks that carry a call, the most special first."""

NOTHING = "none"
"""What a call is let through by for which nothing is paid."""


class Payers:
    """Decides by what calls are paid for, over the legs in ``lines`` that run."""

    def __init__(self, services: Services, lines: Mapping[str, Line]) -> None:
        self._services = services
        self._lines = lines

    async def terms(self, wish: Wish) -> dict[str, str]:
        """By what a call is paid for, for its variables. Raises :class:`Refused`."""
        account = await self.account(wish.account_id)
        own = await self._terms_of(wish, account, "the account")
        reseller = await self._reseller(wish, account)
        if reseller is None:
            return own
        theirs = await self._terms_of(wish, reseller, "its reseller")
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

    async def _terms_of(self, wish: Wish, payer: Account, whose: str) -> dict[str, str]:
        """By what one of them pays."""
        limits = await limits_of(self._services, payer.account_id)
        trunk = self._trunk(wish, payer.account_id, limits)
        return {BILLING: trunk} if trunk else await self._credit(wish, payer, limits, whose)

    def _trunk(self, wish: Wish, account_id: str, limits: Document) -> str:
        """A trunk that is free; "" for none."""
        if wish.direction == OUT and not self._is_flat(wish):
            return ""
        legs = by_carriers(self._lines.values())
        taken = [each.get(BILLING) for leg in legs for each in _paid_by(leg, account_id)]
        for name in TRUNKS[wish.direction]:
            if taken.count(name) < int(limits.get(name) or 0):
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
        self, wish: Wish, payer: Account, limits: Document, whose: str
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
        if limits.get("allow_prepay") is False:
            raise Refused("no_trunk", f"no trunk is free, and {whose} may not pay", BARRED)
        if await self.left(payer) < max(least, 1):
            raise Refused("no_credit", f"{whose} has no credit for the call", BARRED)
        return terms

    async def account(self, account_id: str) -> Account:
        """An account. Raises :class:`Refused` if it is gone."""
        account = await self._services.accounts.get(account_id)
        if account is None:
            raise Refused("no_account", "the account is gone", BARRED)
        return account

    async def left(self, account: Account) -> int:
        """What an account can still be charged, in units, besides the calls that run."""
        legs = by_carriers(self._lines.values())
        spent = sum(
            cost_of(terms, max(1, leg.seconds))
            for leg in legs
            for terms in _paid_by(leg, account.account_id)
        )
        return await available_to(self._services, account) - spent


def is_paid_by(leg: Line, account_id: str) -> bool:
    """Whether an account is charged for a leg by its length."""
    return any(is_charged(terms) for terms in _paid_by(leg, account_id))


def _paid_by(leg: Line, account_id: str) -> list[Terms]:
    """By what an account pays for a leg: as its own, or as its reseller's; nothing for another."""
    if leg.account_id == account_id:
        return [leg.terms]
    return [for_reseller(leg.terms)] if leg.terms.get(RESELLER) == account_id else []


def _finds(pattern: object, number: str) -> bool:
    if not isinstance(pattern, str) or not pattern:
        return False
    try:
        return Expression(pattern).finds(number)
    except Unusable:
        return False
