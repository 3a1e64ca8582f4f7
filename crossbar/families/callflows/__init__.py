"""What happens to a call, and the numbers that lead to it."""

from __future__ import annotations

from crossbar.families.callflows.callflows import CALLFLOWS, nodes
from crossbar.families.callflows.cccps import CCCPS
from crossbar.families.callflows.clicktocall import CLICKTOCALL
from crossbar.families.callflows.clicktocall_calls import CALL, CLICKTOCALL_HISTORY
from crossbar.families.callflows.functions import FUNCTIONS, FUNCTIONS_OF_SYSTEM, JAVASCRIPT
from crossbar.families.callflows.metaflows import METAFLOWS
from crossbar.families.callflows.parked_calls import DOC_TYPE as PARKED_TYPE
from crossbar.families.callflows.parked_calls import PARKED_CALLS, parking_slot
from crossbar.families.callflows.pivot import PIVOT

__all__ = [
    "CALL",
    "CALLFLOWS",
    "CCCPS",
    "CLICKTOCALL",
    "CLICKTOCALL_HISTORY",
    "FUNCTIONS",
    "FUNCTIONS_OF_SYSTEM",
    "JAVASCRIPT",
    "METAFLOWS",
    "PARKED_CALLS",
    "PARKED_TYPE",
    "PIVOT",
    "nodes",
    "parking_slot",
]
