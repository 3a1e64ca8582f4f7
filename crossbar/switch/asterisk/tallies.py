"""How many calls run at an account, in all switches of a store together.

Of each account at which calls count there is one document, with a row for each switch. A switch
that lets a call through writes its row into the revision that it has judged by; so of two that
would take the last place one is too late, and judges again. The row of a switch that has no lease
does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from crossbar.core.directory import OWNER
from crossbar.core.services import Services
from crossbar.documents import Document, next_revision
from crossbar.families.accounts import CALL_TALLY_TYPE
from crossbar.families.billing import limits_of
from crossbar.families.carriers import BILLING, RESELLER, cost_of, for_reseller, is_charged
from crossbar.storage import SYSTEM, Batch, Entry, Key, Put, Remove, Span
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.wishes import IN, OUT, by_carriers
from crossbar.switch.leases import Lease

TRUNKS = {
    OUT: ("outbound_trunks", "twoway_trunks", "burst_trunks"),
    IN: ("inbound_trunks", "twoway_trunks", "burst_trunks"),
}
"""The trunks that carry a call, the most special first."""

ROW = "switch"
"""The entry by which a switch finds the documents in which it has a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """A call that an account pays for: by which terms, and since when (0: not answered yet)."""

    terms: Mapping[str, str]
    since: int

    def cost(self, now: int) -> int:
        """What it costs so far, in units: as much as if it were answered, at least."""
        return cost_of(self.terms, max(1, now - self.since) if self.since else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What runs at an account, in one switch or in several.

    ``outbound`` and ``inbound`` are legs by carriers, ``calls`` conversations of any kind. Of legs
    that went out and were answered there are ``talking``, ``answered`` is the sum of when, in
    Gregorian seconds. ``trunks`` and ``charged`` are the legs that the account pays for.
    """

    outbound: int = 0
    inbound: int = 0
    calls: int = 0
    talking: int = 0
    answered: int = 0
    trunks: Sequence[str] = ()
    charged: Sequence[Charged] = ()

    @property
    def by_carriers(self) -> int:
        """Legs by carriers, in and out."""
        return self.outbound + self.inbound

    def seconds(self, now: int) -> int:
        """For how long those who went out talk, all together."""
        return max(0, self.talking * now - self.answered)

    def spent(self, now: int) -> int:
        """What the calls cost so far, in units."""
        return sum(each.cost(now) for each in self.charged)

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(
            outbound=self.outbound + other.outbound,
            inbound=self.inbound + other.inbound,
            calls=self.calls + other.calls,
            talking=self.talking + other.talking,
            answered=self.answered + other.answered,
            trunks=(*self.trunks, *other.trunks),
            charged=(*self.charged, *other.charged),
        )

    def as_row(self) -> Document:
        """What is stored of it; what there is nothing of is left out."""
        row = {
            "outbound": self.outbound,
            "inbound": self.inbound,
            "calls": self.calls,
            "talking": self.talking,
            "answered": self.answered,
            "trunks": sorted(self.trunks),
            "charged": [
                {"terms": dict(each.terms), "since": each.since}
                for each in sorted(self.charged, key=lambda each: each.since)
            ],
        }
        return {name: value for name, value in row.items() if value}


def stored_tally(row: Document) -> Tally:
    """What a row says."""
    charged = [
        Charged(terms=each["terms"], since=each["since"]) for each in row.get("charged", ())
    ]
    counts = {name: row[name] for name in ("outbound", "inbound", "calls") if name in row}
    times = {name: row[name] for name in ("talking", "answered") if name in row}
    return Tally(**counts, **times, trunks=row.get("trunks", ()), charged=charged)


def tally_of(account_id: str, legs: Iterable[Line], *, counts_calls: bool, but: str = "") -> Tally:
    """What runs here at an account; the conversation ``but`` is not counted among the calls."""
    legs = list(legs)
    carried = by_carriers(legs)
    talking = [line.answered_at for line in carried if not line.is_inbound and line.answered_at]
    outbound = sum(not line.is_inbound for line in carried)
    paid = [
        (terms, line.answered_at)
        for line in carried
        for terms in paid_by(account_id, line.account_id, line.terms)
    ]
    return Tally(
        outbound=outbound,
        inbound=len(carried) - outbound,
        calls=len({line.interaction_id for line in legs} - {but}) if counts_calls else 0,
        talking=len(talking),
        answered=sum(talking),
        trunks=[name for terms, _ in paid for name in trunks_in(terms)],
        charged=[each for terms, at in paid for each in charged_in(terms, at)],
    )


_TRUNKS = {name for names in TRUNKS.values() for name in names}


def trunks_in(terms: Mapping[str, str]) -> Sequence[str]:
    """The trunk that a call takes by its terms, if it takes one."""
    name = terms.get(BILLING, "")
    return (name,) if name in _TRUNKS else ()


def charged_in(terms: Mapping[str, str], answered_at: int | None) -> Sequence[Charged]:
    """The call as it is charged by its terms, if it is."""
    return (Charged(terms=terms, since=answered_at or 0),) if is_charged(terms) else ()


def paid_by(
    account_id: str, owner_id: str, terms: Mapping[str, str]
) -> Sequence[Mapping[str, str]]:
    """By what an account pays for a leg with terms: as its own, or as its reseller's.

    Nothing for that of another; ``owner_id`` is whose it is.
    """
    if owner_id == account_id:
        return (terms,)
    return (for_reseller(terms),) if terms.get(RESELLER) == account_id else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an account stands: its ``limits``, its ``legs`` in this switch, and what is stored.

    That is the ``document``, this switch's ``own`` row, and the ``rows`` of others that count.
    """

    account_id: str
    limits: Document
    legs: Sequence[Line]
    document: Document | None
    own: Document | None
    rows: Sequence[Document]

    def here(self, but: str = "") -> Tally:
        """What runs in this switch, the conversation ``but`` left out."""
        counts_calls = self.limits.get("calls") is not None
        return tally_of(self.account_id, self.legs, counts_calls=counts_calls, but=but)

    def everywhere(self, but: str = "") -> Tally:
        """What runs in all switches."""
        return reduce(Tally.plus, map(stored_tally, self.rows), self.here(but))


class Tallies:
    """The rows of one switch, the one that has the ``lease``.

    ``accounts`` are those where it has one.
    """

    def __init__(self, services: Services, lease: Lease) -> None:
        self._services = services
        self._lease = lease
        self.accounts: set[str] = set()

    async def begin(self) -> None:
        """Know which rows are left of a switch of this name that was killed."""
        entry = Entry(ROW, self._lease.name)
        span = Span(account_id=SYSTEM, doc_type=CALL_TALLY_TYPE, entry=entry)
        async for row in self._services.store.scan(span):
            self.accounts.add(row.document["pvt_account_id"])

    async def read(self, account_id: str, legs: Sequence[Line]) -> Standing:
        """How an account stands that has these legs here."""
        document = await self._services.store.get(_key(account_id))
        rows: Sequence[Document] = document["rows"] if document else ()
        alive = await self._lease.others(row[ROW] for row in rows)
        return Standing(
            account_id=account_id,
            limits=await limits_of(self._services, account_id),
            legs=legs,
            document=document,
            own=next((row for row in rows if row[ROW] == self._lease.name), None),
            rows=[row for row in rows if row[ROW] in alive],
        )

    async def write(self, *tallies: tuple[Standing, Tally]) -> None:
        """Write this switch's rows, all or none, where they say something else by now.

        Raises :class:`~crossbar.errors.Conflict` when another switch was quicker, and
        :class:`~crossbar.errors.NoSuchDocument` when an account is gone.
        """
        rows = [(standing, self._row(tally)) for standing, tally in tallies]
        writes = [self._write(standing, row) for standing, row in rows if row != standing.own]
        if writes:
            puts = [each for each in writes if isinstance(each, Put)]
            removes = [each for each in writes if isinstance(each, Remove)]
            await self._services.commit(Batch(puts=puts, removes=removes))
        for standing, row in rows:
            (self.accounts.add if row else self.accounts.discard)(standing.account_id)

    def _row(self, tally: Tally) -> Document | None:
        row = tally.as_row()
        return {ROW: self._lease.name, **row} if row else None

    def _write(self, standing: Standing, row: Document | None) -> Put | Remove:
        rows = [*standing.rows, row] if row else standing.rows
        key = _key(standing.account_id)
        expected = standing.document["_rev"] if standing.document else None
        if not rows:
            return Remove(key, expected)
        document = {
            "_id": key.doc_id,
            "_rev": next_revision(expected),
            "pvt_type": key.doc_type,
            "pvt_account_id": standing.account_id,
            "rows": rows,
        }
        found_by = [Entry(ROW, each[ROW]) for each in rows]
        return Put(key, document, expected, entries=(Entry(OWNER, standing.account_id), *found_by))


def _key(account_id: str) -> Key:
    return Key(SYSTEM, CALL_TALLY_TYPE, f"{CALL_TALLY_TYPE}-{account_id}")
