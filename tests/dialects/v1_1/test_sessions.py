"""Links, the pages that they open, and the sessions that come of them."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from crossbar.storage import Key, Span
from tests.conftest import Api
from tests.contract.conftest import on_every_store
from tests.dialects.v1_1.conftest import PUBLIC_URL, Team, Told

TEN_MINUTES = 600


async def view(team: Team, path: str, cookie: str) -> Told:
    return await team.request("GET", path, headers={"Cookie": cookie})


async def test_a_link_opens_once_and_its_page_can_be_reloaded(team: Team) -> None:
    page = await team.connect(url="https://shop.example.com/<b>")
    path = await team.link(page.short_id)
    opened = (await team.request("GET", path)).expect(303)
    target = opened.headers["Location"].removeprefix(f"{PUBLIC_URL}/v1.1")
    cookie = opened.headers["Set-Cookie"]
    assert f"; Path=/v1.1{target}; " in cookie
    assert "; HttpOnly; SameSite=Lax" in cookie
    cookie = cookie.partition(";")[0]
    for _ in range(2):
        shown = (await view(team, target, cookie)).expect(200)
        assert "Waiting for the visitor" in shown.text
        assert "https://shop.example.com/&lt;b&gt;" in shown.text
    again = (await team.request("GET", path)).expect(410)
    assert "cannot be used" in again.text
    (await view(team, target, "")).expect(410)
    (await view(team, target, "crossbar_watch=guess")).expect(410)


async def test_pages_are_kept_to_those_who_opened_them(team: Team) -> None:
    page = await team.connect()
    for branding, may_be_framed in (({}, False), ({"naked": "page_only"}, False)):
        target, cookie = await team.open(page.short_id, branding=branding)
        headers = (await view(team, target, cookie)).expect(200).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Robots-Tag"] == "noindex"
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; ")
        assert ("frame-ancestors 'none'" not in policy) is may_be_framed
        assert headers["X-Frame-Options"] == "DENY"
    target, cookie = await team.open(page.short_id, branding={"naked": True})
    shown = (await view(team, target, cookie)).expect(200)
    assert "X-Frame-Options" not in shown.headers
    assert "frame-ancestors" not in shown.headers["Content-Security-Policy"]
    assert "<header>" not in shown.text


async def test_a_share_from_its_link_to_its_end(team: Team, api: Api) -> None:
    page = await team.connect()
    target, cookie = await team.open(page.short_id, metadata={"ticket": 7})
    assert (await page.beat()) == {"id": 1, "state": "waiting"}
    visitor = await team.visitor(page.short_id)
    assert (visitor["is_in_session"], visitor["sessions"]) == (False, [])
    (await page.event(1, "live")).refused(400, "invalid_request")
    (await page.event(1, "start")).expect(200)
    (await page.event(1, "start")).expect(200)
    assert (await page.beat()) == {"id": 1, "state": "running"}
    assert (await team.visitor(page.short_id))["is_in_session"]
    assert "The session is running" in (await view(team, target, cookie)).text
    api.clock.advance(50)
    await page.beat()
    for kind, more in (("live", {}), ("feature", {"feature": "click"})):
        (await page.event(1, kind, **more)).expect(200)
    (await page.event(1, "feature", feature="click")).expect(200)
    api.clock.advance(15)
    (await page.event(1, "end")).expect(200)
    (await page.event(1, "end")).expect(200)
    (await page.event(1, "live")).refused(400, "invalid_request")
    assert await page.beat() is None
    visitor = await team.visitor(page.short_id)
    assert not visitor["is_in_session"]
    account = (await api.get(f"/v2/accounts/{team.account_id}")).data
    assert visitor["sessions"] == [
        {
            "_type": "session",
            "id": 1,
            "visitor_id": page.short_id,
            "team": {
                "_type": "team",
                "id": int(team.account_id[:12], 16),
                "domain": account["realm"],
            },
            "agents": [
                {
                    "_type": "external_agent",
                    "id": 1,
                    "name": "Agent 42",
                    "agent_identifier": "ext-42",
                }
            ],
            "started_at": "2027-01-15T08:00:00.000Z",
            "ended_at": "2027-01-15T08:01:05.000Z",
            "length_seconds": 65,
            "call_length_seconds": 0,
            "formatted_length": "1 minute",
            "formatted_call_length": "-",
            "went_live": True,
            "features_used": ["click"],
        }
    ]
    assert "The session is over" in (await view(team, target, cookie)).text


async def test_the_agents_side_ends_a_session(team: Team) -> None:
    page = await team.connect()
    path = await team.link(page.short_id)
    token = {"X-Watch-Token": path.partition("?")[2]}
    events = "/ext/sessions/1/events.json"
    (await team.request("POST", events, {"type": "end"}, token)).refused(404, "not_found")
    (await team.request("GET", path)).expect(303)
    (await team.request("POST", events, {"type": "start"}, token)).refused(403, "forbidden")
    await page.start()
    (await team.request("POST", events, {"type": "live"}, token)).expect(200)
    (await team.request("POST", events, {"type": "nap"}, token)).refused(400, "invalid_request")
    (await team.request("POST", events, {"type": "feature"}, token)).refused(
        400, "invalid_request"
    )
    (await team.request("POST", events, {"type": "end"}, token)).expect(200)
    [session] = (await team.visitor(page.short_id))["sessions"]
    assert (session["went_live"], session["ended_at"]) == (True, session["started_at"])
    wrong = {"X-Watch-Token": "wrong"}
    (await team.request("POST", events, {"type": "end"}, wrong)).refused(401, "invalid_api_key")


async def test_the_button_of_the_page_ends_a_session(team: Team) -> None:
    page = await team.connect()
    target, cookie = await team.open(page.short_id, branding={"on_end_url": "https://x.test/?a&b"})
    await page.start()
    form = re.search(r'name="end" value="(\w+)"', (await view(team, target, cookie)).text)
    assert form is not None
    (await team.request("POST", target, b"end=guess", {"Cookie": cookie})).expect(410)
    (await team.request("POST", target, f"end={form[1]}".encode())).expect(410)
    sent = f"end={form[1]}".encode()
    ended = (await team.request("POST", target, sent, {"Cookie": cookie})).expect(303)
    assert target.endswith("/" + ended.headers["Location"])
    shown = (await view(team, target, cookie)).expect(200).text
    assert "The session is over" in shown
    assert 'href="https://x.test/?a&amp;b"' in shown


async def test_a_visitor_can_decline(team: Team) -> None:
    page = await team.connect()
    target, cookie = await team.open(page.short_id, branding={"retry_url": "https://x.test/again"})
    session = await page.beat()
    (await page.event(session["id"], "end")).expect(200)
    assert await page.beat() is None
    (await page.event(session["id"], "start")).refused(404, "not_found")
    assert 'href="https://x.test/again"' in (await view(team, target, cookie)).expect(410).text


async def test_a_link_ends_with_its_life(team: Team, api: Api) -> None:
    page = await team.connect()
    late = await team.link(page.short_id, branding={"retry_url": "https://x.test/again"})
    target, cookie = await team.open(page.short_id)
    api.clock.advance(TEN_MINUTES - 1)
    assert (await page.beat())["state"] == "waiting"
    (await view(team, target, cookie)).expect(200)
    api.clock.advance(1)
    assert 'href="https://x.test/again"' in (await team.request("GET", late)).expect(410).text
    assert await page.beat() is None
    (await view(team, target, cookie)).expect(410)
    (await page.event(1, "start")).refused(404, "not_found")


async def test_an_offline_visitor_can_be_waited_for(team: Team, api: Api) -> None:
    page = await team.connect()
    api.clock.advance(90)
    target, cookie = await team.open(page.short_id)
    assert "offline" in (await view(team, target, cookie)).expect(200).text
    await page.start()
    assert "running" in (await view(team, target, cookie)).expect(200).text


async def test_the_second_agent_gets_its_turn(team: Team) -> None:
    page = await team.connect()
    await team.open(page.short_id, "1")
    first = await page.start()
    await team.open(page.short_id, "2")
    assert (await page.beat()) == {"id": first, "state": "running"}
    (await page.event(first, "end")).expect(200)
    assert (await page.beat()) == {"id": 2, "state": "waiting"}


async def test_a_session_does_not_outlive_its_visitors_silence(team: Team, api: Api) -> None:
    page = await team.connect()
    target, cookie = await team.open(page.short_id)
    await page.start()
    api.clock.advance(30)
    await page.beat()
    api.clock.advance(60)
    assert (await team.usage())["session_seconds"]["today"] == 30
    assert (await team.usage())["session_counts"]["now"] == 0
    assert "The session is over" in (await view(team, target, cookie)).text
    assert await page.beat() is None
    [session] = (await team.visitor(page.short_id))["sessions"]
    assert (session["length_seconds"], session["ended_at"][-10:]) == (30, "00:30.000Z")


WRONG_WISHES: tuple[tuple[Any, str], ...] = (
    (b"{", "json"),
    ([], "body"),
    ({}, "agent"),
    ({"agent": {"id": "1"}}, "agent.name"),
    ({"agent": {"id": 1, "name": "A"}}, "agent.id"),
    ({"branding": {"naked": "yes"}}, "branding.naked"),
    ({"branding": {"naked": "true"}}, "branding.naked"),
    ({"branding": {"retry_url": "javascript:alert(1)"}}, "branding.retry_url"),
    ({"branding": {"no_bottom_bar": 1}}, "branding.no_bottom_bar"),
    ({"metadata": {"a": {}}}, "metadata.a"),
    ({"permissions": {"allow_click": "no"}}, "permissions.allow_click"),
)
"""Bodies for a link, and the field of each that is wrong."""


async def test_wishes_that_make_no_sense(team: Team) -> None:
    page = await team.connect()
    for wrong, field in WRONG_WISHES:
        body = wrong
        if isinstance(wrong, dict) and wrong and "agent" not in wrong:
            body = {"agent": {"id": "1", "name": "A"}, **wrong}
        answer = await team.send("POST", f"/visitors/{page.short_id}/watch_url.json", body)
        assert list(answer.refused(400, "invalid_request").body["fields"]) == [field]
        unknown = await team.send("POST", "/visitors/ZZZZZZZZ/watch_url.json", body)
        unknown.refused(404, "not_found")


async def test_every_option_is_taken(team: Team, api: Api) -> None:
    page = await team.connect()
    wish: dict[str, Any] = {
        "branding": {
            "naked": True,
            "retry_url": None,
            "no_bottom_bar": True,
            "on_end_url": "http://x.test",
            "no_events": True,
        },
        "metadata": {"a": "text", "b": 1.5, "c": False},
        "permissions": {"allow_console": True, "allow_draw": False},
        "observe_view": True,
    }
    person = {"first_name": "A", "last_name": "B"}
    made = await api.put(f"/v2/accounts/{team.account_id}/users", person)
    user_id = made.expect(201).data["id"]
    target, cookie = await team.open(page.short_id, user_id, **wish)
    assert "<footer>" not in (await view(team, target, cookie)).text
    await page.start()
    [session] = (
        await team.api.get(f"/v2/accounts/{team.account_id}/visitor_sessions?full_docs=true")
    ).data
    assert session["metadata"] == wish["metadata"]
    assert session["owner_id"] == user_id
    assert session["permissions"]["allow_console"]
    assert not session["permissions"]["allow_draw"]
    assert session["permissions"]["allow_click"]


async def test_running_sessions_are_limited(team: Team) -> None:
    await team.plan(limits={"running_sessions": 1})
    first, second = await team.connect(), await team.connect()
    await team.open(first.short_id)
    await team.open(second.short_id)
    number = await first.start()
    (await team.wish(second.short_id)).refused(402, "payment_required")
    waiting = await second.beat()
    (await second.event(waiting["id"], "start")).refused(402, "payment_required")
    (await first.event(number, "end")).expect(200)
    await second.start()


async def test_agents_have_seats_for_thirty_days(team: Team, api: Api) -> None:
    await team.plan(limits={"agent_seats": 1})
    page = await team.connect()
    await team.open(page.short_id, "1")
    await page.event(await page.start(), "end")
    (await team.wish(page.short_id, "2")).refused(402, "payment_required")
    (await team.wish(page.short_id, "1")).expect(200)
    api.clock.advance(30 * 86_400 + 1)
    (await team.wish(page.short_id, "2")).expect(200)


@on_every_store
async def test_of_twenty_who_open_a_link_one_succeeds(team: Team) -> None:
    page = await team.connect()
    path = await team.link(page.short_id)
    answers = await asyncio.gather(*(team.request("GET", path) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [303] + [410] * 19
    assert (await page.beat())["id"] == 1


async def test_deleting_a_visitor_takes_its_links_and_names_along(team: Team, api: Api) -> None:
    page = await team.connect()
    unused = await team.link(page.short_id)
    target, cookie = await team.open(page.short_id, metadata={"name": "Ann"})
    await page.start()
    api.clock.advance(10)
    await page.beat()
    api.clock.advance(10)
    (await team.send("DELETE", f"/visitors/{page.short_id}")).expect(200)
    (await team.request("GET", unused)).expect(410)
    (await view(team, target, cookie)).expect(410)
    [session] = (await team.get("/ext/sessions.json")).expect(200).body["sessions"]
    assert (session["visitor_id"], session["length_seconds"]) == (None, 20)
    path = f"/v2/accounts/{team.account_id}/visitor_sessions/s1"
    kept = (await api.get(path)).expect(200).data
    assert page.short_id not in str(kept)
    assert "metadata" not in kept
    store = api.gateway.services.store
    assert await store.count(Span(account_id=team.account_id, doc_type="watch_link")) == 0


async def test_a_new_key_ends_the_links_of_the_old_one(team: Team, api: Api) -> None:
    page = await team.connect()
    unused = await team.link(page.short_id)
    target, cookie = await team.open(page.short_id)
    keys = api.gateway.identity.keys
    caller = await keys.authenticate(team.key, "v1_1", "127.0.0.1")
    account = await api.gateway.services.accounts.get(team.account_id)
    assert account is not None
    _, team.key = await keys.create(account, dialect="v1_1", name="New")
    old = Key(team.account_id, "api_key", caller.claims["key_id"])
    assert await api.gateway.services.store.get(old) is None
    (await team.request("GET", unused)).expect(410)
    (await view(team, target, cookie)).expect(410)
    (await team.open(page.short_id))


async def test_links_of_an_account_that_is_disabled_are_dead(team: Team) -> None:
    page = await team.connect()
    unused = await team.link(page.short_id)
    target, cookie = await team.open(page.short_id)
    await team.set_private(pvt_enabled=False)
    (await team.request("GET", unused)).expect(410)
    (await view(team, target, cookie)).expect(410)
    await team.set_private(pvt_enabled=True)
    (await view(team, target, cookie)).expect(200)
    (await team.request("GET", unused)).expect(303)


async def test_what_is_no_link_opens_nothing(team: Team) -> None:
    for token in ("", "x", "A" * 48, "%41", "A" * 5000):
        answer = (await team.request("GET", f"/watch?{token}")).expect(410)
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        (await team.request("GET", f"/watch/{'0' * 32}/{token[:40] or 'x'}")).expect(410)
    (await team.request("GET", f"/watch/{'0' * 32}/{'0' * 32}")).expect(410)


async def test_sessions_are_listed_by_time(team: Team, api: Api) -> None:
    page = await team.connect()
    for _ in range(3):
        await team.open(page.short_id)
        await page.event(await page.start(), "end")
        api.clock.advance(60)

    async def listed(query: str) -> list[int]:
        answer = (await team.get(f"/ext/sessions.json{query}")).expect(200).body
        return [session["id"] for session in answer["sessions"]]

    assert await listed("") == [3, 2, 1]
    assert await listed("?max_results=1") == [3]
    assert await listed("?from=2027-01-15T08:01:00Z") == [3, 2]
    assert await listed("?from=2027-01-15T08:01:00Z&to=2027-01-15T09:01:00%2B01:00") == [2]
    assert await listed("?to=2027-01-15") == []
    (await team.get("/ext/sessions?from=yesterday")).refused(400, "invalid_request")


async def test_to_ask_about_a_link_does_not_use_it(team: Team) -> None:
    page = await team.connect()
    link = await team.link(page.short_id)
    (await team.request("HEAD", link)).expect(303)
    asked = (await team.request("HEAD", link)).expect(303)
    assert "Set-Cookie" not in asked.headers
    assert await page.beat() is None
    opened = (await team.request("GET", link)).expect(303)
    assert opened.headers["Location"] == asked.headers["Location"]
    cookie = {"Cookie": opened.headers["Set-Cookie"].partition(";")[0]}
    path = opened.headers["Location"].partition("/v1.1")[2]
    assert (await team.request("HEAD", path, headers=cookie)).expect(200).text == ""
    (await team.request("HEAD", path)).expect(410)
    (await team.request("HEAD", link)).expect(410)
