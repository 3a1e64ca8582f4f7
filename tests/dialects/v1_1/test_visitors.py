"""Visitors: reported by pages, read, found, corrected and deleted by the team."""

from __future__ import annotations

from typing import Any

from crossbar.visitors.visitors import MOST_PAGES, MOST_TEXT, SHORT_ID
from tests.conftest import Api
from tests.contract.conftest import on_every_store
from tests.dialects.v1_1.conftest import Team, new_team

NOW = "2027-01-15T08:00:00.000Z"

KEYS = {
    "_type", "api_key", "browser_name", "device_name", "device_type", "first_seen_at",
    "identities", "integration", "ip_address", "is_in_session", "is_online", "js_configuration",
    "last_seen_at", "last_url", "location_city", "location_country", "location_country_name",
    "lookup_code", "sessions", "short_id", "tags", "unique_id",
}  # fmt: skip


async def test_a_new_visitor_has_every_key(team: Team) -> None:
    page = await team.connect()
    assert SHORT_ID.fullmatch(page.short_id)
    body = (await team.get(f"/visitors/{page.short_id}.json")).expect(200).body
    assert body["status"] == "ok"
    visitor = body["visitor"]
    assert visitor.keys() == KEYS
    assert visitor == {
        **dict.fromkeys(KEYS),
        "_type": "visitor",
        "api_key": team.public_key,
        "browser_name": "Chrome 65",
        "device_name": "Mac",
        "device_type": "desktop",
        "first_seen_at": NOW,
        "ip_address": "127.0.0.1",
        "is_in_session": False,
        "is_online": True,
        "js_configuration": False,
        "last_seen_at": NOW,
        "sessions": [],
        "short_id": page.short_id,
        "tags": [],
    }


async def test_what_a_page_says_is_kept_and_null_clears_it(team: Team, api: Api) -> None:
    said = {
        "unique_id": "u1",
        "identities": ["Ann", "ann@example.com"],
        "tags": ["#vip"],
        "integration": "intercom",
        "js_configuration": True,
    }
    page = await team.connect(**said, url="https://shop.example.com/a", other="ignored")
    shown = await team.visitor(page.short_id)
    assert {name: shown[name] for name in said} == said
    assert shown["last_url"] == "https://shop.example.com/a"
    api.clock.advance(20)
    await page.beat(unique_id=None, url="https://shop.example.com/b")
    shown = await team.visitor(page.short_id)
    assert (shown["unique_id"], shown["identities"]) == (None, said["identities"])
    assert shown["last_url"] == "https://shop.example.com/b"
    assert (shown["first_seen_at"], shown["last_seen_at"]) == (NOW, "2027-01-15T08:00:20.000Z")


async def history(team: Team, short_id: str) -> Any:
    path = f"/visitors/{short_id}.json?with_history=true"
    return (await team.get(path)).expect(200).body["visitor"]["history"]


async def test_the_pages_of_a_visitor_are_told_to_who_asks(team: Team, api: Api) -> None:
    page = await team.connect()
    assert await history(team, page.short_id) == []
    for url in ("https://a.test/1", "https://a.test/1", "https://a.test/2", None):
        api.clock.advance(1)
        await page.beat(url=url)
    await page.beat(unique_id="u1")
    await page.beat(url="https://a.test/1")
    assert await history(team, page.short_id) == [
        {"url": "https://a.test/1", "visited_at": "2027-01-15T08:00:01.000Z"},
        {"url": "https://a.test/2", "visited_at": "2027-01-15T08:00:03.000Z"},
        {"url": "https://a.test/1", "visited_at": "2027-01-15T08:00:04.000Z"},
    ]
    for query in ("", "?with_history=false", "?with_history="):
        path = f"/visitors/{page.short_id}.json{query}"
        assert "history" not in (await team.get(path)).expect(200).body["visitor"]
    (await team.send("PUT", f"/ext/visitors/{page.short_id}", {"tags": ["#x"]})).expect(200)
    assert len(await history(team, page.short_id)) == 3
    path = f"/v2/accounts/{team.account_id}/visitors/{page.short_id}"
    assert "history" not in str((await api.get(path)).expect(200).data)


