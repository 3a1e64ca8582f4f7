"""The seam to the servers that webhooks report to: clients name them, so nobody trusts them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit


def place_of(url: str) -> str:
    """An address for the log: without its login and its query, where secrets may be."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname or ''}{parts.path}"[:200]
    except ValueError:
        return "the address"


class Message(NamedTuple):
    """What is sent to a receiver."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    """What a receiver answers: its status, and the beginning of its body, with its type.

    Names of ``headers`` are found however they are written.
    """

    status: int
    content: bytes
    content_type: str
    headers: Mapping[str, str]

    @property
    def body(self) -> str:
        """The beginning of the body, as text."""
        return self.content.decode("utf-8", "replace")


class NotReached(Exception):
    """No answer came. The message says why, for whom the webhook belongs to."""


class Receivers(Protocol):
    """Sends messages to servers that clients have named."""

    async def send(
        self,
        message: Message,
        *,
        private: bool,
        seconds: float,
        connect: float,
        most: int = 1000,
    ) -> Reply:
        """Send a message and wait for the answer, for so many seconds; ``connect`` of them at most
        for a connection.

        Of its body the first ``most`` bytes are read. ``private``: also to an address that is not
        of the public internet. Raises :class:`NotReached`.
        """
        ...

    async def close(self) -> None:
        """Close what connections are open."""
        ...
