"""The seam to what moves telephone numbers in from other carriers: port requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from crossbar.documents import Document

if TYPE_CHECKING:
    from crossbar.core.requests import Actor


class Porting(Protocol):
    """Knows the port requests that are under way."""

    async def numbers_of(self, actor: Actor, account_id: str) -> Mapping[str, Document]:
        """The numbers that an account is porting in, with what lists show beside their state:
        ``used_by``, ``created``, ``updated``, ``port_id``, ``port_state``.
        """
        ...

    async def account_porting(self, actor: Actor, number: str) -> str | None:
        """The account that has a port request under way for the number."""
        ...
