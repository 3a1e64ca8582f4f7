"""Who may ask: the three refusals of a secret key in their order, and what pages may do."""

from __future__ import annotations

from collections.abc import Mapping

from crossbar.core.access import plan_of
from crossbar.core.directory import Account
from crossbar.core.services import Services
from crossbar.dialects.v1_1.endpoints import Need
from crossbar.dialects.v1_1.exchange import Exchange
from crossbar.errors import (
    AccountSuspended,
    ApiNotEnabled,
    CrossbarError,
    Forbidden,
    InvalidCredentials,
    SubscriptionExpired,
)
from crossbar.identity.buckets import Buckets
from crossbar.identity.credentials import Identity
from crossbar.visitors import account_id_of, place_of, visitor_settings

DIALECT = "v1_1"


def require_plan(services: Services, account: Account) -> Mapping[str, int]:
    """The limits of the account's plan.

    Raises :class:`SubscriptionExpired`, also for an account that is disabled, and
    :class:`ApiNotEnabled`.
    """
    now = services.clock.gregorian()
    plan = plan_of(account, DIALECT, services.settings)
    has_run_out = plan.expires is not None and plan.expires <= now
    if has_run_out or not account.is_in_good_standing(now):
        raise SubscriptionExpired
    if not plan.enabled:
        raise ApiNotEnabled
    return plan.limits


class Admission:
    """Finds out for which account a request is, and refuses what may not be asked."""

    def __init__(self, services: Services, identity: Identity, buckets: Buckets) -> None:
        self._services = services
        self._identity = identity
        self._buckets = buckets

    async def admit(self, exchange: Exchange, need: Need) -> None:
        """Let the request in that shows what is needed, and charge it."""
        if need is Need.SECRET:
            await self._by_secret(exchange)
        elif need is Need.SESSION and exchange.header("X-Watch-Token"):
            await self._by_watch_token(exchange)
        elif need is not Need.NOTHING:
            await self._by_public_key(exchange)
        else:
            self._charge("address", exchange.address)

    async def _by_secret(self, exchange: Exchange) -> None:
        """The holder of the account's key. Who guesses is slowed down, by address."""
        secret = exchange.header("X-Api-Key")
        try:
            if not secret:
                raise InvalidCredentials
            caller = await self._identity.keys.authenticate(secret, DIALECT, exchange.address)
        except AccountSuspended:
            raise SubscriptionExpired from None
        except InvalidCredentials:
            self._charge("address", exchange.address)
            raise
        account = await self._services.accounts.get(caller.account_id)
        if account is None:
            raise InvalidCredentials
        exchange.caller, exchange.account = caller, account
        exchange.limits = require_plan(self._services, account)
        self._charge("key", caller.claims["key_id"])

    async def _by_public_key(self, exchange: Exchange) -> None:
        """A page of the account: from one of its origins, if a browser says from which."""
        shown = exchange.header("X-Public-Key")
        account_id = account_id_of(shown)
        self._charge(account_id or "address", exchange.address)
        if not shown:
            account_id = account_id_of(await _key_sent(exchange))
            if account_id is not None:
                self._give_back("address", exchange.address)
                self._charge(account_id, exchange.address)
        account = await self._services.accounts.get(account_id) if account_id else None
        settings = await visitor_settings(self._services, account_id) if account_id else None
        if account is None or settings is None:
            raise InvalidCredentials
        self._allow_origin(exchange, settings["origins"])
        exchange.account = account
        exchange.limits = require_plan(self._services, account)

    async def _by_watch_token(self, exchange: Exchange) -> None:
        place = place_of(exchange.header("X-Watch-Token"))
        self._charge("address", exchange.address)
        account = await self._services.accounts.get(place.account_id) if place else None
        if account is None:
            raise InvalidCredentials
        exchange.account = account
        exchange.limits = require_plan(self._services, account)

    def _allow_origin(self, exchange: Exchange, origins: list[str]) -> None:
        origin = exchange.header("Origin")
        if not origin:
            return
        exchange.headers["vary"] = "Origin"
        if origin not in origins:
            raise Forbidden
        exchange.headers["access-control-allow-origin"] = origin
        exchange.headers["access-control-expose-headers"] = "retry-after"

    def _charge(self, whom: str, what: str) -> None:
        limits = self._services.settings.limits
        if limits.enabled:
            self._buckets.charge((DIALECT, whom, what), limits.cost)

    def _give_back(self, whom: str, what: str) -> None:
        limits = self._services.settings.limits
        if limits.enabled:
            self._buckets.give_back((DIALECT, whom, what), limits.cost)


async def _key_sent(exchange: Exchange) -> object:
    """The public key in the body, for beacons, which have no headers of their own."""
    try:
        return (await exchange.sent()).get("api_key")
    except CrossbarError:
        return None
