"""Who delivers: of all processes the one that holds a document, with the place in the log.

The place is moved on in the commits that write what became of deliveries, which compare the
document with what its holder wrote last. So two processes that both take themselves for the one
write nothing twice; that there is one saves work, and keeps the deliveries of a webhook in order.
"""

from __future__ import annotations

import os
import platform

from crossbar.core.services import Services
from crossbar.documents import Document, new_id, next_revision
from crossbar.storage import SYSTEM, Batch, Key, Put

STATE_TYPE = "webhook_state"
STATE = Key(SYSTEM, STATE_TYPE, STATE_TYPE)

HELD = 15.0
"""Seconds for which who has not written is still the one."""

RENEWED = 5.0
"""Seconds after which who delivers says so again."""

NOTHING = Batch()


class Lease:
    """The document, as this process has written it last."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._name = new_id()
        self._state: Document = {}
        self._renewed = 0.0

    @property
    def reached(self) -> int:
        """The number of the event up to which everything is dealt with."""
        number: int = self._state.get("number", 0)
        return number

    @property
    def ahead(self) -> int:
        """The number of the last event of which something may be stored."""
        number: int = self._state.get("ahead", 0)
        return number

    @property
    def is_old(self) -> bool:
        """Whether it is time to say that this process is still the one."""
        return self._services.clock.precise() - self._renewed >= RENEWED

    async def take(self) -> bool:
        """Become the one who delivers; not while somebody else is."""
        stored = await self._services.store.get(STATE)
        if stored and not self._is_free(stored):
            return False
        self._state = stored or {}
        await self.write(self.reached, self.ahead)
        return True

    def _is_free(self, state: Document) -> bool:
        if state["until"] <= self._services.clock.precise():
            return True
        # A process that was killed on this machine need not be waited for.
        is_here = state["node"] == platform.node()
        return is_here and (state["process"] == os.getpid() or not _is_alive(state["process"]))

    async def write(self, number: int, ahead: int, batch: Batch = NOTHING) -> None:
        """Move the place on, in one commit with a batch.

        Raises :class:`~crossbar.errors.Conflict` about :data:`STATE` when somebody else is the one
        by now.
        """
        until = self._services.clock.precise() + HELD
        await self._write({"number": number, "ahead": ahead, "until": until}, batch)

    async def release(self, number: int, ahead: int) -> None:
        """Let another process be the one."""
        await self._write({"number": number, "ahead": ahead, "until": 0}, NOTHING)

    async def _write(self, facts: Document, batch: Batch) -> None:
        before = self._state.get("_rev")
        state = {
            "_id": STATE.doc_id,
            "_rev": next_revision(before),
            "pvt_type": STATE_TYPE,
            "node": platform.node(),
            "process": os.getpid(),
            "holder": self._name,
            **facts,
        }
        puts = (Put(STATE, state, before), *batch.puts)
        whole = Batch(puts=puts, removes=batch.removes, records=batch.records)
        await self._services.commit(whole)
        self._renewed = self._services.clock.precise()
        self._state = state


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
