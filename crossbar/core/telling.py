"""Telling that something happened which is no change of a document: a call begins, a fax is sent.

It becomes an event of the log, in the commit of whatever else is written of it. So who follows the
log (webhooks, sockets) hears of it exactly when that commit is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossbar.clock import Clock
from crossbar.core.stamping import fresh_id
from crossbar.documents import Document
from crossbar.storage import Event, Key

if TYPE_CHECKING:
    from crossbar.core.change import Change
    from crossbar.core.writing import Work

HAPPENING = "happening"
"""The type that such an event has in place of a document's; its action is its kind."""


def happening(
    clock: Clock, account_id: str, kind: str, facts: Document, *, about: str = ""
) -> Event:
    """The event of something that happened in an account, for ``Batch.events``.

    ``kind`` is one of those that webhooks can be for (``channel_create``, …), ``facts`` is what
    they report of it: public, and no secret. ``about`` names what it happened to, such as the id
    of a call; what has the same name is reported in order.
    """
    named = about or fresh_id(clock)
    return happening_at(clock.gregorian(), account_id, kind, facts, about=named)


def happening_at(at: int, account_id: str, kind: str, facts: Document, *, about: str) -> Event:
    """The event of something that happened at a time of its own, in Gregorian seconds."""
    key = Key(account_id, HAPPENING, about)
    return Event(action=kind, key=key, revision="", at=at, summary=facts)


def tell(
    writes: Change | Work, account_id: str, kind: str, facts: Document, *, about: str = ""
) -> None:
    """Add such an event to the commit of a change or of a work."""
    clock = writes.actor.services.clock
    writes.events.append(happening(clock, account_id, kind, facts, about=about))
