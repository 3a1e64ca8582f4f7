"""Journals: records by time, in buckets that are forgotten whole."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from crossbar.storage import (
    LARGEST,
    SYSTEM,
    Batch,
    ClaimTaken,
    DocumentTooBig,
    Entry,
    Key,
    Missing,
    Position,
    Put,
    Remove,
    RevisionConflict,
    Row,
    Span,
    Store,
    bucket_of,
)
from tests.storage.builders import ACCOUNT, OTHER, Opener, claim, event, key, put, rows, write

CALLS = "call"
ALL = ("", "99999999")


def named(record_id: str, account: str = ACCOUNT, journal: str = CALLS) -> Key:
    return Key(account, journal, record_id)


def line(record_id: str, sort: str = "5", *, account: str = ACCOUNT, **more: Any) -> Put:
    """A record to be appended."""
    return put(record_id, doc_type=more.pop("journal", CALLS), account=account, sort=sort, **more)


async def append(store: Store, *records: Put | Remove) -> None:
    await store.commit(Batch(records=records))


def stretch(entry: tuple[str, str] | None = None, **bounds: Any) -> Span:
    place = {"account_id": ACCOUNT, "doc_type": CALLS, "buckets": ALL, **bounds}
    return Span(entry=Entry(*entry) if entry else None, **place)


async def met(store: Store, entry: tuple[str, str] | None = None, **bounds: Any) -> list[str]:
    """The ids that a scan meets, after checking that count and portions agree."""
    span = stretch(entry, **bounds)
    found = await rows(store, span)
    assert await store.count(span) == len(found)
    for portion in (None, 2):
        portions = [some async for some in store.portions(replace(span, portion=portion))]
        assert all(portions)
        assert [each for some in portions for each in some] == [row.document for row in found]
        assert portion is None or all(len(some) <= portion for some in portions)
    return [row.position.doc_id for row in found]


async def three_months(store: Store, number: int = 3) -> list[str]:
    """So many records in each of three months, by time; every second one is Ann's."""
    places = [(month, at) for month in ("202609", "202610", "202611") for at in range(number)]
    records = [
        line(
            f"{month}-{number - at:03}",
            f"{month}{at:03}",
            entries=[("owner", "ann" if at % 2 else "bob")],
            at=at,
        )
        for month, at in places
    ]
    await append(store, *reversed(records))
    return [record.key.doc_id for record in records]


