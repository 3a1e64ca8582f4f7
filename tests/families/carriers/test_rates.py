"""Rates: their ids, their decks, their prices, and which one is a number's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api
from tests.families.carriers.support import configure
from tests.families.support import refusal

RATES = "/v2/rates"


async def make_rate(api: Api, prefix: int, cost: Any = 0.01, **more: Any) -> str:
    """A rate; its id."""
    data = {"prefix": prefix, "rate_cost": cost, **more}
    created: str = (await api.put(RATES, data)).expect(201).data["id"]
    return created


async def rated(api: Api, number: str, query: str = "") -> Any:
    """What a call to a number costs."""
    return (await api.get(f"{RATES}/number/{number}{query}")).expect(200).data


async def test_a_rate_is_named_after_country_prefix_and_suffix(api: Api) -> None:
    assert await make_rate(api, 1415, iso_country_code="US", rate_suffix="mobile") == (
        "US-1415-mobile"
    )
    assert await make_rate(api, 49) == "XX-49"


async def test_a_rate_is_read_changed_and_deleted_and_made_again(api: Api) -> None:
    rate_id = await make_rate(api, 49, 0.0123, description="Germany")
    path = f"{RATES}/{rate_id}"
    read = (await api.get(path)).expect(200).data
    assert read["routes"] == [r"^\+?49.+$"]
    assert (read["rate_cost"], read["ratedeck_id"]) == (0.0123, "ratedeck")
    await api.patch(path, {"rate_cost": 0.02})
    assert (await api.get(path)).expect(200).data["rate_cost"] == 0.02
    sent = {"prefix": 49, "rate_cost": 0.03, "direction": "outbound"}
    replaced = (await api.post(path, sent)).expect(200).data
    assert replaced["direction"] == ["outbound"]
    assert "description" not in replaced
    assert (await api.delete(path)).expect(200).data["_read_only"]["deleted"] is True
    missing = (await api.get(path)).expect(404)
    assert missing.data["cause"] == rate_id
    assert await make_rate(api, 49) == rate_id


async def test_a_rate_that_there_is_is_not_made_again(api: Api) -> None:
    await make_rate(api, 49)
    (await api.put(RATES, {"prefix": 49, "rate_cost": 1})).expect(409)


async def test_decks_are_kept_apart(api: Api) -> None:
    await make_rate(api, 49, 0.01)
    await make_rate(api, 49, 0.02, ratedeck_id="gold")
    await make_rate(api, 44, 0.03, ratedeck_id="gold-plus")
    decks = (await api.get(f"{RATES}/ratedecks")).expect(200).data
    assert decks == {
        "default_ratedeck": "ratedeck",
        "ratedecks": ["gold", "gold-plus", "ratedeck"],
    }
    for deck in ("gold", "ratedeck-gold"):
        rows = (await api.get(f"{RATES}?ratedeck_id={deck}")).expect(200).data
        assert rows == [{"id": "XX-49", "prefix": 49, "cost": 0.02}]
        assert (await rated(api, "+4930123456", f"?ratedeck_id={deck}"))["Base-Cost"] == 0.02
    assert (await api.get(f"{RATES}/XX-49?ratedeck_id=gold")).expect(200).data["rate_cost"] == 0.02
    (await api.delete(f"{RATES}/XX-49?ratedeck_id=gold")).expect(200)
    assert (await api.get(f"{RATES}/XX-49")).expect(200).data["rate_cost"] == 0.01


@pytest.mark.parametrize("deck", ["a/b", "ä", "x" * 65])
async def test_the_name_of_a_deck_is_plain(api: Api, deck: str) -> None:
    sent = {"prefix": 1, "rate_cost": 1, "ratedeck_id": deck}
    refusal(await api.put(RATES, sent), "ratedeck_id", "pattern")


@pytest.mark.parametrize("cost", [-1, 1e7, 0.0000001, 1e300])
async def test_a_price_is_exact_or_refused(api: Api, cost: float) -> None:
    answer = await api.put(RATES, {"prefix": 1, "rate_cost": cost})
    assert "rate_cost" in answer.expect(400).data


@pytest.mark.parametrize("prefix", [0, -1, 10**15])
async def test_a_prefix_is_digits_that_a_number_can_begin_with(api: Api, prefix: int) -> None:
    refusal(await api.put(RATES, {"prefix": prefix, "rate_cost": 1}), "prefix", "invalid")


async def test_routes_are_expressions(api: Api) -> None:
    sent = {"prefix": 1, "rate_cost": 1, "routes": ["^1", "(?<=a)"]}
    refusal(await api.put(RATES, sent), "routes.1", "invalid")
    sent["routes"] = ["^1"] * 21
    refusal(await api.put(RATES, sent), "routes", "maxItems")


async def test_the_longest_prefix_wins(api: Api) -> None:
    for prefix in (1, 1415, 14155, 1416, 14156, 2):
        await make_rate(api, prefix, prefix / 1_000_000)
    assert (await rated(api, "+14155550100"))["Prefix"] == "14155"
    assert (await rated(api, "+14145550100"))["Prefix"] == "1"
    assert (await rated(api, "14165550100"))["Prefix"] == "1416"


async def test_what_is_told_of_a_rated_call(api: Api) -> None:
    await make_rate(
        api,
        49,
        0.0123,
        rate_name="DE",
        description="Germany",
        rate_surcharge=0.5,
        rate_increment=6,
        rate_minimum=30,
    )
    assert await rated(api, "+4930123456") == {
        "Base-Cost": 0.50615,
        "E164-Number": "+4930123456",
        "Prefix": "49",
        "Rate": "123",
        "Rate-Description": "Germany",
        "Rate-ID": "XX-49",
        "Rate-Increment": "6",
        "Rate-Minimum": "30",
        "Rate-Name": "DE",
        "Ratedeck-ID": "ratedeck",
        "Surcharge": "5000",
    }


async def test_a_number_without_a_rate_is_not_found(api: Api) -> None:
    await make_rate(api, 49)
    await make_rate(api, 5)
    answer = (await api.get(f"{RATES}/number/+14155550100")).expect(404)
    assert answer.body["message"] == "No rate found for this number"


async def test_what_is_no_number_is_not_rated(api: Api) -> None:
    refusal(await api.get(f"{RATES}/number/ann"), "number format", "error")


async def test_a_rate_suits_the_direction(api: Api) -> None:
    await make_rate(api, 49, 0.01)
    await make_rate(api, 4930, 0.02, direction=["inbound"])
    number = "+4930123456"
    assert (await rated(api, number, "?direction=outbound"))["Prefix"] == "49"
    assert (await rated(api, number, "?direction=inbound"))["Prefix"] == "4930"
    assert (await rated(api, number))["Prefix"] == "4930"


async def test_a_rate_suits_the_caller(api: Api) -> None:
    await make_rate(api, 49, 0.01)
    await make_rate(api, 49, 0.005, rate_suffix="eu", caller_id_numbers="+33:+44")
    number = "+4930123456"
    assert (await rated(api, number, "?caller_id_number=%2B14155550100"))["Rate-ID"] == "XX-49"
    assert (await rated(api, number, "?caller_id_number=%2B33123"))["Rate-ID"] == "XX-49-eu"
    assert (await rated(api, number))["Rate-ID"] == "XX-49"


async def test_a_rate_suits_what_the_resource_offers(api: Api) -> None:
    await make_rate(api, 49, 0.01)
    await make_rate(api, 49, 0.005, rate_suffix="fax", options=["fax"])
    resource = {"name": "Carrier", "gateways": [], "flags": ["fax"]}
    resource_id = (await api.put("/v2/resources", resource)).expect(201).data["id"]
    number = "+4930123456"
    assert (await rated(api, number))["Rate-ID"] == "XX-49"
    assert (await rated(api, number, f"?resource_id={resource_id}"))["Rate-ID"] == "XX-49-fax"
    assert (await rated(api, number, "?resource_id=nobody"))["Rate-ID"] == "XX-49"


async def test_a_rate_suits_its_routes(api: Api) -> None:
    await make_rate(api, 49, 0.01)
    await make_rate(api, 4930, 0.02, routes=[r"^\+4930[5-9]"])
    assert (await rated(api, "+4930123456"))["Prefix"] == "49"
    assert (await rated(api, "+4930923456"))["Prefix"] == "4930"


async def test_operators_choose_what_a_rate_must_suit(api: Api) -> None:
    await make_rate(api, 49, 0.01, rate_version="old")
    await make_rate(api, 493, 0.02, rate_version="new", direction=["inbound"])
    number = "+4930123456"
    await configure(api, "hotornot", filter_list=["version", "unknown"], rate_version="old")
    assert (await rated(api, number, "?direction=outbound"))["Prefix"] == "49"
    await configure(api, "hotornot", filter_list=["version"], rate_version="new")
    assert (await rated(api, number, "?direction=outbound"))["Prefix"] == "493"


async def test_of_equal_prefixes_the_lighter_then_the_cheaper_wins(api: Api) -> None:
    await make_rate(api, 49, 0.01, rate_suffix="a", weight=50)
    await make_rate(api, 49, 0.02, rate_suffix="b", weight=10)
    assert (await rated(api, "+4930123456"))["Rate-ID"] == "XX-49-b"
    await make_rate(api, 49, 0.015, rate_suffix="c", weight=10)
    assert (await rated(api, "+4930123456"))["Rate-ID"] == "XX-49-c"


async def test_candidates_for_a_number_are_listed_whole(api: Api) -> None:
    for prefix in (1, 12, 125, 126, 1256):
        await make_rate(api, prefix)
    found = (await api.get(f"{RATES}?prefix=1256")).expect(200).data
    assert [rate["prefix"] for rate in found] == [1256, 125, 12, 1]
    assert found[0]["routes"] == [r"^\+?1256.+$"]
    refusal(await api.get(f"{RATES}?prefix=a"), "prefix", "invalid")


async def test_a_list_has_pages(api: Api) -> None:
    for prefix in range(40, 45):
        await make_rate(api, prefix)
        await make_rate(api, prefix, ratedeck_id="other")
    seen: list[int] = []
    query = "?page_size=2"
    while True:
        answer = (await api.get(f"{RATES}{query}")).expect(200)
        seen += [row["prefix"] for row in answer.data]
        if "next_start_key" not in answer.body:
            break
        query = f"?page_size=2&start_key={answer.body['next_start_key']}"
    assert sorted(seen) == [40, 41, 42, 43, 44]


async def test_everybody_who_has_logged_in_rates_a_number_and_only_operators_see_rates(
    api: Api,
) -> None:
    await make_rate(api, 49)
    account_id = await api.create_account("Tenant")
    token = await api.account_token(account_id)
    (await api.get(f"{RATES}/number/+4930123456", token=token)).expect(200)
    (await api.get(f"{RATES}/number/+4930123456", token="")).expect(401)
    for path in (RATES, f"{RATES}/XX-49", f"{RATES}/ratedecks"):
        (await api.get(path, token=token)).expect(403)
