"""Letters sent through a mail server, by SMTP.

Letters wait in memory: those that a process has not sent when it is killed are lost, and people
ask again. A server that does not answer is tried a few times.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

import aiosmtplib
import structlog

from crossbar.clock import Clock, moment
from crossbar.core.ports import Letter, Mail, NoMail, Write
from crossbar.errors import MailUnavailable
from crossbar.settings import Mail as MailSettings

log = structlog.get_logger(__name__)

MAXIMUM_WAITING = 1000
SENDERS = 2
"""How many letters are sent at once."""

ATTEMPTS = 3
PATIENCE = 5.0
"""Seconds that letters get to leave when the gateway stops."""


@asynccontextmanager
async def mail_of(settings: MailSettings, clock: Clock, pause: float = 2.0) -> AsyncIterator[Mail]:
    """The mail server that the settings name, for as long as the gateway runs.

    ``pause`` is in seconds: how long a letter waits until it is tried again, longer each time.
    """
    if not settings.host:
        yield NoMail()
        return
    office = Smtp(settings, clock, pause)
    senders = [asyncio.create_task(office.work(), name="mail") for _ in range(SENDERS)]
    try:
        yield office
    finally:
        await office.close()
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)


class Smtp:
    """Letters that wait, and how they are sent."""

    def __init__(self, settings: MailSettings, clock: Clock, pause: float) -> None:
        self._settings = settings
        self._clock = clock
        self._pause = pause
        self._waiting: asyncio.Queue[Write] = asyncio.Queue(MAXIMUM_WAITING)

    def post(self, write: Write) -> None:
        """Have a letter written and sent soon. Refused while too many wait."""
        try:
            self._waiting.put_nowait(write)
        except asyncio.QueueFull:
            raise MailUnavailable("too many mails wait to be sent") from None

    async def work(self) -> None:
        """Write and send letters, one after the other, for ever."""
        while True:
            write = await self._waiting.get()
            try:
                letter = await write()
                if letter is not None:
                    await self._deliver(letter)
            except Exception as error:  # the others have to be sent all the same
                # Neither the letter nor the server's answer, which may repeat it, is logged.
                log.error("mail_not_sent", error=type(error).__name__)
            finally:
                self._waiting.task_done()

    async def close(self) -> None:
        """Wait a moment for the letters that are left."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._waiting.join()
        except TimeoutError:
            log.error("mails_lost", waiting=self._waiting.qsize())

    async def _deliver(self, letter: Letter) -> None:
        """Send; again when the server may take the letter later."""
        message = self._message(letter)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._send(message)
                return
            except (aiosmtplib.SMTPException, OSError) as error:
                if attempt == ATTEMPTS or _is_final(error):
                    raise
                log.warning("mail_delayed", error=type(error).__name__)
                await asyncio.sleep(self._pause * attempt)

    async def _send(self, message: EmailMessage) -> None:
        settings = self._settings
        await aiosmtplib.send(
            message,
            hostname=settings.host,
            port=settings.port,
            username=settings.username or None,
            password=settings.password or None,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            timeout=settings.timeout,
        )

    def _message(self, letter: Letter) -> EmailMessage:
        """The letter with its headers. Raises :class:`ValueError` for an address with a break."""
        message = EmailMessage()
        message["From"] = self._settings.sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(moment(self._clock.gregorian()))
        domain = self._settings.sender.rpartition("@")[2].strip("<> ")
        message["Message-ID"] = make_msgid(domain=domain or "localhost")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message


def _is_final(error: Exception) -> bool:
    """Whether the server has said no for good (RFC 5321 §4.2.1: codes of 500 and above)."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(refused.code >= 500 for refused in error.recipients)
    return isinstance(error, aiosmtplib.SMTPResponseException) and error.code >= 500
