"""What creating, replacing, merging and deleting mean (docs/protocol.md §7)."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.core.shapes import Collection
from crossbar.storage import Key
from tests.conftest import NOW, Api
from tests.contract.conftest import on_every_store
from tests.contract.kit import (
    COLLECTIONS,
    SINGLETONS,
    create_all,
    document,
    ids,
    operations,
    verbs_at,
)
from tests.each import one_gateway_for_each

pytestmark = on_every_store

by_noun = one_gateway_for_each(COLLECTIONS, lambda family: family.noun)
PRIVATE = {"_id": "x", "_rev": "9-x", "_secret": 1, "pvt_type": "user", "pvt_deleted": True}
CUSTOM: dict[str, Any] = {
    "ui_metadata": {"version": "5.1", "ui": "monster-ui", "origin": "voip"},
    "custom": [1, 2.5, "ä", None, {"deep": [{"$x": {"a.b": None}}]}],
    "x.y": {"pvt_inner": 1, "_inner": 2},
    "empty": {},
    "": "no name",
}


async def create(api: Api, family: Collection, **more: Any) -> tuple[str, dict[str, Any]]:
    """A document's path and what the answer showed, but for a secret that is told only then."""
    path = f"{api.account}/{family.noun}"
    answer = (await api.put(path, {**document(family), **more})).expect(201)
    answer.data.get("_read_only", {}).pop("key", None)
    return f"{path}/{answer.data['id']}", answer.data


def can_patch(family: Collection) -> bool:
    """Whether the family offers PATCH at all."""
    mine = (one for one in operations() if one.family is family and one.id_param)
    return any("PATCH" in verbs_at(one) for one in mine)


PATCHED = tuple(family for family in COLLECTIONS if can_patch(family))
by_patched_noun = one_gateway_for_each(PATCHED, lambda family: family.noun)


@by_noun
async def test_what_is_created_is_what_is_read(api: Api, family: Collection) -> None:
    path, created = await create(api, family)
    read = (await api.get(path)).expect(200).data
    computed = {"metadata", "users", "_read_only"}
    assert {**read, **created} == {**created, **read} or computed & read.keys()
    assert {name for name in created if name not in read} == set()


@by_noun
async def test_unknown_fields_survive_and_private_ones_are_dropped(
    api: Api, family: Collection
) -> None:
    path, created = await create(api, family, **CUSTOM, **PRIVATE)
    shown = (await api.get(path)).expect(200).data
    assert {name: shown.get(name) for name in CUSTOM} == CUSTOM
    assert not any(name.startswith(("pvt_", "_")) for name in created.keys() - {"_read_only"})
    stored = await stored_document(api, family, created["id"])
    assert stored["pvt_type"] == family.doc_type
    assert "_secret" not in stored
    replaced = (await api.post(path, {**document(family), **PRIVATE})).expect(200).data
    assert not CUSTOM.keys() & replaced.keys()


async def stored_document(api: Api, family: Collection, doc_id: str) -> dict[str, Any]:
    key = Key(api.master.account_id, family.doc_type, doc_id)
    stored = await api.gateway.services.store.get(key)
    assert stored is not None
    return stored


@by_noun
async def test_sending_back_what_was_read_changes_nothing(api: Api, family: Collection) -> None:
    path, created = await create(api, family)
    before = await stored_document(api, family, created["id"])
    read = (await api.get(path)).expect(200).data
    (await api.post(path, {**read, "_read_only": {"deleted": False}})).expect(200)
    assert (await api.get(path)).expect(200).data == read
    after = await stored_document(api, family, created["id"])
    changing = {"_rev", "pvt_request_id", "pvt_signature_secret", "metadata"}
    assert {k: v for k, v in after.items() if k not in changing} == {
        k: v for k, v in before.items() if k not in changing
    }


@one_gateway_for_each(SINGLETONS, lambda family: family.noun)
async def test_sending_back_a_singleton_changes_nothing(api: Api, family: Any) -> None:
    path = f"{api.account}/{family.noun}"
    if family.optional:
        (await api.get(path)).expect(404)
        (await api.post(path, document(family))).expect(200)
    read = (await api.get(path)).expect(200).data
    (await api.post(path, read)).expect(200)
    assert (await api.get(path)).expect(200).data == read


async def test_sending_back_an_account_with_all_that_it_shows_changes_nothing(api: Api) -> None:
    path = f"/v2/accounts/{await api.create_account('Child')}"
    read = (await api.get(f"{path}?include_api_key=true")).expect(200).data
    assert len(read["api_key"]) == 64
    fakes = {
        "superduper_admin": True,
        "is_reseller": True,
        "created": 1,
        "reseller_id": "x",
        "billing_mode": "x",
        "wnm_allow_additions": True,
        "api_key": "f" * 64,
        "trial_time_left": 5,
        "descendants_count": 3,
    }
    (await api.post(path, {**read, **fakes})).expect(200)
    after = (await api.get(f"{path}?include_api_key=true")).expect(200).data
    assert after == {**read, "descendants_count": 3}
    (await api.post(path, read)).expect(200)
    assert (await api.get(f"{path}?include_api_key=true")).expect(200).data == read


