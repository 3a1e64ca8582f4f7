"""What happens to a call, and the numbers that lead to it."""

from __future__ import annotations

from crossbar.families.callflows.callflows import CALLFLOWS
from crossbar.families.callflows.cccps import CCCPS
from crossbar.families.callflows.clicktocall import CLICKTOCALL
from crossbar.families.callflows.clicktocall_calls import CLICKTOCALL_HISTORY
from crossbar.families.callflows.functions import FUNCTIONS, FUNCTIONS_OF_SYSTEM
from crossbar.families.callflows.metaflows import METAFLOWS
from crossbar.families.callflows.parked_calls import PARKED_CALLS
from crossbar.families.callflows.pivot import PIVOT

__all__ = [
    "CALLFLOWS",
    "CCCPS",
    "CLICKTOCALL",
    "CLICKTOCALL_HISTORY",
    "FUNCTIONS",
    "FUNCTIONS_OF_SYSTEM",
    "METAFLOWS",
    "PARKED_CALLS",
    "PIVOT",
]
