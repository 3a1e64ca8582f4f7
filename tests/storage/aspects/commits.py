"""Batches: all of it or nothing, and the removal of a whole account."""

from __future__ import annotations

import asyncio

import pytest

from crossbar.storage import (
    LARGEST,
    SYSTEM,
    Batch,
    ClaimTaken,
    DocumentTooBig,
    Missing,
    Remove,
    RevisionConflict,
    Store,
)
from tests.storage.builders import (
    ACCOUNT,
    OTHER,
    Opener,
    attach,
    claim,
    content,
    event,
    ids,
    key,
    put,
    write,
)

ANN = claim("ann")
BEA = claim("bea")


class CommitContract:
    async def test_a_document_that_is_too_big_is_refused_alone(self, store: Store) -> None:
        big = put("big", filler="x" * (LARGEST + 1_000_000))
        outcomes = await asyncio.gather(
            *(store.commit(Batch(puts=[each])) for each in (put("a"), big, put("b"))),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [int, DocumentTooBig, int]
        assert await store.get(key("big")) is None
        assert await store.get(key("b")) is not None

    async def test_an_empty_batch_is_no_error(self, store: Store) -> None:
        await store.commit(Batch())
        assert await store.last_event() == 0

    async def test_a_batch_writes_all_of_it(self, store: Store) -> None:
        await write(store, put("old", claims=[ANN]), put("gone"))
        await store.commit(
            Batch(
                puts=[
                    put("new", entries=[("n", "1")]),
                    put("old", rev="2-b", expected="1-a", claims=[BEA]),
                    put("one", account=OTHER, doc_type="device"),
                ],
                removes=[Remove(key("gone"))],
                events=[event("new"), event("old", "changed"), event("gone", "deleted")],
            )
        )
        assert await ids(store) == ["new", "old"]
        assert await ids(store, ("n", "1")) == ["new"]
        assert await store.get(key("one", "device", OTHER)) is not None
        assert await store.holders([ANN, BEA]) == {BEA: key("old")}
        actions = [numbered.event.action for numbered in await store.events(0)]
        assert actions == ["created", "changed", "deleted"]

    @pytest.mark.parametrize("failure", ["exists", "stale", "missing", "claim", "remove"])
    async def test_a_failed_batch_writes_nothing(self, store: Store, failure: str) -> None:
        picture = await attach(store, b"bytes")
        await store.commit(
            Batch(
                puts=[put("held", rev="2-b", entries=[("n", "0")], claims=[ANN])],
                events=[event("held")],
            )
        )
        await write(store, put("kept", entries=[("n", "0")]), put("purged", account=OTHER))
        failing = {
            "exists": put("held"),
            "stale": put("held", rev="3-c", expected="1-a"),
            "missing": put("missing", expected="1-a"),
            "claim": put("wants", claims=[ANN]),
            "remove": put("last"),
        }
        with pytest.raises((RevisionConflict, ClaimTaken)):
            await store.commit(
                Batch(
                    puts=[
                        put("new", entries=[("n", "1")], claims=[BEA]),
                        put("kept", rev="2-b", expected="1-a", entries=[("n", "1")]),
                        failing[failure],
                    ],
                    removes=[Remove(key("held"), "1-a")] if failure == "remove" else [],
                    events=[event("new"), event("kept", "changed")],
                    purge=[OTHER],
                    drop_attachments=[(ACCOUNT, picture.attachment_id)],
                )
            )
        assert await ids(store) == ["held", "kept"]
        assert await ids(store, ("n", "0")) == ["held", "kept"]
        assert await ids(store, ("n", "1")) == []
        assert await store.get_many(ACCOUNT, ["new", "missing", "wants", "last"]) == {}
        assert await store.get(key("kept")) == {"_rev": "1-a"}
        assert await store.get(key("purged", account=OTHER)) == {"_rev": "1-a"}
        assert await store.holders([ANN, BEA]) == {ANN: key("held")}
        assert await store.last_event() == 1
        assert await content(store, picture.attachment_id) == b"bytes"

    async def test_a_failed_batch_leaves_its_neighbours_alone(self, store: Store) -> None:
        await write(store, put("held", claims=[ANN]))
        outcomes = await asyncio.gather(
            *(
                write(store, put(f"{number}", claims=[ANN] if number % 3 == 0 else []))
                for number in range(30)
            ),
            return_exceptions=True,
        )
        failed = [at for at, outcome in enumerate(outcomes) if isinstance(outcome, ClaimTaken)]
        assert failed == list(range(0, 30, 3))
        written = [str(number) for number in range(30) if number % 3]
        assert await ids(store) == sorted([*written, "held"])

    async def test_one_batch_cannot_insert_a_document_twice(self, store: Store) -> None:
        with pytest.raises(RevisionConflict):
            await write(store, put("one", name="Ann"), put("one", name="Bea"))
        assert await store.get(key("one")) is None

    async def test_a_batch_may_give_an_id_to_another_type(self, store: Store) -> None:
        await write(store, put("one", entries=[("n", "1")], claims=[ANN]))
        taken_over = put("one", doc_type="device", entries=[("n", "1")], claims=[ANN])
        await store.commit(Batch(puts=[taken_over], removes=[Remove(key("one"))]))
        assert await store.get(key("one")) is None
        assert await ids(store) == await ids(store, ("n", "1")) == []
        assert await ids(store, ("n", "1"), doc_type="device") == ["one"]
        assert await store.holders([ANN]) == {ANN: key("one", "device")}

    async def test_a_large_batch(self, store: Store) -> None:
        names = [f"{number:04}" for number in range(400)]
        puts = [put(name, entries=[("n", "1")], claims=[claim(name)]) for name in names]
        await store.commit(Batch(puts=puts, events=[event(name) for name in names]))
        assert await ids(store, ("n", "1")) == names
        logged = [numbered.event.key.doc_id for numbered in await store.events(0)]
        assert logged == names

    async def test_a_purge_removes_the_account_and_nothing_else(self, store: Store) -> None:
        mine, system, foreign = claim("x"), claim("x", scope=SYSTEM), claim("y")
        gone, kept = await attach(store, b"gone"), await attach(store, b"kept", account=OTHER)
        await store.commit(
            Batch(
                puts=[
                    put("one", entries=[("n", "1")], claims=[mine, system]),
                    put("two", doc_type="device", sort=None),
                    put("one", account=OTHER, entries=[("n", "1")], claims=[foreign]),
                    put(ACCOUNT, account=SYSTEM, doc_type="account", claims=[BEA]),
                    put("one", account=ACCOUNT + "a"),
                ],
                events=[event("one")],
            )
        )
        await store.commit(Batch(purge=[ACCOUNT]))
        assert await store.get_many(ACCOUNT, ["one", "two"]) == {}
        assert await ids(store) == await ids(store, ("n", "1")) == []
        with pytest.raises(KeyError):
            await content(store, gone.attachment_id)
        assert await content(store, kept.attachment_id, account=OTHER) == b"kept"
        assert await ids(store, ("n", "1"), account_id=OTHER) == ["one"]
        assert await store.get(key(ACCOUNT, "account", SYSTEM)) is not None
        assert await store.get(key("one", account=ACCOUNT + "a")) is not None
        held = await store.holders([mine, system, foreign, BEA])
        assert held == {
            foreign: key("one", account=OTHER),
            BEA: key(ACCOUNT, "account", SYSTEM),
        }
        assert await store.last_event() == 1

    async def test_a_purge_comes_with_other_writes(self, store: Store) -> None:
        await write(
            store,
            put(ACCOUNT, account=SYSTEM, doc_type="account", claims=[ANN]),
            put("one", claims=[BEA]),
            put("one", account=OTHER),
        )
        await store.commit(
            Batch(
                puts=[put("heir", account=SYSTEM, claims=[ANN, BEA])],
                removes=[Remove(key(ACCOUNT, "account", SYSTEM), "1-a")],
                events=[event(ACCOUNT, "deleted")],
                purge=[ACCOUNT, OTHER, "c" * 32],
            )
        )
        assert await store.get(key("one")) is None
        assert await store.get(key("one", account=OTHER)) is None
        heir = key("heir", account=SYSTEM)
        assert await store.holders([ANN, BEA]) == {ANN: heir, BEA: heir}

    async def test_a_purged_account_can_be_filled_again(self, store: Store) -> None:
        await write(store, put("one", entries=[("n", "1")], claims=[ANN]))
        await store.commit(Batch(purge=[ACCOUNT]))
        await write(store, put("one", claims=[ANN], name="new"))
        assert await ids(store, ("n", "1")) == []
        assert await store.get(key("one")) == {"_rev": "1-a", "name": "new"}

    async def test_a_batch_may_require_that_a_document_exists(self, store: Store) -> None:
        home = key(ACCOUNT, "account", SYSTEM)
        tenant = put("one", claims=[ANN])
        account = put(ACCOUNT, account=SYSTEM, doc_type="account", claims=[BEA])
        for required in (home, key("one", "device")):
            with pytest.raises(Missing) as missing:
                await store.commit(
                    Batch(puts=[tenant], events=[event("one")], requires=[required])
                )
            assert missing.value.key == required
        assert await store.get(tenant.key) is None
        assert await store.last_event() == 0
        # What the batch itself brings counts as well.
        await store.commit(Batch(puts=[account, tenant], requires=[home]))
        await store.commit(Batch(puts=[put("two")], requires=[home, tenant.key]))
        with pytest.raises(Missing):
            await store.commit(Batch(removes=[Remove(home)], requires=[home]))
        # Who wants a value that is taken is told first what makes all of it pointless.
        gone = key("gone", "account", SYSTEM)
        with pytest.raises(Missing):
            await store.commit(Batch(puts=[put("three", claims=[ANN])], requires=[gone]))
        assert await ids(store) == ["one", "two"]

    async def test_a_purge_survives_a_restart(self, store: Store, reopen: Opener) -> None:
        await write(store, put("one", claims=[ANN]))
        await store.commit(Batch(purge=[ACCOUNT]))
        fresh = await reopen()
        assert await fresh.get(key("one")) is None
        assert await fresh.holders([ANN]) == {}
