"""Single documents: insert, read, replace, remove, and what a revision protects."""

from __future__ import annotations

import pytest

from crossbar.storage import SYSTEM, Batch, Remove, RevisionConflict, Shown, Store
from tests.storage.builders import ACCOUNT, OTHER, Opener, ids, key, put, remove, write


class DocumentContract:
    async def test_an_empty_store_answers(self, store: Store) -> None:
        await store.ping()
        assert await store.get(key("one")) is None
        assert await store.get_shown(key("one")) is None
        assert await store.get_many(ACCOUNT, ["one"]) == {}

    async def test_an_inserted_document_is_found(self, store: Store) -> None:
        await write(store, put("one", name="Ann"))
        assert await store.get(key("one")) == {"_rev": "1-a", "name": "Ann"}
        assert await store.get_shown(key("one")) == Shown({"_rev": "1-a"}, b'{"name":"Ann"}')

    async def test_a_document_may_have_nothing_public(self, store: Store) -> None:
        await write(store, put("one", pvt_type="user"))
        private = {"_rev": "1-a", "pvt_type": "user"}
        assert await store.get_shown(key("one")) == Shown(private, b"{}")
        assert await store.get(key("one")) == private

    async def test_a_replaced_document_is_the_new_one_entirely(self, store: Store) -> None:
        await write(store, put("one", name="Ann", age=3))
        await write(store, put("one", rev="2-b", expected="1-a", name="Bea"))
        assert await store.get(key("one")) == {"_rev": "2-b", "name": "Bea"}

    async def test_a_removed_document_is_gone(self, store: Store) -> None:
        await write(store, put("one"), put("two"))
        await remove(store, key("one"))
        assert await store.get(key("one")) is None
        assert await store.get(key("two")) is not None
        assert await ids(store) == ["two"]

    async def test_a_removed_document_can_be_inserted_again(self, store: Store) -> None:
        await write(store, put("one", name="Ann"))
        await remove(store, key("one"))
        await write(store, put("one", rev="1-z"))
        assert await store.get(key("one")) == {"_rev": "1-z"}

    async def test_removing_nothing_is_no_error(self, store: Store) -> None:
        await remove(store, key("one"))
        await store.commit(Batch(removes=[Remove(key("one"), "1-a")]))

    async def test_an_insert_over_an_existing_document_conflicts(self, store: Store) -> None:
        await write(store, put("one", name="Ann"))
        with pytest.raises(RevisionConflict) as caught:
            await write(store, put("one", name="Bea"))
        assert caught.value.key == key("one")
        assert await store.get(key("one")) == {"_rev": "1-a", "name": "Ann"}

    async def test_a_replace_of_another_revision_conflicts(self, store: Store) -> None:
        await write(store, put("one", rev="2-b"))
        with pytest.raises(RevisionConflict) as caught:
            await write(store, put("one", rev="3-c", expected="1-a"))
        assert caught.value.key == key("one")
        assert await store.get(key("one")) == {"_rev": "2-b"}

    async def test_a_replace_of_a_missing_document_conflicts(self, store: Store) -> None:
        with pytest.raises(RevisionConflict):
            await write(store, put("one", rev="2-b", expected="1-a"))
        assert await store.get(key("one")) is None

    async def test_a_remove_of_another_revision_conflicts(self, store: Store) -> None:
        await write(store, put("one", rev="2-b"))
        with pytest.raises(RevisionConflict) as caught:
            await store.commit(Batch(removes=[Remove(key("one"), "1-a")]))
        assert caught.value.key == key("one")
        assert await store.get(key("one")) == {"_rev": "2-b"}

    async def test_a_remove_of_the_expected_revision_removes(self, store: Store) -> None:
        await write(store, put("one"))
        await store.commit(Batch(removes=[Remove(key("one"), "1-a")]))
        assert await store.get(key("one")) is None

    async def test_ids_are_unique_within_an_account_across_types(self, store: Store) -> None:
        await write(store, put("one", doc_type="user"))
        with pytest.raises(RevisionConflict):
            await write(store, put("one", doc_type="device"))
        with pytest.raises(RevisionConflict):
            await write(store, put("one", doc_type="device", rev="2-b", expected="1-a"))
        assert await store.get(key("one", "device")) is None
        assert await store.get(key("one", "user")) == {"_rev": "1-a"}

    async def test_a_remove_of_another_type_removes_nothing(self, store: Store) -> None:
        await write(store, put("one", doc_type="user"))
        await remove(store, key("one", "device"))
        await store.commit(Batch(removes=[Remove(key("one", "device"), "1-a")]))
        assert await store.get(key("one", "user")) is not None

    async def test_accounts_may_use_the_same_id(self, store: Store) -> None:
        await write(
            store,
            put("one", name="Ann"),
            put("one", account=OTHER, name="Bea"),
            put("one", account=SYSTEM, doc_type="account", name="Cee"),
        )
        assert await store.get(key("one")) == {"_rev": "1-a", "name": "Ann"}
        assert await store.get(key("one", account=OTHER)) == {"_rev": "1-a", "name": "Bea"}
        assert await store.get(key("one", "account", SYSTEM)) == {"_rev": "1-a", "name": "Cee"}

    async def test_a_document_of_another_type_or_account_is_not_found(self, store: Store) -> None:
        await write(store, put("one"))
        assert await store.get(key("one", "device")) is None
        assert await store.get(key("one", account=OTHER)) is None

    async def test_what_is_read_belongs_to_the_reader(self, store: Store) -> None:
        await write(store, put("one", tags=["x"], nested={"a": 1}))
        mine = await store.get(key("one"))
        assert mine is not None
        mine["tags"].append("y")
        mine["nested"]["a"] = 2
        mine["more"] = True
        many = await store.get_many(ACCOUNT, ["one"])
        many["one"]["tags"].clear()
        again = await store.get(key("one"))
        assert again == {"_rev": "1-a", "tags": ["x"], "nested": {"a": 1}}

    async def test_what_was_written_belongs_to_the_store(self, store: Store) -> None:
        written = put("one", tags=["x"])
        await write(store, written)
        written.document["tags"].append("y")
        assert await store.get(key("one")) == {"_rev": "1-a", "tags": ["x"]}

    async def test_get_many_finds_those_that_exist_of_any_type(self, store: Store) -> None:
        await write(
            store,
            put("one", name="Ann"),
            put("two", doc_type="device", sort=None, name="Bea"),
            put("three", account=OTHER),
        )
        found = await store.get_many(ACCOUNT, iter(["two", "none", "one", "three", "one"]))
        assert found == {
            "one": {"_rev": "1-a", "name": "Ann"},
            "two": {"_rev": "1-a", "name": "Bea"},
        }
        assert await store.get_many(ACCOUNT, []) == {}

    async def test_get_many_takes_many(self, store: Store) -> None:
        names = [f"{number:04}" for number in range(1500)]
        await write(store, *(put(name) for name in names[:300]))
        found = await store.get_many(ACCOUNT, names)
        assert sorted(found) == names[:300]

    async def test_a_soft_deleted_document_is_still_read(self, store: Store) -> None:
        await write(store, put("one"))
        await write(store, put("one", rev="2-b", expected="1-a", sort=None, pvt_deleted=True))
        assert await store.get(key("one")) == {"_rev": "2-b", "pvt_deleted": True}
        assert list(await store.get_many(ACCOUNT, ["one"])) == ["one"]
        with pytest.raises(RevisionConflict):
            await write(store, put("one"))

    async def test_documents_survive_a_restart(self, store: Store, reopen: Opener) -> None:
        await write(store, put("one", name="Ann"), put("two", rev="1-x"))
        await write(store, put("two", rev="2-y", expected="1-x"))
        fresh = await reopen()
        assert await fresh.get(key("one")) == {"_rev": "1-a", "name": "Ann"}
        assert await fresh.get(key("two")) == {"_rev": "2-y"}
