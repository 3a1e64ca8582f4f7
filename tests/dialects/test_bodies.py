"""What bodies may cost: who pays before they are read, how large and how full they may be."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from tests.conftest import PASSWORD, Answer, Api, credentials
from tests.contract.kit import bare_exchange, chunked, http, multipart
from tests.dialects.v1.support import Client, client_of

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MIXED = {"Content-Type": "multipart/mixed; boundary=XX"}
LARGE = 100_000
"""Bytes; more than a stranger may send."""


async def unsent(api: Api, verb: str, path: str, *headers: str, length: int = 1000) -> Answer:
    """The answer to a request whose body never comes."""
    return await answered(api, http(verb, path, f"Content-Length: {length}", *headers))


async def answered(api: Api, request: bytes) -> Answer:
    """An answer, without waiting for the connection to end: what was not read is still awaited."""
    reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
    try:
        writer.write(request)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        lines = [line.partition(b": ") for line in head.lower().split(b"\r\n")]
        length = next(int(value) for name, _, value in lines if name == b"content-length")
        content = await asyncio.wait_for(reader.readexactly(length), 5)
    finally:
        writer.close()
    return Answer(int(head.split()[1]), {}, content, orjson.loads(content))


async def put_menu(api: Api, body: bytes, headers: dict[str, str]) -> Answer:
    """Send a body as it is. The client library warns of large ones."""
    sent = {"X-Auth-Token": api.token, **headers}
    lines = [f"{name}: {value}" for name, value in sent.items()]
    return await answered(api, http("PUT", f"{api.account}/menus", *lines, body=body))


async def cpu(work: Callable[[], Awaitable[Any]]) -> float:
    """Seconds of this process, client included, at best of three."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        await work()
        taken.append(time.process_time() - began)
    return min(taken)


class TestStrangers:
    """Callers whom no header and no parameter of the query string makes known."""

    async def test_v1_reads_no_body_before_it_knows_who_asks(self, api: Api) -> None:
        for headers in ((), ("Authorization: Bearer x", "X-Perscom-Id: 1")):
            answer = await unsent(api, "POST", "/v1/ranks", *headers)
            assert (answer.status, b"error" in answer.content) == (401, True)
        form = "Content-Type: application/x-www-form-urlencoded"
        assert (await unsent(api, "POST", "/v1/ranks/1", form)).status == 401
        assert (await unsent(api, "POST", "/v1/ranks/1")).status == 405
        assert (await unsent(api, "POST", "/v1/me", form)).status == 405
        assert (await unsent(api, "POST", "/v1/files/a/b/c/d", form)).status == 405
        assert (await unsent(api, "GET", "/v1/files/a/b/c/d")).status == 404

    async def test_v1_1_reads_no_body_before_it_knows_who_asks(self, api: Api) -> None:
        answer = await unsent(api, "PUT", "/v1.1/ext/visitors/ABCD2345", "X-Api-Key: x")
        assert (answer.status, answer.content.count(b"invalid_api_key")) == (401, 1)

    async def test_v2_reads_no_more_than_a_login_needs(self, api: Api) -> None:
        for path in ("/v2/user_auth", f"{api.account}/menus", "/v2/nope"):
            answer = await unsent(api, "PUT", path, length=65_537)
            assert answer.status == 413
            assert "without a credential" in answer.data["file"]["maxSize"]["message"]
            request = http("PUT", path, "Transfer-Encoding: chunked", length=False)
            piece = chunked(b" " * 40_000, b" " * 40_000)
            assert (await answered(api, request + piece)).status == 413
        login = credentials("admin", PASSWORD, "Master") | {"filler": "x" * 60_000}
        (await api.put("/v2/user_auth", login, token="")).expect(201)

    async def test_whoever_shows_a_credential_may_send_as_much_as_ever(self, api: Api) -> None:
        path, menu = f"{api.account}/menus", {"name": "x", "filler": "x" * LARGE}
        digest = credentials("admin", PASSWORD, "x")["credentials"]
        basic = base64.b64encode(f"{api.master.account_id}:{digest}".encode()).decode()
        token = await api.account_token(api.master.account_id)
        ways = [{"X-Auth-Token": token}, {"Authorization": f"Bearer {token}"}]
        ways.append({"Authorization": f"Basic {basic}"})
        for headers in ways:
            (await api.put(path, menu, token="", headers=headers)).expect(201)
        (await api.put(f"{path}?auth_token={token}", menu, token="")).expect(201)
        (await api.put(path, menu, token="")).expect(413)
        (await api.put(path, {"name": "x"}, token="", auth_token=token)).expect(201)
        (await api.put("/v2/account/menus", {"name": "x"}, token="", auth_token=token)).expect(201)
        (await api.put("/v2/account/menus", {"name": "x"}, token="")).expect(401)


