"""Journals: which bucket a record is in, its list and its end."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from crossbar import app
from crossbar.catalog import FAMILIES, OFFERED
from crossbar.clock import GREGORIAN_OFFSET, FixedClock
from crossbar.core.journals import (
    FIRST,
    bucket_at,
    journal_of,
    new_key,
    record_put,
    time_of,
)
from crossbar.core.ranges import LATEST, time_key
from crossbar.core.registry import Registry
from crossbar.core.requests import Action
from crossbar.core.shapes import Bucket, Journal, Nesting, TimeUnit, field_index
from crossbar.errors import NoSuchDocument
from crossbar.settings import Settings
from crossbar.storage import SYSTEM, Batch, Entry, Key, Put, Span
from tests.conftest import NOW, Api

TIME = NOW + GREGORIAN_OFFSET
ACCOUNT = "a" * 32
CDRS = Journal(
    noun="cdrs",
    doc_type="cdr",
    summary=("call_id",),
    time="timestamp",
    retention="auth.attempts_kept",
    indexes=(field_index("owner_id"),),
    nested=(Nesting(noun="users", doc_type="user", index="owner_id"),),
)


def test_a_bucket_is_a_month_or_a_day() -> None:
    daily = replace(CDRS, bucket=Bucket.DAY)
    for seconds, month in (
        (TIME, "202701"),
        (0, "000101"),
        (-5, "000101"),
        (FIRST, "000101"),
        (LATEST, "316811"),
        (10**18, "316811"),
    ):
        assert bucket_at(CDRS, seconds) == month
        assert bucket_at(daily, seconds)[:6] == month
        assert len(bucket_at(daily, seconds)) == 8
    assert bucket_at(daily, TIME) == "20270115"


@pytest.mark.parametrize(
    ("unit", "value"),
    [
        (TimeUnit.GREGORIAN, TIME),
        (TimeUnit.GREGORIAN_MS, TIME * 1000 + 999),
        (TimeUnit.UNIX, NOW),
    ],
)
def test_a_time_has_a_unit(unit: TimeUnit, value: int) -> None:
    journal = replace(CDRS, unit=unit, time="call.started")
    assert time_of(journal, {"call": {"started": value}}) == TIME
    with pytest.raises(TypeError, match=r"needs a time as call\.started"):
        time_of(journal, {"call": {"started": str(value)}})


def test_a_record_is_found_by_its_time_and_entries() -> None:
    key = new_key(CDRS, ACCOUNT, FixedClock(NOW), seconds=TIME, name="call-1")
    assert key == Key(ACCOUNT, "cdr", "202701-call-1")
    made_up = new_key(CDRS, ACCOUNT, FixedClock(NOW))
    assert made_up.doc_id.startswith("202701-")
    assert len(made_up.doc_id) == 7 + 32
    document = {"_id": key.doc_id, "_rev": "1-a", "timestamp": TIME, "owner_id": "u"}
    entries = [Entry("owner_id", "u")]
    assert record_put(CDRS, key, document) == Put(key, document, None, time_key(TIME), entries)
    with pytest.raises(ValueError, match="is not of 202612"):
        record_put(CDRS, key, {**document, "timestamp": TIME - 30 * 86_400})


def test_a_journal_has_operations_where_it_says() -> None:
    found = {(each.template, each.action): each for each in Registry((CDRS,)).operations()}
    account, user = "/accounts/{account_id}", "/accounts/{account_id}/users/{user_id}"
    assert found.keys() == {
        (f"{place}/cdrs{tail}", action)
        for place in (account, user)
        for tail, action in (("", Action.LIST), ("/{cdr_id}", Action.FETCH))
    }
    assert all(each.doc_type == "cdr" for each in found.values())
    silent = replace(CDRS, scopes=(), nested=(), actions=frozenset())
    assert list(Registry((silent,)).operations()) == []
    other = SimpleNamespace(operation=SimpleNamespace(family=None, template="/x"))
    with pytest.raises(TypeError, match="/x belongs to no journal"):
        journal_of(other)  # type: ignore[arg-type]


@pytest.fixture
def with_cdrs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that has call records too."""
    others = [family for family in FAMILIES if family.noun != CDRS.noun]
    registry = Registry((*others, CDRS), OFFERED)
    monkeypatch.setattr(app, "REGISTRY", registry)


