"""The seam to a carrier: who has telephone numbers to give, and takes them back.

Which account has a number is decided by the number's document, never here: a carrier is asked
for numbers that are to be had, told that one is taken, and told that one is given back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class Offer(NamedTuple):
    """A number that can be had, in E.164, and the state that clients are told."""

    number: str
    state: str


class Carrier(Protocol):
    """Somebody who has telephone numbers."""

    @property
    def name(self) -> str:
        """What numbers of this carrier are marked with, such as ``knm_managed``."""
        ...

    async def search(self, prefix: str, quantity: int, offset: int) -> Sequence[Offer]:
        """Numbers to be had that begin with ``prefix`` (E.164, with ``+``).

        In an order that stays the same while ``offset`` grows. Raises
        :class:`~crossbar.errors.CarrierUnavailable`.
        """
        ...

    async def check(self, numbers: Sequence[str]) -> Mapping[str, str]:
        """What is known of numbers: ``available`` for those to be had, else another word."""
        ...

    async def acquire(self, number: str, account_id: str) -> None:
        """Take a number for an account, right before that is written down.

        It may be asked for again when the write has met another one, and then answers as the
        first time. Raises :class:`~crossbar.errors.CarrierUnavailable`, and
        :class:`~crossbar.errors.NumberNotFound` for a number that is not to be had.
        """
        ...

    async def release(self, number: str) -> None:
        """Give a number back. It is a job's work, tried again when it fails."""
        ...
