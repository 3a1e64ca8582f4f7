"""Lists of an account's numbers, and searches for numbers to be had."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import pytest

from tests.conftest import Api
from tests.families.numbers.support import M, N, path, stock, tenant
from tests.families.porting.support import make_port, move
from tests.families.support import refusal

BLOCK = [f"+1415555{at:04}" for at in range(30)]


async def own(api: Api, account: str, *numbers: str, **fields: Any) -> None:
    for number in numbers:
        (await api.put(path(account, f"/{number}"), fields)).expect(201)


async def listed(api: Api, account: str, query: str = "") -> dict[str, Any]:
    answer = (await api.get(path(account, query))).expect(200)
    found: dict[str, Any] = answer.data["numbers"]
    return found


async def test_an_account_without_numbers_has_an_empty_list(api: Api) -> None:
    answer = (await api.get(path(api.master.account_id))).expect(200)
    assert answer.data == {"numbers": {}, "cascade_quantity": 0}
    assert answer.body["page_size"] == 0


async def test_pages_of_numbers_follow_each_other(api: Api) -> None:
    account = api.master.account_id
    await own(api, account, *BLOCK[:5])
    first = (await api.get(path(account, "?page_size=3&ascending=true"))).expect(200)
    assert list(first.data["numbers"]) == BLOCK[:3]
    assert first.body["page_size"] == 3
    key = first.body["next_start_key"]
    rest = (await api.get(path(account, f"?page_size=3&ascending=true&start_key={key}"))).expect(
        200
    )
    assert list(rest.data["numbers"]) == BLOCK[3:5]
    assert "next_start_key" not in rest.body
    from_number = await listed(api, account, f"?ascending=true&start_key={BLOCK[4]}")
    assert list(from_number) == [BLOCK[4]]
    assert len(await listed(api, account, "?paginate=false")) == 5


async def test_a_list_in_chunks_is_an_object_all_the_same(api: Api) -> None:
    account = api.master.account_id
    await own(api, account, N)
    assert set(await listed(api, account, "?is_chunked=true")) == {N}


async def test_numbers_are_filtered_by_what_lists_show(api: Api) -> None:
    account = api.master.account_id
    await own(api, account, N)
    await own(api, account, M, create_with_state="reserved")
    await own(api, account, "+14155550102", create_with_state="port_in")
    some = '?filter_state=["in_service","port_in"]&paginate=false'
    assert set(await listed(api, account, some)) == {N, "+14155550102"}
    assert set(await listed(api, account, "?filter_state=reserved")) == {M}
    assert set(await listed(api, account, f"?filter_assigned_to={account}")) == set(
        await listed(api, account)
    )
    (await api.put(f"{api.account}/callflows", {"numbers": [N]})).expect(201)
    assert set(await listed(api, account, "?filter_used_by=callflow")) == {N}
    assert set(await listed(api, account, "?filter_pvt_state=reserved")) == set()


async def test_numbers_of_the_accounts_below_are_counted(api: Api) -> None:
    below, _ = await tenant(api)
    deeper, _ = await tenant(api, "Deeper", below)
    await own(api, below, N)
    await own(api, deeper, M)
    answer = (await api.get(path(api.master.account_id))).expect(200)
    assert answer.data == {"numbers": {}, "cascade_quantity": 2}
    assert (await api.get(path(below))).expect(200).data["cascade_quantity"] == 1


@pytest.mark.parametrize("how", ["header", "query"])
async def test_numbers_as_a_table(api: Api, how: str) -> None:
    account = api.master.account_id
    await own(api, account, N)
    query, headers = ("?accept=csv", {}) if how == "query" else ("", {"Accept": "text/csv"})
    answer = (await api.get(path(account, query), headers=headers)).expect(200)
    [row] = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["number"], row["state"]) == (N, "in_service")


async def test_numbers_that_are_ported_in_are_listed_and_are_nobody_elses(
    api: Api,
) -> None:
    account = api.master.account_id
    port_id = await make_port(api, api.account, numbers={M: {}})
    await move(api, f"{api.account}/port_requests/{port_id}", "submitted")
    await own(api, account, N)
    rows = await listed(api, account)
    ported = {name: rows[M][name] for name in ("state", "features", "assigned_to")}
    assert ported == {"state": "port_in", "features": [], "assigned_to": account}
    assert (rows[M]["port_id"], rows[M]["port_state"]) == (port_id, "submitted")
    assert set(await listed(api, account, "?include_ports=false")) == {N}
    assert set(await listed(api, account, "?filter_state=in_service")) == {N}
    taken = (await api.put(path(account, f"/{M}"))).expect(400)
    assert taken.body["message"] == "number_is_porting"
    found = (await api.get(path(account, f"/{M}/identify"))).expect(200).data
    assert found == {"account_id": account, "number": M}
    stranger, token = await tenant(api)
    (await api.get(path(stranger, f"/{M}/identify"), token=token)).expect(404)


async def search(api: Api, account: str, query: str, **more: Any) -> Sequence[str]:
    answer = (await api.get(path(account, f"?{query}"), **more)).expect(200)
    assert all(row.keys() == {"number", "state"} for row in answer.data)
    return [row["number"] for row in answer.data]


async def test_a_search_goes_through_the_inventory_in_one_order(api: Api) -> None:
    await stock(api, *BLOCK, "+442071838750")
    account = api.master.account_id
    assert await search(api, account, "prefix=415") == BLOCK[:1]
    assert await search(api, account, "prefix=415&quantity=10") == BLOCK[:10]
    assert await search(api, account, "prefix=415&quantity=10&offset=10") == BLOCK[10:20]
    assert await search(api, account, "prefix=415&quantity=100&offset=25") == BLOCK[25:]
    assert await search(api, account, "prefix=4155550029&quantity=3") == [BLOCK[29]]
    assert await search(api, account, "prefix=212&quantity=3") == []
    assert await search(api, account, "prefix=207&country=GB") == ["+442071838750"]


async def test_what_is_reserved_for_the_account_or_its_reseller_is_found_first(api: Api) -> None:
    await stock(api, *BLOCK[:4])
    reseller, _ = await tenant(api, "Reseller")
    (await api.put(f"/v2/accounts/{reseller}/reseller")).expect(201)
    account, token = await tenant(api, "Customer", reseller)
    (await api.put(path(account, f"/{BLOCK[3]}/reserve"))).expect(201)
    (await api.put(path(reseller, f"/{BLOCK[2]}/reserve"))).expect(201)
    found = await search(api, account, "prefix=415&quantity=9", token=token)
    assert found == [BLOCK[3], BLOCK[2], BLOCK[0], BLOCK[1]]
    more = await search(api, account, "prefix=415&quantity=2&offset=1", token=token)
    assert more == [BLOCK[2], BLOCK[0]]


@pytest.mark.parametrize(
    ("query", "field", "rule"),
    [
        ("prefix=41", "prefix", "minLength"),
        ("prefix=41555500001", "prefix", "maxLength"),
        ("prefix=415&quantity=0", "quantity", "minimum"),
        ("prefix=415&country=USA", "country", "maxLength"),
        ("prefix=415&country=XX", "country", "invalid"),
        ("prefix=abc", "prefix", "invalid"),
        ("prefix=415&offset=-1", "offset", "invalid"),
        ("prefix=415&offset=10001", "offset", "invalid"),
    ],
)
async def test_a_search_that_makes_no_sense_is_refused(
    api: Api, query: str, field: str, rule: str
) -> None:
    refusal(await api.get(path(api.master.account_id, f"?{query}")), field, rule)


@pytest.mark.parametrize("overrides", [{"numbers.maximum_search_quantity": 3}])
async def test_a_search_finds_so_many_at_most(api: Api) -> None:
    await stock(api, *BLOCK)
    assert await search(api, api.master.account_id, "prefix=415&quantity=9") == BLOCK[:3]


async def test_strangers_find_nothing_unless_it_is_allowed(api: Api) -> None:
    await stock(api, *BLOCK)
    numbers = "/v2/phone_numbers?prefix=415"
    for query in ("", f"&reseller_id={api.master.account_id}"):
        answer = (await api.get(f"{numbers}{query}", token="")).expect(404)
        assert answer.data["message"] == "number search restricted"
    found = (await api.get(numbers)).expect(200).data
    assert [row["number"] for row in found] == BLOCK[:1]


@pytest.mark.parametrize("overrides", [{"numbers.unauthorized_lookup": True}])
async def test_strangers_find_what_resellers_have_to_give(api: Api) -> None:
    await stock(api, *BLOCK)
    account, _ = await tenant(api)
    numbers = "/v2/phone_numbers?prefix=415&reseller_id="
    found = (await api.get(f"{numbers}{api.master.account_id}", token="")).expect(200).data
    assert found == [{"number": BLOCK[0], "state": "available"}]
    for nobody in (account, "0" * 32):
        answer = (await api.get(f"{numbers}{nobody}", token="")).expect(404)
        assert answer.data["message"] == "nonexistent reseller_id"


async def test_without_a_phone_book_nobody_knows_places(api: Api) -> None:
    account = api.master.account_id
    for prefix in ("/v2/phone_numbers/prefix", path(account, "/prefix")):
        assert (await api.get(prefix)).expect(404).body["message"] == "bad_identifier"
        answer = (await api.get(f"{prefix}?city=Austin", token="")).expect(503)
        assert answer.body["message"] == "init failed"
    answer = (await api.post(path(account, "/locality"), {"numbers": [N]})).expect(503)
    assert answer.body["message"] == "could not get locality url"
