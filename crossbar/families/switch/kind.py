"""What a kind of events is, and what all of them refuse."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from crossbar.errors import ValidationFailed
from crossbar.families.switch.board import Board, Told
from crossbar.values import valueclass

DAY = 86_400

EARLIEST = 63_113_904_000
"""The year 2000, in Gregorian seconds: what is before it is a Unix time, more likely than not."""


@valueclass
class EventKind:
    """A kind of events: the schema of its data, and what notes on a board what it causes."""

    schema: str
    apply: Callable[[Board, Told], Awaitable[None]]


def require_time(board: Board, path: str, seconds: int) -> None:
    """Refuse a time, at a path of the event, at which nothing can have happened."""
    if not EARLIEST < seconds <= board.services.clock.gregorian() + DAY:
        message = "This is no time at which it can have been, in Gregorian seconds"
        raise ValidationFailed.of(path, "invalid", message, cause=seconds)