class RecordContract:
    def test_the_bucket_is_read_off_the_id(self) -> None:
        assert bucket_of("202611-5f") == "202611"
        assert bucket_of("20261128-a-b") == "20261128"
        for odd in ("", "5f", "202611", "202-x", "123456789-x", "２０２６１１-x", "$x-1"):
            assert bucket_of(odd) == ""

    async def test_a_record_is_no_document(self, store: Store) -> None:
        await append(store, line("202611-a", entries=[("n", "1")], name="Ann"))
        assert await store.get_record(named("202611-a")) == {"_rev": "1-a", "name": "Ann"}
        assert await store.get(named("202611-a")) is None
        assert await store.get_many(ACCOUNT, ["202611-a"]) == {}
        assert [each async for each in store.walk(ACCOUNT)] == []
        assert await rows(store, Span(account_id=ACCOUNT, doc_type=CALLS)) == []
        await write(store, put("202611-a", doc_type=CALLS, name="document"))
        assert await store.get_record(named("202611-a")) == {"_rev": "1-a", "name": "Ann"}
        assert await met(store) == ["202611-a"]

    async def test_a_walk_meets_every_record_of_a_journal(self, store: Store) -> None:
        names = await three_months(store, 120)
        await append(
            store,
            line("202610-x", account=OTHER),
            line("202610-x", journal="fax", entries=[("n/~", "a")]),
        )
        met = [each async for each in store.walk(ACCOUNT, CALLS)]
        assert sorted(each.key.doc_id for each in met) == sorted(names)
        [fax] = [each async for each in store.walk(ACCOUNT, "fax")]
        assert fax.key == named("202610-x", ACCOUNT, "fax")
        assert (fax.expected, fax.entries) == ("1-a", [Entry("n/~", "a")])
        await append(store, fax)  # that changes nothing
        assert [each async for each in store.walk(ACCOUNT, "fax")] == [fax]

    async def test_records_of_others_are_not_met(self, store: Store) -> None:
        await append(
            store,
            line("202611-a", name=1),
            line("202611-a", journal="fax", name=2),
            line("202611-a", account=OTHER, name=3),
            line("202611-a", account=SYSTEM, name=4),
        )
        for account, journal, name in (
            (ACCOUNT, CALLS, 1),
            (ACCOUNT, "fax", 2),
            (OTHER, CALLS, 3),
            (SYSTEM, CALLS, 4),
        ):
            found = await store.get_record(named("202611-a", account, journal))
            assert found == {"_rev": "1-a", "name": name}
            [row] = await rows(store, stretch(account_id=account, doc_type=journal))
            assert row == Row(Position("5", "202611-a"), {"_rev": "1-a", "name": name})

    @pytest.mark.parametrize("odd", ["", "x", "202611", "202612-a", "$a-b", "a\0b", "999999999-a"])
    async def test_what_is_not_there_is_none(self, store: Store, odd: str) -> None:
        await append(store, line("202611-a"))
        assert await store.get_record(named(odd)) is None
        assert await store.get_record(named("202611-a", OTHER)) is None

    async def test_a_record_needs_a_bucket(self, store: Store) -> None:
        with pytest.raises(ValueError, match="nowhere"):
            await append(store, line("202611-a"), line("nowhere"))
        assert await met(store) == []

    async def test_a_record_exists_when_its_commit_does(self, store: Store) -> None:
        await write(store, put("held", claims=[claim("ann")]))
        for batch, refusal in (
            (Batch(puts=[put("held")]), RevisionConflict),
            (Batch(puts=[put("x", claims=[claim("ann")])]), ClaimTaken),
            (Batch(requires=[key("nobody")]), Missing),
            (Batch(records=[Remove(named("202611-old"), "9-z")]), RevisionConflict),
        ):
            await append(store, Remove(named("202611-old")))
            await append(store, line("202611-old"))
            records = [line("202611-a"), *batch.records]
            with pytest.raises(refusal):
                await store.commit(
                    Batch(
                        puts=batch.puts,
                        requires=batch.requires,
                        records=records,
                        events=[event("x")],
                    )
                )
            assert await met(store) == ["202611-old"]
            assert await store.get_record(named("202611-a")) is None
        number = await store.commit(
            Batch(puts=[put("x")], records=[line("202611-a")], events=[event("x")])
        )
        assert number == await store.last_event() == 1
        assert await met(store) == ["202611-a", "202611-old"]

    async def test_of_those_who_commit_together_only_the_refused_fail(self, store: Store) -> None:
        big = line("202611-big", filler="x" * (LARGEST + 1_000_000))
        await append(store, line("202611-a"))
        outcomes = await asyncio.gather(
            *(
                append(store, each)
                for each in (line("202611-b"), line("202611-a"), big, line("202612-c"))
            ),
            return_exceptions=True,
        )
        assert [type(each) for each in outcomes] == [
            type(None),
            RevisionConflict,
            DocumentTooBig,
            type(None),
        ]
        assert await met(store) == ["202611-a", "202611-b", "202612-c"]

    async def test_an_id_is_given_once(self, store: Store) -> None:
        await append(store, line("202611-a", "1"))
        for sort in ("1", "2"):
            with pytest.raises(RevisionConflict):
                await append(store, line("202611-a", sort))
        await append(store, line("202612-a", "1"))
        assert await met(store) == ["202611-a", "202612-a"]

    async def test_a_record_may_be_replaced(self, store: Store) -> None:
        await append(store, line("202611-a", "1", entries=[("n", "1"), ("m", "1")]))
        await append(store, line("202611-b", "2", entries=[("n", "1")]))
        same = [("n", "1"), ("m", "1")]
        again = line("202611-a", "1", rev="2-b", expected="1-a", entries=same, name="new")
        await append(store, again)
        assert await store.get_record(named("202611-a")) == {"_rev": "2-b", "name": "new"}
        assert await met(store, ("n", "1")) == ["202611-a", "202611-b"]
        moved = line("202611-a", "3", rev="3-c", expected="2-b", entries=[("n", "1"), ("n", "2")])
        await append(store, moved)
        assert await met(store) == ["202611-b", "202611-a"]
        assert await met(store, ("n", "1")) == ["202611-b", "202611-a"]
        assert await met(store, ("n", "2")) == ["202611-a"]
        assert await met(store, ("m", "1")) == []
        for stale in ("1-a", "2-b", "9-z"):
            with pytest.raises(RevisionConflict):
                await append(store, line("202611-a", rev="4-d", expected=stale))
        with pytest.raises(RevisionConflict):
            await append(store, line("202611-none", rev="2-b", expected="1-a"))
        assert await store.get_record(named("202611-a")) == {"_rev": "3-c"}

    async def test_a_record_may_be_written_twice_in_a_batch(self, store: Store) -> None:
        await append(
            store,
            line("202611-a", "1", entries=[("n", "1")]),
            line("202611-a", "2", rev="2-b", expected="1-a", entries=[("n", "2")]),
        )
        assert await store.get_record(named("202611-a")) == {"_rev": "2-b"}
        assert (await met(store, ("n", "1")), await met(store, ("n", "2"))) == ([], ["202611-a"])
        await append(store, line("202611-b"), Remove(named("202611-b"), "1-a"))
        assert await met(store) == ["202611-a"]
        await append(store, Remove(named("202611-a"), "2-b"), line("202611-a", rev="1-z"))
        assert await store.get_record(named("202611-a")) == {"_rev": "1-z"}

    async def test_a_record_may_be_removed(self, store: Store) -> None:
        await append(store, *(line(f"202611-{name}", entries=[("n", "1")]) for name in "abc"))
        with pytest.raises(RevisionConflict):
            await append(store, Remove(named("202611-a"), "2-b"))
        await append(store, Remove(named("202611-a"), "1-a"), Remove(named("202611-c")))
        assert await met(store) == await met(store, ("n", "1")) == ["202611-b"]
        assert await store.get_record(named("202611-a")) is None
        for nothing in ("202611-a", "202501-a", "odd"):
            await append(store, Remove(named(nothing), "1-a"))
        await append(store, line("202611-a"))
        assert await met(store, ("n", "1")) == ["202611-b"]

    async def test_buckets_are_walked_one_after_the_other(self, store: Store) -> None:
        names = await three_months(store)
        assert await met(store) == names
        assert await met(store, descending=True) == names[::-1]
        assert await met(store, buckets=("202610", "202611")) == names[3:]
        assert await met(store, buckets=("202610", "202610")) == names[3:6]
        assert await met(store, buckets=("202601", "202609"), descending=True) == names[2::-1]
        assert await met(store, buckets=("202612", "209912")) == []
        ann = [name for at, name in enumerate(names) if at % 3 == 1]
        assert await met(store, ("owner", "ann")) == ann
        assert await met(store, ("owner", "ann"), descending=True) == ann[::-1]
        assert await met(store, ("owner", "ann"), buckets=("202610", "202610")) == ann[1:2]
        assert await met(store, ("owner", "eve")) == []

    async def test_a_range_is_bound_by_time_and_start(self, store: Store) -> None:
        names = await three_months(store)
        low, high = "202609001", "202611001"
        assert await met(store, low=low, high=high) == names[1:8]
        assert await met(store, low=low, high=high, descending=True) == names[7:0:-1]
        start = Position("202610001", names[4])
        assert await met(store, start=start) == names[4:]
        assert await met(store, start=start, descending=True) == names[4::-1]
        assert await met(store, start=start, low=low, high=high) == names[4:8]
        assert await met(store, start=start, low=low, high=high, descending=True) == names[4:0:-1]
        ann = [name for at, name in enumerate(names) if at % 3 == 1]
        assert await met(store, ("owner", "ann"), start=start) == ann[1:]
        assert await met(store, ("owner", "ann"), start=start, descending=True) == ann[1::-1]
        assert await met(store, start=Position("zzz", "")) == []
        assert await met(store, start=Position("", "")) == names

    async def test_a_count_may_be_bounded(self, store: Store) -> None:
        await three_months(store)
        await write(store, *(put(name) for name in "abc"))
        users = Span(account_id=ACCOUNT, doc_type="user")
        for at_most, expected in ((None, 9), (20, 9), (9, 9), (8, 8), (4, 4), (1, 1)):
            assert await store.count(stretch(), at_most) == expected
            assert await store.count(users, at_most) == min(expected, 3)

    @pytest.mark.parametrize("entry", [None, ("owner", "bob")])
    @pytest.mark.parametrize("descending", [False, True])
    async def test_a_long_walk_is_steady_while_others_append(
        self, store: Store, entry: tuple[str, str] | None, descending: bool
    ) -> None:
        names = await three_months(store, 240)
        kept = [name for at, name in enumerate(names) if entry is None or at % 2 == 0]
        walked: list[str] = []
        async for row in store.scan(stretch(entry, descending=descending)):
            walked.append(row.position.doc_id)
            if len(walked) % 90 == 0:
                tag = [("owner", "bob")]
                await append(
                    store,
                    *(
                        line(f"{month}-new{at}-{len(walked)}", f"{month}{at:03}", entries=tag)
                        for month in ("202609", "202611")
                        for at in (0, 120, 239)
                        if at == len(walked) % 240 or at == 120
                    ),
                )
        assert [name for name in walked if name in set(kept)] == kept[:: -1 if descending else 1]
        assert len(walked) == len(set(walked))

    async def test_a_bucket_is_dropped_whole(self, store: Store) -> None:
        names = await three_months(store)
        await append(
            store,
            line("202609-x", account=OTHER),
            line("202609-x", journal="fax"),
            line("202610-x", account=OTHER),
        )
        assert await store.buckets(CALLS) == ["202609", "202610", "202611"]
        assert await store.buckets("fax") == ["202609"]
        assert await store.buckets("nothing") == []
        await store.commit(Batch(drop_buckets=[(CALLS, "202609"), (CALLS, "199901")]))
        assert await store.buckets(CALLS) == ["202610", "202611"]
        assert await met(store) == names[3:]
        assert await met(store, ("owner", "ann")) == [names[4], names[7]]
        assert await store.get_record(named(names[0])) is None
        assert await met(store, account_id=OTHER) == ["202610-x"]
        assert await met(store, doc_type="fax") == ["202609-x"]

    async def test_a_dropped_bucket_may_begin_anew(self, store: Store) -> None:
        names = await three_months(store)
        old, new = names[0], "202609-new"
        await store.commit(Batch(drop_buckets=[(CALLS, "202609")]))
        await append(store, line(new, entries=[("owner", "ann")]), line(old))
        assert await met(store, buckets=("202609", "202609")) == [old, new]
        assert await met(store, ("owner", "ann"), buckets=("202609", "202609")) == [new]
        both = Batch(drop_buckets=[(CALLS, "202609")], records=[line("202609-y")])
        with pytest.raises(ValueError, match="drops the bucket"):
            await store.commit(both)
        assert await met(store, buckets=("202609", "202609")) == [old, new]

    async def test_who_appends_after_a_drop_keeps_it(self, store: Store) -> None:
        await three_months(store)
        drop = Batch(drop_buckets=[(CALLS, "202609")])
        appends = [Batch(records=[line(f"202609-{name}")]) for name in "abcd"]
        waiting = [*appends[:2], drop, *appends[2:]]
        await asyncio.gather(*(store.commit(each) for each in waiting))
        assert await met(store, buckets=("202609", "202609")) == ["202609-c", "202609-d"]

    async def test_a_drop_by_another_process_is_known_at_once(
        self, store: Store, another: Opener
    ) -> None:
        other = await another()
        await append(store, line("202609-a"))
        assert await met(other) == ["202609-a"]
        await other.commit(Batch(drop_buckets=[(CALLS, "202609")]))
        assert await met(store) == []
        await append(store, line("202609-b"))
        assert await met(other) == await met(store) == ["202609-b"]

    async def test_a_purge_takes_the_records(self, store: Store) -> None:
        await three_months(store)
        await append(store, line("202609-x", account=OTHER))
        await store.commit(Batch(purge=[ACCOUNT]))
        async with asyncio.timeout(20):
            while await store.count(stretch()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await met(store, account_id=OTHER) == ["202609-x"]

    async def test_records_survive_a_restart(self, store: Store, reopen: Opener) -> None:
        names = await three_months(store)
        await store.commit(Batch(drop_buckets=[(CALLS, "202609")]))
        fresh = await reopen()
        assert await met(fresh) == names[3:]
        assert await fresh.get_record(named(names[4])) == {"_rev": "1-a", "at": 1}