async def test_so_many_pages_of_a_visitor_are_remembered(team: Team) -> None:
    page = await team.connect(url="https://a.test/first")
    for number in range(MOST_PAGES):
        await page.beat(url=f"https://a.test/{number}")
    kept = await history(team, page.short_id)
    assert [each["url"] for each in kept] == [f"https://a.test/{n}" for n in range(MOST_PAGES)]
    for letter in "abcdefghijklmnop":
        await page.beat(url=letter * 2000)
    kept = await history(team, page.short_id)
    assert [each["url"][0] for each in kept] == list("ghijklmnop")
    assert sum(len(each["url"]) for each in kept) == MOST_TEXT


async def test_what_is_too_much_is_refused(team: Team) -> None:
    headers = {"X-Public-Key": team.public_key}
    refused: dict[str, Any] = {
        "identities": ["x"] * 21,
        "identities.0": ["x" * 201],
        "tags.0": ["vip"],
        "url": "x" * 2001,
        "lookup_code": "12345",
        "js_configuration": "true",
    }
    for field, value in refused.items():
        sent = {field.partition(".")[0]: value}
        answer = await team.request("POST", "/ext/visitors.json", sent, headers)
        assert list(answer.refused(400, "invalid_request").body["fields"]) == [field]


async def test_a_visitor_is_online_for_a_minute_after_its_last_heartbeat(
    team: Team, api: Api
) -> None:
    page = await team.connect()
    api.clock.advance(59.999)
    assert (await team.visitor(page.short_id))["is_online"]
    assert (await team.usage())["visitors"]["online_now"] == 1
    api.clock.advance(0.001)
    assert not (await team.visitor(page.short_id))["is_online"]
    assert (await team.usage())["visitors"]["online_now"] == 0
    await page.beat()
    assert (await team.visitor(page.short_id))["is_online"]
    await page.hang_up()
    assert not (await team.visitor(page.short_id))["is_online"]


async def test_heartbeats_write_no_events(team: Team, api: Api) -> None:
    page = await team.connect()
    before = await api.gateway.services.store.last_event()
    await page.beat(url="https://shop.example.com/")
    await page.hang_up()
    assert await api.gateway.services.store.last_event() == before


async def test_only_the_secret_makes_a_page_go_on_as_the_same_visitor(team: Team) -> None:
    page = await team.connect(unique_id="u1")
    headers = {"X-Public-Key": team.public_key}

    async def connect(**sent: Any) -> Any:
        return (await team.request("POST", "/ext/visitors", sent, headers)).body

    again = await connect(short_id=page.short_id, secret=page.secret)
    assert again["visitor"]["short_id"] == page.short_id
    assert again["connection_id"] != page.connection_id
    for sent in (
        {"unique_id": "u1"},
        {"short_id": page.short_id},
        {"short_id": page.short_id, "secret": "wrong"},
        {"short_id": "ZZZZZZZZ", "secret": page.secret},
    ):
        assert (await connect(**sent))["visitor"]["short_id"] != page.short_id


async def test_an_older_page_that_closes_leaves_the_visitor_online(team: Team) -> None:
    page = await team.connect()
    sent = {"short_id": page.short_id, "secret": page.secret}
    headers = {"X-Public-Key": team.public_key}
    (await team.request("POST", "/ext/visitors", sent, headers)).expect(200)
    path = f"/ext/visitors/{page.short_id}/connection"
    (await page.send("DELETE", path, {"connection_id": page.connection_id})).expect(200)
    assert (await team.visitor(page.short_id))["is_online"]


