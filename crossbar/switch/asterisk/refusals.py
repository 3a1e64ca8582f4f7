"""Who is told of calls by carriers that were not let through, or ended."""

from __future__ import annotations

import asyncio

import structlog

from crossbar.core.services import Services
from crossbar.core.telling import happening
from crossbar.documents import Document
from crossbar.errors import CrossbarError
from crossbar.storage import Batch, StoreError
from crossbar.switch.asterisk.wishes import Refused, Wish
from crossbar.switch.executor import REFUSED

log = structlog.get_logger(__name__)

QUIET = 60
"""Seconds within which an account is told once of the same reason."""


class Refusals:
    """Tells accounts of calls that were refused, or ended."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._told: dict[tuple[str, str], float] = {}

    async def tell(self, wish: Wish, refused: Refused) -> None:
        """A call was not let through."""
        log.warning("call_refused", call_id=wish.call_id, number=wish.number, reason=str(refused))
        facts = {
            "call_direction": wish.direction,
            "caller_id_number": wish.other,
            "callee_id_number": wish.number,
            "message": str(refused),
        }
        await self.publish(wish.account_id, wish.call_id, refused.reason, facts)

    async def publish(self, account_id: str, call_id: str, reason: str, facts: Document) -> None:
        """Tell webhooks and sockets; who is refused again and again is told of now and then."""
        now, place = asyncio.get_running_loop().time(), (account_id, reason)
        if now - self._told.get(place, -QUIET) < QUIET:
            return
        self._told = {each: at for each, at in self._told.items() if now - at < QUIET}
        self._told[place] = now
        clock = self._services.clock
        told = {
            "type": REFUSED,
            "call_id": call_id,
            "reason": reason,
            "timestamp": clock.gregorian(),
            **facts,
        }
        event = happening(clock, account_id, "notifications", told, about=call_id)
        try:
            await self._services.commit(Batch(events=[event]))
        except (CrossbarError, StoreError):
            log.exception("refusal_was_not_told", call_id=call_id)
