"""Giving numbers of a resource to an account: the seam to whoever keeps numbers."""

from __future__ import annotations

from crossbar.core.requests import Actor
from crossbar.documents import Document
from crossbar.numbers import to_e164


class NotImported(Exception):
    """A number could not be made; ``told`` says why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.told: Document = {"reason": reason, "message": message}


async def import_number(actor: Actor, number: str, carrier: str) -> Document:
    """Reserve a number for the actor's account; what is told of it.

    Raises :class:`NotImported`.
    """
    if to_e164(number) is None:
        raise NotImported("not_reconcilable", "the number is no telephone number")
    raise NotImported("unavailable", "numbers are not kept here yet")
