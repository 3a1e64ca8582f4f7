"""A carrier for tests: speaks SIP and sound on an address of its own, and notes what comes."""

from __future__ import annotations

import array
import asyncio
import hashlib
import math
import re
import secrets
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

from tests.sounding import share
from tests.switch.asterisk.phones import CLEAR, TONES, until

RATE = 8000
FRAME = 160
"""Samples of a packet of sound: 20 ms."""

BRANCH = "z9hG4bK"


@dataclass
class Message:
    """A SIP message. Names of headers are in lower case; of several the first is kept."""

    first: str
    headers: dict[str, str]
    body: str
    raw: str = ""

    @property
    def method(self) -> str:
        """The method of a request, or an empty text."""
        return "" if self.first.startswith("SIP/") else self.first.split(" ", 1)[0]

    @property
    def status(self) -> int:
        """The status of an answer, or 0."""
        return int(self.first.split(" ")[1]) if self.first.startswith("SIP/") else 0

    @property
    def user(self) -> str:
        """Who is asked for."""
        match = re.search(r"sips?:([^@>]*)@", self.first)
        return match[1] if match else ""

    def header(self, name: str) -> str:
        """A header; empty where there is none."""
        return self.headers.get(name.lower(), "")


def parsed(data: bytes) -> Message:
    head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name = name.strip().lower()
        if name == "via" and name in headers:
            headers[name] += f", {value.strip()}"
        else:
            headers.setdefault(name, value.strip())
    return Message(first, headers, body, head)


def _ulaw(sample: int) -> int:
    sign, sample = (0x80, -sample) if sample < 0 else (0, sample)
    sample = min(sample, 32635) + 132
    exponent = max(sample.bit_length() - 8, 0)
    return ~(sign | exponent << 4 | sample >> (exponent + 3) & 0x0F) & 0xFF


def _linear(code: int) -> int:
    code = ~code & 0xFF
    sample = (((code & 0x0F) << 3) + 132 << (code >> 4 & 7)) - 132
    return -sample if code & 0x80 else sample


LINEAR = [_linear(code) for code in range(256)]


