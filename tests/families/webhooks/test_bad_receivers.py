"""Receivers that are slow, endless, not what they say, or somewhere else."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from crossbar.core.ports import Message, NotReached, Reply
from crossbar.outside import HttpReceivers
from crossbar.outside.receivers import BEGINNING, Judging
from tests.certificates import self_signed

HEAD = b"HTTP/1.1 200 OK\r\n"

Speak = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def speaking(speak: Speak, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that reads a request's head and then says what it likes; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await speak(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def ask(url: str, seconds: float = 20, connect: float = 10) -> Reply:
    receivers = HttpReceivers()
    try:
        message = Message("POST", url, {}, b"{}")
        return await receivers.send(message, private=True, seconds=seconds, connect=connect)
    finally:
        await receivers.close()


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"X-Slow: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def test_one_that_answers_byte_by_byte_is_given_up() -> None:
    async with speaking(drip) as port:
        with pytest.raises(NotReached, match=r"no answer within 0\.5 seconds"):
            await ask(f"http://127.0.0.1:{port}/", seconds=0.5)


async def test_of_an_endless_answer_the_beginning_is_read() -> None:
    ended = asyncio.Event()

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"\r\n")
        try:
            while True:
                writer.write(b"y" * 65536)
                await writer.drain()
        finally:
            ended.set()

    async with speaking(endless) as port:
        reply = await ask(f"http://127.0.0.1:{port}/")
        assert (reply.status, reply.body) == (200, "y" * BEGINNING)
        async with asyncio.timeout(20):
            await ended.wait()


async def test_endless_headers_are_refused() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        while True:
            writer.write(b"X-More: " + b"z" * 8000 + b"\r\n")
            await writer.drain()

    async with speaking(endless) as port:
        with pytest.raises(NotReached):
            await ask(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-x\r\n\r\n", HEAD + b"Content-Length: 9\r\n\r\nx"])
async def test_what_is_no_answer(said: bytes) -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(said)

    async with speaking(say) as port:
        with pytest.raises(NotReached):
            await ask(f"http://127.0.0.1:{port}/")


async def test_a_redirection_is_an_answer_and_not_followed() -> None:
    asked = []

    async def elsewhere(writer: asyncio.StreamWriter) -> None:
        asked.append(1)
        writer.write(b"HTTP/1.1 307 There\r\nLocation: /in\r\nContent-Length: 0\r\n\r\n")

    async with speaking(elsewhere) as port:
        assert (await ask(f"http://127.0.0.1:{port}/")).status == 307
    assert asked == [1]


async def test_tls_that_is_none() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        with pytest.raises(NotReached):
            await ask(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")


async def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 0\r\n\r\n")

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*self_signed(tmp_path))
    async with speaking(say, tls) as port:
        with pytest.raises(NotReached, match="certificate is not to be trusted"):
            await ask(f"https://127.0.0.1:{port}/")


async def test_a_connection_that_is_not_made_is_given_up_sooner() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(8)]  # nobody takes them, so more get no answer
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        with pytest.raises(NotReached):
            await ask(f"http://127.0.0.1:{full.getsockname()[1]}/", seconds=600, connect=0.2)
        for each in waiting:
            each.close()


class _Turning(AbstractResolver):
    """A name that leads somewhere else each time."""

    def __init__(self, *turns: tuple[str, ...]) -> None:
        self.turns = list(turns)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host=each, port=port, family=socket.AF_INET, proto=0, flags=0
            )
            for each in self.turns.pop(0)
        ]

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_name_that_turns_to_this_machine_is_judged_each_time() -> None:
    judging = Judging(private=False, resolver=_Turning(("8.8.8.8",), ("127.0.0.1",)))
    assert [each["host"] for each in await judging.resolve("a.example")] == ["8.8.8.8"]
    with pytest.raises(OSError, match="not of the public"):
        await judging.resolve("a.example")


async def test_of_several_addresses_the_public_ones_are_asked() -> None:
    judging = Judging(private=False, resolver=_Turning(("10.0.0.1", "8.8.8.8", "127.0.0.1")))
    assert [each["host"] for each in await judging.resolve("a.example")] == ["8.8.8.8"]
