"""Who answers which queue: the users whose documents name it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.families.endpoints import USERS
from crossbar.remembering import keep
from crossbar.storage import Entry, Event, Span

MOST = 1000
"""Rosters that are remembered."""


class Rosters:
    """Rosters, remembered until a user of the account changes. A subscriber to events.

    ``changed`` is called then, and ``gone`` with account and user for one who is deleted.
    """

    def __init__(
        self,
        services: Services,
        changed: Callable[[], None],
        gone: Callable[[str, str], None],
    ) -> None:
        self._services = services
        self._changed = changed
        self._gone = gone
        self._found: dict[tuple[str, str], Mapping[str, Document]] = {}
        self._noticed = 0

    async def find(self, account_id: str, queue_id: str) -> Mapping[str, Document]:
        """The users who answer a queue, by their ids."""
        if (known := self._found.get((account_id, queue_id))) is not None:
            return known
        noticed = self._noticed
        entry = Entry("queue", queue_id)
        span = Span(account_id=account_id, doc_type=USERS.doc_type, entry=entry)
        rows = [row.document async for row in self._services.store.scan(span)]
        found = {str(user["_id"]): user for user in rows if user.get("enabled") is not False}
        if noticed == self._noticed:
            keep(self._found, (account_id, queue_id), found, MOST)
        return found

    def notice(self, event: Event) -> None:
        """Forget what an event has made stale."""
        if event.key.doc_type != USERS.doc_type:
            return
        self._noticed += 1
        stale = [key for key in self._found if key[0] == event.key.account_id]
        for key in stale:
            del self._found[key]
        if event.action == "deleted":
            self._gone(event.key.account_id, event.key.doc_id)
        self._changed()

    def forget(self) -> None:
        """Forget everything."""
        self._noticed += 1
        self._found.clear()
        self._changed()
