"""Recording both sides of a call while it goes on; what comes of it is told as a recording."""

from __future__ import annotations

import asyncio
import base64
import io
import wave
from urllib.parse import quote

import structlog

from crossbar.core.ports import Message, NotReached
from crossbar.documents import Document
from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.exchange import Exchange
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.executor import HungUp, TakenOver, Taping

log = structlog.get_logger(__name__)

LARGEST = 20_000_000
"""Bytes of sound that are told along with a recording: some twenty minutes."""

TRIES = 3
"""How often a recording is sent to a server."""

PAUSE = 1.0
"""Seconds until it is sent again, and once more as many each time."""

UPLOADING = 60.0
"""Seconds that this may take."""

FINISHING = 10.0
"""Seconds within which Asterisk has finished a file."""


class Tape:
    """One recording of the call that ``line`` is in."""

    def __init__(self, exchange: Exchange, line: Line, taping: Taping) -> None:
        self._exchange = exchange
        self._line = line
        self._taping = taping
        self._name = exchange.new_id("tape")
        self._is_stopped = False

    @property
    def is_on_demand(self) -> bool:
        """Whether somebody in the call has asked for it."""
        return self._taping.on_demand

    async def mask(self, is_masked: bool) -> None:
        """Have it be silent from now on, or not any more."""
        ari = self._exchange.ari
        manner = ari.post if is_masked else ari.delete
        await manner("recordings", "live", self._name, "mute")

    def stop(self) -> None:
        """End it."""
        self._is_stopped = True
        self._line.poke()

    async def run(self) -> None:
        """Record, until the call is over, it is stopped, or so long."""
        line = self._line
        line.tapes.append(self)
        try:
            if self._taping.on_bridge:
                await line.until(lambda: bool(line.other) and line.is_up)
            else:
                await line.until(lambda: line.is_up)
            began = self._exchange.services.clock.gregorian()
            with self._exchange.awaited(self._name) as over:
                await self._record()
                async with asyncio.timeout(FINISHING):
                    await over.wait()
            await self._tell(began)
        except (HungUp, TakenOver):
            return
        except (AriError, TimeoutError) as error:
            log.warning("call_not_recorded", call_id=line.channel_id, error=str(error))
        finally:
            line.tapes.remove(self)

    async def _record(self) -> None:
        line, ari = self._line, self._exchange.ari
        async with self._exchange.overheard(line) as snoop:
            await ari.post(
                "channels",
                snoop,
                "record",
                name=self._name,
                format="wav",
                maxDurationSeconds=self._taping.time_limit,
                ifExists="overwrite",
            )
            line.is_recording = True
            await line.until(lambda: bool(line.cause) or self._is_stopped, survives=True)
        line.is_recording = False

    async def _tell(self, began: int) -> None:
        ari = self._exchange.ari
        content = await ari.content("recordings", "stored", self._name, "file")
        await ari.delete("recordings", "stored", self._name)
        milliseconds = await asyncio.to_thread(_length, content)
        if milliseconds < self._taping.record_min_sec * 1000:
            return
        line = self._line
        facts: Document = {
            "call_id": line.channel_id,
            "recording_id": self._name,
            "interaction_id": line.interaction_id,
            "start": began,
            "duration": round(milliseconds / 1000),
            "duration_ms": milliseconds,
            "direction": "inbound" if line.is_inbound else "outbound",
            "caller_id_name": line.caller_name,
            "caller_id_number": line.caller_number,
            "callee_id_name": line.callee_name,
            "callee_id_number": line.callee_number,
            "owner_id": line.party.owner_id,
            "media_type": "wav",
            "content_type": "audio/wav",
            "name": self._taping.media_name or f"{self._name}.wav",
            "origin": self._taping.label,
            "source_type": "asterisk",
        }
        if self._taping.url and (url := await self._upload(facts["name"], content)):
            facts["url"] = url
        elif len(content) <= LARGEST:
            encoded = await asyncio.to_thread(base64.b64encode, content)
            facts["audio"] = {"content_type": "audio/wav", "content": encoded.decode()}
        else:
            log.warning("recording_too_long_to_keep", call_id=line.channel_id)
        self._exchange.teller.tell("recording", line.account_id, facts)

    async def _upload(self, name: str, content: bytes) -> str:
        """Send a recording to the server that the account has named for it.

        The address that it has there; "" if the server does not take it.
        """
        services = self._exchange.services
        settings = services.settings.webhooks
        address, sign, query = self._taping.url.partition("?")
        url = f"{address.rstrip('/')}/{quote(name)}{sign}{query}"
        method = "POST" if self._taping.method.lower() == "post" else "PUT"
        message = Message(method, url, {"Content-Type": "audio/wav"}, content)
        reason = ""
        for attempt in range(TRIES):
            await asyncio.sleep(PAUSE * attempt)
            try:
                reply = await services.receivers.send(
                    message,
                    private=settings.allow_private_addresses,
                    seconds=UPLOADING,
                    connect=settings.connect_timeout,
                )
            except NotReached as error:
                reason = str(error)
            else:
                if reply.status < 300:
                    return url
                reason = f"status {reply.status}"
        log.warning("recording_not_sent", call_id=self._line.channel_id, reason=reason)
        return ""


def _length(content: bytes) -> int:
    """Milliseconds of a WAV file."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            milliseconds: int = 1000 * file.getnframes() // file.getframerate()
    except (wave.Error, EOFError):
        return 0
    return milliseconds
