"""Why legs are over."""

from __future__ import annotations

from collections.abc import Mapping

CAUSES: Mapping[int, str] = {
    1: "UNALLOCATED_NUMBER",
    2: "NO_ROUTE_TRANSIT_NET",
    3: "NO_ROUTE_DESTINATION",
    16: "NORMAL_CLEARING",
    17: "USER_BUSY",
    18: "NO_USER_RESPONSE",
    19: "NO_ANSWER",
    20: "SUBSCRIBER_ABSENT",
    21: "CALL_REJECTED",
    22: "NUMBER_CHANGED",
    23: "REDIRECTION_TO_NEW_DESTINATION",
    26: "NON_SELECTED_USER_CLEARING",
    27: "DESTINATION_OUT_OF_ORDER",
    28: "INVALID_NUMBER_FORMAT",
    29: "FACILITY_REJECTED",
    31: "NORMAL_UNSPECIFIED",
    34: "NORMAL_CIRCUIT_CONGESTION",
    38: "NETWORK_OUT_OF_ORDER",
    41: "NORMAL_TEMPORARY_FAILURE",
    42: "SWITCH_CONGESTION",
    44: "REQUESTED_CHAN_UNAVAIL",
    50: "FACILITY_NOT_SUBSCRIBED",
    58: "BEARERCAPABILITY_NOTAVAIL",
    66: "CHAN_NOT_IMPLEMENTED",
    88: "INCOMPATIBLE_DESTINATION",
    102: "RECOVERY_ON_TIMER_EXPIRE",
    127: "INTERWORKING",
}
"""Why a leg is over, as Q.850 counts the reasons and as call records name them."""

NUMBERS: Mapping[str, int] = {name: number for number, name in CAUSES.items()}
"""The same, the other way round."""

PICKED_OFF = "PICKED_OFF"
"""Why those legs are over that rang until another was answered."""

FINISHED = "NORMAL_CLEARING"
"""Why a leg is over that somebody has ended."""
