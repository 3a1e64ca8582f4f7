"""The seam to what runs programs that accounts have written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from crossbar.documents import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function in JavaScript, and what it is run with.

    ``call`` is the parameter of its ``body``. What it takes for now is ``at``, in seconds since
    1970; its local time is that of ``zone``.
    """

    body: str
    call: Document
    at: float
    zone: str


class FunctionFailed(Exception):
    """A function has not returned anything that could be used.

    The message says what has failed, and in which line. ``said`` are the words of the engine or
    of the function itself: as they may repeat what a caller has pressed, they are for no log.
    """

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said


class Functions(Protocol):
    """Runs programs that accounts have written, within bounds that keep others unharmed."""

    async def run(self, function: Function, account_id: str) -> str:
        """What a function returns, as JSON. Raises :class:`FunctionFailed`."""
        ...

    async def check(self, body: str, account_id: str) -> None:
        """Raises :class:`FunctionFailed` for the body of a function that can never run.

        Nothing is said of one that cannot be judged now.
        """
        ...
