"""The seam to a mail server: how the gateway sends letters.

Nobody waits for a letter: it is a job (``core.jobs``) that writes and sends it. So neither an
answer nor the time that it takes tells a stranger whether anybody was written to. :class:`NoMail`
stands in while no mail server is configured.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from crossbar.errors import MailUnavailable


class Letter(NamedTuple):
    """A mail in plain text to one address."""

    to: str
    subject: str
    text: str


class Mail(Protocol):
    """A way to send letters."""

    @property
    def is_available(self) -> bool:
        """Whether letters can be sent from here at all."""
        ...

    async def send(self, letter: Letter) -> None:
        """Hand a letter to the mail server.

        Raises :class:`~crossbar.core.jobs.CannotBeDone` when the server has refused it for good,
        something else when it may take it later.
        """
        ...


class NoMail:
    """What stands in while no mail server is configured."""

    is_available = False

    async def send(self, letter: Letter) -> None:
        """Refused: saying yes would be a lie."""
        raise MailUnavailable
