"""The event log: numbered, in commit order, complete."""

from __future__ import annotations

import asyncio

from crossbar.documents import Document
from crossbar.storage import Batch, Event, Key, Numbered, RevisionConflict, Store
from tests.storage.builders import Opener, event, put


def _names(found: list[Numbered]) -> list[str]:
    return [numbered.event.key.doc_id for numbered in found]


class EventContract:
    async def test_an_empty_log(self, store: Store) -> None:
        assert await store.events(0) == []
        assert await store.last_event() == 0

    async def test_an_event_comes_back_exactly(self, store: Store) -> None:
        summary: Document = {"name": "é\x00", "a.b": None, "$n": [True, 1, 1.5, 2**70], "": {}}
        written = Event("changed", Key("a/b", "device", "é"), "2-b", 2**40, summary)
        await store.commit(Batch(events=[written]))
        [found] = await store.events(0)
        assert found.event == written
        assert repr(found.event.summary) == repr(summary)
        assert found.number == await store.last_event() > 0

    async def test_events_are_in_order_within_and_across_batches(self, store: Store) -> None:
        await store.commit(Batch(events=[event("1"), event("2")]))
        await store.commit(Batch(events=[event("3")]))
        await store.commit(Batch(puts=[put("one")]))
        await store.commit(Batch(events=[event("4"), event("5")]))
        found = await store.events(0)
        numbers = [numbered.number for numbered in found]
        assert _names(found) == ["1", "2", "3", "4", "5"]
        assert numbers == sorted(set(numbers))
        assert await store.last_event() == numbers[-1]

    async def test_a_commit_tells_the_number_of_its_last_event(self, store: Store) -> None:
        assert await store.commit(Batch(events=[event("1"), event("2")])) == 2
        assert await store.commit(Batch(puts=[put("one")])) == 0
        together = [Batch(events=[event(f"{turn}")] * turn) for turn in range(1, 9)]
        clash = [Batch(puts=[put("one")], events=[event("refused")])]
        told = await asyncio.gather(
            *(store.commit(batch) for batch in (*together[:4], *clash, *together[4:])),
            return_exceptions=True,
        )
        assert isinstance(told.pop(4), RevisionConflict)
        ends = {numbered.event.key.doc_id: numbered.number for numbered in (await store.events(2))}
        assert told == [ends[f"{turn}"] for turn in range(1, 9)]
        assert await store.last_event() == 2 + sum(range(1, 9))

    async def test_reading_on_from_a_number(self, store: Store) -> None:
        await store.commit(Batch(events=[event(str(number)) for number in range(10)]))
        first = await store.events(0, limit=4)
        assert _names(first) == ["0", "1", "2", "3"]
        rest = await store.events(first[-1].number)
        assert _names(rest) == ["4", "5", "6", "7", "8", "9"]
        assert _names(await store.events(first[-1].number, limit=1)) == ["4"]
        assert await store.events(rest[-1].number) == []
        assert await store.events(rest[-1].number + 1000) == []

    async def test_the_limit_is_500_unless_told(self, store: Store) -> None:
        await store.commit(Batch(events=[event(str(number)) for number in range(510)]))
        assert len(await store.events(0)) == 500
        assert len(await store.events(0, limit=505)) == 505
        assert len(await store.events(0, limit=1000)) == 510

    async def test_events_and_numbers_survive_a_restart(
        self, store: Store, reopen: Opener
    ) -> None:
        await store.commit(Batch(events=[event("1"), event("2")]))
        before = await store.events(0)
        fresh = await reopen()
        assert await fresh.events(0) == before
        await fresh.commit(Batch(events=[event("3")]))
        after = await fresh.events(before[-1].number)
        assert _names(after) == ["3"]
        assert after[0].number > before[-1].number

    async def test_a_reader_sees_every_event_once_while_others_write(
        self, store: Store, another: Opener
    ) -> None:
        second = await another()

        async def writer(name: int) -> None:
            via = second if name % 2 else store
            for turn in range(10):
                count = 1 + (name + turn) % 3
                events = [event(f"{name}", turn=turn, part=part) for part in range(count)]
                await via.commit(Batch(events=events))

        async def reader(via: Store) -> list[Numbered]:
            seen: list[Numbered] = []
            while True:
                finished = writers.done()
                fresh = await via.events(seen[-1].number if seen else 0, limit=7)
                seen += fresh
                if finished and not fresh:
                    return seen
                await asyncio.sleep(0)

        writers = asyncio.gather(*(writer(name) for name in range(8)))
        here, there, _ = await asyncio.gather(reader(store), reader(second), writers)
        assert here == there == await store.events(0)
        numbers = [numbered.number for numbered in here]
        assert numbers == sorted(set(numbers))
        for name in range(8):
            own = [
                (numbered.event.summary["turn"], numbered.event.summary["part"])
                for numbered in here
                if numbered.event.key.doc_id == f"{name}"
            ]
            assert own == [
                (turn, part) for turn in range(10) for part in range(1 + (name + turn) % 3)
            ]

    async def test_old_events_are_forgotten_but_no_number_comes_back(
        self, store: Store, reopen: Opener
    ) -> None:
        await store.trim_events(10)
        await store.commit(Batch(events=[event(str(number)) for number in range(10)]))
        numbers = [numbered.number for numbered in await store.events(0)]
        await store.trim_events(numbers[3])
        assert _names(await store.events(0)) == ["4", "5", "6", "7", "8", "9"]
        await store.trim_events(numbers[3])
        await store.trim_events(numbers[-1] + 5)
        assert [numbered.number for numbered in await store.events(0)] == numbers[-1:]
        assert await store.last_event() == numbers[-1]
        fresh = await reopen()
        await fresh.commit(Batch(events=[event("new")]))
        [_, new] = await fresh.events(0)
        assert new.number == numbers[-1] + 1
