"""The actions that KAZOO publishes: numbers, rates, selectors, quantities, calls, compaction."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api
from tests.families.billing.support import balance, customer, pay_in
from tests.families.switch.support import call, teller
from tests.families.tasks.support import done, table

FIRST, SECOND = "+14155550100", "+14155550101"


async def numbers(api: Api, action: str, *rows: dict[str, Any], **options: Any) -> Any:
    return await done(api, "number_management", action, table(*rows), **options)


async def number(api: Api, raw: str, path: str = "") -> Any:
    answer = await api.get(f"{path or api.account}/phone_numbers/{raw.replace('+', '%2B')}")
    return answer.data if answer.status == 200 else None


async def test_numbers_are_made_found_and_listed(api: Api) -> None:
    rows = (
        {"e164": FIRST, "state": "reserved", "prepend.enabled": "true", "opaque.note": "x"},
        {"e164": SECOND, "state": "", "prepend.enabled": "", "opaque.note": ""},
    )
    told, (first, second) = await numbers(api, "import", *rows)
    assert told["status"] == "success"
    assert (first["e164"], first["state"], second["state"]) == (FIRST, "reserved", "in_service")
    assert first["account_id"] == api.master.account_id
    assert first["account_name"] == api.master.account_name
    assert first["carrier_module"] == "knm_local"
    assert (await number(api, FIRST))["note"] == "x"
    assert (await number(api, FIRST))["prepend"] == {"enabled": True}
    told, (found,) = await numbers(api, "find", {"e164": FIRST})
    assert (found["state"], found["prepend.enabled"]) == ("reserved", "true")
    for action in ("list", "list_all", "dump"):
        told, listed = await done(api, "number_management", action)
        assert [row["e164"] for row in listed] == [FIRST, SECOND]
    _, dumped = await done(api, "number_management", "dump_reserved")
    assert [row["e164"] for row in dumped] == [FIRST]


async def test_numbers_that_are_none_and_those_that_are_taken(api: Api) -> None:
    rows = (
        {"e164": "14155550100", "account_id": "", "force_outbound": "maybe"},
        {"e164": FIRST, "account_id": "nobody", "force_outbound": ""},
        {"e164": FIRST, "account_id": "", "force_outbound": ""},
        {"e164": FIRST, "account_id": "", "force_outbound": ""},
    )
    told, found = await numbers(api, "import", *rows)
    assert told["status"] == "partial"
    assert [row["error"] for row in found] == [
        "bad field(s) e164 force_outbound",
        "bad field(s) account_id",
        "",
        "number already exists",
    ]


async def test_numbers_are_given_changed_and_given_back(api: Api) -> None:
    shop = await api.create_account("Shop")
    path = f"/v2/accounts/{shop}"
    await numbers(api, "import", {"e164": FIRST, "state": "reserved"})
    told, (row,) = await numbers(api, "assign_to", {"e164": FIRST, "account_id": shop})
    assert (row["state"], row["account_id"], row["account_name"]) == ("in_service", shop, "Shop")
    told, (row,) = await numbers(api, "update_merge", {"e164": FIRST, "prepend.name": "Shop"})
    assert row["prepend.name"] == "Shop"
    told, (row,) = await numbers(api, "update_merge", {"e164": FIRST, "prepend.name": "Shop"})
    assert (told["status"], row["prepend.name"]) == ("success", "Shop")
    told, (row,) = await numbers(api, "update_overwrite", {"e164": FIRST, "ringback.early": "a"})
    assert (await number(api, FIRST, path))["ringback"] == {"early": "a"}
    assert "prepend" not in await number(api, FIRST, path)
    told, (row,) = await numbers(api, "reserve", {"e164": FIRST, "account_id": shop})
    assert row["state"] == "reserved"
    told, (row,) = await numbers(api, "release", {"e164": FIRST})
    assert told["status"] == "success", row
    told, (row,) = await numbers(api, "delete", {"e164": FIRST})
    assert told["status"] == "success", row
    assert await number(api, FIRST, path) is None


async def test_the_numbers_of_all_are_for_operators(api: Api) -> None:
    shop = await api.create_account("Shop")
    options: dict[str, Any] = {
        "path": f"/v2/accounts/{shop}",
        "token": await api.account_token(shop),
    }
    await numbers(api, "import", {"e164": FIRST})
    told, rows = await done(api, "number_management", "dump", **options)
    assert (told["status"], rows) == ("success", [])
    told, (row,) = await numbers(api, "import", {"e164": SECOND}, **options)
    assert row["error"] == "requestor is unauthorized to perform operation"
    told, (row,) = await numbers(api, "find", {"e164": FIRST}, **options)
    assert told["status"] == "failure"


async def test_rates_are_made_written_out_and_removed(api: Api) -> None:
    rows = [
        {"prefix": "49", "rate_cost": "0.0125", "direction": "outbound", "ratedeck_id": ""},
        {"prefix": "1", "rate_cost": "0.01", "direction": "", "ratedeck_id": "gold"},
        {"prefix": "x", "rate_cost": "0.01", "direction": "", "ratedeck_id": ""},
        {"prefix": "44", "rate_cost": "1", "direction": "", "ratedeck_id": "a b"},
    ]
    told, found = await done(api, "rates", "import", table(*rows))
    assert (told["status"], told["success_count"], told["failure_count"]) == ("partial", 2, 2)
    assert [row["prefix"] for row in found] == ["49", "1", "x", "44"]
    assert [bool(row["error"]) for row in found] == [False, False, True, True]
    assert found[3]["error"].startswith("ratedeck_id: ")
    listed = (await api.get("/v2/rates?ratedeck_id=gold")).expect(200).data
    assert [(rate["prefix"], rate["cost"]) for rate in listed] == [(1, 0.01)]
    told, written = await done(api, "rates", "export")
    assert [(row["prefix"], row["rate_cost"], row["ratedeck_id"]) for row in written] == [
        ("1", "0.01", "gold"),
        ("49", "0.0125", "ratedeck"),
    ]
    gone = [{"prefix": "49", "rate_cost": cost} for cost in ("9", "0.0125", "0.0125")]
    told, found = await done(api, "rates", "delete", table(*gone))
    missing = "there is no such rate"
    assert [row["error"] for row in found] == [missing, "", missing]
    assert (await api.get("/v2/rates")).expect(200).data == []


async def test_what_is_written_of_rates_is_read_again(api: Api) -> None:
    rows = [{"prefix": "49", "rate_cost": "0.0125", "description": "=1+1", "routes": "^49.+$;^0"}]
    await done(api, "rates", "import", table(*rows))
    before = (await api.get("/v2/rates?full_docs=true")).expect(200).data
    _, written = await done(api, "rates", "export")
    await done(api, "rates", "delete", table({"prefix": "49"}))
    await done(api, "rates", "import", table(*written))
    assert (await api.get("/v2/rates?full_docs=true")).expect(200).data == before


@pytest.mark.parametrize("action", ["import", "delete", "export"])
async def test_rates_are_for_operators(api: Api, action: str) -> None:
    shop = await api.create_account("Shop")
    content = b"" if action == "export" else table({"prefix": "49", "rate_cost": "1"})
    options: dict[str, Any] = {
        "path": f"/v2/accounts/{shop}",
        "token": await api.account_token(shop),
    }
    told, (row,) = await done(api, "rates", action, content, **options)
    assert (told["status"], row["error"]) == ("failure", "task execution is forbidden")


async def test_selectors_are_made_and_removed(api: Api) -> None:
    rows = [
        {"name": "cities", "selector": city, "resource": "carrier", "value": "5"}
        for city in ("Berlin", "Bonn", "Berlin")
    ]
    told, _ = await done(api, "resource_selectors", "import", table(*rows))
    assert told["status"] == "success"
    told, found = await done(api, "resource_selectors", "delete", table(*rows))
    assert [row["error"] for row in found] == ["", "", "there is no such selector"]
    assert (await api.get(f"{api.account}/resource_selectors")).expect(200).data == []


async def test_what_accounts_below_have_is_told(api: Api) -> None:
    shop = await api.create_account("Shop")
    await api.create_account("Nothing in it")
    (await api.put(f"/v2/accounts/{shop}/devices", {"name": "Desk"})).expect(201)
    _told, rows = await done(api, "services", "descendant_quantities")
    assert rows == [
        {
            "account_id": shop,
            "year": "2027",
            "month": "01",
            "category": "devices",
            "item": "sip_device",
            "quantity_eom": "1",
        }
    ]


async def test_the_calls_of_the_month_are_written_out(api: Api) -> None:
    switch = await teller(api)
    for name in ("one", "two"):
        await switch.tell("cdr", call(name))
    told, rows = await done(api, "billing", "dump")
    assert (told["status"], told["success_count"]) == ("success", 2)
    assert {row["call_id"] for row in rows} == {"one", "two"}
    listed = (await api.get(f"{api.account}/cdrs?ascending=true")).expect(200).data
    assert [row["id"] for row in rows] == [row["id"] for row in listed]


async def test_compaction_says_why_there_is_none(api: Api) -> None:
    told, (row,) = await done(api, "compaction", "compact_all")
    assert (told["status"], row["error"]) == (
        "failure",
        "there is nothing to compact: this store frees space by itself",
    )
    told, (row,) = await done(api, "compaction", "compact_db", table({"database": "accounts"}))
    assert row["error"].startswith("there is nothing to compact")
    shop = await api.create_account("Shop")
    options: dict[str, Any] = {
        "path": f"/v2/accounts/{shop}",
        "token": await api.account_token(shop),
    }
    told, (row,) = await done(api, "compaction", "compact_all", **options)
    assert row["error"] == "compaction is only allowed by system administrators"
    told, (row,) = await done(api, "compaction", "compact_node", table({"node": "a"}), **options)
    assert row["error"] == "compaction is only allowed by system administrators"


async def test_charges_are_accepted_for_all_rows_or_for_none(api: Api) -> None:
    path = await customer(api)
    await pay_in(api, path, 2)
    rows = table(*({"first_name": name, "last_name": "Lee"} for name in ("Ann", "Bob", "Cid")))
    _, found = await done(api, "users", "import", rows, path=path)
    assert [row["error"] for row in found] == ["accept_charges"] * 3
    accepted = {"path": path, "query": "&accept_charges=true"}
    _told, found = await done(api, "users", "import", rows, **accepted)
    assert [bool(row["error"]) for row in found] == [False, False, True]
    assert await balance(api, path) == 0