async def record(api: Api, name: str, ago: int, **fields: Any) -> str:
    key = new_key(CDRS, api.master.account_id, api.clock, seconds=TIME - ago, name=name)
    document = {"_id": key.doc_id, "_rev": "1-a", "timestamp": TIME - ago, **fields}
    await api.gateway.services.store.commit(Batch(records=[record_put(CDRS, key, document)]))
    return key.doc_id


@pytest.mark.usefixtures("with_cdrs")
class TestOperations:
    async def test_records_are_listed_and_read(self, api: Api) -> None:
        user = api.master.user_id
        first = await record(api, "1", 20 * 86_400, call_id="c1", owner_id=user, pvt_secret=1)
        second = await record(api, "2", 60, call_id="c2", owner_id="other")
        path = f"{api.account}/cdrs"
        assert (await api.get(path)).expect(200).data == [
            {"id": second, "call_id": "c2"},
            {"id": first, "call_id": "c1"},
        ]
        page = (await api.get(f"{path}?page_size=1")).expect(200)
        rest = await api.get(f"{path}?page_size=1&start_key={page.body['next_start_key']}")
        assert [row["id"] for row in rest.data] == [first]
        assert "next_start_key" not in rest.body
        csv = (await api.get(f"{path}?accept=csv")).expect(200).content.decode()
        assert csv.splitlines()[1:] == [f"{second},c2", f"{first},c1"]
        one = (await api.get(f"{path}/{first}")).expect(200)
        assert (one.data["call_id"], one.data["id"], one.body["revision"]) == ("c1", first, "1-a")
        assert "pvt_secret" not in one.data
        for unknown in ("202701-x", "199912-1", "x", "%00", "$where-1"):
            (await api.get(f"{path}/{unknown}")).expect(404)
        below = f"{api.account}/users/{user}/cdrs"
        assert [row["id"] for row in (await api.get(below)).expect(200).data] == [first]
        (await api.get(f"{below}/{first}")).expect(200)
        (await api.get(f"{below}/{second}")).expect(404)
        (await api.get(f"{api.account}/users/{'0' * 32}/cdrs")).expect(404)


@pytest.mark.usefixtures("with_cdrs")
async def test_what_is_old_is_forgotten_by_a_job(settings: Settings, clock: FixedClock) -> None:
    async with app.open_gateway(settings, clock=clock) as gateway:
        services = gateway.services
        async with gateway.working():
            pass  # the job is there from now on
        for ago in (100 * 86_400, 0):
            key = new_key(CDRS, SYSTEM, clock, seconds=TIME - ago)
            document = {"_id": key.doc_id, "_rev": "1-a", "timestamp": TIME - ago}
            await services.commit(Batch(records=[record_put(CDRS, key, document)]))
        assert await services.store.buckets("cdr") == ["202610", "202701"]
        clock.advance(601)
        await services.jobs.idle(services)
        assert await services.store.buckets("cdr") == ["202701"]


async def test_a_deleted_account_takes_no_more_records(api: Api) -> None:
    services = api.gateway.services
    key = new_key(CDRS, "f" * 32, api.clock)
    document = {"_id": key.doc_id, "_rev": "1-a", "timestamp": TIME}
    with pytest.raises(NoSuchDocument):
        await services.commit(Batch(records=[record_put(CDRS, key, document)]))
    span = Span(account_id="f" * 32, doc_type="cdr", buckets=("", "9"))
    assert await services.store.count(span) == 0
