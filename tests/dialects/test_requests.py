"""How requests come in: slowly, through proxies, and into the log."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from crossbar.dialects.addresses import Proxies
from tests.conftest import Api


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {
        "http.request_timeout": 0.2,
        "http.access_log": True,
        "http.trusted_proxies": ["127.0.0.0/8", "10.1.0.0/16"],
        "limits.enabled": True,
        "limits.capacity": 2,
        "limits.refill": 0.001,
    }


async def test_a_body_that_does_not_arrive_is_given_up(api: Api) -> None:
    reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
    head = f"PUT {api.account}/users HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{{"
    writer.write(head.encode())
    answer = await asyncio.wait_for(reader.read(65536), 5)
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"message":"request_timeout"' in answer


async def test_a_request_is_logged_without_its_query(api: Api) -> None:
    with capture_logs() as logged:
        await api.get(f"{api.account}?auth_token={api.token}", token="")
    [line] = [entry for entry in logged if entry["event"] == "request"]
    assert line["status"] == 200
    assert line["path"] == api.account
    assert line["account_id"] == api.master.account_id
    assert api.token not in str(line)


async def test_proxies_of_a_trusted_network_are_believed(api: Api) -> None:
    statuses = []
    for client in ("192.0.2.1", "192.0.2.2", "192.0.2.1, 10.1.2.3", "192.0.2.1"):
        headers = {"X-Forwarded-For": client}
        statuses.append((await api.get(api.account, token="", headers=headers)).status)
    assert statuses == [401, 401, 401, 429]


def test_what_is_no_address_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="proxy"):
        Proxies(["proxy"])
