"""A small HTTP load generator: raw requests over kept-alive connections, one at a time on each.

It does as little as it can for a request, so that on a machine with few cores it does not take the
time of the server that it measures.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

Request = Callable[[int], bytes]
"""Makes the bytes of the request with a number; numbers are never repeated within a run."""


@dataclass(frozen=True)
class Load:
    """What a run measured. Latencies are in milliseconds."""

    requests: int
    seconds: float
    failures: int
    p50: float
    p99: float
    example: bytes

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


class _Connection(asyncio.Protocol):
    """Sends the next request when the answer to the last one is complete."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._buffer = b""
        self._sent_at = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        length = _complete_length(self._buffer)
        if length is None or len(self._buffer) < length:
            return
        self._run.answered(self._buffer, time.perf_counter() - self._sent_at)
        self._buffer = b""
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self._run.failures += 1
            self.done.set_result(None)

    def _next(self) -> None:
        request = self._run.next_request()
        if request is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


LENGTH = b"Content-Length: "


def _complete_length(answer: bytes) -> int | None:
    """Bytes of the whole answer; ``None`` until its head is there."""
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return None
    at = answer.find(LENGTH, 0, head) + len(LENGTH)
    length = int(answer[at : answer.find(b"\r", at)]) if at >= len(LENGTH) else 0
    return head + 4 + length


class _Run:
    def __init__(self, request: Request, seconds: float, first: int) -> None:
        self._request = request
        self._number = first
        self.ends = time.perf_counter() + seconds
        self.latencies: list[float] = []
        self.failures = 0
        self.example = b""

    def next_request(self) -> bytes | None:
        if time.perf_counter() >= self.ends:
            return None
        self._number += 1
        return self._request(self._number)

    def answered(self, answer: bytes, latency: float) -> None:
        self.latencies.append(latency)
        if answer[9:10] != b"2":
            self.failures += 1
            self.example = answer
        elif not self.example:
            self.example = answer


async def load(
    host: str, port: int, request: Request, *, clients: int, seconds: float, first: int = 0
) -> Load:
    """Send requests from ``clients`` connections for some seconds."""
    loop = asyncio.get_running_loop()
    run = _Run(request, seconds, first)
    started = time.perf_counter()
    connections = [
        (await loop.create_connection(lambda: _Connection(run), host, port))[1]
        for _ in range(clients)
    ]
    async with asyncio.timeout(seconds + 30):
        await asyncio.gather(*(connection.done for connection in connections))
    ordered = sorted(run.latencies) or [0.0]
    return Load(
        requests=len(run.latencies),
        seconds=time.perf_counter() - started,
        failures=run.failures,
        p50=ordered[len(ordered) // 2] * 1000,
        p99=ordered[int(len(ordered) * 0.99)] * 1000,
        example=run.example,
    )


def raw(
    method: str, path: str, body: bytes | None = None, *, token: str = "", host: str = "127.0.0.1"
) -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    if token:
        lines.append(f"X-Auth-Token: {token}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")