class TestCharging:
    """Tokens are taken from the bucket before a body is read, and only once."""

    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {
            "limits.enabled": True,
            "limits.capacity": 20,
            "limits.refill": 1,
            "limits.login_cost": 7,
        }

    @pytest.fixture(autouse=True)
    def full_bucket(self, api: Api) -> None:
        api.clock.advance(20)

    async def test_an_empty_bucket_refuses_before_the_body_is_there(self, api: Api) -> None:
        for _ in range(20):
            await api.get("/v2/schemas", token="")
        assert (await unsent(api, "PUT", "/v2/user_auth")).status == 429
        assert (await unsent(api, "PUT", f"{api.account}/menus")).status == 429
        assert (await unsent(api, "PUT", "/v2/nope")).status == 404
        assert (await unsent(api, "PUT", "/v2/schemas")).status == 405
        login = credentials("admin", PASSWORD, "Master")
        (await api.post("/v2/user_auth", login, token="", verb="PUT")).expect(405)

    async def test_v1_1_charges_before_it_looks_for_a_key_in_the_body(self, api: Api) -> None:
        for _ in range(20):
            await api.client.post("/v1.1/ext/visitors", data=b"{}")
        assert (await unsent(api, "POST", "/v1.1/ext/visitors")).status == 429
        elsewhere = "X-Forwarded-For: 192.0.2.1"
        for number in range(30):
            body = orjson.dumps({"api_key": f"pk_{number:032x}"})
            request = http("POST", "/v1.1/ext/visitors", elsewhere, body=body)
            assert (await bare_exchange(api, request)).status == 401

    async def test_what_cannot_be_read_costs_something_too(self, api: Api) -> None:
        answer = await api.put(f"{api.account}/menus", raw=b"{", token="", headers=JSON)
        assert answer.expect(400).body["tokens"] == {"consumed": 1, "remaining": 19}

    async def test_a_token_in_the_envelope_makes_known_and_costs_nothing(self, api: Api) -> None:
        path = f"{api.account}/menus"
        for _ in range(3):
            answer = await api.put(path, {"name": "x"}, token="", auth_token=api.token)
            assert answer.expect(201).body["tokens"] == {"consumed": 0, "remaining": 20}
        assert (await api.get("/v2/schemas", token="")).body["tokens"]["remaining"] == 19

    async def test_a_tunnelled_login_costs_what_a_login_costs(self, api: Api) -> None:
        login = credentials("admin", PASSWORD, "Master")
        answer = await api.post("/v2/user_auth", login, token="", verb="PUT")
        assert answer.body["tokens"] == {"consumed": 7, "remaining": 13}

    async def test_an_expired_token_is_told_after_the_body(self, api: Api) -> None:
        api.clock.advance(3600)
        (await api.put(api.account, raw=b"{", headers=JSON)).expect(400)
        answer = (await api.put(f"{api.account}/menus", {"name": "x"})).expect(401)
        assert answer.body["message"] == "invalid credentials"


