"""Counts that are exact, whatever happens at once and whoever is deleted; and the sweep."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from crossbar.storage import Span
from crossbar.visitors import sweep as visitor_sweep
from crossbar.visitors.sweep import sweep, sweep_account
from tests.conftest import Api
from tests.contract.conftest import on_every_store
from tests.dialects.v1_1.conftest import Page, Team, account_of, new_team
from tests.support import quick_settings, running

MINUTE, HOUR, DAY = 60, 3600, 86_400


async def share(page: Page, agent: str = "42") -> int:
    """A session that runs; its number."""
    await page.team.open(page.short_id, agent)
    return await page.start()


async def test_nothing_is_counted_at_first(team: Team) -> None:
    assert (await team.get("/usage.json")).expect(200).body == {
        "usage": {
            "visitors": {"online_now": 0, "last_24_hrs": 0, "last_30_days": 0},
            "agents": {"today": 0, "last_30_days": 0},
            "session_counts": {"now": 0, "today": 0, "last_30_days": 0},
            "session_seconds": {"today": 0, "last_30_days": 0},
        }
    }


async def test_what_is_counted_when(team: Team, api: Api) -> None:
    """At 08:00 UTC it is midnight in Los Angeles, where the account is."""
    first, second = await team.connect(), await team.connect()
    number = await share(first, "1")
    api.clock.advance(30)
    await first.beat()
    assert await team.usage() == {
        "visitors": {"online_now": 2, "last_24_hrs": 2, "last_30_days": 2},
        "agents": {"today": 1, "last_30_days": 1},
        "session_counts": {"now": 1, "today": 1, "last_30_days": 1},
        "session_seconds": {"today": 30, "last_30_days": 30},
    }
    (await first.event(number, "end")).expect(200)
    api.clock.advance(DAY)
    await second.beat()
    await second.event(await share(second, "1"), "end")
    await share(second, "2")
    api.clock.advance(10)
    usage = await team.usage()
    assert usage["visitors"] == {"online_now": 1, "last_24_hrs": 1, "last_30_days": 2}
    assert usage["agents"] == {"today": 2, "last_30_days": 2}
    assert usage["session_counts"] == {"now": 1, "today": 2, "last_30_days": 3}
    assert usage["session_seconds"] == {"today": 10, "last_30_days": 40}
    api.clock.advance(29 * DAY)
    usage = await team.usage()
    assert usage["visitors"]["last_30_days"] == 1
    assert usage["agents"] == {"today": 0, "last_30_days": 2}
    assert usage["session_counts"] == {"now": 0, "today": 0, "last_30_days": 2}


async def test_today_begins_at_midnight_in_the_accounts_zone(team: Team, api: Api) -> None:
    path = f"/v2/accounts/{team.account_id}"
    (await api.patch(path, {"timezone": "Asia/Tokyo"})).expect(200)
    page = await team.connect()
    await page.event(await share(page), "end")
    api.clock.advance(7 * HOUR - 1)
    assert (await team.usage())["session_counts"]["today"] == 1
    assert (await team.usage())["agents"]["today"] == 1
    api.clock.advance(1)
    assert (await team.usage())["session_counts"]["today"] == 0
    assert (await team.usage())["agents"]["today"] == 0


@on_every_store
async def test_counts_are_exact_when_everything_happens_at_once(team: Team, api: Api) -> None:
    pages = await asyncio.gather(*(team.connect() for _ in range(12)))

    async def visit(number: int, page: Page) -> None:
        session = await share(page, str(number % 5))
        await page.beat()
        if number % 2:
            (await page.event(session, "end")).expect(200)
        if number % 3 == 0:
            (await team.send("DELETE", f"/visitors/{page.short_id}")).expect(200)

    await asyncio.gather(*(visit(number, page) for number, page in enumerate(pages)))
    usage = await team.usage()
    assert usage["visitors"] == {"online_now": 8, "last_24_hrs": 12, "last_30_days": 12}
    assert usage["agents"] == {"today": 5, "last_30_days": 5}
    assert usage["session_counts"] == {"now": 4, "today": 12, "last_30_days": 12}


async def test_counts_survive_a_deletion(team: Team, api: Api) -> None:
    page = await team.connect()
    await share(page)
    api.clock.advance(40)
    await page.beat()
    before = await team.usage()
    (await team.send("DELETE", f"/visitors/{page.short_id}")).expect(200)
    after = await team.usage()
    assert after["visitors"] == {**before["visitors"], "online_now": 0}
    assert after["session_counts"] == {**before["session_counts"], "now": 0}
    for name in ("agents", "session_seconds"):
        assert after[name] == before[name]
    api.clock.advance(DAY + 1)
    assert (await team.usage())["visitors"] == {
        "online_now": 0,
        "last_24_hrs": 0,
        "last_30_days": 1,
    }


async def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    settings = quick_settings(f"sqlite:///{tmp_path / 'kept.db'}", visitors__public_url="")
    async with running(settings) as api:
        team = await new_team(api, "Shop")
        page = await team.connect(unique_id="u1")
        wish = {"agent": {"id": "1", "name": "A"}}
        url = (await team.send("POST", f"/visitors/{page.short_id}/watch_url", wish)).body
        path = url["watch_url"].removeprefix("http://127.0.0.1:8000/v1.1")
        (await team.request("GET", path)).expect(303)
        await page.start()
        before = await team.usage(), await team.visitor(page.short_id)
    async with running(settings, api.master) as again:
        team.api, team.client, page.team = again, again.client, team
        assert (await team.usage(), await team.visitor(page.short_id)) == before
        (await team.request("GET", path)).expect(410)
        assert (await page.beat())["state"] == "running"


async def count(api: Api, team: Team, doc_type: str) -> int:
    span = Span(account_id=team.account_id, doc_type=doc_type)
    return await api.gateway.services.store.count(span)


async def test_the_sweep_removes_what_is_too_old(team: Team, api: Api) -> None:
    services = api.gateway.services
    old, young = await team.connect(), await team.connect(lookup_code="1234")
    await share(old)
    await team.link(young.short_id)
    api.clock.advance(DAY)
    await young.beat()
    api.clock.advance(DAY)
    await sweep(services, {})
    assert await count(api, team, "watch_link") == 0
    other = await team.connect(lookup_code="1234")
    [session] = (await team.visitor(old.short_id))["sessions"]
    assert session["length_seconds"] == 0
    api.clock.advance(28 * DAY - 1)
    await sweep(services, {})
    await team.visitor(old.short_id)
    api.clock.advance(MINUTE)
    await sweep(services, {})
    (await team.get(f"/visitors/{old.short_id}")).expect(404)
    await team.visitor(young.short_id)
    await team.visitor(other.short_id)
    [session] = (await team.get("/ext/sessions")).body["sessions"]
    assert session["visitor_id"] is None
    assert await count(api, team, "visitor_departure") == 1
    api.clock.advance(400 * DAY)
    for _ in range(2):  # those who leave are counted until the next round
        await sweep_account(services, await account_of(api, team.account_id))
    for doc_type in ("visitor", "visitor_departure", "visitor_day", "visitor_agent"):
        assert await count(api, team, doc_type) == 0


async def test_rounds_are_small_and_go_on_where_the_last_one_was(
    team: Team, api: Api, monkeypatch: Any
) -> None:
    services = api.gateway.services
    monkeypatch.setattr(visitor_sweep, "ACCOUNTS", 1)
    monkeypatch.setattr(visitor_sweep, "DOCUMENTS", 2)
    for _ in range(3):
        await team.connect()
    api.clock.advance(31 * DAY)
    left, about = [], dict[str, Any]()
    for _ in range(4):
        about = await sweep(services, about)
        left.append(await count(api, team, "visitor"))
    assert sorted(set(left), reverse=True) in ([3, 1, 0], [1, 0])


async def test_a_visitor_that_comes_back_is_not_swept(
    team: Team, api: Api, monkeypatch: Any
) -> None:
    page = await team.connect()
    api.clock.advance(31 * DAY)
    services, older = api.gateway.services, visitor_sweep._older

    async def meanwhile(*arguments: Any) -> Any:
        found = await older(*arguments)
        await page.beat()
        return found

    monkeypatch.setattr(visitor_sweep, "_older", meanwhile)
    await sweep_account(services, await account_of(api, team.account_id))
    assert (await team.visitor(page.short_id))["is_online"]


async def test_the_server_sweeps_by_itself(team: Team, api: Api) -> None:
    page = await team.connect()
    api.clock.advance(31 * DAY)
    await api.gateway.services.jobs.idle(api.gateway.services)
    (await team.get(f"/visitors/{page.short_id}")).expect(404)
