"""Telephones for tests: each sends a tone of its own, and tells which tones it hears."""

from __future__ import annotations

import array
import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import baresip

from tests.sounding import share

PACE = 0.02
"""Seconds between looks at a phone's sound."""

WITHIN = 30.0
"""Seconds within which everything happens, also on a slow machine."""

BLOCK = 800
"""Samples that are judged at a time: a tenth of a second."""

CLEAR = 0.6
"""Share of the energy that a tone has when it is heard alone."""


@dataclass(eq=False)
class Phone:
    """A telephone. ``tone`` is what it sends, in Hz."""

    agent: baresip.UserAgent
    realm: str
    port: int
    tone: int
    answers: bool = True
    device_id: str = ""
    calls: list[baresip.Call] = field(default_factory=list)
    heard: array.array[int] = field(default_factory=lambda: array.array("h"))
    rate: int = 8000
    _sent: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def register(self) -> None:
        """Register. Raises what baresip does when that is refused."""
        await self.agent.register(timeout=WITHIN)

    async def registers_at_last(self) -> None:
        """Register with a switch that is about to come up."""
        for _ in range(10):
            try:
                await self.agent.register(timeout=2)
            except baresip.RegistrationError:
                continue
            return
        raise AssertionError("it cannot register")

    async def dial(self, number: str) -> baresip.Call:
        """Call a number; returns at once."""
        call = await self.agent.dial(f"sip:{number}@{self.realm}")
        self.take(call)
        return call

    async def call(self, number: str) -> baresip.Call:
        """Call a number and wait until it was answered."""
        call = await self.dial(number)
        await call.wait_established(WITHIN)
        return call

    def take(self, call: baresip.Call) -> None:
        """Speak and listen in a call from now on."""
        self.calls.append(call)
        self._keep(self._speak(call))

    def ring(self, call: baresip.Call) -> None:
        """Somebody calls."""
        self.take(call)
        if self.answers:
            self._keep(call.answer())

    async def rings(self) -> baresip.Call:
        """The call that comes in."""
        await until(lambda: bool(self.calls))
        return self.calls[-1]

    async def hears(self, tone: int, least: float = CLEAR) -> None:
        """Wait until this tone is heard; fails when it never is."""
        self.heard = array.array("h")

        def is_heard() -> bool:
            found = self.latest()
            return bool(found) and share(found, self.rate, tone) >= least

        await until(is_heard, lambda: f"{self.tone} hears no {tone}: {self.spectrum()}")

    def latest(self) -> array.array[int]:
        """The last tenth of a second."""
        length = BLOCK * self.rate // 8000
        return self.heard[-length:] if len(self.heard) >= length else array.array("h")

    def spectrum(self) -> dict[int, float]:
        """What is heard now."""
        return {tone: round(share(self.latest(), self.rate, tone), 2) for tone in TONES}

    def loudness(self) -> float:
        """The mean level of what is heard now."""
        latest = self.latest()
        return sum(map(abs, latest)) / len(latest) if latest else 0.0

    async def speaks(self, seconds: float) -> None:
        """Send the tone for so long: what is sent, not what a clock says, counts."""
        begin = self._sent
        await until(lambda: self._sent - begin >= seconds * self.rate)

    async def hang_up(self) -> None:
        """End all calls."""
        for call in self.calls:
            with suppress(baresip.BaresipError):
                await call.hangup()

    async def is_idle(self) -> None:
        """Wait until no call is left."""
        await until(lambda: all(call.state is baresip.CallState.CLOSED for call in self.calls))

    async def close(self) -> None:
        """Put the phone away."""
        await self.hang_up()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _keep(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _speak(self, call: baresip.Call) -> None:
        phase = 0  # of this call alone: one that is held takes nothing from the others' tone
        while call.state is not baresip.CallState.CLOSED:
            with suppress(baresip.AudioNotActive, baresip.AudioRestarted):
                info = call.audio.info()
                if info.rx_ready and info.rx_buffered > 1:
                    self.rate = info.rx_sample_rate
                    self.heard.frombytes(call.audio.read(info.rx_buffered & ~1))
                    del self.heard[: -2 * self.rate]
                if info.tx_ready:
                    room = min(info.tx_capacity // 4 - info.tx_buffered, 8000)
                    samples = max(0, room) // 2
                    call.audio.write(self._sound(phase, samples, info.tx_sample_rate))
                    phase += samples
                    self._sent += samples
            await asyncio.sleep(PACE)

    def _sound(self, begin: int, samples: int, rate: int) -> bytes:
        turn = 2 * math.pi * self.tone / rate
        tone = (round(8000 * math.sin(turn * at)) for at in range(begin, begin + samples))
        return array.array("h", tone).tobytes()


TONES = (440, 600, 900, 1300, 1800)
"""Tones that phones send; none is a multiple of another."""


async def until(
    test: Callable[[], bool], complaint: Callable[[], str] = lambda: "it never happened"
) -> None:
    """Wait until something is so."""
    try:
        async with asyncio.timeout(WITHIN):
            while not test():  # noqa: ASYNC110
                await asyncio.sleep(PACE)
    except TimeoutError:
        raise AssertionError(complaint()) from None


class Shop:
    """Where phones come from, all in one running SIP stack."""

    def __init__(self, runtime: baresip.Runtime, port: int) -> None:
        self._runtime = runtime
        self._port = port
        self.phones: list[Phone] = []

    def beside(self, port: int) -> Shop:
        """Where phones for another switch come from."""
        other = Shop(self._runtime, port)
        other.phones = self.phones
        return other

    async def phone(
        self,
        username: str,
        password: str,
        realm: str,
        tone: int = 0,
        *,
        tls_port: int = 0,
        **more: Any,
    ) -> Phone:
        """A phone with a SIP account; it is not registered yet.

        With ``tls_port`` it speaks nothing that is not encrypted.
        """
        transport: Literal["udp", "tls"] = "tls" if tls_port else "udp"
        account = baresip.Account(
            user=username,
            domain=realm,
            password=password,
            registrar=f"sip:127.0.0.1:{tls_port or self._port};transport={transport}",
            reg_interval=60,
            audio_codecs=("pcmu",),
            transport=transport,
            extra_params=("mediaenc=srtp-mand",) if tls_port else (),
        )
        agent = await baresip.UserAgent.create(self._runtime, account)
        tone = tone or TONES[len(self.phones) % len(TONES)]
        phone = Phone(agent=agent, realm=realm, port=self._port, tone=tone, **more)
        agent.on_incoming(phone.ring)
        self.phones.append(phone)
        return phone


@asynccontextmanager
async def shop(port: int) -> AsyncIterator[Shop]:
    """Phones for a switch at a port of this machine."""
    runtime = baresip.Runtime()
    await runtime.start(baresip.Config(net_interface="127.0.0.1", max_concurrent_calls=None))
    opened = Shop(runtime, port)
    try:
        yield opened
    finally:
        for phone in opened.phones:
            await phone.close()
        await runtime.close()
