"""Tables of rates: in and out, line by faulty line, however they are cut into pieces."""

from __future__ import annotations

import csv
import io
import itertools
import time
from collections.abc import AsyncIterator, Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossbar.core.requests import Actor
from crossbar.core.tables import LONGEST_LINE, split
from crossbar.families.carriers import rate_tables
from crossbar.families.carriers.prices import (
    MOST,
    NoPrice,
    number_of,
    price_of,
    text_of,
    units_of,
)
from crossbar.families.carriers.rate_tables import PORTION, import_rates
from tests.conftest import Answer, Api
from tests.families.support import interrupt_commits, refusal

RATES = "/v2/rates"
CSV = {"Content-Type": "text/csv"}


async def upload(api: Api, table: str | bytes, query: str = "") -> Answer:
    raw = table.encode() if isinstance(table, str) else table
    return await api.post(f"{RATES}{query}", raw=raw, headers=CSV)


async def download(api: Api, query: str = "") -> list[dict[str, str]]:
    answer = await api.get(f"{RATES}{query}", headers={"Accept": "text/csv"})
    text = answer.expect(200).content.decode()
    return list(csv.DictReader(io.StringIO(text)))


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def actor_of(api: Api) -> Actor:
    return Actor(services=api.gateway.services, request_id="test")


async def test_a_table_becomes_rates(api: Api) -> None:
    table = (
        "Prefix, rate_cost ,iso_country_code,description,direction,options,unknown\r\n"
        '49,0.0125,DE,"Germany, all",outbound,fax;sms,x\r\n'
        "\r\n"
        "1,0.01,,,,,\r\n"
    )
    done = (await upload(api, table)).expect(200).data
    assert done == {"rates": 2, "faulty": 0, "faults": []}
    rate = (await api.get(f"{RATES}/DE-49")).expect(200).data
    assert rate["description"] == "Germany, all"
    assert (rate["rate_cost"], rate["direction"], rate["options"]) == (
        0.0125,
        ["outbound"],
        ["fax", "sms"],
    )
    assert (rate["rate_name"], rate["weight"]) == ("outbound_DE_49", 19)
    assert rate["routes"] == [r"^\+?49.+$"]
    other = (await api.get(f"{RATES}/XX-1")).expect(200).data
    assert (other["rate_name"], other["weight"]) == ("1", 9)


async def test_lines_that_make_no_rate_are_reported_and_the_others_written(api: Api) -> None:
    table = "prefix,rate_cost,weight\n49,0.01,\nabc,0.01,\n44,-1,\n33,0.01,101\n,1,\n39,0.02,5\n"
    done = (await upload(api, table)).expect(200).data
    assert (done["rates"], done["faulty"]) == (2, 4)
    told = {fault["line"]: sorted(fault["faults"]) for fault in done["faults"]}
    assert told == {3: ["prefix"], 4: ["rate_cost"], 5: ["weight"], 6: ["prefix"]}


async def test_lists_may_be_written_as_in_json(api: Api) -> None:
    table = 'prefix,rate_cost,routes\n49,1,"[""^\\\\+49"",""^49""]"\n44,1,[\n'
    done = (await upload(api, table)).expect(200).data
    assert [fault["line"] for fault in done["faults"]] == [3]
    rate = (await api.get(f"{RATES}/XX-49")).expect(200).data
    assert rate["routes"] == [r"^\+49", "^49"]


async def test_a_table_need_not_end_with_a_line_break(api: Api) -> None:
    assert (await upload(api, "prefix,rate_cost\n49,1")).expect(200).data["rates"] == 1
    refusal(await api.post(RATES, {"prefix": 49, "rate_cost": 1}), "file", "required")


async def test_a_table_read_twice_changes_prices_and_adds_nothing(api: Api) -> None:
    await upload(api, "prefix,rate_cost\n49,0.01\n", "?ratedeck_id=gold")
    done = (await upload(api, "prefix,rate_cost\n49,0.02\n49,0.03\n", "?ratedeck_id=gold")).data
    assert done["rates"] == 1
    rows = (await api.get(f"{RATES}?ratedeck_id=gold")).expect(200).data
    assert [(row["id"], row["cost"]) for row in rows] == [("XX-49", 0.03)]


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        (b"\n", "required"),
        (b"prefix,cost\n1,2\n", "required"),
        (b"prefix,rate_cost\n1,\xff\n", "encoding"),
        (b'prefix,rate_cost\n1,"' + b"1" * (LONGEST_LINE + 9), "maxLength"),
    ],
)
async def test_what_is_no_table_is_refused(api: Api, table: bytes, rule: str) -> None:
    refusal(await upload(api, table), "csv", rule)


async def test_only_operators_upload(api: Api) -> None:
    token = await api.account_token(await api.create_account("Tenant"))
    answer = await api.post(RATES, raw=b"prefix,rate_cost\n", headers=CSV, token=token)
    answer.expect(403)


