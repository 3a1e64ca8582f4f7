"""Races, through one store and through two; and what closing promises."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence

from crossbar.storage import (
    SYSTEM,
    Batch,
    ClaimTaken,
    Missing,
    Put,
    Remove,
    RevisionConflict,
    Store,
    StoreError,
)
from tests.storage.builders import (
    ACCOUNT,
    Opener,
    claim,
    event,
    ids,
    key,
    put,
    remove,
    rows,
    span,
    write,
)

ANN = claim("ann")


async def _race(
    stores: Sequence[Store], puts: Sequence[Put], refusal: type[StoreError]
) -> list[Put]:
    """Commit every put at once, the stores taking turns; the winners. Others must be refused."""
    outcomes = await asyncio.gather(
        *(write(stores[at % len(stores)], each) for at, each in enumerate(puts)),
        return_exceptions=True,
    )
    assert all(outcome is None or isinstance(outcome, refusal) for outcome in outcomes), outcomes
    return [each for each, outcome in zip(puts, outcomes, strict=True) if outcome is None]


async def _claim_race(stores: Sequence[Store]) -> None:
    puts = [put(f"{number}", claims=[ANN]) for number in range(50)]
    [winner] = await _race(stores, puts, ClaimTaken)
    for store in stores:
        assert await store.holders([ANN]) == {ANN: winner.key}
        assert await ids(store) == [winner.key.doc_id]


async def _insert_race(stores: Sequence[Store]) -> None:
    puts = [put("one", rev=f"1-{number}") for number in range(20)]
    [winner] = await _race(stores, puts, RevisionConflict)
    for store in stores:
        assert await store.get(key("one")) == winner.document


async def _update_race(stores: Sequence[Store]) -> None:
    await write(stores[0], put("one"))
    puts = [put("one", rev=f"2-{number}", expected="1-a") for number in range(20)]
    [winner] = await _race(stores, puts, RevisionConflict)
    for store in stores:
        assert await store.get(key("one")) == winner.document


async def _increment(store: Store, times: int) -> None:
    """Count up ``times`` times, trying again whenever another was faster."""
    done = 0
    while done < times:
        document = await store.get(key("counter"))
        assert document is not None
        before, count = document["_rev"], document["count"] + 1
        try:
            await write(store, put("counter", rev=f"{count}-x", expected=before, count=count))
        except RevisionConflict:
            continue
        done += 1


async def _purge_race(stores: Sequence[Store]) -> None:
    """Fill an account while it is removed; nothing may stay behind, and nothing was refused."""
    home = put(ACCOUNT, account=SYSTEM, doc_type="account")
    await write(stores[0], home)
    batches = [Batch(puts=[put(f"{at:02}")], requires=[home.key]) for at in range(40)]
    batches.insert(20, Batch(removes=[Remove(home.key)], purge=[ACCOUNT]))
    outcomes = await asyncio.gather(
        *(stores[at % len(stores)].commit(batch) for at, batch in enumerate(batches)),
        return_exceptions=True,
    )
    assert all(isinstance(outcome, int | Missing) for outcome in outcomes), outcomes
    assert outcomes[20] == 0
    assert any(outcomes)
    for store in stores:
        assert await ids(store) == []


class ConcurrencyContract:
    async def test_nothing_stays_behind_in_an_account_that_is_removed_meanwhile(
        self, store: Store
    ) -> None:
        await _purge_race([store])

    async def test_nothing_stays_behind_when_another_process_removes_the_account(
        self, store: Store, another: Opener
    ) -> None:
        await _purge_race([store, await another()])

    async def test_one_of_50_takes_a_claim(self, store: Store) -> None:
        await _claim_race([store])

    async def test_one_of_50_takes_a_claim_through_two_stores(
        self, store: Store, another: Opener
    ) -> None:
        await _claim_race([store, await another()])

    async def test_one_of_many_inserts_a_document(self, store: Store, another: Opener) -> None:
        await _insert_race([store, await another()])

    async def test_one_of_many_updates_of_a_revision_wins(self, store: Store) -> None:
        await _update_race([store])

    async def test_one_of_many_updates_of_a_revision_wins_through_two_stores(
        self, store: Store, another: Opener
    ) -> None:
        await _update_race([store, await another()])

    async def test_no_update_is_lost(self, store: Store, another: Opener) -> None:
        second = await another()
        await write(store, put("counter", rev="0-x", count=0))
        await asyncio.gather(*(_increment(via, 5) for via in (store, second) for _ in range(3)))
        assert await store.get(key("counter")) == {"_rev": "30-x", "count": 30}

    async def test_a_claim_is_handed_round(self, store: Store, another: Opener) -> None:
        second = await another()
        await write(store, put("one", claims=[ANN]))
        await remove(second, key("one"))
        await write(store, put("two", claims=[ANN]))
        assert await second.holders([ANN]) == {ANN: key("two")}

    async def test_a_write_is_seen_at_once_by_the_other_store(
        self, store: Store, another: Opener
    ) -> None:
        second = await another()
        for number in range(5):
            name = f"{number}"
            await store.commit(
                Batch(puts=[put(name, entries=[("n", name)])], events=[event(name)])
            )
            assert await second.get(key(name)) is not None
            assert await ids(second, ("n", name)) == [name]
            assert (await second.events(0))[-1].event.key.doc_id == name

    async def test_a_reader_never_meets_half_a_batch(self, store: Store, another: Opener) -> None:
        second = await another()
        names = [f"{number}" for number in range(4)]
        await write(store, *(put(name, rev="0-x", turn=0) for name in names))

        async def writer() -> None:
            for turn in range(1, 25):
                before, after = f"{turn - 1}-x", f"{turn}-x"
                batch = (put(name, rev=after, expected=before, turn=turn) for name in names)
                await write(store, *batch)

        writing = asyncio.ensure_future(writer())
        while not writing.done():
            first, *_, last = [row.document["turn"] for row in await rows(second, span())]
            newest = await second.get(key(names[-1]))
            assert newest is not None
            assert first <= last <= newest["turn"]
            await asyncio.sleep(0)
        await writing

    async def test_what_is_acknowledged_is_read_whoever_has_written_it(
        self, store: Store, another: Opener
    ) -> None:
        stores, kinds, turns = (store, await another()), ("apple", "pear"), 40
        acknowledged = dict.fromkeys(kinds, 0)
        for kind in kinds:
            await write(store, put(kind, doc_type=kind, rev="0-x", row=b"0", turn=0))

        async def writer(kind: str) -> None:
            for turn in range(1, turns + 1):
                after, before = f"{turn}-x", f"{turn - 1}-x"
                new = put(
                    kind,
                    doc_type=kind,
                    rev=after,
                    expected=before,
                    row=str(turn).encode(),
                    turn=turn,
                )
                await write(random.choice(stores), new)
                acknowledged[kind] = turn

        async def reader(which: Store, kind: str) -> None:
            while acknowledged[kind] < turns:
                known, asked = acknowledged[kind], key(kind, doc_type=kind)
                found, shown = await which.get(asked), await which.get_shown(asked)
                listed = await which.page(
                    span(doc_type=kind, portion=2), lambda met: ([row for *_, row in met], 1)
                )
                assert found is not None
                assert shown is not None
                assert found["turn"] >= known
                assert json.loads(shown.public)["turn"] >= known
                assert int(listed[0] or b"") >= known
                await asyncio.sleep(0)

        await asyncio.gather(
            *map(writer, kinds), *(reader(which, kind) for which in stores for kind in kinds)
        )

    async def test_closing_finishes_waiting_commits(self, store: Store, reopen: Opener) -> None:
        waiting = [asyncio.ensure_future(write(store, put(f"{at:02}"))) for at in range(40)]
        await asyncio.sleep(0)
        fresh = await reopen()
        await asyncio.gather(*waiting)
        assert await ids(fresh) == [f"{at:02}" for at in range(40)]

    async def test_everything_acknowledged_is_there_after_a_restart(
        self, store: Store, reopen: Opener
    ) -> None:
        acknowledged = set()

        async def writer(name: int) -> None:
            for turn in range(8):
                doc_id = f"{name}-{turn}"
                await store.commit(
                    Batch(
                        puts=[put(doc_id, entries=[("n", "1")], claims=[claim(doc_id)])],
                        events=[event(doc_id)],
                    )
                )
                acknowledged.add(doc_id)

        await asyncio.gather(*(writer(name) for name in range(6)))
        fresh = await reopen()
        assert set(await ids(fresh)) == acknowledged
        assert set(await ids(fresh, ("n", "1"))) == acknowledged
        assert len(await fresh.holders([claim(doc_id) for doc_id in acknowledged])) == 48
        assert {each.event.key.doc_id for each in await fresh.events(0)} == acknowledged
