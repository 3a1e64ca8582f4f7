"""The seam to a mail server: how the gateway sends letters.

Nobody waits for a letter: it is a job (``core.jobs``) that writes and sends it. So neither an
answer nor the time that it takes tells a stranger whether anybody was written to. :class:`NoMail`
stands in while no mail server is configured.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from crossbar.errors import MailUnavailable


class Enclosed(NamedTuple):
    """A file that goes with a letter."""

    name: str
    content_type: str
    content: bytes


class Letter(NamedTuple):
    """A mail: in plain text, with the same in HTML if there is one.

    ``sender`` is whom it is from, by default whom the settings name. ``name`` tells it from all
    others: one that is sent once more has the same, so that receivers can drop the second.
    """

    to: tuple[str, ...]
    subject: str
    text: str
    html: str = ""
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    sender: str = ""
    reply_to: str = ""
    name: str = ""
    enclosed: tuple[Enclosed, ...] = ()


class Mail(Protocol):
    """A way to send letters."""

    @property
    def is_available(self) -> bool:
        """Whether letters can be sent from here at all."""
        ...

    async def send(self, letter: Letter) -> str:
        """Hand a letter to the mail server; what it said to that.

        Raises :class:`~crossbar.core.jobs.CannotBeDone` with the server's words when it has
        refused the letter for good, something else when it may take it later.
        """
        ...


class NoMail:
    """What stands in while no mail server is configured."""

    is_available = False

    async def send(self, letter: Letter) -> str:
        """Refused: saying yes would be a lie."""
        raise MailUnavailable
