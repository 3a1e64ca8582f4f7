"""The seam to a mail server: how the gateway sends letters.

Families post letters through :class:`Mail` and never wait for them. What a letter says is found
out in the background too: then neither an answer nor the time that it takes tells a stranger
whether anybody was written to. :class:`NoMail` stands in while no mail server is configured.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from crossbar.errors import MailUnavailable


class Letter(NamedTuple):
    """A mail in plain text to one address."""

    to: str
    subject: str
    text: str


Write = Callable[[], Awaitable[Letter | None]]
"""Writes a letter, or finds that there is nobody to write to."""


class Mail(Protocol):
    """A way to send letters."""

    def post(self, write: Write) -> None:
        """Have a letter written and sent soon; what goes wrong with that is logged.

        Raises :class:`~crossbar.errors.MailUnavailable` when nothing can be sent from here.
        """
        ...


class NoMail:
    """What stands in while no mail server is configured."""

    def post(self, write: Write) -> None:
        """Refused: saying yes would be a lie."""
        raise MailUnavailable