@by_noun
async def test_post_replaces_and_keeps_only_private_facts(api: Api, family: Collection) -> None:
    path, created = await create(api, family, extra={"a": 1}, more="x")
    before = await stored_document(api, family, created["id"])
    api.clock.advance(60)
    replaced = (await api.post(path, document(family))).expect(200).data
    assert not {"extra", "more"} & replaced.keys()
    assert replaced["id"] == created["id"]
    after = await stored_document(api, family, created["id"])
    assert after["pvt_created"] == before["pvt_created"]
    assert after["pvt_modified"] == before["pvt_modified"] + 60


@by_patched_noun
async def test_patch_merges_deeply(api: Api, family: Collection) -> None:
    stored = {
        "keep": 1,
        "gone": {"x": 1},
        "object": {"keep": 1, "gone": 2, "change": 3, "inner": {"keep": 1, "gone": 2}},
        "emptied": {"a": 1},
        "list": [1, 2, 3],
        "objects": [{"a": 1}, {"b": 2}],
        "becomes_object": "text",
        "becomes_text": {"a": 1},
    }
    path, created = await create(api, family, **stored)
    patch = {
        "gone": None,
        "object": {"gone": None, "change": 4, "inner": {"gone": None, "new": {"x": None, "y": 1}}},
        "emptied": {},
        "list": [4],
        "objects": [{"c": None}],
        "becomes_object": {"a": None, "b": {"c": None, "d": 1}},
        "becomes_text": "text",
        "added": False,
        "never_there": None,
    }
    merged = (await api.patch(path, patch)).expect(200).data
    expected = {
        "keep": 1,
        "object": {"keep": 1, "change": 4, "inner": {"keep": 1, "new": {"y": 1}}},
        "emptied": {},
        "list": [4],
        "objects": [{"c": None}],
        "becomes_object": {"b": {"d": 1}},
        "becomes_text": "text",
        "added": False,
    }
    assert {name: merged.get(name) for name in expected} == expected
    assert not {"gone", "never_there"} & merged.keys()
    assert {name for name in created if name not in merged} == {"gone"}
    assert (await api.get(path)).expect(200).data.items() >= expected.items()


@by_patched_noun
async def test_an_empty_patch_changes_nothing_but_the_revision(
    api: Api, family: Collection
) -> None:
    path, created = await create(api, family, extra={"a": [1]})
    answer = (await api.patch(path, {})).expect(200)
    assert answer.data == created
    assert answer.body["revision"].startswith("2-")


async def test_a_patch_cannot_remove_what_is_required(api: Api) -> None:
    [created] = await create_all(api, f"{api.account}/menus", [{"name": "x"}])
    menu = f"{api.account}/menus/{created}"
    answer = (await api.patch(menu, {"name": None})).expect(400)
    assert answer.data.keys() == {"name"}
    (await api.patch(menu, {"hunt": None})).expect(200)
    assert (await api.get(menu)).data["hunt"] is True


async def test_null_is_a_value_outside_of_patch(api: Api) -> None:
    path = f"{api.account}/menus"
    answer = (await api.put(path, {"name": "x", "hunt": None})).expect(400)
    assert answer.data["hunt"].keys() == {"type"}
    answer = (await api.put(path, {"name": "x", "mine": None, "deep": {"a": None}})).expect(201)
    assert (answer.data["mine"], answer.data["deep"]) == (None, {"a": None})


async def test_defaults_are_stored_and_soft_types_converted(api: Api) -> None:
    path = f"{api.account}/menus"
    answer = (await api.put(path, {"name": "x", "retries": "5", "hunt": "false"})).expect(201)
    assert (answer.data["retries"], answer.data["hunt"]) == (5, False)
    assert answer.data["max_extension_length"] == 4
    assert ids(await api.get(f"{path}?filter_max_extension_length=4")) == [answer.data["id"]]


async def test_an_id_of_the_right_form_is_taken_and_another_is_not(api: Api) -> None:
    path, wanted = f"{api.account}/menus", "0123456789abcdef" * 2
    answer = (await api.put(path, {"name": "x", "id": wanted})).expect(201)
    assert answer.data["id"] == wanted
    for odd in ("x", wanted.upper(), wanted + "0", 5, None, ["a"], "../" + wanted[3:]):
        answer = (await api.put(path, {"name": "x", "id": odd})).expect(201)
        assert answer.data["id"] not in (odd, wanted)
        assert "/" not in answer.data["id"]


async def test_an_id_is_unique_within_an_account_whatever_has_it(api: Api) -> None:
    wanted = "0123456789abcdef" * 2
    (await api.put(f"{api.account}/menus", {"name": "x", "id": wanted})).expect(201)
    (await api.put(f"{api.account}/groups", {"name": "x", "endpoints": {}, "id": wanted})).expect(
        409
    )
    (await api.get(f"{api.account}/groups/{wanted}")).expect(404)
    child = f"/v2/accounts/{await api.create_account('Child')}"
    (await api.put(f"{child}/menus", {"name": "x", "id": wanted})).expect(201)


