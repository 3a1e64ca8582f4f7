"""Who may ask: keys, plans, origins, limits; and which paths there are."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from crossbar.clock import GREGORIAN_OFFSET
from crossbar.dialects.v1_1.exchange import LARGEST
from crossbar.dialects.v1_1.table import TABLE
from crossbar.storage import Unreachable
from tests.conftest import NOW, Api
from tests.contract.conftest import on_every_store
from tests.dialects.v1_1.conftest import (
    ORIGIN,
    PUBLIC_URL,
    Team,
    account_of,
    new_team,
)

SECRET_PATHS = (
    ("GET", "/usage.json"),
    ("GET", "/list.json"),
    ("GET", "/visitors/ABCD2345.json"),
    ("DELETE", "/visitors/ABCD2345.json"),
    ("POST", "/visitors/ABCD2345/watch_url.json"),
    ("PUT", "/ext/visitors/ABCD2345.json"),
    ("GET", "/ext/sessions.json"),
)


async def test_the_three_refusals_in_their_order(team: Team) -> None:
    async def refused(error: str, headers: dict[str, str]) -> None:
        for method, path in SECRET_PATHS:
            answer = await team.request(method, path, b"{", headers)
            assert (answer.status, answer.body) == (401, {"status": "error", "error": error})

    nobody: tuple[dict[str, str], ...] = ({}, {"X-Api-Key": ""}, {"X-Api-Key": f"{team.key}x"})
    for headers in nobody:
        await refused("invalid_api_key", headers)
    await team.plan(enabled=False)
    await refused("api_not_enabled", {"X-Api-Key": team.key})
    await team.plan(enabled=False, expires=NOW + GREGORIAN_OFFSET)
    await refused("subscription_expired", {"X-Api-Key": team.key})


async def test_a_disabled_account_has_no_subscription(team: Team) -> None:
    await team.set_private(pvt_enabled=False)
    (await team.get("/usage")).refused(401, "subscription_expired")
    wrong = team.key[:-1] + ("A" if team.key[-1] != "A" else "B")
    headers = {"X-Api-Key": wrong}
    (await team.request("GET", "/usage", headers=headers)).refused(401, "invalid_api_key")
    sent = {"X-Public-Key": team.public_key}
    (await team.request("POST", "/ext/visitors", {}, sent)).refused(401, "subscription_expired")


async def test_keys_of_other_dialects_and_tokens_are_nobody(team: Team, api: Api) -> None:
    account = await account_of(api, team.account_id)
    keys = api.gateway.identity.keys
    others = [(await keys.create(account, dialect=name, name="K"))[1] for name in ("v2", "v1")]
    for other in (*others, api.token, team.public_key):
        headers = {"X-Api-Key": other}
        (await team.request("GET", "/usage", headers=headers)).refused(401, "invalid_api_key")
    bearer = {"Authorization": f"Bearer {team.key}"}
    (await team.request("GET", "/usage", headers=bearer)).refused(401, "invalid_api_key")
    answer = await api.get(f"/v2/accounts/{team.account_id}", token=team.key)
    answer.expect(401)


@on_every_store
async def test_of_keys_that_are_made_at_once_one_is_left(team: Team, api: Api) -> None:
    await team.usage()
    account = await account_of(api, team.account_id)
    keys = api.gateway.identity.keys
    made = await asyncio.gather(
        *(keys.create(account, dialect="v1_1", name=str(number)) for number in range(5))
    )
    statuses = []
    for key in (team.key, *(secret for _, secret in made)):
        team.key = key
        statuses.append((await team.get("/usage")).status)
    assert (statuses[0], sorted(statuses)) == (401, [200, *[401] * 5])


async def test_the_suffix_may_be_left_out(team: Team) -> None:
    assert (await team.get("/usage")).expect(200).body == (await team.get("/usage.json")).body
    assert (await team.get("/list")).expect(200).body["status"] == "ok"


async def test_unknown_paths_need_no_key(team: Team) -> None:
    paths = ("/", "/.json", "/nothing.json", "/usage/json", "/visitors", "/visitors//watch_url")
    for path in paths:
        answer = await team.request("GET", path)
        assert (answer.status, answer.body) == (404, {"status": "error", "error": "not_found"})


async def test_a_wrong_method_is_told_what_is_offered(team: Team) -> None:
    answer = (await team.send("PATCH", "/visitors/ABCD2345")).refused(405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, DELETE"
    (await team.request("PATCH", "/usage")).refused(401, "invalid_api_key")


async def test_pages_report_only_for_an_account_that_lets_them(team: Team, api: Api) -> None:
    async def report(key: Any) -> Any:
        return await team.request("POST", "/ext/visitors", {}, {"X-Public-Key": key})

    closed = await api.create_account("Closed")
    for key in ("", "pk_", f"pk_{closed}", f"pk_{'0' * 32}", team.key):
        (await report(key)).refused(401, "invalid_api_key")
    path = f"/v2/accounts/{team.account_id}/visitor_settings"
    shown = (await api.get(path)).expect(200).data
    assert (shown["public_key"], shown["enabled"]) == (team.public_key, True)
    (await api.post(path, {**shown, "enabled": False})).expect(200)
    (await report(team.public_key)).refused(401, "invalid_api_key")
    (await api.post(path, {"origins": ["https://a.test/path"]})).expect(400)
    (await team.request("POST", "/ext/visitors", b"{")).refused(401, "invalid_api_key")


async def test_origins_are_those_of_the_account(team: Team) -> None:
    async def report(origin: str) -> Any:
        headers = {"X-Public-Key": team.public_key, "Origin": origin}
        return await team.request("POST", "/ext/visitors", {}, headers)

    ours = (await report(ORIGIN)).expect(201)
    assert ours.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert ours.headers["Vary"] == "Origin"
    for other in ("https://evil.example.com", "null"):
        refused = (await report(other)).refused(403, "forbidden")
        assert "Access-Control-Allow-Origin" not in refused.headers


async def test_preflights_let_pages_send_anything_but_the_secret_key(team: Team) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = (await team.request("OPTIONS", "/ext/visitors.json", headers=headers)).expect(204)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "POST" in answer.headers["Access-Control-Allow-Methods"].split(", ")
    allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
    assert "x-public-key" in allowed
    assert "x-api-key" not in allowed
    (await team.send("OPTIONS", "/usage")).refused(405, "method_not_allowed")
    for path in ("/usage.json", "/nothing.json", "/watch?x"):
        assert (await team.request("OPTIONS", path, headers=headers)).expect(204).text == ""
    sent = {**headers, "X-Api-Key": team.key}
    answer = await team.request("GET", "/usage.json", headers=sent)
    assert "Access-Control-Allow-Origin" not in answer.expect(200).headers


async def test_bodies_are_read_only_as_far_as_they_make_sense(team: Team) -> None:
    headers = {"X-Public-Key": team.public_key}
    for body in (b"[]", b"nonsense", b'{"url": 1}'):
        (await team.request("POST", "/ext/visitors", body, headers)).refused(
            400, "invalid_request"
        )
    large = b"{" + b" " * LARGEST + b"}"
    (await team.request("POST", "/ext/visitors", large, headers)).refused(413, "payload_too_large")


async def raw(api: Api, request: bytes) -> bytes:
    """What the server answers to bytes."""
    reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(65536), 5)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_bytes_that_are_no_text_break_nothing(team: Team, api: Api) -> None:
    page = await team.connect()
    for line, headers, status in (
        (b"POST /v1.1/ext/visitors", b"X-Public-Key: \xff", b"401"),
        (b"POST /v1.1/ext/visitors", b"User-Agent: \xff (Linux; Android 9; \xfe Build)", b"201"),
        (b"POST /v1.1/ext/visitors", b"Origin: \xff", b"403"),
        (b"OPTIONS /v1.1/ext/visitors", b"Origin: \xff", b"204"),
        (
            f"POST /v1.1/ext/visitors/{page.short_id}/heartbeat".encode(),
            b"X-Connection-Secret: \xff",
            b"401",
        ),
        (b"POST /v1.1/ext/sessions/1/events", b"X-Watch-Token: \xff", b"401"),
        (b"GET /v1.1/usage", b"X-Api-Key: \xff", b"401"),
        (b"GET /v1.1/watch?%FF", b"Cookie: \xff", b"410"),
        (b"GET /v1.1/watch/%C3%BF/%C3%BF", b"Cookie: crossbar_watch=\xff", b"410"),
        (b"GET /v1.1/visitors/%FF", f"X-Api-Key: {team.key}".encode(), b"404"),
        (b"GET /v1.1/list?search=%FF", f"X-Api-Key: {team.key}".encode(), b"200"),
    ):
        key = b"" if b"Public-Key" in headers else f"X-Public-Key: {team.public_key}".encode()
        lines = (line + b" HTTP/1.1", b"Host: x", b"Connection: close", headers, key)
        answer = await raw(api, b"\r\n".join(filter(None, lines)) + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 " + status), (line, headers, answer)


async def test_the_root_of_the_dialect_is_its_own(team: Team) -> None:
    (await team.request("GET", "")).refused(404, "not_found")


def posted_by(team: Team) -> str:
    """The beginning of a request with a body."""
    return f"POST /v1.1/ext/visitors HTTP/1.1\r\nHost: x\r\nX-Public-Key: {team.public_key}\r\n"


class TestImpatience:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"http.request_timeout": 0.1}

    async def test_a_body_that_does_not_arrive_is_refused(self, team: Team, api: Api) -> None:
        late = await raw(api, f"{posted_by(team)}Content-Length: 9\r\n\r\n{{".encode())
        assert late.startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_is_garbled_is_refused(team: Team, api: Api) -> None:
    head = posted_by(team)
    garbled = "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"
    assert (await raw(api, (head + garbled).encode())).startswith(b"HTTP/1.1 400 ")
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + piece * 2
    assert (await raw(api, chunked)).startswith(b"HTTP/1.1 413 ")


async def test_a_store_that_fails_and_a_bug_tell_nothing(
    team: Team, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await team.connect()
    failures: list[Exception] = [Unreachable("disk 7"), RuntimeError("bug 7")]

    async def failing(*_: Any) -> None:
        raise failures.pop(0)

    monkeypatch.setattr(api.gateway.services.store, "commit", failing)
    path = f"/ext/visitors/{page.short_id}/heartbeat"
    with capture_logs() as logged:
        refused = (await page.send("POST", path, {})).refused(503, "unavailable")
        assert ("7" in refused.text, refused.headers["Retry-After"]) == (False, "5")
        assert "7" not in (await page.send("POST", path, {})).refused(500, "internal_error").text
    assert [line["event"] for line in logged] == ["store_failed", "unexpected_error"]


async def test_every_endpoint_has_tests_of_its_own_need(team: Team) -> None:
    """Without anything to show, only pages for people and nothing else are answered."""
    for endpoint in TABLE.endpoints:
        path = endpoint.path.replace("{visitor_id}", "ABCD2345").replace("{session_id}", "1")
        path = path.replace("{account_id}", "0" * 32).replace("{link_id}", "0" * 32)
        answer = await team.request(endpoint.method, path)
        assert answer.status == (410 if endpoint.is_page else 401), endpoint


class TestLimits:
    """Requests of one key, and of one public key and address, are limited."""

    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"limits.enabled": True, "limits.capacity": 5, "limits.refill": 1}

    async def test_each_key_has_its_own_bucket(self, api: Api) -> None:
        team, other = await new_team(api, "A"), await new_team(api, "B")
        for _ in range(5):
            await team.usage()
        refused = (await team.get("/usage")).refused(429, "rate_limited")
        assert refused.headers["Retry-After"] == "1"
        await other.usage()
        api.clock.advance(1)
        await team.usage()

    async def test_pages_are_limited_by_address(self, api: Api) -> None:
        team = await new_team(api, "A")
        page = await team.connect()
        path = f"/ext/visitors/{page.short_id}/heartbeat"
        for _ in range(4):
            (await page.send("POST", path, {})).expect(200)
        (await page.send("POST", path, {})).refused(429, "rate_limited")
        await team.usage()

    async def test_who_guesses_keys_has_to_wait(self, api: Api) -> None:
        team = await new_team(api, "A")
        statuses = [(await team.request("GET", "/usage")).status for _ in range(6)]
        assert statuses == [401] * 5 + [429]
        await team.usage()


class TestAnAccessLog:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"http.access_log": True, "visitors.public_url": PUBLIC_URL}

    async def test_a_request_is_logged_without_its_query(self, team: Team) -> None:
        page = await team.connect()
        path = await team.link(page.short_id)
        with capture_logs() as logged:
            await team.request("GET", path)
        [line] = [entry for entry in logged if entry["event"] == "request"]
        assert (line["path"], line["status"]) == ("/v1.1/watch", 303)
        assert path.partition("?")[2] not in str(line)


async def test_what_is_cancelled_is_not_answered(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ended(*_: Any) -> None:
        raise web.HTTPBadRequest

    store = team.api.gateway.services.store
    await team.usage()
    monkeypatch.setattr(store, "count", ended)
    assert (await team.get("/usage")).status == 400