async def test_a_deck_is_downloaded_as_it_can_be_uploaded(api: Api) -> None:
    table = "prefix,rate_cost,description,direction\n49,0.000001,=1+1,inbound\n1,12.5,,\n"
    await upload(api, table, "?ratedeck_id=gold")
    rows = await download(api, "?ratedeck_id=gold")
    assert [(row["prefix"], row["rate_cost"]) for row in rows] == [
        ("1", "12.5"),
        ("49", "0.000001"),
    ]
    assert rows[1]["description"] == "'=1+1"
    again = io.StringIO()
    writer = csv.DictWriter(again, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    await upload(api, again.getvalue(), "?ratedeck_id=copy")
    assert await download(api, "?ratedeck_id=copy") == rows
    copied = (await api.get(f"{RATES}/XX-49?ratedeck_id=copy")).expect(200).data
    assert copied["description"] == "=1+1"
    assert await download(api, "?ratedeck_id=none") == []


async def test_a_part_of_a_table_can_be_downloaded(api: Api) -> None:
    await upload(api, "prefix,rate_cost\n49,0.01\n")
    headers = {"Accept": "text/csv", "Range": "bytes=0-5"}
    assert (await api.get(RATES, headers=headers)).expect(206).content == b"prefix"


async def test_a_long_table_is_written_in_portions(api: Api) -> None:
    lines = "".join(f"{prefix},0.01\n" for prefix in range(1000, 1000 + 2 * PORTION + 7))
    before = await api.gateway.services.store.last_event()
    done = (await upload(api, f"prefix,rate_cost\n{lines}")).expect(200).data
    assert done["rates"] == 2 * PORTION + 7
    assert await api.gateway.services.store.last_event() == before + 3
    assert len(await download(api)) == 2 * PORTION + 7


async def test_faults_beyond_the_first_are_counted(api: Api) -> None:
    done = (await upload(api, "prefix,rate_cost\n" + "x,1\n" * 150)).expect(200).data
    assert (done["faulty"], len(done["faults"])) == (150, 100)


async def test_a_portion_is_written_again_when_another_was_quicker(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upload(api, "prefix,rate_cost\n49,0.01\n")
    interrupt_commits(api, monkeypatch, 2)
    await upload(api, "prefix,rate_cost\n49,0.02\n")
    assert (await api.get(f"{RATES}/XX-49")).expect(200).data["rate_cost"] == 0.02


QUOTED = 'prefix,rate_cost,description\n49,0.01,"Köln, ""am"" \n Rhein"\n1,0.02,é\n'


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
async def test_it_does_not_matter_how_a_table_is_cut(api: Api, size: int) -> None:
    content = b"\xef\xbb\xbf" + QUOTED.encode()
    done = await import_rates(actor_of(api), pieces(content, size), "ratedeck")
    assert (done.rates, done.faulty) == (2, 0)
    rate = (await api.get(f"{RATES}/XX-49")).expect(200).data
    assert rate["description"] == 'Köln, "am" \n Rhein'


def longest(prefixes: Iterable[int], digits: str) -> str | None:
    """What rating is to find, the slow way."""
    found = [text for text in map(str, prefixes) if digits.startswith(text)]
    return max((text for text in found if len(text) < len(digits)), key=len, default=None)


decks = itertools.count()

numbers = st.integers(1, 999).flatmap(
    lambda head: st.text("0123", min_size=4, max_size=6).map(lambda tail: f"49{head}{tail}")
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    prefixes=st.sets(st.from_regex("49?[0-3]{0,6}", fullmatch=True), min_size=1, max_size=40),
    asked=st.lists(numbers, min_size=1, max_size=10),
)
async def test_rating_finds_the_longest_prefix_of_any(
    api: Api, prefixes: set[str], asked: list[str]
) -> None:
    deck = f"deck{next(decks)}"  # the store is the same for all examples
    table = "prefix,rate_cost\n" + "".join(f"{prefix},0.01\n" for prefix in prefixes)
    await import_rates(actor_of(api), pieces(table.encode(), 4096), deck)
    for number in asked:
        answer = await api.get(f"{RATES}/number/+{number}?ratedeck_id={deck}")
        wanted = longest(map(int, prefixes), number)
        assert (answer.data["Prefix"] if answer.status == 200 else None) == wanted


@given(st.decimals(min_value=0, max_value=MOST - 1, places=6))
def test_a_price_is_what_its_digits_say(price: Decimal) -> None:
    assert price_of(number_of(price)) == price
    assert price_of(text_of(price)) == price
    assert "E" not in text_of(price)


def test_units_are_rounded_to_the_nearest() -> None:
    assert units_of(Decimal("0.00455")) == 46
    assert units_of(Decimal("0.00454")) == 45


@pytest.mark.parametrize("value", ["", "a", "NaN", "Infinity", "-0.1", "10000000", "0.0000001"])
def test_what_is_no_price(value: Any) -> None:
    with pytest.raises(NoPrice):
        price_of(value)


async def test_lines_that_end_as_none_do_are_reported(api: Api) -> None:
    refusal(await upload(api, "prefix,rate_cost\r49,1\r"), "csv", "invalid")
    done = (await upload(api, "prefix,rate_cost\n49,1\r50,1\n51,1\n")).expect(200).data
    assert (done["rates"], [fault["line"] for fault in done["faults"]]) == (1, [2])
    assert list(done["faults"][0]["faults"]) == ["csv"]


def test_a_quoted_cell_of_many_lines_is_read_in_one_go() -> None:
    text = b'49,"' + b"\n" * LONGEST_LINE + b'"\n50,"\n'
    began = time.process_time()
    assert [len(line) for line in split(text)] == [LONGEST_LINE + 5, 5]
    assert time.process_time() - began < 1


async def test_a_long_table_is_written_by_prefix_and_told_of_by_line(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_tables, "LINES_OF_PART", 5)
    monkeypatch.setattr(rate_tables, "PORTION", 2)
    table = "rate_cost,prefix\n3,9\n1,x\n4,049\n5,49\n6,1\n7\n1,y\n8,1\n2,2\n9,9"
    done = (await upload(api, table)).expect(200).data
    assert (done["faulty"], [fault["line"] for fault in done["faults"]]) == (3, [3, 7, 8])
    rows = (await api.get(RATES)).expect(200).data
    assert [(row["prefix"], row["cost"]) for row in rows] == [(9, 9), (49, 5), (2, 2), (1, 8)]