@by_noun
async def test_the_id_in_the_url_wins(api: Api, family: Collection) -> None:
    path, created = await create(api, family)
    answer = (await api.post(path, {**document(family), "id": "f" * 32})).expect(200)
    assert answer.data["id"] == created["id"]


@by_noun
async def test_an_id_of_another_family_is_unknown(api: Api, family: Collection) -> None:
    _, created = await create(api, family)
    for other in COLLECTIONS:
        if other is not family:
            path = f"{api.account}/{other.noun}/{created['id']}"
            for verb in ("GET", "POST", "DELETE"):
                answer = await api.request(verb, path, document(other))
                assert answer.expect(404).data["cause"] == created["id"], other.noun


@by_noun
async def test_a_deleted_document_is_answered_once_more_and_then_unknown(
    api: Api, family: Collection
) -> None:
    path, _ = await create(api, family, extra=1)
    answer = (await api.delete(path, data={})).expect(200)
    assert answer.data["extra"] == 1
    assert answer.data["_read_only"]["deleted"] is True
    assert answer.body["metadata"]["deleted"] is True
    for verb in ("GET", "POST", "DELETE"):
        again = await api.request(verb, path, document(family))
        assert again.expect(404).body["message"] == "bad_identifier"
    assert ids(await api.get(path.rpartition("/")[0])) in ([], [api.master.user_id])
    key = Key(api.master.account_id, family.doc_type, path.rpartition("/")[2])
    stored = await api.gateway.services.store.get(key)
    assert stored is None or stored["pvt_deleted"] is True


@by_noun
async def test_a_hard_deletion_leaves_nothing(api: Api, family: Collection) -> None:
    for where in ("query", "envelope", "data"):
        path, created = await create(api, family)
        if where == "query":
            answer = await api.delete(f"{path}?should_soft_delete=false")
        elif where == "envelope":
            answer = await api.delete(path, should_soft_delete=False)
        else:
            answer = await api.delete(path, data={"should_soft_delete": "false"})
        answer.expect(200)
        key = Key(api.master.account_id, family.doc_type, created["id"])
        assert await api.gateway.services.store.get(key) is None, where
        sent = {**document(family), "id": created["id"]}
        (await api.put(path.rpartition("/")[0], sent)).expect(201)
        (await api.delete(path)).expect(200)


UNIQUE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("users", {"first_name": "A", "last_name": "B", "username": "ann", "password": "s3cret"}),
    ("devices", {"name": "x", "sip": {"username": "ann"}, "mac_address": "001122334455"}),
    ("vmboxes", {"name": "x", "mailbox": "12"}),
    ("callflows", {"numbers": ["2001"], "patterns": ["^1$"]}),
    ("conferences", {"name": "x", "conference_numbers": ["5"]}),
)


@pytest.mark.parametrize("noun_and_sent", UNIQUE, ids=lambda pair: pair[0])
async def test_unique_values_are_held_until_changed_or_deleted(
    api: Api, noun_and_sent: tuple[str, dict[str, Any]]
) -> None:
    noun, sent = noun_and_sent
    path = f"{api.account}/{noun}"
    for ending in ("", "?should_soft_delete=false"):
        [held] = await create_all(api, path, [sent])
        answer = (await api.put(path, sent)).expect(400)
        assert all(details.keys() == {"unique"} for details in answer.data.values())
        (await api.post(f"{path}/{held}", sent)).expect(200)
        (await api.delete(f"{path}/{held}{ending}")).expect(200)
    child = f"/v2/accounts/{await api.create_account('Child')}/{noun}"
    await create_all(api, path, [sent])
    await create_all(api, child, [sent])


async def test_documents_of_an_account_go_with_it(api: Api) -> None:
    account_id = await api.create_account("Child")
    path = f"/v2/accounts/{account_id}"
    [menu] = await create_all(api, f"{path}/menus", [{"name": "x"}])
    answer = (await api.delete(path)).expect(200)
    assert answer.data["_read_only"]["deleted"] is True
    (await api.get(path)).expect(404)
    (await api.get(f"{path}/menus/{menu}")).expect(404)
    store = api.gateway.services.store
    assert await store.get(Key(account_id, "menu", menu)) is None
    assert await api.create_account("Child") != account_id


async def test_times_are_gregorian_seconds_of_the_clock(api: Api) -> None:
    path = f"{api.account}/menus"
    created = (await api.put(path, {"name": "x"})).expect(201)
    api.clock.advance(90)
    changed = (await api.patch(f"{path}/{created.data['id']}", {})).expect(200)
    gregorian = NOW + 62_167_219_200
    assert created.body["metadata"]["created"] == gregorian
    assert changed.body["metadata"] == {
        "id": created.data["id"],
        "created": gregorian,
        "modified": gregorian + 90,
    }
