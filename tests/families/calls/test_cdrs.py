"""Call records: rows, interactions, legs, sums and tables; pages that lose and double nothing."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossbar.catalog import FAMILIES
from crossbar.core.journals import forget
from crossbar.documents import Document
from crossbar.families.calls.records import with_leg
from crossbar.families.calls.rows import COLUMNS, dollars_of
from tests.conftest import Api
from tests.contract.conftest import on_every_store
from tests.families.porting.support import customer_of
from tests.families.support import make, refusal
from tests.families.switch.support import TIME, Teller, call, teller

INTERACTION = f"{TIME - 70:011d}-0a1b2c3d"


async def rows_of(api: Api, tail: str = "", **options: Any) -> list[Document]:
    rows: list[Document] = (await api.get(f"{api.account}/cdrs{tail}", **options)).expect(200).data
    return rows


def calls_of(rows: list[Document]) -> list[str]:
    return [row["call_id"] for row in rows]


async def test_a_row_has_all_keys_in_their_order(api: Api) -> None:
    fs1 = await teller(api)
    variables = {
        "account_billing": "per_minute",
        "authorizing_id": api.master.account_id,
        "cost": "12500",
        "rate": "100",
        "rate_name": "US",
        "reseller_billing": "per_minute",
        "reseller_cost": "3",
    }
    await fs1.tell("cdr", call("a@x", custom_channel_vars=variables, request="100@r.example"))
    [row] = await rows_of(api)
    assert tuple(row) == (*COLUMNS, "reseller_cost", "reseller_call_type")
    assert row["id"] == "202701-a@x"
    assert row["timestamp"] == str(TIME - 60)
    assert (row["duration_seconds"], row["billing_seconds"]) == (60, 55)
    assert (row["cost"], row["rate"], row["reseller_cost"]) == ("1.25", "0.01", "0.0003")
    assert row["authorizing_id"] == ""
    assert (row["dialed_number"], row["calling_from"]) == ("100", "+14155550100")
    assert row["iso_8601_combined"] == "2027-01-15T07:59:00Z"
    assert row["rfc_1036"] == "Fri, 15 Jan 2027 07:59:00 GMT"
    assert row["unix_timestamp_micro"] == f"{row['unix_timestamp']}000000"
    assert row["media_recordings"] == []
    assert row["owner_id"] == ""
    shifted = await rows_of(api, "?utc_offset=-3600")
    assert (row["datetime"], shifted[0]["datetime"]) == (
        "2027-01-15 07:59:00",
        "2027-01-15 06:59:00",
    )


async def test_what_a_reseller_pays_only_resellers_see(api: Api) -> None:
    child = await customer_of(api)
    fs1 = await teller(api, child.account_id)
    await fs1.tell("cdr", call("a"))
    path = f"/v2/accounts/{child.account_id}/cdrs"
    assert "reseller_cost" in (await api.get(path)).data[0]
    assert "reseller_cost" not in (await api.get(path, token=child.admin)).data[0]
    assert await rows_of(api) == []


async def test_one_leg_is_read_whole(api: Api) -> None:
    fs1 = await teller(api)
    await fs1.tell("cdr", call("a", user_agent="Phone 1", pvt_secret=1))
    shown = (await api.get(f"{api.account}/cdrs/202701-a")).expect(200).data
    assert (shown["id"], shown["user_agent"]) == ("202701-a", "Phone 1")
    assert "pvt_secret" not in shown
    assert shown["interaction_id"].startswith(f"{TIME - 60:011d}-")


async def test_an_interaction_is_shown_by_its_first_leg(api: Api) -> None:
    user = await make(api, "users")
    fs1 = await teller(api)
    own: Document = {"custom_channel_vars": {"owner_id": user}}
    late = call("late", seconds=10, interaction_id=INTERACTION, **own)
    first = call("first", seconds=70, interaction_id=INTERACTION)
    await fs1.tell("cdr", late)
    assert calls_of(await rows_of(api, "/interaction")) == ["late"]
    await fs1.send(fs1.event("cdr", first), fs1.event("cdr", call("other", ago=5)))
    assert calls_of(await rows_of(api, "/interaction")) == ["other", "first"]
    assert calls_of(await rows_of(api)) == ["late", "first", "other"]
    path = f"{api.account}/users/{user}/cdrs"
    for tail in ("", "/interaction"):
        assert calls_of((await api.get(f"{path}{tail}")).expect(200).data) == ["late"]
    for named in (INTERACTION, "202701-late", "202701-first"):
        legs = (await api.get(f"{api.account}/cdrs/legs/{named}")).expect(200).data
        assert {leg["call_id"] for leg in legs} == {"late", "first"}
    for named in (f"{TIME:011d}-aa", "202701-x", "x", f"{TIME - 70:011d}-0a1b2c3e"):
        (await api.get(f"{api.account}/cdrs/legs/{named}")).expect(404)


LEGS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["", "ann", "bob"])), min_size=1, max_size=6
)


@given(LEGS)
def test_an_interaction_knows_everybodys_first_leg_in_whatever_order(
    drawn: list[tuple[int, str]],
) -> None:
    stored: Document | None = None
    legs: list[Document] = []
    for number, (start, owner) in enumerate(drawn):
        variables: Document = {"custom_channel_vars": {"owner_id": owner}} if owner else {}
        leg: Document = {
            "call_id": f"c{number}",
            "timestamp": 100 + start,
            "duration_seconds": 0,
            "interaction_id": INTERACTION,
            **variables,
        }
        legs.append(leg)
        stored = with_leg(stored, leg) or stored
    assert stored is not None

    def earliest(some: list[Document]) -> Document:
        return min(some, key=lambda leg: (leg["timestamp"], leg["call_id"]))

    assert stored["first"] == earliest(legs)
    by_owner: dict[str, list[Document]] = {}
    for leg in legs:
        owner = leg.get("custom_channel_vars", {}).get("owner_id")
        if owner:
            by_owner.setdefault(owner, []).append(leg)
    assert stored["owners"].keys() == by_owner.keys()
    for owner, own in by_owner.items():
        assert (stored["owners"][owner] or stored["first"]) == earliest(own)


async def test_legs_of_two_switches_meet_in_one_interaction(api: Api) -> None:
    tellers = [await teller(api) for _ in range(4)]
    for number, each in enumerate(tellers):
        each.source = f"fs{number}"
    answers = await asyncio.gather(
        *(
            each.send(
                *(
                    each.event("cdr", call(f"{each.source}-{n}", interaction_id=INTERACTION))
                    for n in range(5)
                )
            )
            for each in tellers
        )
    )
    assert [answer.expect(200).data["accepted"] for answer in answers] == [5] * 4
    assert calls_of(await rows_of(api, "/interaction")) == ["fs0-0"]
    legs = (await api.get(f"{api.account}/cdrs/legs/{INTERACTION}")).expect(200).data
    assert len(legs) == 20


async def test_calls_are_filtered_and_summed(api: Api) -> None:
    fs1 = await teller(api)
    await fs1.send(
        fs1.event("cdr", call("a")),
        fs1.event("cdr", call("b", call_direction="outbound", seconds=30)),
        fs1.event("cdr", call("old", ago=3600)),
    )
    recent = f"created_from={TIME - 60}&created_to={TIME}"
    assert calls_of(await rows_of(api, f"?{recent}")) == ["b", "a"]
    assert calls_of(await rows_of(api, "?filter_call_direction=outbound")) == ["b"]
    assert calls_of(await rows_of(api, "/interaction?filter_call_direction=outbound")) == ["b"]
    summary = (await api.get(f"{api.account}/cdrs/summary?{recent}")).expect(200).data
    assert summary == {
        "calls": 2,
        "duration_seconds": 90,
        "billing_seconds": 80,
        "call_direction": {"inbound": 1, "outbound": 1},
        "hangup_cause": {"NORMAL_CLEARING": 2},
    }


async def test_a_table_has_all_calls_of_the_range(api: Api) -> None:
    fs1 = await teller(api)
    calls = [call(f"c{n:03}", ago=n, callee_id_name='=1+1,"x"') for n in range(260)]
    await fs1.send(*(fs1.event("cdr", each) for each in calls))
    for tail in ("", "/interaction"):
        path = f"{api.account}/cdrs{tail}?accept=text/csv"
        answer = (await api.get(f"{path}&file_name=calls.csv")).expect(200)
        assert 'filename="calls.csv"' in answer.headers["Content-Disposition"]
        assert answer.content.count(b"\r\n") == 261
        rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
        assert [row["call_id"] for row in rows] == [each["call_id"] for each in calls]
        assert rows[0]["callee_id_name"] == '\'=1+1,"x"', "no spreadsheet runs it"
        assert rows[0]["caller_id_number"] == "+14155550100"
        assert [*rows[0]][: len(COLUMNS)] == [*COLUMNS]
        few = (await api.get(f"{path}&page_size=2")).expect(200)
        assert few.content.count(b"\r\n") == 3
        (await api.get(f"{path}&filter_call_id=nobody")).expect(204)
        refusal(
            await api.get(f"{path}&created_from=10&created_to=5"), "created_from", "date_range"
        )
    head = await api.request("HEAD", f"{api.account}/cdrs?accept=text/csv")
    assert head.expect(200).content == b""


async def walk(api: Api, tail: str) -> list[str]:
    """The calls of all pages, one after the other."""
    found: list[str] = []
    path = f"{api.account}/cdrs{tail}?page_size=7"
    start = ""
    while True:
        body = (await api.get(f"{path}{start}")).expect(200).body
        found += calls_of(body["data"])
        if "next_start_key" not in body:
            return found
        start = f"&start_key={body['next_start_key']}"


async def keep_calling(fs1: Teller, running: asyncio.Event) -> int:
    """End calls, of now and of before, for as long as somebody walks."""
    number = 0
    while running.is_set():
        events = [
            fs1.event("cdr", call(f"new{number}-{n}", ago=n * 40, interaction_id=known(n)))
            for n in range(4)
        ]
        (await fs1.send(*events)).expect(200)
        number += 1
    return number


def known(number: int) -> str:
    """The id of an interaction that there is already; its new legs began before all others."""
    return f"{TIME - 60 - number * 5:011d}-aaaa"


async def table(api: Api, kind: str) -> list[str]:
    """The call ids of a table of everything."""
    answer = (await api.get(f"{api.account}/cdrs{kind}?accept=text/csv")).expect(200)
    return [row["call_id"] for row in csv.DictReader(io.StringIO(answer.content.decode()))]


@on_every_store
async def test_who_walks_pages_loses_and_doubles_nothing(api: Api) -> None:
    fs1 = await teller(api)
    old = [call(f"old{n:03}", ago=n * 5, interaction_id=known(n)) for n in range(60)]
    await fs1.send(*(fs1.event("cdr", each) for each in old))
    running = asyncio.Event()
    running.set()
    calling = asyncio.create_task(keep_calling(fs1, running))
    try:
        for _ in range(3):
            found = await walk(api, "")
            assert len(found) == len(set(found))
            assert {each["call_id"] for each in old} <= set(found)
            interactions = await walk(api, "/interaction")
            assert len(interactions) == 60, "each once, whichever leg it shows by now"
            found = await table(api, "")
            assert len(found) == len(set(found))
            assert {each["call_id"] for each in old} <= set(found)
            assert len(await table(api, "/interaction")) == 60
    finally:
        running.clear()
        assert await calling > 0


async def test_old_calls_are_forgotten_by_the_month(api: Api) -> None:
    fs1 = await teller(api)
    year = 31_536_000
    await fs1.send(
        fs1.event("cdr", call("old", ago=year + 40 * 86_400)), fs1.event("cdr", call("new"))
    )
    old = f"?created_from={TIME - year - 50 * 86_400}&created_to={TIME - year - 30 * 86_400}"
    assert await rows_of(api, old) == []
    services = api.gateway.services
    assert len(await services.store.buckets("cdr")) == 2
    await forget(services)
    assert await services.store.buckets("cdr") == ["202701"]
    assert await services.store.buckets("interaction") == ["202701"]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(-(10**14), 10**14))
def test_units_are_dollars(units: int) -> None:
    shown = dollars_of(str(units))
    whole, _, part = shown.removeprefix("-").partition(".")
    assert int(whole) * 10_000 + int(part.ljust(4, "0")) == abs(units)
    assert shown.startswith("-") == (units < 0)


def test_what_is_no_number_of_units_is_nothing() -> None:
    assert [dollars_of(value) for value in ("", None, "x", "1.5", "²", "9" * 30)] == [""] * 6
    assert len([each for each in FAMILIES if each.noun == "cdrs"]) == 3


async def test_a_long_list_without_pages_is_sent_as_it_is_read(api: Api) -> None:
    fs1 = await teller(api)
    for first in (0, 300):
        events = [fs1.event("cdr", call(f"c{first + number}")) for number in range(300)]
        (await fs1.send(*events)).expect(200)
    for noun in ("cdrs", "cdrs/interaction"):
        path = f"{api.account}/{noun}?paginate=false"
        answer = (await api.get(path)).expect(200)
        assert len({row["call_id"] for row in answer.data}) == len(answer.data) == 600
        assert "etag" not in answer.headers
        whole = await api.get(f"{path}&jsonp=told")
        assert "etag" in whole.headers
