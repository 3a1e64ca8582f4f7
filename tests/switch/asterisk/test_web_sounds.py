"""Sounds of web servers: asked for as little as they say, and for no longer than is good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from crossbar.core.ports import Reply
from crossbar.switch.asterisk import making, web_sounds
from crossbar.switch.asterisk.sounds import Sounds
from crossbar.switch.executor import Address
from tests.conftest import Api
from tests.families.webhooks.receiver import Got, Receiver, receiving
from tests.sounding import encoded, tone

SOUND = encoded(tone(0.5, 1100), "MP3")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        answers(receiver)
        yield receiver
        receiver.is_open.set()


def answers(receiver: Receiver, content: bytes = SOUND, status: int = 200, **headers: str) -> None:
    """Have it answer so; ``no_such`` is the header ``No-Such``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(got: Got) -> web.Response:
        return web.Response(body=content, status=status, headers=named)

    receiver.answer = answer


@pytest.fixture
async def sounds(api: Api, tmp_path: Path) -> AsyncIterator[Sounds]:
    sounds = Sounds(api.gateway.services, None, tmp_path / "sounds")
    yield sounds
    await sounds.close()


@pytest.fixture
def heard(api: Api, sounds: Sounds) -> Any:
    """What is heard of an address: the content of the file, or nothing."""

    async def heard(url: str, account_id: str = api.master.account_id) -> bytes:
        found = await sounds.addresses(account_id, [Address(url=url)])
        files = [Path(each.removeprefix("sound:")).with_suffix(".wav") for each in found]
        return b"".join(each.read_bytes() for each in files)

    return heard


async def test_a_file_is_asked_for_once_while_it_is_good(receiver: Receiver, heard: Any) -> None:
    first = await asyncio.gather(*(heard(f"{receiver.url}/a.mp3") for _ in range(10)))
    assert first[0][:4] == b"RIFF"
    assert {*first} == {await heard(f"{receiver.url}/a.mp3")}
    [got] = receiver.got
    assert (got.method, got.headers["accept-encoding"]) == ("GET", "identity")
    await heard(f"{receiver.url}/a.mp3?b=1")
    await heard(f"{receiver.url}/a.mp3", "another account")
    assert len(receiver.got) == 3


async def test_a_file_that_has_not_changed_is_not_sent_again(
    receiver: Receiver, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_sounds, "LEAST", 0)
    answers(receiver, ETag='"1"', Cache_Control="no-cache")
    first = await heard(receiver.url)
    answers(receiver, b"", 304, Cache_Control="max-age=0")
    assert await heard(receiver.url) == first
    assert [got.headers.get("if-none-match") for got in receiver.got] == [None, '"1"']
    answers(receiver, encoded(tone(0.5, 600), "OGG"), Cache_Control="public, max-age=100")
    assert await heard(receiver.url) not in (first, b"")
    await heard(receiver.url)
    assert len(receiver.got) == 3


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("", 300),
        ("max-age=60, public", 60),
        ("s-maxage=7", 300),
        ("max-age=1", 10),
        ("max-age=999999999", 86_400),
        ("no-store, max-age=60", 10),
        ("private, no-cache", 10),
        ("max-age=many", 300),
    ],
)
def test_servers_say_how_long_a_file_is_good(said: str, seconds: int) -> None:
    reply = Reply(200, b"", "audio/wav", {"Cache-Control": said} if said else {})
    assert web_sounds._seconds(reply) == seconds


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"gone", 404, "status 404"),
        (b"elsewhere", 302, "status 302"),
        (b"", 304, "status 304"),
        (b"<html>Hello</html>", 200, "neither WAV, MP3, Ogg nor FLAC"),
        (bytes(making.LARGEST + 1), 200, "too large"),
    ],
    ids=["gone", "elsewhere", "unchanged", "text", "large"],
)
async def test_what_cannot_be_had_is_told_and_not_asked_for_at_once(
    receiver: Receiver, heard: Any, content: bytes, status: int, reason: str
) -> None:
    answers(receiver, content, status, Location="http://169.254.169.254/")
    url = receiver.url.replace("//", "//ann:secret@")
    with capture_logs() as logs:
        assert await heard(f"{url}/a.wav?key=secret") == b""
        assert await heard(f"{url}/a.wav?key=secret") == b""
    [told] = [each for each in logs if each["event"] == "sound_cannot_be_played"]
    assert reason in told["reason"]
    assert told["reason"].startswith("127.0.0.1/a.wav: ")
    assert "secret" not in str(logs)
    assert len(receiver.got) == 1


async def test_a_server_that_does_not_answer_holds_up_nobody_for_long(
    receiver: Receiver, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_sounds, "PATIENCE", 0.2)
    receiver.is_open.clear()
    assert await heard(f"{receiver.url}/slow") == b""
    assert await heard(f"{receiver.url}/slow") == b""
    [_] = receiver.got
    # Others are served meanwhile, also by another server of the same account.
    monkeypatch.setattr(web_sounds, "PATIENCE", 10.0)
    async with receiving() as other:
        answers(other)
        assert await heard(other.url)
    receiver.is_open.set()
    assert await heard(f"{receiver.url}/slow")  # it has come, for who calls later
    assert len(receiver.got) == 1


async def test_an_account_holds_up_no_other(
    receiver: Receiver, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_sounds, "PATIENCE", 0.2)
    receiver.is_open.clear()
    assert [await heard(f"{receiver.url}/{each}") for each in range(4)] == [b""] * 4
    assert len(receiver.got) == making.OF_ACCOUNT
    monkeypatch.setattr(web_sounds, "PATIENCE", 10.0)
    async with receiving() as other:
        answers(other)
        assert await heard(other.url, "another account")


async def test_a_server_that_sends_for_ever_is_left(heard: Any) -> None:
    sent = 0

    async def send(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 10 * making.LARGEST:
            await response.write(bytes(100_000))
            sent += 100_000
        return response

    application = web.Application()
    application.router.add_get("/", send)
    async with TestServer(application) as server:
        assert await heard(str(server.make_url("/"))) == b""
    assert sent < 2 * making.LARGEST


class TestGuarded:
    """Servers that clients may not name."""

    @pytest.fixture
    def overrides(self, overrides: dict[str, Any]) -> dict[str, Any]:
        del overrides["webhooks.allow_private_addresses"]
        return overrides

    async def test_private_addresses_are_not_asked(self, receiver: Receiver, heard: Any) -> None:
        with capture_logs() as logs:
            assert await heard(receiver.url) == b""
            assert await heard(receiver.url.replace("127.0.0.1", "localhost")) == b""
        assert str(logs).count("not of the public internet") == 2
        assert receiver.got == []


class TestBlocked:
    """Hosts that documents may not name."""

    @pytest.fixture
    def overrides(self, overrides: dict[str, Any]) -> dict[str, Any]:
        return {**overrides, "schemas.blocked_hosts": ["127.0.0.0/8"]}

    async def test_blocked_hosts_are_not_asked(self, receiver: Receiver, heard: Any) -> None:
        assert await heard(receiver.url) == b""
        assert receiver.got == []
