"""A telephone without sound: it registers, subscribes to lamps, and shows what it is sent.

SIP over UDP, as far as that needs (RFC 3261, 6665), and bytes that are no SIP.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from tests.switch.asterisk.carrier import Message, parsed
from tests.switch.asterisk.phones import until

_FIELD = re.compile(r'(\w+)="?([^",]*)"?')


def proof(username: str, password: str, method: str, target: str, challenge: str) -> str:
    """The header that answers a challenge."""
    asked = dict(_FIELD.findall(challenge))
    nonce, realm, count, own = asked["nonce"], asked["realm"], "00000001", "abcdef"

    def digest(*parts: str) -> str:
        return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()

    who = digest(username, realm, password)
    what = digest(method, target)
    response = digest(who, nonce, count, own, "auth", what)
    return (
        f'Authorization: Digest username="{username}", realm="{realm}", nonce="{nonce}",'
        f' uri="{target}", response="{response}", algorithm=MD5, qop=auth, nc={count},'
        f' cnonce="{own}", opaque="{asked.get("opaque", "")}"'
    )


@dataclass(eq=False)
class SilentPhone(asyncio.DatagramProtocol):
    """A phone with a SIP account. ``notified`` are the NOTIFYs that came, which are accepted.

    ``invited`` are the INVITEs, which it sends elsewhere, to ``moved_to``. ``repeats`` is how
    often it proves who it is by the same answer to a challenge.
    """

    username: str
    password: str
    realm: str
    port: int
    device_id: str = ""
    owner_id: str = ""
    moved_to: str = ""
    repeats: int = 1
    notified: list[Message] = field(default_factory=list)
    invited: list[Message] = field(default_factory=list)
    _answers: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    _calls: set[str] = field(default_factory=set)
    _count: int = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.address = "{}:{}".format(*transport.get_extra_info("sockname")[:2])

    def datagram_received(self, data: bytes, addr: Any) -> None:
        message = parsed(data)
        if message.status and "call-id" in message.headers:
            self._answers.put_nowait(message)
        elif message.first.startswith("NOTIFY"):
            self.notified.append(message)
            self._answer(message, "200 OK")
        elif message.first.startswith("INVITE"):
            if message.headers["call-id"] not in self._calls:  # else it was sent once more
                self._calls.add(message.headers["call-id"])
                self.invited.append(message)
            self._answer(message, "302 Moved Temporarily", f"Contact: <{self.moved_to}>")

    def _answer(self, request: Message, status: str, *more: str) -> None:
        kept = ("via", "from", "to", "call-id", "cseq")
        lines = [f"{name}: {request.headers[name]}" for name in kept]
        lines = [f"SIP/2.0 {status}", *lines, *more, "Content-Length: 0", "", ""]
        self.send("\r\n".join(lines).encode())

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self._transport.sendto(data)

    async def ask(self, method: str, target: str, *headers: str) -> Message:
        """The last answer to a request, which is sent again with the password if need be."""
        call_id, tag = secrets.token_hex(8), secrets.token_hex(4)
        answer = await self._ask(method, target, call_id, tag, headers)
        if answer.status in (401, 407):
            challenge = answer.headers["www-authenticate"]
            proven = proof(self.username, self.password, method, target, challenge)
            for _ in range(self.repeats):
                answer = await self._ask(method, target, call_id, tag, (*headers, proven))
        return answer

    async def _ask(
        self, method: str, target: str, call_id: str, tag: str, headers: tuple[str, ...]
    ) -> Message:
        self._count += 1
        to = f"sip:{self.username}@{self.realm}" if method == "REGISTER" else target
        lines = (
            f"{method} {target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address};rport;branch=z9hG4bK{secrets.token_hex(8)}",
            "Max-Forwards: 70",
            f"From: <sip:{self.username}@{self.realm}>;tag={tag}",
            f"To: <{to}>",
            f"Call-ID: {call_id}",
            f"CSeq: {self._count} {method}",
            f"Contact: <sip:{self.username}@{self.address}>",
            *headers,
            "Content-Length: 0",
        )
        self.send("\r\n".join((*lines, "", "")).encode())
        async with asyncio.timeout(5):
            while True:
                answer = await self._answers.get()
                if answer.headers["call-id"] == call_id and answer.status >= 200:
                    return answer

    async def register(self) -> Message:
        """Register for a minute."""
        return await self.ask("REGISTER", f"sip:{self.realm}", "Expires: 60")

    async def watch(self, extension: str) -> Message:
        """Subscribe to the lamp of an extension."""
        wants = ("Event: dialog", "Accept: application/dialog-info+xml", "Expires: 60")
        return await self.ask("SUBSCRIBE", f"sip:{extension}@{self.realm}", *wants)

    async def is_told(self, *parts: str, of: str) -> Message:
        """Wait until a NOTIFY of an event has all these parts."""

        def found() -> list[Message]:
            return [
                each
                for each in self.notified
                if each.headers["event"].partition(";")[0] == of
                and all(part in each.body for part in parts)
            ]

        await until(lambda: bool(found()), lambda: f"not told {parts}: {self.notified}")
        return found()[-1]


@asynccontextmanager
async def silent_phone(
    username: str, password: str, realm: str, port: int, host: str = "127.0.0.1"
) -> AsyncIterator[SilentPhone]:
    """A phone at ``host``, for as long as the context is open; it is not registered yet."""
    loop = asyncio.get_running_loop()
    transport, phone = await loop.create_datagram_endpoint(
        lambda: SilentPhone(username, password, realm, port),
        local_addr=(host, 0),
        remote_addr=("127.0.0.1", port),
    )
    try:
        yield phone
    finally:
        transport.close()
