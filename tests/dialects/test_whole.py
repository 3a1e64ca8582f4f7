"""Answers sent in one piece: what HTTP wants of them, whichever way the client asks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from crossbar.dialects.whole import lines_of
from tests.conftest import Api


async def _raw(api: Api, *requests: str) -> list[bytes]:
    """What is answered to each request of one connection, up to its end."""
    reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
    answers = []
    for request in requests:
        writer.write(request.replace("\n", "\r\n").encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
        is_head = request.startswith("HEAD")
        answers.append(head + (b"" if is_head else await reader.readexactly(length)))
    if b"connection: close" in answers[-1].lower():
        answers.append(await asyncio.wait_for(reader.read(), 5))
    writer.close()
    await writer.wait_closed()
    return answers


def _head(answer: bytes) -> list[str]:
    return answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")


async def test_a_connection_stays_open_and_every_answer_is_dated(api: Api) -> None:
    request = f"GET {api.account} HTTP/1.1\nHost: x\nX-Auth-Token: {api.token}\n\n"
    first, second = await _raw(api, request, request)
    now = datetime.fromtimestamp(api.clock.unix(), UTC)
    for answer in (first, second):
        status, *headers = _head(answer)
        assert status == "HTTP/1.1 200 OK"
        assert f"date: {format_datetime(now, usegmt=True)}" in headers
        assert "server: Crossbar" in headers
        assert not [header for header in headers if header.lower().startswith("connection")]


async def test_a_connection_ends_when_the_client_says_so(api: Api) -> None:
    request = f"GET {api.account} HTTP/1.1\nHost: x\nConnection: close\n\n"
    answer, after = await _raw(api, request)
    assert _head(answer)[0] == "HTTP/1.1 401 Unauthorized"
    assert "Connection: close" in _head(answer)
    assert after == b""


async def test_http_1_0_keeps_a_connection_only_when_asked(api: Api) -> None:
    kept, closed = await asyncio.gather(
        _raw(api, f"GET {api.account} HTTP/1.0\nConnection: keep-alive\n\n"),
        _raw(api, f"GET {api.account} HTTP/1.0\n\n"),
    )
    assert _head(kept[0])[0].startswith("HTTP/1.0 401 ")
    assert "Connection: keep-alive" in _head(kept[0])
    assert not [line for line in _head(closed[0]) if line.lower().startswith("connection")]


async def test_head_is_answered_without_the_body_that_it_announces(api: Api) -> None:
    request = f"HEAD {api.account} HTTP/1.1\nHost: x\nX-Auth-Token: {api.token}\n\n"
    # What came after the first head would be taken for the second.
    for answer in await _raw(api, request, request):
        assert _head(answer)[0] == "HTTP/1.1 200 OK"
        assert "Content-Length: 0" not in _head(answer)


@pytest.mark.parametrize("value", ["one\r\ntwo: three", "one\ntwo", "one\rtwo"])
def test_a_header_cannot_begin_another(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        lines_of({"location": value})
