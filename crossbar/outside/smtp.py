"""Letters sent through a mail server, by SMTP."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

import aiosmtplib

from crossbar.clock import Clock, moment
from crossbar.core.jobs import CannotBeDone
from crossbar.core.ports import Letter, Mail, NoMail
from crossbar.settings import Mail as MailSettings


def mail_of(settings: MailSettings, clock: Clock) -> Mail:
    """The mail server that the settings name."""
    return Smtp(settings, clock) if settings.host else NoMail()


class Smtp:
    """A mail server that takes letters for delivery."""

    is_available = True

    def __init__(self, settings: MailSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    async def send(self, letter: Letter) -> None:
        """Hand the letter over. Raises :class:`CannotBeDone` for one that is never taken."""
        settings = self._settings
        try:
            await aiosmtplib.send(
                self._message(letter),
                hostname=settings.host,
                port=settings.port,
                username=settings.username or None,
                password=settings.password or None,
                use_tls=settings.security == "tls",
                start_tls=settings.security == "starttls",
                timeout=settings.timeout,
            )
        except (aiosmtplib.SMTPException, ValueError) as error:
            if _is_final(error):
                # Neither the letter nor the server's answer, which may repeat it, is passed on.
                raise CannotBeDone from None
            raise

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
    """Whether no later attempt helps: a bad address, or a no of the server's for good.

    Codes of 500 and above are for good (RFC 5321 §4.2.1).
    """
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(refused.code >= 500 for refused in error.recipients)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return error.code >= 500
    return isinstance(error, ValueError)