async def test_a_page_speaks_for_its_own_visitor_only(team: Team) -> None:
    page, other = await team.connect(), await team.connect()
    path = f"/ext/visitors/{other.short_id}"
    for method, rest in (("POST", "heartbeat"), ("DELETE", "connection"), ("POST", "lookup_code")):
        (await page.send(method, f"{path}/{rest}", {})).refused(401, "invalid_api_key")
        (await page.send(method, f"/ext/visitors/ZZZZZZZZ/{rest}", {})).refused(404, "not_found")
    page.secret = ""
    path = f"/ext/visitors/{page.short_id}/heartbeat"
    (await page.send("POST", path, {})).refused(401, "invalid_api_key")


async def test_beacons_carry_everything_in_their_body(team: Team) -> None:
    sent = {"api_key": team.public_key}
    made = (await team.request("POST", "/ext/visitors", sent)).expect(201).body
    path = f"/ext/visitors/{made['visitor']['short_id']}/heartbeat"
    beacon = {**sent, "secret": made["secret"]}
    answer = await team.request("POST", path, beacon, {"Content-Type": "text/plain"})
    assert answer.expect(200).body == {"status": "ok", "session": None}


@on_every_store
async def test_lookup_codes_are_unique_and_end_a_day_after_the_visitor_left(
    team: Team, api: Api
) -> None:
    pages = [await team.connect() for _ in range(3)]
    codes = set()
    for page in pages:
        path = f"/ext/visitors/{page.short_id}/lookup_code.json"
        told = (await page.send("POST", path)).expect(200).body
        assert (await page.send("POST", path)).body == told
        assert (await team.visitor(page.short_id))["lookup_code"] == told["lookup_code"]
        codes.add(told["lookup_code"])
    assert len(codes) == 3
    headers = {"X-Public-Key": team.public_key}
    taken = {"lookup_code": codes.pop()}
    answer = (await team.request("POST", "/ext/visitors", taken, headers)).expect(400)
    assert list(answer.body["fields"]) == ["lookup_code"]
    api.clock.advance(86_400)
    assert (await team.visitor(pages[0].short_id))["lookup_code"] is None


async def test_a_server_corrects_what_it_knows_better(team: Team) -> None:
    page = await team.connect(unique_id="u1")
    path = f"/ext/visitors/{page.short_id}.json"
    fed = {"location_city": "Graz", "location_country": "AT", "device_type": "tablet"}
    body = {**fed, "unique_id": None, "first_seen_at": "never", "is_online": False}
    shown = (await team.send("PUT", path, body)).expect(200).body["visitor"]
    assert {name: shown[name] for name in fed} == fed
    assert (shown["unique_id"], shown["first_seen_at"], shown["is_online"]) == (None, NOW, True)
    wrong = (await team.send("PUT", path, {"device_type": "toaster"})).expect(400).body
    assert list(wrong["fields"]) == ["device_type"]
    (await team.send("PUT", "/ext/visitors/ZZZZZZZZ", fed)).refused(404, "not_found")


async def found(team: Team, search: str) -> list[str]:
    answer = await team.get(f"/list.json?search={search}")
    assert answer.expect(200).body["status"] == "ok"
    return [visitor["unique_id"] for visitor in answer.body["visitors"]]


async def test_a_search_has_so_many_words(team: Team) -> None:
    await team.connect(unique_id="Ann")
    assert await found(team, "%20".join(["ann"] * 20)) == ["Ann"]
    refused = await team.get(f"/list?search={'%20'.join(['ann'] * 21)}")
    assert refused.refused(400, "invalid_request").body["fields"].keys() == {"search"}


