"""The recipes for journals: records by time are appended, listed in a range, read and forgotten.

Ids of records begin with their bucket of time, so that one record is one look-up in the store.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from crossbar.clock import GREGORIAN_OFFSET, Clock, moment
from crossbar.core.jobs import Kind
from crossbar.core.ranges import LATEST, list_between, time_key, time_range
from crossbar.core.reading import list_span, parent_entry, require_parents
from crossbar.core.recipes import answer
from crossbar.core.requests import Actor, Request, Result
from crossbar.core.services import Services
from crossbar.core.shapes import Journal, TimeUnit
from crossbar.core.stamping import fresh_id
from crossbar.core.summaries import summarizer
from crossbar.documents import Document, lookup
from crossbar.errors import NoSuchDocument
from crossbar.storage import Batch, Entry, Key, Put, Span, bucket_of

FIRST = 366 * 86_400
"""Gregorian seconds at which year 1 begins; year 0 is in no calendar of Python's."""


def bucket_at(journal: Journal, seconds: int) -> str:
    """The bucket that a time is in, given in Gregorian seconds."""
    date = moment(min(max(seconds, FIRST), LATEST))
    return f"{date.year:04}{date.month:02}{date.day:02}"[: journal.bucket.value]


def time_of(journal: Journal, document: Document) -> int:
    """The time of a record in Gregorian seconds. Raises :class:`TypeError` if it has none."""
    value = lookup(document, journal.time.split("."))
    if not isinstance(value, int):
        raise TypeError(f"a {journal.doc_type} needs a time as {journal.time}")
    if journal.unit is TimeUnit.GREGORIAN_MS:
        return value // 1000
    return value + GREGORIAN_OFFSET if journal.unit is TimeUnit.UNIX else value


def new_key(
    journal: Journal, account_id: str, clock: Clock, *, seconds: int | None = None, name: str = ""
) -> Key:
    """The key of a new record, of now or of a time in Gregorian seconds.

    ``name`` tells it from others of its time, as the id of a call does; else one is made up.
    """
    bucket = bucket_at(journal, clock.gregorian() if seconds is None else seconds)
    return Key(account_id, journal.doc_type, f"{bucket}-{name or fresh_id(clock)}")


def record_put(journal: Journal, key: Key, document: Document, expected: str | None = None) -> Put:
    """The write, for ``Batch.records``, that appends a stamped record or replaces a revision.

    Raises :class:`ValueError` for one that its id puts into another time than it says.
    """
    seconds = time_of(journal, document)
    if bucket_of(key.doc_id) != bucket_at(journal, seconds):
        raise ValueError(f"{key.doc_type} {key.doc_id} is not of {bucket_at(journal, seconds)}")
    entries = [
        Entry(index.name, value) for index in journal.indexes for value in index.values(document)
    ]
    return Put(key, document, expected, time_key(seconds), list(dict.fromkeys(entries)))


def oldest_kept(services: Services, journal: Journal) -> int:
    """The time, in Gregorian seconds, before which records of the journal are forgotten."""
    if not journal.retention:
        return 0
    kept: int = attrgetter(journal.retention)(services.settings)
    return services.clock.gregorian() - kept


def stretch_of(
    journal: Journal,
    account_id: str,
    lower: int = 0,
    upper: int = LATEST,
    entry: Entry | None = None,
    *,
    descending: bool = False,
    portion: int | None = None,
) -> Span:
    """The records between two times, inclusive, in Gregorian seconds."""
    return Span(
        account_id=account_id,
        doc_type=journal.doc_type,
        entry=entry,
        descending=descending,
        portion=portion,
        low=time_key(lower),
        high=time_key(upper),
        buckets=(bucket_at(journal, lower), bucket_at(journal, upper)),
    )


async def list_records(
    request: Request,
    journal: Journal,
    show: Callable[[Document], Any] | None = None,
    *,
    entry: Entry | None = None,
    maximum: int | None = None,
    seen: Callable[[Document], Document] | None = None,
) -> Result:
    """A page of the records in the range of time that the client asks for, the newest first.

    Rows are made by ``show``, by default the summary; ``seen`` makes what filters judge, where
    that is not the record. Raises what :func:`~crossbar.core.ranges.time_range` raises.
    """
    lower, upper = time_range(request, maximum)
    lower = max(lower, oldest_kept(request.services, journal))
    span = stretch_of(journal, request.account_id, lower, upper, entry)
    return await list_between(request, span, show or summarizer(journal.summary), seen=seen)


async def list_every(
    request: Request,
    journal: Journal,
    show: Callable[[Document], Any],
    *,
    entry: Entry,
    bounds: tuple[int, int] = (0, LATEST),
) -> Result:
    """A page of all records with an entry, whatever their time, or between two times."""
    lower = max(bounds[0], oldest_kept(request.services, journal))
    span = stretch_of(journal, request.account_id, lower, bounds[1], entry)
    return await list_span(request, span, show)


async def load_record(actor: Actor, journal: Journal, record_id: str) -> Document:
    """The record with this id. Raises :class:`NoSuchDocument`, also for one that is too old."""
    key = Key(actor.account_id, journal.doc_type, record_id)
    stored = await actor.services.store.get_record(key)
    if stored is None or time_of(journal, stored) < oldest_kept(actor.services, journal):
        raise NoSuchDocument(record_id)
    return stored


async def list_own(request: Request) -> Result:
    """The records in a range of time, the newest first; below a document, its own."""
    await require_parents(request)
    return await list_records(request, journal_of(request), entry=parent_entry(request))


async def fetch_own(request: Request) -> Result:
    """One record; below a document, one of its own."""
    await require_parents(request)
    journal, entry = journal_of(request), parent_entry(request)
    stored = await load_record(request.actor, journal, request.doc_id)
    if entry and not any(
        entry.value in index.values(stored)
        for index in journal.indexes
        if index.name == entry.name
    ):
        raise NoSuchDocument(request.doc_id)
    return await answer(request, stored)


def journal_of(request: Request) -> Journal:
    """The journal that the operation is about. Raises :class:`TypeError` for another family."""
    family = request.operation.family
    if not isinstance(family, Journal):
        raise TypeError(f"{request.operation.template} belongs to no journal")
    return family


async def forget(services: Services) -> int:
    """Drop the buckets whose records are all older than they are kept; how many there were."""
    old: list[tuple[str, str]] = []
    for journal in services.registry.journals():
        if journal.retention:
            first = bucket_at(journal, oldest_kept(services, journal))
            known = await services.store.buckets(journal.doc_type)
            old += [(journal.doc_type, bucket) for bucket in known if bucket < first]
    if old:  # in one commit: the next would find the store at work to free their space
        await services.commit(Batch(drop_buckets=old))
    return len(old)


async def _forget_old(services: Services, about: Document) -> None:
    await forget(services)


FORGET = Kind(name="journals", run=_forget_old, every=600)