class Sound(asyncio.DatagramProtocol):
    """One side's sound: sends a tone, and keeps what it hears."""

    def __init__(self, tone: int) -> None:
        self.tone = tone
        self.heard = array.array("h")
        self.to: tuple[str, int] | None = None
        self.transport: asyncio.DatagramTransport | None = None
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data[1] & 0x7F == 0:
            self.heard.extend(LINEAR[code] for code in data[12:])
            del self.heard[:-RATE]

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self.transport is not None
        port: int = self.transport.get_extra_info("sockname")[1]
        return port

    def speak(self, body: str) -> None:
        """Send to whom a session description names."""
        host = re.search(r"c=IN IP4 (\S+)", body)
        port = re.search(r"m=audio (\d+)", body)
        if host and port and self.task is None:
            self.to = (host[1], int(port[1]))
            self.task = asyncio.create_task(self._speak())

    async def _speak(self) -> None:
        assert self.transport is not None
        turn, at = 2 * math.pi * self.tone / RATE, 0
        while True:
            samples = (round(8000 * math.sin(turn * each)) for each in range(at, at + FRAME))
            head = struct.pack("!BBHII", 0x80, 0, at // FRAME & 0xFFFF, at & 0xFFFFFFFF, 7)
            self.transport.sendto(head + bytes(_ulaw(each) for each in samples), self.to)
            at += FRAME
            await asyncio.sleep(FRAME / RATE)

    def close(self) -> None:
        """Be silent."""
        if self.task is not None:
            self.task.cancel()
        if self.transport is not None:
            self.transport.close()


@dataclass(eq=False)
class Dialog:
    """A call, as the carrier sees it."""

    invite: Message
    sound: Sound
    peer: tuple[str, int]
    tag: str
    local: str = ""
    remote: str = ""
    target: str = ""
    statuses: list[int] = field(default_factory=list)
    answered: bool = False
    over: bool = False
    cseq: int = 1

    async def hears(self, tone: int, least: float = CLEAR) -> None:
        """Wait until this tone is heard."""

        def is_heard() -> bool:
            found = self.sound.heard[-800:]
            return len(found) == 800 and share(found, RATE, tone) >= least

        def complaint() -> str:
            found = self.sound.heard[-800:]
            return f"heard no {tone}: {[(t, round(share(found, RATE, t), 2)) for t in TONES]}"

        await until(is_heard, complaint)

    async def is_decided(self) -> None:
        """Wait until it was answered or refused."""
        await until(lambda: self.answered or self.over)

    async def ends(self) -> None:
        """Wait until it is over."""
        await until(lambda: self.over, lambda: f"the call is not over: {self.statuses}")


class Carrier(asyncio.DatagramProtocol):
    """A carrier at an address. ``answers`` says what it does with calls, one status after another.

    The last one is final: 200 answers, and sound goes both ways.
    """

    def __init__(self, host: str, switch_port: int, tone: int = 1800) -> None:
        self.host = host
        self.switch = ("127.0.0.1", switch_port)
        self.tone = tone
        self.answers: Callable[[Message], list[int]] = lambda _: [180, 200]
        self.password = ""
        """What calls and registrations have to prove with; nothing where it is empty."""

        self.username = "us"
        self.picks_up = asyncio.Event()
        """Clear it, and calls are answered only once it is set."""

        self.picks_up.set()
        self.seen: list[Message] = []
        self.dialogs: dict[str, Dialog] = {}
        self.transport: asyncio.DatagramTransport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    @property
    def port(self) -> int:
        """Its port for SIP."""
        assert self.transport is not None
        port: int = self.transport.get_extra_info("sockname")[1]
        return port

    def gateway(self, **more: object) -> dict[str, object]:
        """The gateway of a resource that leads here."""
        return {"server": self.host, "port": self.port, **more}

    def requests(self, method: str) -> list[Message]:
        """What was asked."""
        return [each for each in self.seen if each.method == method]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < 16:
            return  # keeps a way through routers open
        message = parsed(data)
        self.seen.append(message)
        self._keep(self._answer(message, addr) if message.method else self._hear(message, addr))

    def _keep(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _send(self, text: str, addr: tuple[str, int], body: str = "") -> None:
        assert self.transport is not None
        length = len(body.encode())
        kind = "Content-Type: application/sdp\r\n" if body else ""
        data = f"{text}{kind}Content-Length: {length}\r\n\r\n{body}"
        with suppress(OSError):
            self.transport.sendto(data.encode(), addr)

    def _reply(
        self,
        to: Message,
        status: int,
        addr: tuple[str, int],
        tag: str = "",
        body: str = "",
        more: str = "",
    ) -> None:
        vias = "".join(f"Via: {each}\r\n" for each in re.split(r",\s*(?=SIP/)", to.header("via")))
        target = to.header("to") + (f";tag={tag}" if tag and "tag=" not in to.header("to") else "")
        self._send(
            f"SIP/2.0 {status} {'OK' if status == 200 else 'So'}\r\n{vias}"
            f"From: {to.header('from')}\r\nTo: {target}\r\n"
            f"Call-ID: {to.header('call-id')}\r\nCSeq: {to.header('cseq')}\r\n"
            f"Contact: <sip:carrier@{self.host}:{self.port}>\r\n{more}",
            addr,
            body,
        )

    def is_proved(self, message: Message) -> bool:
        """Whether whoever asks knows the password."""
        text = message.header("authorization") or message.header("proxy-authorization")
        said = dict(re.findall(r'(\w+)="?([^",]*)"?', text))
        if not self.password:
            return True

        def digest(*parts: str) -> str:
            return hashlib.md5(":".join(parts).encode()).hexdigest()

        one = digest(self.username, "carrier", self.password)
        two = digest(message.method, said.get("uri", ""))
        middle = (said.get("nc", ""), said.get("cnonce", ""), said.get("qop", ""))
        parts = (said.get("nonce", ""), *(middle if said.get("qop") else ()))
        return said.get("response") == digest(one, *parts, two)

    async def _answer(self, message: Message, addr: tuple[str, int]) -> None:
        name, method = message.header("call-id"), message.method
        if method in ("INVITE", "REGISTER") and not self.is_proved(message):
            more = 'WWW-Authenticate: Digest realm="carrier", nonce="n1", qop="auth"\r\n'
            return self._reply(message, 401, addr, "t", more=more)
        if method == "INVITE" and name not in self.dialogs:
            return await self._take(message, addr)
        dialog = self.dialogs.get(name)
        if method == "REGISTER":
            contact = f"Contact: {message.header('contact')};expires=60\r\n"
            self._reply(message, 200, addr, "t", more=contact)
        elif method in ("BYE", "CANCEL"):
            self._reply(message, 200, addr)
            if dialog is not None:
                self._end(dialog)
                if method == "CANCEL" and not dialog.answered:
                    self._reply(dialog.invite, 487, addr, dialog.tag)
        elif method == "OPTIONS":
            self._reply(message, 200, addr, "t")
        elif method == "INVITE" and dialog is not None and dialog.answered:
            self._reply(message, 200, addr, dialog.tag, self._session(dialog.sound))
        return None

    async def _take(self, message: Message, addr: tuple[str, int]) -> None:
        dialog = Dialog(message, await self._sound(), addr, secrets.token_hex(4))
        self.dialogs[message.header("call-id")] = dialog
        dialog.local = f"{message.header('to')};tag={dialog.tag}"
        dialog.remote = message.header("from")
        contact = re.search(r"<([^>]*)>", message.header("contact"))
        dialog.target = contact[1] if contact else ""
        self._reply(message, 100, addr)
        for status in self.answers(message):
            if status == 200:
                await self.picks_up.wait()
            if dialog.over:
                return
            dialog.answered = status == 200
            has_sound = status in (183, 200)
            self._reply(
                message, status, addr, dialog.tag, self._session(dialog.sound) if has_sound else ""
            )
            if has_sound:
                dialog.sound.speak(message.body)
            if status >= 300:
                self._end(dialog)

    async def _sound(self) -> Sound:
        loop = asyncio.get_running_loop()
        _, sound = await loop.create_datagram_endpoint(
            lambda: Sound(self.tone), local_addr=(self.host, 0)
        )
        return sound

    def _session(self, sound: Sound) -> str:
        return (
            f"v=0\r\no=- 1 1 IN IP4 {self.host}\r\ns=-\r\nc=IN IP4 {self.host}\r\nt=0 0\r\n"
            f"m=audio {sound.port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"
        )

    def _end(self, dialog: Dialog) -> None:
        dialog.over = True
        dialog.sound.close()

    # Calls that it makes

    async def call(
        self,
        number: str,
        caller: str = "+15550001111",
        name: str = "",
        host: str = "127.0.0.1",
        to: str = "",
        headers: str = "",
    ) -> Dialog:
        """Call a number; returns at once."""
        tag, call_id = secrets.token_hex(4), secrets.token_hex(8)
        shown = f'"{name}" ' if name else ""
        sender = caller if "@" in caller else f"{caller}@{self.host}"
        text = (
            f"INVITE sip:{number}@{host}:{self.switch[1]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.host}:{self.port};branch={BRANCH}{secrets.token_hex(6)}\r\n"
            f"Max-Forwards: 70\r\nFrom: {shown}<sip:{sender}>;tag={tag}\r\n"
            f"To: <sip:{to or number}@{host}>\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\n"
            f"Contact: <sip:carrier@{self.host}:{self.port}>\r\n{headers}"
        )
        sound = await self._sound()
        body = self._session(sound)
        invite = parsed(f"{text}\r\n\r\n{body}".encode())
        dialog = Dialog(invite, sound, self.switch, tag)
        dialog.local, dialog.remote = invite.header("from"), invite.header("to")
        dialog.target = f"sip:{number}@{host}:{self.switch[1]}"
        self.dialogs[call_id] = dialog
        self._send(text, self.switch, body)
        return dialog

    async def _hear(self, message: Message, addr: tuple[str, int]) -> None:
        dialog = self.dialogs.get(message.header("call-id"))
        if dialog is None or "INVITE" not in message.header("cseq"):
            return
        dialog.statuses.append(message.status)
        if message.status in (183, 200) and message.body:
            dialog.sound.speak(message.body)
        if message.status >= 200:
            dialog.remote = message.header("to")
            contact = re.search(r"<([^>]*)>", message.header("contact"))
            if message.status == 200 and contact:
                dialog.target = contact[1]
            dialog.answered = message.status == 200
            self._in_dialog(dialog, "ACK")
        if message.status >= 300:
            self._end(dialog)

    def refer(self, dialog: Dialog, target: str) -> None:
        """Ask the switch to send its side elsewhere."""
        self._in_dialog(dialog, "REFER", f"Refer-To: <{target}>\r\n")

    def _in_dialog(self, dialog: Dialog, method: str, more: str = "") -> None:
        is_own = dialog.invite.header("from") == dialog.local
        if method != "ACK":
            dialog.cseq += 1
        number = 1 if method == "ACK" else dialog.cseq
        branch = f"{BRANCH}{secrets.token_hex(6)}"
        if method == "ACK" and not dialog.answered:  # of the same transaction
            branch = dialog.invite.header("via").partition("branch=")[2]
        target = dialog.target if dialog.answered or not is_own else dialog.invite.first.split()[1]
        self._send(
            f"{method} {target} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.host}:{self.port};branch={branch}\r\n"
            f"Max-Forwards: 70\r\nFrom: {dialog.local}\r\nTo: {dialog.remote}\r\n"
            f"Call-ID: {dialog.invite.header('call-id')}\r\nCSeq: {number} {method}\r\n"
            f"Contact: <sip:carrier@{self.host}:{self.port}>\r\n{more}",
            dialog.peer,
        )

    def hang_up(self, dialog: Dialog) -> None:
        """End a call that was answered."""
        if not dialog.over:
            self._in_dialog(dialog, "BYE")
            self._end(dialog)

    async def rings(self, count: int = 1) -> Dialog:
        """The call that comes in; the last of so many."""
        await until(lambda: len(self.dialogs) >= count, lambda: "the carrier was not called")
        return list(self.dialogs.values())[-1]

    async def close(self) -> None:
        """Be gone."""
        for dialog in self.dialogs.values():
            if dialog.answered:
                self.hang_up(dialog)
            self._end(dialog)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.transport is not None:
            self.transport.close()


@asynccontextmanager
async def carrier(
    host: str, switch_port: int, port: int = 0, **more: object
) -> AsyncIterator[Carrier]:
    """A carrier at an address of this machine (127.0.0.2 …), at any port unless it says so."""
    made = Carrier(host, switch_port, **more)  # type: ignore[arg-type]
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: made, local_addr=(host, port))
    try:
        yield made
    finally:
        await made.close()
        await asyncio.sleep(0)  # or its sockets are not closed yet when the loop is
