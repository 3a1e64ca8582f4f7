"""Which rate is a number's: of those with the longest prefix the first that suits the call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from decimal import Decimal
from functools import lru_cache
from typing import Any

from crossbar.core.services import Services
from crossbar.documents import Document, texts_at
from crossbar.errors import NotFound, ValidationFailed
from crossbar.families.carriers.places import configured
from crossbar.families.carriers.prices import units_of
from crossbar.families.carriers.rate_rules import PRICES, default_route
from crossbar.families.carriers.ratedecks import prefixes_of
from crossbar.numbers import to_e164
from crossbar.storage import SYSTEM, Key
from crossbar.validation import Expression
from crossbar.values import valueclass

NONE_FOUND = "No rate found for this number"
USUAL_FILTERS = ("direction", "route_options", "routes", "caller_id_numbers")
"""What a rate must suit, where operators have configured nothing else."""

USUAL_SECONDS = 60
USUAL_WEIGHT = 100
ZERO = Decimal(0)


@valueclass
class Asked:
    """A call to be rated, as a client describes it."""

    number: str
    deck: str
    direction: Any = None
    caller_id: Any = None
    resource_id: Any = None


@valueclass
class Call:
    """A call to be rated: ``number`` in E.164, ``flags`` those of the resource that takes it."""

    number: str
    direction: str = ""
    caller_id: str = ""
    flags: frozenset[str] = frozenset()
    version: str = ""


@valueclass
class Rated:
    """What a call costs: prices in dollars, times in seconds."""

    number: str
    rate: Document
    cost: Decimal
    surcharge: Decimal
    minimum: int
    increment: int

    @property
    def base_cost(self) -> Decimal:
        """What a call costs that is as short as can be."""
        return self.surcharge + self.cost * self.minimum / 60

    @property
    def units(self) -> int:
        """The price of a minute in units."""
        return units_of(self.cost)

    @property
    def surcharge_units(self) -> int:
        """The price of the connection in units."""
        return units_of(self.surcharge)


async def rate_number(services: Services, asked: Asked) -> Rated:
    """The rate of a call. Raises 400 for what is no number, 404 where there is no rate."""
    number = _full(asked.number)
    config = await configured(services, "hotornot")
    call = Call(
        number=number,
        direction=asked.direction if isinstance(asked.direction, str) else "",
        caller_id=_digits(str(asked.caller_id or "")),
        flags=await _flags(services, asked.resource_id),
        version=str(config.get("rate_version") or ""),
    )
    names = texts_at(config, "filter_list") or USUAL_FILTERS
    filters = [FILTERS[name] for name in names if name in FILTERS]
    async with aclosing(prefixes_of(services.store, asked.deck, number[1:])) as groups:
        async for _, group in groups:
            suiting = [rate for rate in group if all(suits(rate, call) for suits in filters)]
            if suiting:
                return _rated(number, min(suiting, key=_preference))
    raise NotFound(NONE_FOUND, code=NONE_FOUND)


def _rated(number: str, rate: Document) -> Rated:
    prices = rate[PRICES]
    return Rated(
        number=number,
        rate=rate,
        cost=Decimal(prices["rate_cost"]),
        surcharge=Decimal(prices.get("rate_surcharge", "0")),
        minimum=rate.get("rate_minimum", USUAL_SECONDS),
        increment=rate.get("rate_increment", USUAL_SECONDS),
    )


def _preference(rate: Document) -> tuple[int, Decimal, str]:
    """The lighter first, then the cheaper; of equals always the same one."""
    return rate.get("weight", USUAL_WEIGHT), Decimal(rate[PRICES]["rate_cost"]), rate["_id"]


def _full(number: str) -> str:
    """The number in E.164; any country's is understood without a plus too."""
    full = to_e164(number) or to_e164(f"+{_digits(number)}")
    if full is None:
        message = "Number is un-rateable"
        raise ValidationFailed.of("number format", "error", message, value=number)
    return full


def _digits(text: str) -> str:
    return "".join(each for each in text if each.isascii() and each.isdigit())


async def _flags(services: Services, resource_id: Any) -> frozenset[str]:
    """What the system's resource that takes a call offers."""
    if not isinstance(resource_id, str) or not resource_id:
        return frozenset()
    resource = await services.store.get(Key(SYSTEM, "resource", resource_id))
    is_there = resource is not None and not resource.get("pvt_deleted")
    return frozenset(texts_at(resource, "flags")) if is_there else frozenset()


def _suits_direction(rate: Document, call: Call) -> bool:
    directions = rate.get("direction")
    return not directions or not call.direction or call.direction in directions


def _suits_options(rate: Document, call: Call) -> bool:
    return call.flags.issuperset(rate.get("options") or ())


def _suits_routes(rate: Document, call: Call) -> bool:
    routes: Iterable[str] = rate.get("routes") or ()
    usual = default_route(rate["prefix"])
    is_longer = len(call.number) > len(str(rate["prefix"])) + 1
    return any(
        is_longer if route == usual else _compiled(route).finds(call.number) for route in routes
    )


@lru_cache(1024)
def _compiled(route: str) -> Expression:
    return Expression(route)  # which was tried when the rate was written


def _suits_caller(rate: Document, call: Call) -> bool:
    wanted = [part for part in str(rate.get("caller_id_numbers") or "").split(":") if part]
    return not wanted or any(call.caller_id.startswith(_digits(part)) for part in wanted)


def _suits_version(rate: Document, call: Call) -> bool:
    return not call.version or rate.get("rate_version") in (None, "", call.version)


FILTERS: Mapping[str, Callable[[Document, Call], bool]] = {
    "direction": _suits_direction,
    "route_options": _suits_options,
    "routes": _suits_routes,
    "caller_id_numbers": _suits_caller,
    "version": _suits_version,
}
"""What a rate may have to suit, by the names that operators configure."""
