"""Finding numbers to be had: reserved ones first, then the inventory's, then the carrier's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import phonenumbers
import structlog

from crossbar.core.directory import Account
from crossbar.core.ports import Offer
from crossbar.core.reading import revision_of_list
from crossbar.core.requests import Request, Result
from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.errors import (
    CarrierUnavailable,
    LocalityUnavailable,
    NoSuchDocument,
    NotFound,
    ValidationFailed,
)
from crossbar.families.numbers.documents import STATE
from crossbar.families.numbers.inventory import LocalInventory, offered
from crossbar.storage import Entry

log = structlog.get_logger(__name__)

SCHEMA = "find_numbers"

FURTHEST = 10_000
"""Numbers that a search passes over at most: each of them is looked at."""


async def search(request: Request, account: Account | None) -> Result:
    """Numbers with a prefix, as far as the account may have them, a stretch at a time."""
    services = request.services
    order = await _order(request)
    prefix = _prefix(order)
    wanted = min(order["quantity"], services.settings.numbers.maximum_search_quantity)
    skipped, found = order["offset"], list[Document]()
    async for number in _reserved(services, account, prefix):
        if skipped:
            skipped -= 1
        elif len(found) < wanted:
            found.append({"number": number["_id"], "state": number[STATE]})
    inventory, carrier = LocalInventory(services.store), services.carrier
    if len(found) < wanted:
        found += _told(await inventory.search(prefix, wanted - len(found), skipped))
    if len(found) < wanted and carrier.name != inventory.name:
        skipped -= await inventory.count(prefix, at_most=skipped) if skipped else 0
        found += await _ask(services, prefix, wanted - len(found), skipped)
    return Result(data=found, revision=revision_of_list(found))


async def _reserved(
    services: Services, account: Account | None, prefix: str
) -> AsyncIterator[Document]:
    """The numbers that are kept for the account, and those for its reseller."""
    reserving = (account.account_id, account.reseller_id) if account else ()
    for account_id in dict.fromkeys(reserving):
        async for row in services.store.scan(offered(prefix, Entry("reserved", account_id))):
            yield row.document


def _told(offers: Iterable[Offer]) -> list[Document]:
    return [offer._asdict() for offer in offers]


async def _ask(services: Services, prefix: str, quantity: int, offset: int) -> list[Document]:
    """What the carrier has; nothing when it takes too long."""
    try:
        async with asyncio.timeout(services.settings.numbers.search_timeout):
            offers = await services.carrier.search(prefix, quantity, offset)
    except (CarrierUnavailable, TimeoutError):
        log.warning("carrier_search_failed", carrier=services.carrier.name)
        return []
    return _told(offers[:quantity])


async def _order(request: Request) -> Document:
    """What is searched for. Raises :class:`ValidationFailed` with all that is wrong."""
    names = ("prefix", "quantity", "country")
    sent = {name: value for name in names if (value := request.control(name)) is not None}
    order, errors = await request.services.schemas.judged(SCHEMA, sent)
    offset = _offset(request.control("offset", 0))
    if offset is None:
        message = f"Value must be a whole number from 0 to {FURTHEST}"
        errors["offset"] = {"invalid": {"message": message, "target": FURTHEST}}
    if errors:
        raise ValidationFailed(errors)
    return {**order, "offset": offset}


def _offset(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 <= value <= FURTHEST else None


def _prefix(order: Document) -> str:
    """How the numbers begin in E.164."""
    digits = "".join(each for each in order["prefix"] if each in "0123456789")
    code = phonenumbers.country_code_for_region(order["country"].upper())
    if not code or not digits:
        field = "prefix" if code else "country"
        raise ValidationFailed.of(field, "invalid", "Value is not known", value=order[field])
    return f"+{code}{digits}"


async def search_of_strangers(request: Request) -> Result:
    """What a reseller has to give, or what the caller's account may have; without an account.

    Raises :class:`NotFound` where resellers do not let strangers look.
    """
    accounts, caller = request.services.accounts, request.caller
    reseller_id = request.control("reseller_id")
    if isinstance(reseller_id, str):
        if not request.services.settings.numbers.unauthorized_lookup:
            raise NotFound("number search restricted")
        reseller = await accounts.get(reseller_id)
        if reseller is None or not (reseller.is_reseller or reseller.is_superduper_admin):
            raise NotFound("nonexistent reseller_id")
        return await search(request, None)
    account = await accounts.get(caller.account_id) if caller else None
    if account is None:
        raise NotFound("number search restricted")
    return await search(request, account)


async def find_prefix(request: Request) -> Result:
    """The prefixes of a city, which only a phone book knows."""
    if request.control("city") is None:
        raise NoSuchDocument("city")
    raise LocalityUnavailable("no phone book is connected", code="init failed")
