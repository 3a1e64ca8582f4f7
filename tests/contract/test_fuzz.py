"""Requests that nobody would write: whatever comes, the gateway answers with an envelope."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import HealthCheck, given, settings, strategies
from hypothesis.strategies import SearchStrategy

from crossbar.app import REGISTRY
from tests.conftest import Api
from tests.contract.conftest import on_every_store
from tests.contract.kit import bare_exchange, http, path_of

pytestmark = [on_every_store, pytest.mark.thorough]

EXAMPLES = 300
VERBS = ("GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS")
NAMES = (
    *("name", "verb", "data", "accept", "filename", "page_size", "start_key", "end_key", "fields"),
    *("is_chunked", "chunk_size", "paginate", "ascending", "full_docs", "jsonp", "has_value"),
    *("created_from", "filter_name", "filter_not_a.b", "should_soft_delete", "auth_token"),
    *("action", "token", "to", "id", "mailbox", "numbers", "flow", "sip", "username", "password"),
)
HEADERS = (
    *("Accept", "If-Match", "If-None-Match", "Content-Encoding", "Content-Transfer-Encoding"),
    *("Origin", "Range", "X-File-Name", "X-Forwarded-For", "Authorization", "Accept-Encoding"),
)
CONTENT_TYPES = (
    *("application/json", "application/x-www-form-urlencoded", "text/csv", "audio/wav", ""),
    *("multipart/mixed; boundary=XX", "application/base64", "image/png"),
)

texts = strategies.text(max_size=12)
scalars = strategies.none() | strategies.booleans() | texts | strategies.integers(-(2**63), 2**63)
values: SearchStrategy[Any] = strategies.recursive(
    scalars | strategies.floats(allow_nan=False),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(strategies.sampled_from(NAMES) | texts, inner, max_size=3)
    ),
    max_leaves=8,
)
documents = strategies.dictionaries(strategies.sampled_from(NAMES) | texts, values, max_size=4)


@strategies.composite
def targets(draw: strategies.DrawFn) -> str:
    operation = draw(strategies.sampled_from(list(REGISTRY.operations())))
    oddities = {name: quote(draw(texts), safe="") for name in ("user_id", "schema_name")}
    path = path_of(operation, account_id="ACCOUNT", **oddities)
    pairs = draw(
        strategies.lists(strategies.tuples(strategies.sampled_from(NAMES), texts), max_size=3)
    )
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    return f"{path}?{query}" if query else path


@strategies.composite
def bodies(draw: strategies.DrawFn) -> bytes:
    kind = draw(strategies.sampled_from(("none", "envelope", "any", "bytes", "part")))
    if kind == "none":
        return b""
    if kind == "bytes":
        return draw(strategies.binary(max_size=60))
    sent = draw(documents)
    text = orjson.dumps({"data": sent, **draw(documents)} if kind != "any" else draw(values))
    if kind == "part":
        return b"--XX\r\nContent-Type: application/json\r\n\r\n" + text + b"\r\n--XX--\r\n"
    return text


@strategies.composite
def requests(draw: strategies.DrawFn) -> tuple[str, str, list[bytes], bytes]:
    header = strategies.tuples(
        strategies.sampled_from(HEADERS), strategies.text(strategies.characters(codec="latin-1"))
    )
    sent = draw(strategies.lists(header, max_size=2))
    headers = [f"{name}: {_line(value)}".encode("latin-1") for name, value in sent]
    headers.append(f"Content-Type: {draw(strategies.sampled_from(CONTENT_TYPES))}".encode())
    verb = draw(strategies.sampled_from(VERBS))
    return verb, draw(targets()), headers, draw(bodies())


def _line(value: str) -> str:
    """The value as HTTP can carry it: no control characters."""
    return "".join(char for char in value if char >= " " and char != "\x7f")[:60]


async def test_no_request_ends_in_a_server_error_or_without_an_envelope(api: Api) -> None:
    """Hypothesis is no coroutine: it draws in a thread, and asks here."""
    loop = asyncio.get_running_loop()
    child = await api.create_account("Fuzzed")
    await api.create_account("Below", child)  # while it has descendants it cannot be deleted

    async def check(verb: str, target: str, headers: list[bytes], body: bytes) -> None:
        target = target.replace("ACCOUNT", child)
        token = f"X-Auth-Token: {await api.account_token(child)}".encode()
        request = http(verb, target, token, *headers, body=body)
        answer = await bare_exchange(api, request)
        assert answer.status < 500, answer.content
        if answer.status >= 400 and verb != "HEAD":
            is_script = answer.headers["content-type"] == "application/javascript"
            assert is_script or answer.body["status"] == "error", answer

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(requests())
    def run(request: tuple[str, str, list[bytes], bytes]) -> None:
        asyncio.run_coroutine_threadsafe(check(*request), loop).result(10)

    await asyncio.to_thread(run)
    (await api.get(f"/v2/accounts/{child}")).expect(200)
