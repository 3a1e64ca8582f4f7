"""Writing what has become of deliveries: of several that are done at a time in one commit."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import structlog

from crossbar.core.services import Services
from crossbar.errors import Conflict, CrossbarError, NoSuchDocument
from crossbar.storage import Batch, Put, Remove, StoreError

log = structlog.get_logger(__name__)

AT_ONCE = 100
"""Deliveries whose outcome is written in one commit."""


class Outcome(NamedTuple):
    """What is written of a delivery: it is over or waits, and the attempt that was made."""

    delivery: Put | Remove
    attempt: Put | None = None


@dataclass
class Settler:
    """Gathers outcomes while others are being written."""

    services: Services
    _waiting: list[tuple[Outcome, asyncio.Future[None]]] = field(default_factory=list)
    _writing: asyncio.Task[None] | None = None

    async def settle(self, outcome: Outcome) -> None:
        """Return when the outcome is written, or can't be: then the delivery is tried again."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((outcome, future))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="webhook-outcomes")
        await asyncio.shield(future)

    async def finish(self) -> None:
        """Write what waits."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)

    async def _write(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            try:
                await self._commit([outcome for outcome, _ in some])
            except (StoreError, CrossbarError) as error:
                log.warning("webhook_outcomes_not_written", error=repr(error))
            finally:
                for _, future in some:
                    if not future.done():
                        future.set_result(None)

    async def _commit(self, outcomes: list[Outcome]) -> None:
        try:
            await self.services.commit(_batch_of(outcomes))
        except (Conflict, NoSuchDocument):
            if len(outcomes) > 1:
                for each in outcomes:
                    await self._commit([each])
            elif outcomes[0].attempt is not None:  # the account is gone, or another was quicker
                await self._commit([outcomes[0]._replace(attempt=None)])


def _batch_of(outcomes: list[Outcome]) -> Batch:
    deliveries = [each.delivery for each in outcomes]
    return replace(
        Batch(),
        puts=[each for each in deliveries if isinstance(each, Put)],
        removes=[each for each in deliveries if isinstance(each, Remove)],
        records=[each.attempt for each in outcomes if each.attempt is not None],
    )
