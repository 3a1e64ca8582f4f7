"""How many of what an account has, counted at the moment that it is asked.

A count is a walk over one index of the store. Nothing is kept that could go wrong, and accounts
that nobody bills pay nothing; a kept number would make everybody who creates a user in an account
wait for all others who do. What most documents of a type are billed as has no entries of its own:
it is what is left of all of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from crossbar.core.directory import ACCOUNT_TYPE
from crossbar.core.services import Services
from crossbar.core.shapes import Index
from crossbar.documents import Document
from crossbar.families.billing.pricing import ALL
from crossbar.storage import SYSTEM, Entry, Key, Span, Store

LIMITS_TYPE = "limits"
TRUNKS = ("burst_trunks", "inbound_trunks", "outbound_trunks", "twoway_trunks")

OTHERS = "other"
"""The item of what has no item that is known or asked for."""

Counts = dict[str, dict[str, int]]


BILLED_AS = "billed_as"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a category counts: documents of a type.

    They count as the ``usual`` item unless their entries in the index :data:`BILLED_AS` say
    otherwise; ``items`` are those that are usually asked for. Documents of the system say in
    their entries whose they are, too. ``index`` is another one for a type that counts in several
    categories.
    """

    doc_type: str
    usual: str = ""
    items: tuple[str, ...] = ()
    is_of_system: bool = False
    index: str = BILLED_AS


def billed_as(
    category: str,
    item_of: Callable[[Document], str],
    owner_of: Callable[[Document], str] | None = None,
) -> Index:
    """The index of a billed family: what a document counts as, if that is not the usual item.

    Of documents of the system ``owner_of`` says for whom; they count as nothing without an item.
    """
    usual = COUNTED[category].usual

    def values(document: Document) -> Iterable[str]:
        item = item_of(document)
        if item == usual:
            return ()
        prefix = f"{owner_of(document)}/" if owner_of else ""
        return (prefix + item, prefix + ALL)

    return Index(name=COUNTED[category].index, values=values)


DEVICE_TYPES = (
    "application",
    "ata",
    "cellphone",
    "fax",
    "landline",
    "mobile",
    "sip_uri",
    "smartphone",
    "softphone",
)

CLASSES = (
    "did_us",
    "tollfree_us",
    "caribbean",
    "emergency",
    "international",
    "toll_us",
    "unknown",
)

SERVICES_OF_NUMBERS = (
    *("e911", "failover", "force_outbound", "inbound_cnam", "mms", "outbound_cnam"),
    *("port", "prepend", "ringback", "sms"),
)

COUNTED: Mapping[str, Counted] = {
    "branding": Counted(doc_type="whitelabel", usual="whitelabel"),
    "conferences": Counted(doc_type="conference", usual="conference"),
    "devices": Counted(doc_type="device", usual="sip_device", items=DEVICE_TYPES),
    "faxes": Counted(doc_type="faxbox", usual="mailbox"),
    "ips": Counted(doc_type="assigned_ip", usual="dedicated"),
    "number_carriers": Counted(
        doc_type="phone_number",
        items=("local", "managed"),
        is_of_system=True,
        index="billed_carrier",
    ),
    "number_services": Counted(
        doc_type="phone_number",
        items=SERVICES_OF_NUMBERS,
        is_of_system=True,
        index="billed_services",
    ),
    "phone_numbers": Counted(doc_type="phone_number", items=CLASSES, is_of_system=True),
    "users": Counted(doc_type="user", usual="user", items=("admin",)),
    "voicemails": Counted(doc_type="vmbox", usual="mailbox"),
}
"""The categories of documents, whichever family they are of."""

CATEGORIES = tuple(sorted((*COUNTED, LIMITS_TYPE)))


async def count(
    services: Services, account_id: str, wanted: Mapping[str, Iterable[str]] | None = None
) -> Counts:
    """How many an account has, in the categories that are wanted; in all by default.

    ``wanted`` names items by category that are counted beside those that are known. What there is
    none of is left out.
    """
    wanted = dict.fromkeys(CATEGORIES, ()) if wanted is None else wanted
    counts: Counts = {}
    for category, items in wanted.items():
        if category == LIMITS_TYPE:
            found = await _trunks(services.store, account_id)
        elif category in COUNTED:
            found = await _documents(services.store, account_id, COUNTED[category], items)
        else:
            continue
        if found := {item: many for item, many in found.items() if many}:
            counts[category] = found
    return counts


async def _trunks(store: Store, account_id: str) -> dict[str, int]:
    limits = await store.get(Key(account_id, LIMITS_TYPE, LIMITS_TYPE)) or {}
    return trunks_of(limits)


def trunks_of(limits: Document) -> dict[str, int]:
    """The trunks in a document of limits."""
    return {name: int(limits.get(name) or 0) for name in TRUNKS}


async def _documents(
    store: Store, account_id: str, counted: Counted, items: Iterable[str]
) -> dict[str, int]:
    holder = SYSTEM if counted.is_of_system else account_id
    prefix = f"{account_id}/" if counted.is_of_system else ""
    everything = Span(account_id=holder, doc_type=counted.doc_type)

    async def many(span: Span) -> int:
        # Others get their turn: counting 100,000 takes some milliseconds, and waits for nothing.
        await asyncio.sleep(0)
        return await store.count(span)

    async def of_item(item: str) -> int:
        return await many(replace(everything, entry=Entry(counted.index, prefix + item)))

    total = 0 if counted.is_of_system else await many(everything)
    if not counted.items:
        return {counted.usual: total}
    unusual = await of_item(ALL) if total or counted.is_of_system else 0
    names = {*counted.items, *items} - {ALL, OTHERS, counted.usual} if unusual else ()
    found = {item: await of_item(item) for item in sorted(names)}
    left = max(0, unusual - sum(found.values()))  # one may count as several
    usual = {} if counted.is_of_system else {counted.usual: total - unusual}
    return {**found, **usual, OTHERS: left}


async def count_below(
    services: Services, account_id: str, wanted: Mapping[str, Iterable[str]] | None = None
) -> Counts:
    """The same of all accounts below an account, added up."""
    sums: dict[str, Counter[str]] = {}
    below = Span(account_id=SYSTEM, doc_type=ACCOUNT_TYPE, entry=Entry("ancestor", account_id))
    async for row in services.store.scan(below):
        for category, items in (await count(services, row.document["_id"], wanted)).items():
            sums.setdefault(category, Counter()).update(items)
        await asyncio.sleep(0)  # there may be thousands, and counting never waits by itself
    return {category: dict(items) for category, items in sums.items()}


def added(*quantities: Mapping[str, Mapping[str, int]]) -> Counts:
    """Quantities added up."""
    sums: dict[str, Counter[str]] = {}
    for each in quantities:
        for category, items in each.items():
            sums.setdefault(category, Counter()).update(items)
    return {category: dict(items) for category, items in sums.items()}