class TestMembers:
    """How full a body may be."""

    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"http.max_members": 50}

    async def test_more_values_than_allowed_are_refused(self, api: Api) -> None:
        path = f"{api.account}/menus"
        (await api.put(path, {"name": "x", "more": [1] * 40})).expect(201)
        (await api.put(path, {"name": ',[{"\\' * 1000})).expect(400)
        sent: tuple[Any, ...] = ({"more": [1] * 50}, {str(at): at for at in range(50)}, [[]] * 50)
        for data in sent:
            answer = (await api.put(path, data)).expect(413)
            assert answer.body["message"] == "too_many_members"
            assert answer.data["target"] == 50
        (await api.put(path, raw=b'"' * 5000 + b"," * 60, headers=JSON)).expect(413)

    async def test_more_fields_than_allowed_are_refused(self, api: Api) -> None:
        for raw in (b"a=1&" * 60, b"&" * 60, b"a=" + b"%41" * 600):
            (await api.put(f"{api.account}/menus", raw=raw, headers=FORM)).expect(413)
        v1 = await client_of(api)
        sent = await v1.request("POST", "/ranks", data=b"name=x&" * 60, **FORM)
        assert sent.kind == (413, "PostTooLargeException")
        assert (await v1.post("/ranks", {"name": ["x"] * 60})).status == 413

    async def test_the_json_part_of_a_multipart_body_counts(self, api: Api) -> None:
        part = ("Content-Type: application/json", orjson.dumps({"data": [1] * 60}))
        (await api.put(f"{api.account}/menus", raw=multipart(part), headers=MIXED)).expect(413)


FORMS: dict[str, Callable[[int], bytes]] = {
    "items": lambda size: b"a[]=&" * size,
    "members": lambda size: b"".join(b"a[b%d]=&" % at for at in range(size)),
    "brackets": lambda size: b"a" + b"[" * size + b"=1",
    "keys": lambda size: b"a" + b"[b]" * size + b"=1",
}


class TestForms:
    """Forms of v1, and more fields than are usual."""

    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"http.max_members": 1_000_000}

    @pytest.mark.parametrize("name", FORMS)
    async def test_they_take_time_in_proportion_to_their_size(self, api: Api, name: str) -> None:
        v1: Client = await client_of(api)

        async def post(size: int) -> None:
            answer = await v1.request("POST", "/ranks", data=FORMS[name](size), **FORM)
            assert answer.status == 422

        small = await cpu(lambda: post(10_000))
        large = await cpu(lambda: post(80_000))
        assert large < 25 * small


MULTIPART: dict[str, Callable[[int], bytes]] = {
    "preamble": lambda size: b"\r\n" * size,
    "nearly": lambda size: b"--XX\r\n" + b"\r\n--X" * size,
    "part": lambda size: b"--XX\r\nA: b\r\n\r\n" + b"\r\n-" * size + b"\r\n--XX--",
}


@pytest.mark.parametrize("name", MULTIPART)
async def test_multipart_bodies_are_taken_apart_quickly(api: Api, name: str) -> None:
    async def put() -> None:
        body = MULTIPART[name](1_000_000)
        (await put_menu(api, body, MIXED)).expect(400)

    assert await cpu(put) < 1


HEAVY: dict[str, bytes] = {
    "too many": b"{" + b",".join(b'"k%07d":1' % at for at in range(500_000)) + b"}",
    "long text": b'{"x":"' + b"a" * 7_900_000 + b'"}',
    "escapes": b'{"data":{"name":"' + b"\\u0041" * 1_200_000 + b'"}}',
    "commas": b'{"data":{"name":"' + b",{" * 3_900_000 + b'"}}',
    "full": b'{"data":{'
    + b",".join(b'"k%07d":"%0200d"' % (at, at) for at in range(29_000))
    + b"}}",
}


