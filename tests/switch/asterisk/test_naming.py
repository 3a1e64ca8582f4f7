"""Names of callers from outside, asked of a service that the operator has named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import web

from crossbar.switch.asterisk.naming import CallerNames
from tests.conftest import Api
from tests.families.webhooks.receiver import Got, Receiver, receiving

pytestmark = pytest.mark.any_store

NUMBER = "+14155550100"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        receiver.answer = lambda got: web.Response(text="Ann Lee\n")
        yield receiver


async def configure(api: Api, name: str = "cnam", **values: Any) -> None:
    config = {"default": values}
    (await api.post(f"/v2/system_configs/{name}", config)).expect(200)


def names(api: Api) -> CallerNames:
    return CallerNames(api.gateway.services)


async def test_nobody_is_asked_unless_the_operator_has_named_a_service(
    api: Api, receiver: Receiver
) -> None:
    assert await names(api).of(NUMBER) == ""
    await configure(api, cnam_expires=60)  # the schema's address is an example
    assert await names(api).of(NUMBER) == ""
    assert not receiver.got


@pytest.mark.parametrize("config", ["cnam", "stepswitch.cnam"])
async def test_a_number_is_asked_for_once_until_its_name_is_forgotten(
    api: Api, receiver: Receiver, config: str
) -> None:
    url = f"{receiver.url}/of?tn={{{{phone_number}}}}"
    await configure(api, config, http_url=url, http_token_auth_token="secret", cnam_expires=60)
    known = names(api)
    for _ in range(2):
        assert await known.of("4155550100") == "Ann Lee"
    [got] = receiver.got
    assert (got.method, got.path, got.query) == ("GET", "/of", {"tn": NUMBER})
    assert got.headers["authorization"] == "Token secret"
    assert "content-type" not in got.headers
    api.clock.advance(60)
    receiver.answer = lambda got: web.Response(text="Ann Li")
    assert await known.of(NUMBER) == "Ann Li"


async def test_a_service_is_asked_as_the_configuration_says(api: Api, receiver: Receiver) -> None:
    await configure(
        api,
        http_url=receiver.url,
        http_method="post",
        http_body='{"tn": "{{phone_number}}"}',
        http_basic_auth_username="us",
        http_basic_auth_password="secret",
        http_user_agent_header="Acme",
        disable_normalize=True,
    )
    assert await names(api).of("4155550100") == "Ann Lee"
    [got] = receiver.got
    assert (got.method, got.json) == ("POST", {"tn": "4155550100"})
    assert got.headers["authorization"] == "Basic dXM6c2VjcmV0"
    assert got.headers["user-agent"] == "Acme"
    assert got.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "kind", "body", "name"),
    [
        (200, "text/plain", " Ann\t Lee\n", "Ann Lee"),
        (200, "text/plain", "A name that is too long", "A name that is too"),
        (200, "text/plain", "Ann\x07Lee", "AnnLee"),
        (200, "application/json", {"callerInformation": "Ann Lee"}, "Ann Lee"),
        (200, "application/json", {"name": "Ann Lee"}, "Ann Lee"),
        (200, "application/json", "Ann Lee", "Ann Lee"),
        (200, "application/json", {"name": 7}, ""),
        (200, "application/json", {}, ""),
        (200, "application/json", b"{", ""),
        (200, "text/plain", "", ""),
        (404, "text/plain", "not found", ""),
        (302, "text/plain", "elsewhere", ""),
    ],
)
async def test_a_name_is_what_an_answer_says(
    api: Api, receiver: Receiver, status: int, kind: str, body: Any, name: str
) -> None:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    content = body.encode() if kind == "text/plain" else content

    def answer(got: Got) -> web.StreamResponse:
        return web.Response(status=status, body=content, content_type=kind)

    receiver.answer = answer
    await configure(api, http_url=receiver.url)
    assert await names(api).of(NUMBER) == name


async def test_a_service_that_does_not_answer_holds_up_no_call(
    api: Api, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossbar.switch.asterisk.naming.PATIENCE", 0.1)
    await configure(api, http_url=receiver.url)
    known = names(api)
    receiver.is_open.clear()
    assert await known.of(NUMBER) == ""
    receiver.is_open.set()
    assert await known.of(NUMBER) == "Ann Lee"  # it is asked again


@pytest.mark.parametrize("number", ["", "anonymous", "101", "+1415x", "1" * 21])
async def test_what_is_no_number_is_not_asked_for(
    api: Api, receiver: Receiver, number: str
) -> None:
    await configure(api, http_url=receiver.url)
    assert await names(api).of(number) == ""
    assert not receiver.got
