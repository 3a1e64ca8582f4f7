"""Claims: values that one document holds at a time."""

from __future__ import annotations

import pytest

from crossbar.storage import SYSTEM, Batch, ClaimTaken, Put, Remove, RevisionConflict, Store
from tests.storage.builders import OTHER, Opener, claim, ids, key, put, remove, write

ANN = claim("ann")
BEA = claim("bea")


class ClaimContract:
    async def test_a_claim_is_held_once_put(self, store: Store) -> None:
        assert await store.holders([ANN, BEA]) == {}
        await write(store, put("one", claims=[ANN]))
        assert await store.holders([ANN, BEA]) == {ANN: key("one")}
        assert await store.holders(iter([ANN, ANN])) == {ANN: key("one")}
        assert await store.holders([]) == {}

    async def test_a_claim_that_is_named_twice_is_held_once(self, store: Store) -> None:
        await write(store, put("one", claims=[ANN, ANN]))
        assert await store.holders([ANN]) == {ANN: key("one")}

    async def test_a_held_claim_is_refused_to_others(self, store: Store) -> None:
        await write(store, put("one", claims=[ANN]))
        with pytest.raises(ClaimTaken) as caught:
            await write(store, put("two", doc_type="device", claims=[ANN, BEA]))
        assert caught.value.holders == {ANN: key("one")}
        assert await store.get(key("two", "device")) is None
        assert await store.holders([ANN, BEA]) == {ANN: key("one")}

    async def test_every_taken_claim_is_reported(self, store: Store) -> None:
        await write(store, put("one", claims=[ANN]), put("two", doc_type="device", claims=[BEA]))
        free = claim("cee")
        with pytest.raises(ClaimTaken) as caught:
            await write(store, put("three", claims=[free, BEA]), put("four", claims=[ANN]))
        assert caught.value.holders == {ANN: key("one"), BEA: key("two", "device")}
        assert await store.holders([free]) == {}

    async def test_space_scope_and_value_all_count(self, store: Store) -> None:
        near = [
            ANN,
            claim("ann", space="users.email"),
            claim("ann", scope=OTHER),
            claim("ann", scope=SYSTEM),
            claim("Ann"),
            claim("ann "),
            claim(""),
            claim("a\u0301"),
            claim("\u00e1"),
        ]
        for number, each in enumerate(near):
            await write(store, put(str(number), claims=[each]))
        held = await store.holders(near)
        assert held == {each: key(str(number)) for number, each in enumerate(near)}

    async def test_a_replace_without_the_claim_releases_it(self, store: Store) -> None:
        await write(store, put("one", claims=[ANN, BEA]))
        await write(store, put("one", rev="2-b", expected="1-a", claims=[BEA]))
        assert await store.holders([ANN, BEA]) == {BEA: key("one")}
        await write(store, put("two", claims=[ANN]))

    async def test_a_remove_releases_the_claim(self, store: Store) -> None:
        await write(store, put("one", claims=[ANN]))
        await remove(store, key("one"))
        assert await store.holders([ANN]) == {}
        await write(store, put("two", claims=[ANN]))
        assert await store.holders([ANN]) == {ANN: key("two")}

    async def test_a_remove_that_removes_nothing_releases_nothing(self, store: Store) -> None:
        await write(store, put("one", claims=[ANN]))
        await remove(store, key("one", "device"))
        with pytest.raises(RevisionConflict):
            await store.commit(Batch(removes=[Remove(key("one"), "0-z")]))
        assert await store.holders([ANN]) == {ANN: key("one")}

    async def test_the_holder_puts_its_claim_again(self, store: Store) -> None:
        await write(store, put("one", claims=[ANN]))
        await write(store, put("one", rev="2-b", expected="1-a", claims=[ANN, BEA, ANN]))
        assert await store.holders([ANN, BEA]) == {ANN: key("one"), BEA: key("one")}

    @pytest.mark.parametrize("order", [1, -1])
    async def test_a_claim_changes_hands_within_a_batch(self, store: Store, order: int) -> None:
        await write(store, put("one", claims=[ANN]))
        giver = put("one", rev="2-b", expected="1-a")
        await write(store, *[giver, put("two", claims=[ANN])][::order])
        assert await store.holders([ANN]) == {ANN: key("two")}

    async def test_two_documents_swap_their_claims(self, store: Store) -> None:
        await write(store, put("one", claims=[ANN]), put("two", claims=[BEA]))
        await write(
            store,
            put("one", rev="2-b", expected="1-a", claims=[BEA]),
            put("two", rev="2-b", expected="1-a", claims=[ANN]),
        )
        assert await store.holders([ANN, BEA]) == {ANN: key("two"), BEA: key("one")}

    async def test_a_claim_passes_from_a_removed_document(self, store: Store) -> None:
        await write(store, put("one", claims=[ANN]))
        await store.commit(Batch(puts=[put("two", claims=[ANN])], removes=[Remove(key("one"))]))
        assert await store.holders([ANN]) == {ANN: key("two")}

    @pytest.mark.parametrize("order", [1, -1])
    async def test_a_batch_cannot_give_a_claim_twice(self, store: Store, order: int) -> None:
        puts = [put("one", claims=[ANN, BEA]), put("two", claims=[ANN])][::order]
        with pytest.raises(ClaimTaken) as caught:
            await write(store, *puts)
        assert list(caught.value.holders) == [ANN]
        assert caught.value.holders[ANN] in (key("one"), key("two"))
        assert await store.holders([ANN, BEA]) == {}
        assert await ids(store) == []

    async def test_a_failed_batch_moves_no_claim(self, store: Store) -> None:
        await write(store, put("one", claims=[ANN]), put("two", claims=[BEA]))
        failing: list[Put] = [
            put("one", rev="2-b", expected="1-a"),
            put("three", claims=[ANN, BEA]),
        ]
        with pytest.raises(ClaimTaken) as caught:
            await write(store, *failing)
        assert caught.value.holders == {BEA: key("two")}
        assert await store.holders([ANN, BEA]) == {ANN: key("one"), BEA: key("two")}
        assert await store.get(key("one")) == {"_rev": "1-a"}

    async def test_a_conflict_is_reported_before_a_taken_claim(self, store: Store) -> None:
        await write(store, put("one", claims=[ANN]), put("two", rev="2-b"))
        with pytest.raises(RevisionConflict) as caught:
            await write(
                store,
                put("three", claims=[ANN]),
                put("two", rev="2-c", expected="1-a", claims=[ANN]),
            )
        assert caught.value.key == key("two")

    async def test_an_unlisted_document_may_hold_a_claim(self, store: Store) -> None:
        await write(store, put("one", sort=None, claims=[ANN]))
        assert await store.holders([ANN]) == {ANN: key("one")}

    async def test_many_claims_are_asked_for_at_once(self, store: Store) -> None:
        claims = [claim(f"{number:03}") for number in range(400)]
        await write(store, put("one", claims=claims[::2]))
        assert await store.holders(claims) == dict.fromkeys(claims[::2], key("one"))

    async def test_claims_survive_a_restart(self, store: Store, reopen: Opener) -> None:
        await write(store, put("one", claims=[ANN]))
        fresh = await reopen()
        assert await fresh.holders([ANN]) == {ANN: key("one")}
        with pytest.raises(ClaimTaken):
            await write(fresh, put("two", claims=[ANN]))