@pytest.mark.parametrize("name", HEAVY)
async def test_a_large_body_does_not_hold_the_loop(api: Api, name: str) -> None:
    """Between two turns the process does little, whichever thread has the interpreter."""
    longest = 0.0

    async def turn() -> None:
        nonlocal longest
        before = time.process_time()
        while True:
            await asyncio.sleep(0)
            longest = max(longest, (now := time.process_time()) - before)
            before = now

    turning = asyncio.create_task(turn())
    answer = await put_menu(api, HEAVY[name], JSON)
    turning.cancel()
    assert answer.status in (400, 413)
    assert len(answer.content) < 3000
    assert longest < 0.3


async def test_of_many_faults_the_first_are_told(api: Api) -> None:
    numbers: list[Any] = [5] * 20_000
    flow = {"module": "menu", "data": {"id": "a" * 32}}
    answer = await api.put(f"{api.account}/callflows", {"numbers": numbers, "flow": flow})
    assert len(answer.expect(400).data) == 101
    assert answer.data["data"]["faults"]["cause"] == 101  # then no more are looked for
    children = {str(at): {"module": "nope", "data": {}, "children": {}} for at in range(3000)}
    sent = {"numbers": ["1"], "flow": {**flow, "children": children}}
    answer = (await api.put(f"{api.account}/callflows", sent)).expect(400)
    assert len(answer.data) == 101
    assert len(answer.content) < 30_000


LONG = "Q" * 7000
REPEATING: dict[str, tuple[str, str, bytes]] = {
    "field": ("PUT", "{a}/menus", orjson.dumps({"data": {"name": LONG * 100}})),
    "name": ("PUT", "{a}/limits", orjson.dumps({"data": {LONG * 100: 1}})),
    "no data": ("PUT", "{a}/menus", orjson.dumps({LONG: {LONG * 100: [LONG] * 9}})),
    "odd data": ("PUT", "{a}/menus", orjson.dumps({"data": LONG * 100})),
    "many": ("PUT", "{a}/callflows", orjson.dumps({"data": {"numbers": [[LONG]] * 50}})),
    "twice": ("PUT", "{a}/menus", orjson.dumps({LONG * 9: 1, LONG.lower() * 9: 2})),
    "module": (
        "PUT",
        "{a}/callflows",
        orjson.dumps({"data": {"numbers": ["1"], "flow": {"module": LONG * 9, "data": {}}}}),
    ),
    "id": ("GET", "{a}/menus/" + LONG, b""),
    "schema": ("GET", "/v2/schemas/" + LONG, b""),
    "path": ("GET", "/v2/" + LONG, b""),
    "query": ("GET", "{a}/menus?page_size=" + LONG, b""),
    "callback": ("GET", "/v2/nope?jsonp=" + LONG, b""),
    "verb": ("POST", "{a}/menus?verb=" + LONG, b""),
    "v1": ("POST", "/v1/ranks", orjson.dumps({LONG * 9: 1, "name": [LONG * 9]})),
    "v1 search": ("POST", "/v1/ranks/search", orjson.dumps({"sort": [{"field": LONG * 9}]})),
    "v1 row": ("GET", "/v1/ranks/" + LONG, b""),
    "v1.1": ("POST", "/v1.1/visitors/" + LONG, orjson.dumps({LONG: LONG})),
}


@pytest.mark.parametrize("name", REPEATING)
async def test_an_error_repeats_little_of_what_was_sent(api: Api, name: str) -> None:
    verb, path, body = REPEATING[name]
    v1 = await client_of(api)
    key = f"Authorization: Bearer {v1.key}" if "/v1/" in path else f"X-Auth-Token: {api.token}"
    request = http(
        verb,
        path.format(a=api.account),
        key,
        "Content-Type: application/json",
        f"X-Request-ID: {LONG}",
        body=body,
    )
    answer = await bare_exchange(api, request)
    assert answer.status >= 400
    head = "".join(f"{name}{value}" for name, value in answer.headers.items())
    assert answer.content.upper().count(b"Q") + head.count("Q") <= 1024
