"""The life of a number: made, bought, kept, given back, and whose it is meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api
from tests.families.numbers.support import M, N, path, state_of, stock, tenant, told
from tests.families.support import refusal, set_private


async def test_a_number_from_its_making_to_its_end(api: Api) -> None:
    account = api.master.account_id
    made = (await api.put(path(account, f"/{N}"), {"name": "Desk"})).expect(201).data
    assert (made["id"], made["state"], made["name"]) == (N, "in_service", "Desk")
    assert made["features"] == []
    told(await api.put(path(account, f"/{N}")), 409, "number_exists")
    assert (await api.get(path(account, "/4155550100"))).expect(200).data == made
    listed = (await api.get(path(account))).expect(200).data
    assert listed["cascade_quantity"] == 0
    assert listed["numbers"][N] == {
        "state": "in_service",
        "assigned_to": account,
        "features": [],
        "features_available": ["carrier_name", "force_outbound", "prepend", "ringback"],
        "created": made["_read_only"]["created"],
        "updated": made["_read_only"]["modified"],
    }
    sent = {**made, "name": "Door"}
    assert (await api.post(path(account, f"/{N}"), sent)).expect(200).data["name"] == "Door"
    prepend = {"enabled": True, "name": "x"}
    patched = (await api.patch(path(account, f"/{N}"), {"prepend": prepend})).expect(200).data
    assert (patched["name"], patched["features"]) == ("Door", ["prepend"])
    assert patched["_read_only"]["features"]["settings"] == {"prepend": prepend}
    gone = (await api.delete(path(account, f"/{N}"))).expect(200).data
    assert (gone["state"], gone["_read_only"]["is_deleted"]) == ("deleted", True)
    missing = (await api.get(path(account, f"/{N}"))).expect(404)
    assert missing.data == {
        "message": "bad identifier",
        "not_found": "The number could not be found",
    }


async def test_what_is_no_full_number_is_told_so(api: Api) -> None:
    answer = await api.get(path(api.master.account_id, "/2001"))
    assert told(answer, 404, "not_reconcilable")["cause"] == "2001"


async def test_a_number_of_the_inventory_is_bought_and_given_back(api: Api) -> None:
    await stock(api, N)
    account, token = await tenant(api)
    bought = await api.put(
        path(account, f"/{N}/activate"), {"cnam": {"display_name": "Ann"}}, token=token
    )
    data = bought.expect(201).data
    assert (data["state"], data["features"]) == ("in_service", ["outbound_cnam"])
    assert data["_read_only"]["carrier_module"] == "knm_managed"
    again = await api.put(path(account, f"/{N}/activate"), token=token)
    assert again.expect(201).data == data
    released = (await api.delete(path(account, f"/{N}"), token=token)).expect(200).data
    assert (released["state"], released["features"]) == ("available", [])
    assert "cnam" not in released
    other, token = await tenant(api, "Other")
    (await api.put(path(other, f"/{N}/activate"), token=token)).expect(201)


async def test_a_number_that_nobody_offers_is_not_found(api: Api) -> None:
    account, token = await tenant(api)
    for action in ("activate", "reserve"):
        assert (await api.put(path(account, f"/{N}/{action}"), token=token)).expect(404).data == {
            "message": "bad identifier",
            "not_found": "The number could not be found",
        }


async def test_numbers_of_others_are_neither_seen_nor_touched(api: Api) -> None:
    await stock(api, N)
    owner, theirs = await tenant(api, "Owner")
    (await api.put(path(owner, f"/{N}/activate"), token=theirs)).expect(201)
    account, token = await tenant(api)
    (await api.get(path(account, f"/{N}"), token=token)).expect(404)
    (await api.get(path(account, f"/{N}/identify"), token=token)).expect(404)
    for verb, tail in (
        ("POST", ""), ("PATCH", ""), ("DELETE", ""), ("PUT", "/activate"), ("PUT", "/reserve"),
    ):  # fmt: skip
        answer = await api.request(verb, path(account, f"/{N}{tail}"), {}, token=token)
        told(answer, 403, "forbidden")
    (await api.patch(path(owner, f"/{N}"), {"name": "x"})).expect(200)  # who is above may


async def test_who_may_create_numbers_and_in_which_states(api: Api) -> None:
    account, token = await tenant(api)

    async def create(number: str, state: str, **more: Any) -> int:
        sent = {"create_with_state": state}
        return (await api.put(path(account, f"/{number}"), sent, **more)).status

    assert await create(N, "in_service", token=token) == 403
    assert await create(N, "port_in", token=token) == 201
    await set_private(api, account, pvt_wnm_allow_additions=True)
    assert await create("+14155550110", "in_service", token=token) == 201
    assert await create("+14155550111", "reserved", token=token) == 201
    assert await create("+14155550112", "available", token=token) == 403
    assert await create("+14155550112", "available") == 201
    assert await create("+14155550113", "aging") == 201
    assert await create("+14155550114", "deleted") == 403
    states = (await api.get(path(account, "/carriers_info"), token=token)).expect(200).data
    assert states == {
        "maximal_prefix_length": 10,
        "usable_carriers": ["local", "managed"],
        "usable_creation_states": ["in_service", "port_in", "reserved"],
    }
    answer = await api.put(path(account, "/+14155550119"), {"create_with_state": "lost"})
    refusal(answer, "create_with_state", "enum")


async def test_a_number_on_its_way_in_is_put_in_service_by_operators_alone(api: Api) -> None:
    account, token = await tenant(api)
    made = await api.put(path(account, f"/{N}/port"), token=token)
    assert made.expect(201).data["state"] == "port_in"
    told(await api.put(path(account, f"/{N}/activate"), token=token), 403, "forbidden")
    thief, theirs = await tenant(api, "Thief")
    told(await api.put(path(thief, f"/{N}/port"), token=theirs), 409, "number_exists")
    (await api.put(path(account, f"/{N}/activate"))).expect(201)


async def test_a_reserved_number_returns_to_who_had_reserved_it(api: Api) -> None:
    await stock(api, N)
    reseller, theirs = await tenant(api, "Reseller")
    account, token = await tenant(api, "Customer", reseller)
    stranger, strange = await tenant(api, "Stranger")
    kept = await api.put(path(reseller, f"/{N}/reserve"), token=theirs)
    assert kept.expect(201).data["state"] == "reserved"
    told(await api.put(path(reseller, f"/{N}/reserve"), token=theirs), 400, "no_change_required")
    told(await api.put(path(stranger, f"/{N}/activate"), token=strange), 403, "forbidden")
    (await api.get(path(account, f"/{N}"), token=token)).expect(200)
    (await api.put(path(account, f"/{N}/activate"), token=token)).expect(201)
    back = (await api.delete(path(account, f"/{N}"), token=token)).expect(200).data
    assert (back["state"], back["_read_only"]["assigned_to"]) == ("reserved", reseller)
    freed = (await api.delete(path(reseller, f"/{N}"), token=theirs)).expect(200).data
    assert freed["state"] == "available"
    assert "assigned_to" not in freed["_read_only"]


async def test_a_number_that_moves_leaves_its_fields_behind(api: Api) -> None:
    first, _ = await tenant(api, "First")
    second, _ = await tenant(api, "Second")
    (await api.put(path(first, f"/{N}"), {"name": "Home of Ann"})).expect(201)
    moved = (await api.put(path(second, f"/{N}/activate"))).expect(201).data
    assert "name" not in moved
    assert moved["_read_only"]["assigned_to"] == second


async def test_states_do_not_change_as_one_likes(api: Api) -> None:
    await stock(api, N)
    account = api.master.account_id
    data = told(await api.delete(path(account, f"/{N}")), 400, "invalid_state_transition")
    assert data["cause"] == "from available to released"
    sent = {"create_with_state": "port_in"}
    data = told(await api.put(path(account, f"/{N}"), sent), 400, "invalid_state_transition")
    assert data["cause"] == "from available to port_in"
    (await api.put(path(account, f"/{M}"), {"create_with_state": "aging"})).expect(201)
    told(await api.put(path(account, f"/{M}/reserve")), 400, "invalid_state_transition")


async def test_an_operator_removes_a_number_for_good(api: Api) -> None:
    await stock(api, N)
    account, token = await tenant(api)
    (await api.put(path(account, f"/{N}/activate"), token=token)).expect(201)
    released = await api.delete(path(account, f"/{N}?hard=true"), token=token)
    assert released.expect(200).data["state"] == "available"
    removed = await api.delete(path(account, f"/{N}?hard=true"))
    assert removed.expect(200).data["state"] == "deleted"
    assert await state_of(api, account, N) is None


async def test_a_write_that_names_another_revision_is_refused(api: Api) -> None:
    account = api.master.account_id
    made = (await api.put(path(account, f"/{N}"))).expect(201)
    stale = {"If-Match": made.headers.get("ETag") or f'"{made.body["revision"]}"'}
    (await api.patch(path(account, f"/{N}"), {"name": "a"}, headers=stale)).expect(200)
    (await api.patch(path(account, f"/{N}"), {"name": "b"}, headers=stale)).expect(412)


@pytest.mark.parametrize(
    ("overrides", "state"),
    [
        ({"numbers.should_age": True}, "aging"),
        ({"numbers.released_state": "released"}, "released"),
        ({"numbers.permanently_delete": True}, "deleted"),
    ],
)
async def test_settings_say_what_becomes_of_a_number(api: Api, state: str) -> None:
    await stock(api, N)
    account = api.master.account_id
    (await api.put(path(account, f"/{N}/activate"))).expect(201)
    assert (await api.delete(path(account, f"/{N}"))).expect(200).data["state"] == state


async def test_the_numbers_of_a_deleted_account_are_offered_again(api: Api) -> None:
    await stock(api, N)
    account, token = await tenant(api)
    (await api.put(path(account, f"/{N}/activate"), {"name": "x"}, token=token)).expect(201)
    (await api.put(path(account, f"/{M}"))).expect(201)
    (await api.delete(f"/v2/accounts/{account}")).expect(200)
    read = (await api.get(path(api.master.account_id, f"/{N}"))).expect(200).data
    assert read["state"] == "available"
    assert "name" not in read
    assert await state_of(api, api.master.account_id, M) is None
    (await api.put(path(api.master.account_id, f"/{N}/activate"))).expect(201)


async def test_who_is_above_the_owner_learns_whose_a_number_is(api: Api) -> None:
    account, _ = await tenant(api)
    (await api.put(path(account, f"/{N}"))).expect(201)
    identify = path(api.master.account_id, f"/{N}/identify")
    facts = {"account_id": account, "number": N}
    assert (await api.get(identify)).expect(200).data == facts
    (await api.patch(f"/v2/accounts/{account}", {"enabled": False})).expect(200)
    answer = (await api.get(identify)).expect(400)
    assert answer.body["message"] == "client error"
    assert answer.data == {"cause": "account_disabled", **facts}
    (await api.put(path(account, f"/{M}"), {"create_with_state": "reserved"})).expect(201)
    reserved = (await api.get(path(account, f"/{M}/identify"))).expect(400)
    assert reserved.data == {"cause": "not_in_service", "account_id": account, "number": M}


@pytest.mark.parametrize("overrides", [{"numbers.released_state": "released"}])
async def test_a_released_number_waits_for_an_operator(api: Api) -> None:
    await stock(api, N)
    account, token = await tenant(api)
    number = path(account, f"/{N}")
    (await api.put(f"{number}/activate", token=token)).expect(201)
    (await api.delete(number, token=token)).expect(200)
    data = told(await api.put(f"{number}/activate"), 400, "invalid_state_transition")
    assert data["cause"] == "from released to in_service"
    (await api.get(number, token=token)).expect(404)


async def test_an_ageing_number_is_made_anew_by_operators(api: Api) -> None:
    account, token = await tenant(api)
    number = path(account, f"/{N}")
    (await api.put(number, {"create_with_state": "aging"})).expect(201)
    told(await api.put(f"{number}/activate", token=token), 403, "forbidden")
    (await api.put(number, {"create_with_state": "aging"})).expect(201)
    refused = await api.put(number, {"create_with_state": "available"})
    assert told(refused, 400, "invalid_state_transition")["cause"] == "from aging to available"
    made = await api.put(number, {"create_with_state": "in_service"})
    assert made.expect(201).data["_read_only"]["assigned_to"] == account


async def test_nobody_changes_a_number_of_the_inventory_but_operators(api: Api) -> None:
    await stock(api, N)
    account, token = await tenant(api)
    number = path(account, f"/{N}")
    told(await api.patch(number, {"name": "x"}, token=token), 403, "forbidden")
    assert (await api.patch(number, {"name": "x"})).expect(200).data["name"] == "x"
