"""A mail server on loopback that keeps what it is handed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope


@dataclass
class Mailbox:
    """What came in. ``refusals`` are answered, one each, before anything is taken.

    Nothing is taken for the ``unknown``.
    """

    port: int = 0
    refusals: list[str] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    recipients: list[list[str]] = field(default_factory=list)
    _received: asyncio.Queue[EmailMessage] = field(default_factory=asyncio.Queue)

    def settings(self) -> dict[str, Any]:
        """Settings of a gateway that sends its mails here."""
        return {
            "mail.host": "127.0.0.1",
            "mail.port": self.port,
            "mail.security": "none",
            "mail.sender": "Crossbar <noreply@example.com>",
        }

    async def handle_RCPT(
        self, server: SMTP, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take mails for everybody but those whom nobody knows."""
        if address in self.unknown:
            return f"550 nobody is called {address}"
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        """Take a mail, or refuse it."""
        if self.refusals:
            return self.refusals.pop(0)
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        assert isinstance(envelope.content, bytes)
        content = envelope.content.replace(b"\r\n", b"\n")
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        named = [*_addresses(message["To"]), *_addresses(message["Cc"])]
        named = [each for each in named if each not in self.unknown]
        assert named == envelope.rcpt_tos[: len(named)]
        self.recipients.append(list(envelope.rcpt_tos))
        self._received.put_nowait(message)
        return "250 taken"

    def authenticate(self, *seen: Any) -> AuthResult:
        """Let everybody in, and remember whom."""
        login = seen[-1]
        self.logins.append((login.login, login.password))
        return AuthResult(success=True)

    async def next(self) -> EmailMessage:
        """The next mail, once it is there."""
        async with asyncio.timeout(5):
            return await self._received.get()

    def is_empty(self) -> bool:
        return self._received.empty()


def _addresses(header: str | None) -> list[str]:
    return header.split(", ") if header else []


def text_of(message: EmailMessage) -> str:
    """What a mail says in plain text."""
    plain = message.get_body(("plain",))
    assert plain is not None
    text: str = plain.get_content()
    return text


@asynccontextmanager
async def mailbox(
    starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Mailbox]:
    """A mail server that is encrypted after or from the start, or not."""
    box = Mailbox()

    def protocol() -> SMTP:
        return SMTP(
            box,
            hostname="localhost",
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=box.authenticate,
            auth_require_tls=tls is None,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()
