"""The account tree: its lists, moves, resellers, deletions, and changes of it at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from crossbar.core import writing
from crossbar.core.directory import OWNER
from crossbar.core.requests import Action, Actor, request_to
from crossbar.errors import Conflict, NoSuchDocument
from crossbar.families.accounts import tree as account_tree
from crossbar.storage import SYSTEM, Batch, Claim, Entry, Event, Key, Put, Span
from tests.conftest import Answer, Api
from tests.core.support import path_of
from tests.families.support import ANN, FIELDS, refusal, stored_account
from tests.support import quick_settings, running


async def rows(api: Api, account_id: str, what: str, token: str | None = None) -> Any:
    answer = await api.get(f"{path_of(account_id)}/{what}", token=token)
    return answer.expect(200).data


async def names(api: Api, account_id: str, what: str, token: str | None = None) -> list[str]:
    return [row["name"] for row in await rows(api, account_id, what, token)]


# Lists


async def test_each_relation_is_listed_by_name(api: Api, family: dict[str, str]) -> None:
    assert await names(api, family["A"], "children") == ["D", "B"]
    assert await names(api, family["A"], "children?ascending=true") == ["B", "D"]
    assert await names(api, family["A"], "descendants?ascending=true") == ["B", "C", "D"]
    assert await names(api, family["D"], "siblings?ascending=true") == ["B", "D"]
    assert await names(api, family["C"], "parents") == ["Master", "A", "B"]
    assert await names(api, family["C"], "tree") == ["Master", "A", "B"]
    assert await names(api, family["Master"], "tree") == []


async def test_rows_have_the_keys_that_clients_know(api: Api, family: dict[str, str]) -> None:
    (await api.patch(path_of(family["B"]), {"flags": ["x"]})).expect(200)
    realm = (await stored_account(api, family["B"]))["realm"]
    common = {"id": family["B"], "name": "B", "realm": realm, "flags": ["x"]}
    children = await rows(api, family["A"], "children")
    assert children[1] == {**common, "descendants_count": 1}
    assert children[0]["descendants_count"] == 0
    descendants = await rows(api, family["A"], "descendants?ascending=true")
    assert descendants[0] == {**common, "tree": [family["Master"], family["A"]]}
    assert (await rows(api, family["C"], "tree"))[0] == {"id": family["Master"], "name": "Master"}
    answer = await api.get(f"{path_of(family['C'])}/tree")
    assert "page_size" not in answer.body
    assert (await api.get(f"{path_of(family['C'])}/parents")).body["page_size"] == 3


async def test_lists_of_accounts_have_pages_and_filters(api: Api, family: dict[str, str]) -> None:
    path = f"{path_of(family['A'])}/descendants?ascending=true&page_size=2"
    first = (await api.get(path)).expect(200).body
    assert [row["name"] for row in first["data"]] == ["B", "C"]
    second = (await api.get(f"{path}&start_key={first['next_start_key']}")).expect(200).body
    assert [row["name"] for row in second["data"]] == ["D"]
    assert await names(api, family["A"], "descendants?filter_name=C") == ["C"]
    streamed = await api.get(f"{path_of(family['A'])}/children?is_chunked=true")
    assert len(streamed.expect(200).data) == 2


async def test_a_caller_sees_ancestors_from_its_own_account_down(
    api: Api, family: dict[str, str]
) -> None:
    token = await api.account_token(family["A"])
    assert await names(api, family["C"], "parents", token) == ["A", "B"]
    assert await names(api, family["C"], "tree", token) == ["A", "B"]
    assert await names(api, family["A"], "parents", token) == ["Master"]
    assert await names(api, family["A"], "tree", token) == []


async def test_siblings_are_for_those_above(api: Api, family: dict[str, str]) -> None:
    token = await api.account_token(family["B"])
    (await api.get(f"{path_of(family['B'])}/siblings", token=token)).expect(403)
    assert await names(api, family["C"], "siblings", token) == ["C"]
    gone = await api.get(f"{path_of(family['Master'])}/siblings")
    assert gone.expect(404).data["cause"] == family["Master"]


class TestSiblingsForOperatorsOnly:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"accounts.allow_sibling_listing": False}

    async def test_siblings_can_be_kept_from_tenants(
        self, api: Api, family: dict[str, str]
    ) -> None:
        token = await api.account_token(family["B"])
        (await api.get(f"{path_of(family['C'])}/siblings", token=token)).expect(403)
        assert await names(api, family["C"], "siblings") == ["C"]


async def test_children_cannot_see_their_parents_documents(
    api: Api, family: dict[str, str]
) -> None:
    token = await api.account_token(family["B"])
    for other in ("A", "D", "E", "Master"):
        for tail in ("", "/children", "/users", "/api_key"):
            (await api.get(f"{path_of(family[other])}{tail}", token=token)).expect(403)
    (await api.get("/v2/accounts", token=token)).expect(405)


# Moves


async def move(api: Api, account_id: str, to: Any, token: str | None = None) -> Answer:
    return await api.post(f"{path_of(account_id)}/move", {"to": to}, token=token)


async def test_a_move_takes_everything_below_along(api: Api, family: dict[str, str]) -> None:
    token = await api.account_token(family["A"])
    (await api.get(path_of(family["C"]), token=token)).expect(200)
    moved = (await move(api, family["B"], family["E"])).expect(200)
    assert moved.data["id"] == family["B"]
    assert await names(api, family["A"], "descendants") == ["D"]
    assert await names(api, family["E"], "descendants?ascending=true") == ["B", "C"]
    assert await names(api, family["C"], "parents") == ["Master", "E", "B"]
    (await api.get(path_of(family["C"]), token=token)).expect(403)
    (await api.get(path_of(family["C"]), token=await api.account_token(family["E"]))).expect(200)


async def test_a_move_changes_resellers_but_not_those_that_move_along(
    api: Api, family: dict[str, str]
) -> None:
    async def reseller_of(name: str) -> str:
        shown: str = (await api.get(path_of(family[name]))).data["reseller_id"]
        return shown

    (await api.put(f"{path_of(family['E'])}/reseller")).expect(201)
    (await move(api, family["B"], family["E"])).expect(200)
    assert [await reseller_of(name) for name in "BC"] == [family["E"], family["E"]]
    (await api.put(f"{path_of(family['B'])}/reseller")).expect(201)
    (await move(api, family["B"], family["D"])).expect(200)
    assert [await reseller_of(name) for name in "BC"] == [family["Master"], family["B"]]


async def test_a_move_that_makes_no_sense_is_refused(api: Api, family: dict[str, str]) -> None:
    for to in (None, "", 5):
        details = refusal(await move(api, family["B"], to), "to", "required")
        assert details["message"] == "Field 'to' is required"
    (await api.post(f"{path_of(family['B'])}/move", [1])).expect(400)
    (await move(api, family["B"], "0" * 32)).expect(404)
    for name, to in (("B", "B"), ("A", "C"), ("Master", "A")):
        (await move(api, family[name], family[to])).expect(403)
    (await move(api, family["B"], family["D"], await api.account_token(family["A"]))).expect(403)


class TestMovesByTree:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"accounts.allow_move": "tree"}

    async def test_whoever_is_above_both_may_move(self, api: Api, family: dict[str, str]) -> None:
        token = await api.account_token(family["A"])
        (await move(api, family["B"], family["E"], token)).expect(403)
        (await move(api, family["A"], family["D"], token)).expect(403)
        (await move(api, family["B"], family["D"], token)).expect(200)
        (await move(api, family["B"], family["A"], token)).expect(200)


# Resellers


async def test_a_reseller_is_made_and_unmade_with_all_that_is_below(
    api: Api, family: dict[str, str]
) -> None:
    path = f"{path_of(family['A'])}/reseller"
    promoted = (await api.put(path)).expect(201).data
    assert promoted["is_reseller"] is True
    assert promoted["reseller_id"] == family["Master"]
    for name in "BCD":
        assert (await api.get(path_of(family[name]))).data["reseller_id"] == family["A"]
    created = await api.put(path_of(family["C"]), {"name": "Lower"})
    assert created.expect(201).data["reseller_id"] == family["A"]
    assert (await api.delete(path)).expect(200).data["is_reseller"] is False
    for name in "BCD":
        assert (await api.get(path_of(family[name]))).data["reseller_id"] == family["Master"]


async def test_a_reseller_below_another_change_of_resellers_is_refused(
    api: Api, family: dict[str, str]
) -> None:
    (await api.put(f"{path_of(family['B'])}/reseller")).expect(201)
    for method in ("PUT", "DELETE"):
        answer = await api.request(method, f"{path_of(family['A'])}/reseller")
        assert answer.expect(409).body["message"] == "account_has_descendants"
        assert answer.data == {"message": "account has descendants"}


async def test_only_operators_make_resellers_and_the_master_account_stays_one(
    api: Api, family: dict[str, str]
) -> None:
    token = await api.account_token(family["A"])
    for method in ("PUT", "DELETE"):
        (await api.request(method, f"{path_of(family['B'])}/reseller", token=token)).expect(403)
        (await api.request(method, f"{api.account}/reseller")).expect(403)


# Deletion


async def test_an_account_goes_with_all_it_has_and_its_values_are_free(
    api: Api, family: dict[str, str]
) -> None:
    path = path_of(family["C"])
    realm = (await api.get(path)).data["realm"]
    user = (await api.put(f"{path}/users", ANN)).expect(201).data["id"]
    device = {"name": "Trunk", "sip": {"method": "ip", "ip": "192.0.2.7"}}
    (await api.put(f"{path}/devices", device)).expect(201)
    media = (await api.put(f"{path}/media", {"name": "M"})).expect(201).data["id"]
    audio = {"Content-Type": "audio/wav"}
    (await api.post(f"{path}/media/{media}/raw", raw=b"RIFF", headers=audio)).expect(200)
    gone = (await api.delete(path)).expect(200).data
    assert gone["name"] == "C"
    assert gone["_read_only"] == {"deleted": True}
    assert (await api.get(path)).expect(404).data["cause"] == family["C"]
    store = api.gateway.services.store
    assert await store.get_many(family["C"], [user, media]) == {}
    claim = Claim("user.username", family["C"], "ann")
    assert await store.holders([claim]) == {}
    (await api.put(f"{api.account}/devices", device)).expect(201)
    (await api.put(api.account, {"name": "C", "realm": realm})).expect(201)
    assert await names(api, family["B"], "children") == []


async def owners_of_numbers(api: Api) -> list[str]:
    span = Span(account_id=SYSTEM, doc_type="number_owner")
    return [row.position.doc_id async for row in api.gateway.services.store.scan(span)]


async def test_a_callflow_that_comes_while_its_account_goes_leaves_no_owner_of_its_numbers(
    api: Api, family: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, store = path_of(family["C"]), api.gateway.services.store
    commit, late = store.commit, ["+14155550101"]

    async def interrupted(batch: Batch) -> int:
        if batch.purge and late:
            sent = {"numbers": [late.pop()], "flow": {"module": "play"}}
            (await api.put(f"{path}/callflows", sent)).expect(201)
            assert len(await owners_of_numbers(api)) == 2
        return await commit(batch)

    monkeypatch.setattr(store, "commit", interrupted)
    sent = {"numbers": ["+14155550100"], "flow": {"module": "play"}}
    (await api.put(f"{path}/callflows", sent)).expect(201)
    (await api.delete(path)).expect(200)
    assert late == []
    assert await owners_of_numbers(api) == []


async def test_a_photo_that_comes_while_its_account_goes_is_404_and_leaves_nothing(
    api: Api, family: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, store = path_of(family["C"]), api.gateway.services.store
    user = (await api.put(f"{path}/users", ANN)).expect(201).data["id"]
    put_attachment = store.put_attachment

    async def interrupted(account_id: str, chunks: AsyncIterator[bytes], *more: Any) -> Any:
        async def source() -> AsyncIterator[bytes]:
            async for chunk in chunks:
                yield chunk
            (await api.delete(path)).expect(200)

        return await put_attachment(account_id, source(), *more)

    monkeypatch.setattr(store, "put_attachment", interrupted)
    png = {"Content-Type": "image/png"}
    photo = f"{path}/users/{user}/photo"
    (await api.post(photo, raw=b"PNG" * 200_000, headers=png)).expect(404)
    left = store.attachments(int(time.time()) + 60)
    assert [name async for name in left] == []


async def test_what_belongs_to_an_account_goes_with_it_and_is_not_written_without_it(
    api: Api, family: dict[str, str]
) -> None:
    services, key = api.gateway.services, Key(SYSTEM, "auth_link", "link")
    put = Put(key, {"_rev": "1-a"}, None, "", [Entry(OWNER, family["C"])])
    await services.commit(Batch(puts=[put]))
    (await api.delete(path_of(family["C"]))).expect(200)
    assert await services.store.get(key) is None
    with pytest.raises(NoSuchDocument):
        await services.commit(Batch(puts=[put]))
    assert await services.store.get(key) is None


async def test_the_root_and_accounts_with_others_below_stay(
    api: Api, family: dict[str, str]
) -> None:
    (await api.delete(api.account)).expect(405)
    refused = (await api.delete(path_of(family["A"]))).expect(409)
    assert refused.body["message"] == "account_has_descendants"
    assert refused.data == {"message": "account has descendants"}
    (await api.get(path_of(family["A"]))).expect(200)
    stale = {"If-Match": '"1-x"'}
    (await api.delete(path_of(family["C"]), headers=stale)).expect(412)
    own = await api.account_token(family["C"])
    (await api.delete(path_of(family["C"]), token=own)).expect(200)
    (await api.get("/v2/token_auth", token=own)).expect(401)


# Changes at once


async def test_no_child_is_left_below_a_parent_deleted_meanwhile(storage_url: str) -> None:
    settings = quick_settings(storage_url)
    async with running(settings) as here, running(settings, here.master) as there:
        for number in range(8):
            parent = await here.create_account(f"Parent {number}")
            name = {"name": f"Child {number}"}
            deleted, created = await asyncio.gather(
                there.delete(path_of(parent)), here.put(path_of(parent), name)
            )
            outcome = (deleted.status, created.status)
            assert outcome in {(200, 404), (409, 201)}, outcome
            listed = await names(here, here.master.account_id, "descendants?paginate=false")
            assert (f"Child {number}" in listed) is (created.status == 201)
            assert (f"Parent {number}" in listed) is (created.status == 201)


async def test_a_child_created_during_a_move_moves_too(storage_url: str) -> None:
    settings = quick_settings(storage_url)
    async with running(settings) as here, running(settings, here.master) as there:
        target = await here.create_account("Target")
        for number in range(8):
            parent = await here.create_account(f"Parent {number}")
            name = {"name": f"Child {number}"}
            moved, created = await asyncio.gather(
                move(there, parent, target), here.put(path_of(parent), name)
            )
            moved.expect(200)
            tree = (await stored_account(here, created.expect(201).data["id"]))["pvt_tree"]
            assert tree == [here.master.account_id, target, parent]


async def test_accounts_created_at_once_all_come_to_be(storage_url: str) -> None:
    settings = quick_settings(storage_url)
    async with running(settings) as here, running(settings, here.master) as there:
        answers = await asyncio.gather(
            *(
                api.put(api.account, {"name": f"{api is here} {number}"})
                for number in range(15)
                for api in (here, there)
            )
        )
        assert [answer.status for answer in answers] == [201] * 30


async def test_accounts_created_at_once_share_commits(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, waiting, most = api.gateway.services.store, 0, 0
    commit = store.commit

    async def watched(batch: Batch) -> int:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        try:
            return await commit(batch)
        finally:
            waiting -= 1

    monkeypatch.setattr(store, "commit", watched)
    await asyncio.gather(*(api.create_account(f"A{number}") for number in range(30)))
    assert most > 1


async def test_a_move_among_many_creations_takes_all_of_them_along(
    api: Api, family: dict[str, str]
) -> None:
    parent, target = family["B"], family["D"]
    created, moved = await asyncio.gather(
        asyncio.gather(*(api.create_account(f"A{number}", parent) for number in range(12))),
        move(api, parent, target),
    )
    moved.expect(200)
    trees = [(await stored_account(api, each))["pvt_tree"] for each in created]
    assert {tuple(tree[-2:]) for tree in trees} == {(target, parent)}


async def test_a_parent_that_another_process_has_just_deleted_is_not_found(
    api: Api, family: dict[str, str]
) -> None:
    await api.gateway.services.accounts.get(family["C"])
    accounts = api.gateway.services.accounts
    remembered = accounts._cached[family["C"]]
    (await api.delete(path_of(family["C"]))).expect(200)
    accounts._cached[family["C"]] = remembered
    answer = (await api.put(path_of(family["C"]), {"name": "Orphan"})).expect(404)
    assert answer.data["cause"] == family["C"]


async def test_a_change_that_never_gets_its_turn_is_a_conflict(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "ATTEMPTS", 3)
    monkeypatch.setattr(writing, "PATIENCE", 0)
    attempts = 0

    async def always_late(context: Any, turn: Any) -> Any:
        nonlocal attempts
        attempts += 1
        raise Conflict

    actor = Actor(services=api.gateway.services, request_id="test")
    request = request_to(actor, Action.CREATE, "accounts")
    with pytest.raises(Conflict):
        await account_tree.in_turn(always_late)(request)
    assert attempts == 3
    await api.create_account("Next")


async def test_the_trees_revision_is_told_to_nobody(api: Api) -> None:
    await api.create_account("A")
    numbered = await api.gateway.services.store.events(0)
    events: list[Event] = [event for _, event in numbered]
    assert {event.key.doc_type for event in events} == {"account", "user"}


@pytest.mark.parametrize("noun", ["users", "messages", "lists"])
async def test_what_is_written_while_its_account_is_deleted_does_not_stay_behind(
    api: Api, monkeypatch: pytest.MonkeyPatch, noun: str
) -> None:
    account_id = await api.create_account("Doomed")
    path = path_of(account_id)
    box = (await api.put(f"{path}/vmboxes", FIELDS["vmboxes"])).expect(201).data["id"]
    tail = f"vmboxes/{box}/messages" if noun == "messages" else noun
    store = api.gateway.services.store
    commit, late = store.commit, [account_id]

    async def overtaken(batch: Batch) -> int:
        if late and batch.puts[0].key.account_id == late[0]:
            (await api.delete(path_of(late.pop()))).expect(200)
        return await commit(batch)

    monkeypatch.setattr(store, "commit", overtaken)
    answer = await api.put(f"{path}/{tail}", FIELDS.get(noun, {}))
    assert answer.expect(404).data == {"message": "bad identifier", "cause": account_id}
    assert late == []
    for doc_type in ("user", "mailbox_message", "list"):
        assert await store.count(Span(account_id=account_id, doc_type=doc_type)) == 0
