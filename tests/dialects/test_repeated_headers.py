"""Headers that come twice: lists are joined, and of two opinions none is believed."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

import crossbar
from crossbar.dialects.headers import ONCE
from tests.conftest import Api

LISTS = {
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "cookie",
    "if-match",
    "if-none-match",
    "x-forwarded-for",
}
PROXIES_ADD = {"x-forwarded-proto", "x-request-id"}
READ = re.compile(r'headers\.get\(\s*"([\w-]+)"|\.header\("([\w-]+)"\)')


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"http.trusted_proxies": ["127.0.0.1", "10.1.0.0/16"], "auth.by_address": True}


async def send(api: Api, head: str, *lines: str) -> tuple[int, bytes]:
    """Status and whole answer of a request with these header lines."""
    reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
    text = "\r\n".join((f"{head} HTTP/1.1", "Host: x", "Connection: close", *lines, "", ""))
    writer.write(text.encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(answer.split(b" ", 2)[1]), answer


async def log_in_by_address(api: Api, *forwarded: str) -> int:
    lines = [f"X-Forwarded-For: {each}" for each in forwarded]
    return (await send(api, "PUT /v2/ip_auth", "Content-Length: 0", *lines))[0]


async def test_the_nearest_hop_counts_in_whichever_line_it_is(api: Api) -> None:
    (await api.patch(api.account, {"ips": {"192.0.2.7": {}}})).expect(200)
    assert await log_in_by_address(api, "192.0.2.7") == 201
    assert await log_in_by_address(api, "192.0.2.7", "198.51.100.9") == 401
    assert await log_in_by_address(api, "192.0.2.7, 10.1.0.5", "198.51.100.9, 10.1.0.6") == 401
    assert await log_in_by_address(api, "198.51.100.9", "192.0.2.7") == 201
    assert await log_in_by_address(api, "198.51.100.9", "192.0.2.7", "10.1.0.5") == 201
    assert await log_in_by_address(api, "192.0.2.7", "") == 201


async def test_of_two_tokens_none_is_believed(api: Api) -> None:
    token = f"X-Auth-Token: {api.token}"
    for other in ("X-Auth-Token: x", "x-auth-token: ", f"X-AUTH-TOKEN: {api.token}x"):
        for lines in ((token, other), (other, token)):
            status, answer = await send(api, f"GET {api.account}", *lines)
            assert status == 400
            assert b"x-auth-token" in answer
            assert api.token.encode() not in answer
    assert (await send(api, f"GET {api.account}", token, token))[0] == 200


@pytest.mark.parametrize("name", sorted(ONCE))
@pytest.mark.parametrize("path", ["/v2/about", "/v1/ranks", "/v1.1/sessions"])
async def test_every_dialect_refuses_two_opinions(api: Api, path: str, name: str) -> None:
    status, answer = await send(api, f"GET {path}", f"{name}: some", f"{name}: other")
    assert status in (400, 422), answer
    assert b"other" not in answer


async def test_lines_of_lists_are_joined(api: Api) -> None:
    token = f"X-Auth-Token: {api.token}"
    get, revision = f"GET {api.account}", (await api.get(api.account)).body["revision"]
    known = ('If-None-Match: "x"', f'If-None-Match: "{revision}"')
    assert (await send(api, get, token, *known))[0] == 304
    wanted = ('If-Match: "x"', f'If-Match: "{revision}"')
    assert (await send(api, get, token, *wanted))[0] == 200
    assert (await send(api, get, token, *wanted[:1]))[0] == 412
    accepted = ("Accept: image/png", "Accept: application/json")
    assert (await send(api, get, token, *accepted))[0] == 200
    assert (await send(api, get, token, *accepted[:1]))[0] == 406
    _, page = await send(
        api, "GET /v2/openapi.json", "Accept-Encoding: br", "Accept-Encoding: gzip"
    )
    assert b"content-encoding: gzip" in page.lower()
    browser = ("Accept: image/png", "Accept: text/html")
    assert (await send(api, "GET /", *browser))[0] == 302


async def test_what_proxies_add_must_agree(api: Api) -> None:
    _, answer = await send(api, "GET /v2/about", "X-Request-ID: mine", "X-Request-ID: other")
    assert b"mine" not in answer
    assert b"other" not in answer
    _, answer = await send(api, "GET /v2/about", "X-Request-ID: mine", "X-Request-ID: mine")
    assert b"X-Request-ID: mine" in answer or b"x-request-id: mine" in answer


def test_every_header_that_is_read_is_known_here() -> None:
    """A new one is a list, which is read with ``joined``, or it is there once."""
    package = Path(crossbar.__file__).parent
    for path in (*package.glob("dialects/**/*.py"), *package.glob("console/*.py")):
        if path.name == "multipart.py":
            continue  # a part of a body has headers of its own
        text = path.read_text()
        for found in READ.finditer(text):
            assert (found[1] or found[2]).lower() in ONCE, (path, found[0])
        for name in re.findall(r'joined\([\w.]+, "([\w-]+)"', text):
            assert name.lower() in LISTS, (path, name)
        for name in re.findall(r'agreed\([\w.]+, "([\w-]+)"', text):
            assert name.lower() in PROXIES_ADD, (path, name)
