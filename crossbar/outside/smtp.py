"""Letters sent through a mail server, by SMTP."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr

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

    async def send(self, letter: Letter) -> str:
        """Hand the letter over. Raises :class:`CannotBeDone` for one that is never taken."""
        settings = self._settings
        try:
            refused, said = await aiosmtplib.send(
                self._message(letter),
                # What cannot be delivered comes back to who runs the server, whoever it is from.
                sender=parseaddr(settings.sender)[1] or settings.sender,
                recipients=[*dict.fromkeys((*letter.to, *letter.cc, *letter.bcc))],
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
                # The letter is not passed on; who logs the error knows that it may repeat it.
                raise CannotBeDone(_words(error)) from None
            raise
        not_taken = "".join(f"; {address}: {reply}" for address, reply in refused.items())
        return f"{said}{not_taken}"

    def _message(self, letter: Letter) -> EmailMessage:
        """The letter with its headers. Raises :class:`ValueError` for one with a line break."""
        message = EmailMessage()
        message["From"] = letter.sender or self._settings.sender
        message["To"] = ", ".join(letter.to)
        if letter.cc:
            message["Cc"] = ", ".join(letter.cc)
        if letter.reply_to:
            message["Reply-To"] = letter.reply_to
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(moment(self._clock.gregorian()))
        domain = self._settings.sender.rpartition("@")[2].strip("<> ") or "localhost"
        message["Message-ID"] = (
            f"<{letter.name}@{domain}>" if letter.name else make_msgid(domain=domain)
        )
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text or letter.html, subtype="plain" if letter.text else "html")
        if letter.text and letter.html:
            message.add_alternative(letter.html, subtype="html")
        for each in letter.enclosed:
            kind, _, form = each.content_type.partition("/")
            message.add_attachment(
                each.content,
                maintype=kind or "application",
                subtype=form or "octet-stream",
                filename=each.name,
            )
        return message


def _words(error: Exception) -> str:
    """What the server said, of each recipient if it refused them all."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return "; ".join(f"{each.code} {each.message}" for each in error.recipients)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error)


def _is_final(error: Exception) -> bool:
    """Whether no later attempt helps: a bad address, or a no of the server's for good.

    Codes of 500 and above are for good (RFC 5321 §4.2.1).
    """
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(refused.code >= 500 for refused in error.recipients)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return error.code >= 500
    return isinstance(error, ValueError)