async def test_searching(team: Team, api: Api) -> None:
    ann = await team.connect(unique_id="Ann", identities=["ann@example.com"], tags=["#vip"])
    await ann.hang_up()
    api.clock.advance(1)
    await team.connect(unique_id="bob@example.com", integration_ids={"crm": "b:7"})
    api.clock.advance(1)
    eve = await team.connect(unique_id="Eve", url="https://shop.example.com/Basket?ann")
    code = (await eve.send("POST", f"/ext/visitors/{eve.short_id}/lookup_code")).body
    everybody = ["Eve", "bob@example.com", "Ann"]
    assert await found(team, "") == await found(team, "%20") == everybody
    for search, names in {
        "online": everybody[:2],
        "-online": ["Ann"],
        "ip:127.0.0.1": everybody,
        "ip:127.0.0": [],
        "id:Ann": ["Ann"],
        "id:ann": [],
        code["lookup_code"]: ["Eve"],
        "%23vip": ["Ann"],
        "%23VIP": [],
        "integration_id:crm:b:7": ["bob@example.com"],
        "integration_id:crm": [],
        "ANN@example.com": ["Ann"],
        "BOB@EXAMPLE.COM": ["bob@example.com"],
        "example.com": everybody,
        "basket": ["Eve"],
        "vip": ["Ann"],
        "ann": ["Eve", "Ann"],
        "ann+online": ["Eve"],
        ann.short_id.lower(): ["Ann"],
        "nobody": [],
    }.items():
        assert await found(team, search) == names, search


async def test_lists_are_as_long_as_asked(team: Team) -> None:
    for _ in range(3):
        await team.connect()
    assert len((await team.get("/list?max_results=2")).body["visitors"]) == 2
    for wrong in ("0", "101", "x", "-1", "1" * 20):
        answer = (await team.get(f"/list?max_results={wrong}")).expect(400).body
        assert list(answer["fields"]) == ["max_results"]


async def test_a_deleted_visitor_is_gone(team: Team, api: Api) -> None:
    page = await team.connect()
    path = f"/visitors/{page.short_id}.json"
    assert (await team.send("DELETE", path)).expect(200).body == {"status": "ok"}
    for method in ("GET", "DELETE"):
        (await team.send(method, path)).refused(404, "not_found")
    beat = f"/ext/visitors/{page.short_id}/heartbeat"
    (await page.send("POST", beat, {})).refused(404, "not_found")
    assert (await team.get("/list.json")).body["visitors"] == []
    events = await api.gateway.services.store.events(0)
    [told] = [each.event for each in events if each.event.key.doc_id == page.short_id][1:]
    assert (told.action, told.summary["auth_account_id"]) == ("deleted", team.account_id)


async def test_another_teams_visitor_is_unknown(team: Team, api: Api) -> None:
    page, other = await team.connect(), await new_team(api, "Other")
    path = f"/visitors/{page.short_id}"
    (await other.send("GET", path)).refused(404, "not_found")
    (await other.send("DELETE", path)).refused(404, "not_found")
    (await other.wish(page.short_id)).refused(404, "not_found")
    assert (await other.get("/list")).body["visitors"] == []
    page.team = other
    (await page.send("POST", f"/ext{path}/heartbeat", {})).refused(404, "not_found")


async def test_what_is_no_short_id_is_unknown(team: Team) -> None:
    for short_id in ("abcd2345", "ABCD123", "ABCD10IO", "%F0%9F%98%80", "a%00b", "%FF"):
        (await team.get(f"/visitors/{short_id}.json")).refused(404, "not_found")


async def test_v2_shows_the_same_visitors(team: Team, api: Api) -> None:
    page = await team.connect(unique_id="u1")
    path = f"/v2/accounts/{team.account_id}/visitors"
    [row] = (await api.get(path)).expect(200).data
    assert (row["id"], row["unique_id"]) == (page.short_id, "u1")
    shown = (await api.get(f"{path}/{page.short_id}")).expect(200).data
    assert shown["is_online"]
    changed = await api.patch(f"{path}/{page.short_id}", {"tags": ["#a"], "is_online": False})
    assert (changed.expect(200).data["tags"], changed.data["is_online"]) == (["#a"], True)
    cleared = dict.fromkeys(("ip_address", "tags", "js_configuration", "last_url"))
    (await api.patch(f"{path}/{page.short_id}", cleared)).expect(200)
    assert (await team.visitor(page.short_id))["ip_address"] == ""
    (await api.delete(f"{path}/{page.short_id}")).expect(200)
    (await team.get(f"/visitors/{page.short_id}")).refused(404, "not_found")
