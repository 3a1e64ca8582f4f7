"""What is a good rate, and what is kept beside it: the rules that its schema cannot say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from crossbar.core.change import Change
from crossbar.core.recipes import chosen_id
from crossbar.documents import Document
from crossbar.families.carriers.prices import NoPrice, number_of, price_of, text_of
from crossbar.families.carriers.ratedecks import DEFAULT_DECK, deck_of, rate_key
from crossbar.validation import Expression, Refusals, Unusable

COSTS = ("rate_cost", "internal_rate_cost", "rate_surcharge")
LONGEST_PREFIX = 15
MOST_ROUTES = 20

PRICES = "pvt_prices"
"""The field that holds the prices of a rate as exact text."""

_IN_IDS = re.compile(r"[^A-Za-z0-9._+-]")


async def normalize(change: Change) -> None:
    """The deck that a rate is in is the one that was asked; one direction may stand alone."""
    document, request = change.document, change.request
    wanted = document.get("ratedeck_id", DEFAULT_DECK)
    if request is not None and (not wanted or isinstance(wanted, str)):
        document["ratedeck_id"] = deck_of(request)
    tidy(document)


def tidy(document: Document) -> None:
    """What is allowed to be said in more than one way, in one; in place."""
    if isinstance(document.get("direction"), str):
        document["direction"] = [document["direction"]]
    prefix = document.get("prefix")
    if not document.get("routes") and isinstance(prefix, int):
        document["routes"] = [default_route(prefix)]


def default_route(prefix: int) -> str:
    """The numbers that a rate is for when nothing else is said: all that begin with its prefix."""
    return rf"^\+?{prefix}.+$"


async def check(change: Change) -> None:
    """Prices are exact, prefixes are digits, routes are expressions."""
    judge(change.document, change.refusals)


def judge(document: Document, refusals: Refusals) -> None:
    """Add what the schema cannot say against a rate."""
    prefix = document.get("prefix")
    if isinstance(prefix, int) and not 0 < prefix < 10**LONGEST_PREFIX:
        message = f"A prefix has 1 to {LONGEST_PREFIX} digits and does not begin with 0"
        refusals.add("prefix", "invalid", message, value=prefix)
    for name in COSTS:
        value = document.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                document[name] = number_of(price_of(value))
            except NoPrice as error:
                refusals.add(name, "invalid", str(error), value=value)
    routes = document.get("routes")
    if not isinstance(routes, list):
        return
    if len(routes) > MOST_ROUTES:
        message = f"A rate has at most {MOST_ROUTES} routes"
        refusals.add("routes", "maxItems", message, target=MOST_ROUTES)
    elif isinstance(prefix, int) and routes != [default_route(prefix)]:
        _judge_routes(routes, refusals)


def _judge_routes(routes: Iterable[Any], refusals: Refusals) -> None:
    for at, route in enumerate(routes):
        if isinstance(route, str):
            try:
                Expression(route)
            except Unusable as error:
                refusals.add(f"routes.{at}", "invalid", str(error), value=route)


async def identify(change: Change) -> None:
    """A new rate is named after its country and prefix; its prices are kept as they are meant."""
    finish(change.document)
    if change.current is None:
        deck = change.document["ratedeck_id"]
        chosen = chosen_id(change.request) if change.request else None
        change.key = rate_key(deck, chosen or id_of(change.document))


def finish(document: Document) -> None:
    """Add what is kept beside a rate that was found good; in place."""
    document[PRICES] = {
        name: text_of(price_of(document[name])) for name in COSTS if name in document
    }


def id_of(document: Document) -> str:
    """The id of a rate that says what it is for."""
    parts = [document.get("iso_country_code") or "XX", str(document["prefix"])]
    if document.get("rate_suffix"):
        parts.append(document["rate_suffix"])
    return _IN_IDS.sub("_", "-".join(parts))[:128]
