"""Which carriers' gateways a number can be called by, the best first."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from crossbar.documents import Document, lookup, texts_at
from crossbar.storage import SYSTEM, Span
from crossbar.switch.executor.book import MOST, Book
from crossbar.switch.executor.finding import expression
from crossbar.switch.executor.formatters import (
    CALLED,
    OUTBOUND,
    formatters_of,
    rewritten,
    usual_formatters,
    written,
)
from crossbar.switch.executor.media import ToGateway
from crossbar.switch.executor.step import is_number

USUAL_COST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What is to be called, by whom, and what a carrier has to have for it.

    ``account_id`` is whose carriers are tried; "" for those of the system. ``realm`` is what calls
    say that they are from, if the caller says so, and ``account_realm`` that of who calls.
    """

    number: str
    caller: str
    flags: frozenset[str]
    account_id: str = ""
    realm: str = ""
    account_realm: str = ""


async def gateways_for(book: Book, route: Route) -> list[ToGateway]:
    """The gateways, in the order in which they are tried."""
    span = Span(account_id=route.account_id or SYSTEM, doc_type="resource")
    fitting: list[tuple[float, Document, str]] = []
    count = 0
    async for row in book.actor.services.store.scan(span):
        count += 1
        resource = row.document
        if (number := carried(book, resource, route)) is not None:
            cost = resource.get("weight_cost")
            fitting.append((cost if is_number(cost) else USUAL_COST, resource, number))
        if count == MOST:
            break
    fitting.sort(key=lambda each: (each[0], str(each[1]["_id"])))
    usual = usual_formatters(book.actor.services)
    is_emergency = book.class_of(route.number) == "emergency"
    return [
        gateway
        for _, resource, number in fitting
        for gateway in _gateways(usual, resource, number, route, is_emergency)
    ]


def carried(book: Book, resource: Document, route: Route) -> str | None:
    """The number as a resource dials it; ``None`` when it does not carry it."""
    if resource.get("enabled") is False or not _has_flags(resource, route.flags):
        return None
    if not _fits_any(resource.get("cid_rules"), route.caller):
        return None
    name = book.class_of(route.number)
    of_class = lookup(resource, ("classifiers", name))
    if isinstance(of_class, dict):
        if of_class.get("enabled") is False:
            return None
        pattern = of_class.get("regex") or book.pattern_of(name)
        found = _captured([pattern], route.number)
        if found is not None:
            return f"{of_class.get('prefix', '')}{found}{of_class.get('suffix', '')}"
    return _captured(texts_at(resource, "rules"), route.number)


def _has_flags(resource: Document, wanted: frozenset[str]) -> bool:
    if resource.get("ignore_flags") is True:
        return True
    if resource.get("require_flags") is True and not wanted:
        return False
    return wanted <= set(texts_at(resource, "flags"))


def _fits_any(patterns: Any, text: str) -> bool:
    """Whether one of the patterns fits; where there are none, anything does."""
    return not patterns or _captured(patterns, text) is not None


def _captured(patterns: list[Any], number: str) -> str | None:
    """The longest that a group of the first fitting pattern captured."""
    for pattern in patterns:
        compiled = expression(pattern) if isinstance(pattern, str) else None
        match = compiled.matched(number) if compiled else None
        if match is not None:
            return match.longest
    return None


def _gateways(
    usual: Document, resource: Document, number: str, route: Route, is_emergency: bool
) -> list[ToGateway]:
    gateways = [
        (at, each)
        for at, each in enumerate(resource.get("gateways") or ())
        if isinstance(each, dict) and each.get("enabled", True)
    ]
    if resource.get("gateway_strategy") == "random":
        random.shuffle(gateways)
    formatters = formatters_of(usual, resource)
    return [
        ToGateway(
            resource_id=resource["_id"],
            gateway=gateway,
            number=dialed_by(gateway, number, formatters),
            called=route.number,
            at=at,
            account_id=route.account_id,
            shows=shown_by(resource, gateway),
            realm=route.realm or _realm(resource, gateway, route),
            is_emergency=is_emergency,
            formatters=formatters,
        )
        for at, gateway in gateways
    ]


def _realm(resource: Document, gateway: Document, route: Route) -> str:
    """The realm of the account, where a resource wants it and names none that is always said."""
    is_fixed = gateway.get("from_uri_realm") or resource.get("from_uri_realm")
    wants_accounts = resource.get("from_account_realm") is True
    return route.account_realm if wants_accounts and not is_fixed else ""


def shown_by(resource: Document, gateway: Document) -> str:
    """Which caller id a gateway wants: the emergency one for a carrier of such calls."""
    if resource.get("emergency") is True:
        return "emergency"
    wanted = gateway.get("caller_id_type") or lookup(resource, ("caller_id_options", "type"))
    return wanted if wanted in ("internal", "external", "emergency") else ""


def dialed_by(gateway: Document, number: str, formatters: Document) -> str:
    """A number as a gateway wants it: in its format, between its prefix and its suffix, and then
    as the rules of its resource rewrite it."""
    number = written(number, gateway.get("invite_format"))
    number = f"{gateway.get('prefix') or ''}{number}{gateway.get('suffix') or ''}"
    return rewritten(number, formatters, CALLED, OUTBOUND, gateway.get("invite_format")) or number
