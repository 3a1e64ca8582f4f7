"""What indexing documents and records anew have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from crossbar.storage import Put

GROUP = 50
"""Documents, records or attachments that one commit takes."""

UNFIT = (TypeError, ValueError, LookupError, AttributeError)
"""What comes of a document that is not as its family has them."""

Report = Callable[[str], None]


@dataclass(slots=True)
class Reindexed:
    """How many documents and records were looked at, and written since they were not in place.

    ``faults`` is how many could not be; ``report`` is told of each in words.
    """

    looked_at: int = 0
    written: int = 0
    faults: int = 0
    report: Report = field(default=print, compare=False)

    def fault(self, line: str) -> None:
        """Something cannot be done."""
        self.faults += 1
        self.report(line)


def is_in_place(stored: Put, declared: Put) -> bool:
    """Whether a document is found and listed as today's declaration says."""
    return (
        stored.sort == declared.sort
        and stored.row == declared.row
        and set(stored.entries) == set(declared.entries)
        and set(stored.claims) == set(declared.claims)
    )
