"""Rows of lists of calls: the same keys in JSON and as a table, all of them text but numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from itertools import repeat
from typing import Any

from crossbar.clock import GREGORIAN_OFFSET
from crossbar.core.ranges import LATEST
from crossbar.documents import Document

COLUMNS = (
    "id",
    "call_id",
    "caller_id_number",
    "caller_id_name",
    "callee_id_number",
    "callee_id_name",
    "duration_seconds",
    "billing_seconds",
    "timestamp",
    "hangup_cause",
    "other_leg_call_id",
    "owner_id",
    "to",
    "from",
    "direction",
    "request",
    "authorizing_id",
    "cost",
    "dialed_number",
    "calling_from",
    "datetime",
    "unix_timestamp",
    "unix_timestamp_micro",
    "rfc_1036",
    "iso_8601",
    "iso_8601_combined",
    "call_type",
    "rate",
    "rate_name",
    "bridge_id",
    "recording_url",
    "media_recordings",
    "media_server",
    "call_priority",
    "interaction_id",
)
RESELLER_COLUMNS = ("reseller_cost", "reseller_call_type")

FIRST = 366 * 86_400
"""Gregorian seconds at which year 1 begins; year 0 is in no calendar of Python's."""

DAY = 86_400
PER_MINUTE = "per_minute"
_NONE: Document = {}
_BLANKS = repeat("")
_TWO = tuple(f"{number:02}" for number in range(60))

Values = Callable[[Document], tuple[Any, ...]]


@lru_cache(maxsize=1024)
def _day(number: int) -> tuple[str, str]:
    """A day, counted since 1970, as ISO 8601 and HTTP write it."""
    moment = datetime.fromtimestamp(number * DAY, UTC)
    return f"{moment:%Y-%m-%d}", format_datetime(moment, usegmt=True)[:17]


def http_time(unix: int) -> str:
    """A time as HTTP writes it."""
    return format_datetime(datetime.fromtimestamp(unix, UTC), usegmt=True)


def _times(start: int, offset: int) -> tuple[str, ...]:
    """A time as text: the seconds, the local date and time, and the others in UTC."""
    unix = min(max(start, FIRST), LATEST) - GREGORIAN_OFFSET
    number, second = divmod(unix, DAY)
    clock = _clock(second)
    day, named = _day(number)
    local_time = f"{day} {clock}"
    if offset:
        local = min(max(start + offset, FIRST), LATEST) - GREGORIAN_OFFSET
        number, second = divmod(local, DAY)
        local_time = f"{_day(number)[0]} {_clock(second)}"
    shown = str(unix)
    return (
        str(start),
        local_time,
        shown,
        shown + "000000",
        f"{named}{clock} GMT",
        day,
        f"{day}T{clock}Z",
    )


def _clock(second: int) -> str:
    """A time of day."""
    minutes, second = divmod(second, 60)
    return f"{_TWO[minutes // 60]}:{_TWO[minutes % 60]}:{_TWO[second]}"


def text(value: Any) -> str:
    """A value as rows show it; what is missing is empty."""
    if isinstance(value, str):
        return value
    return "" if value is None or isinstance(value, dict | list) else str(value)


def dollars_of(units: Any) -> str:
    """Units of 1/10000 dollar, as a record has them, in dollars."""
    return _dollars(units if isinstance(units, str) else text(units))


@lru_cache(maxsize=4096)
def _dollars(units: str) -> str:
    known = units.strip()
    if not known.removeprefix("-").isdecimal() or not known.isascii() or len(known) > 18:
        return ""
    number = int(known)
    whole, part = divmod(abs(number), 10_000)
    sign = "-" if number < 0 else ""
    return f"{sign}{whole}.{part:04}".rstrip("0").rstrip(".") or "0"


_OF_CALL = (
    "call_id",
    "caller_id_number",
    "caller_id_name",
    "callee_id_number",
    "callee_id_name",
    "hangup_cause",
    "other_leg_call_id",
    "to",
    "from",
    "call_direction",
    "request",
    "recording_url",
    "media_server",
    "interaction_id",
)
"""What rows show of a record as it is, in the order in which it is taken."""

_OF_VARIABLES = (
    "owner_id",
    "authorizing_id",
    "account_billing",
    "rate_name",
    "bridge_id",
    "call_priority",
)
"""The same of its variables."""


def _texts(document: Document, names: tuple[str, ...]) -> Iterable[str]:
    """The values of these names as rows show them."""
    found = list(map(document.get, names, _BLANKS))
    try:
        "".join(found)
    except TypeError:  # not all of it is text
        return map(text, found)
    return found


def values_of(offset: int, *, for_reseller: bool) -> Values:
    """What turns a record into the values of its row, the local time being ``offset`` seconds
    ahead of UTC."""

    def make(call: Document) -> tuple[Any, ...]:
        variables: Any = call.get("custom_channel_vars")
        var = variables if isinstance(variables, dict) else _NONE
        row = _row(call, var, offset)
        if for_reseller:
            kind = text(var.get("reseller_billing"))
            cost = dollars_of(var.get("reseller_cost")) if kind == PER_MINUTE else ""
            return (*row, cost, kind)
        return row

    return make


def _row(call: Document, var: Document, offset: int) -> tuple[Any, ...]:
    """The values of all columns but those for resellers.

    In one piece, since a table of all calls makes it for each.
    """
    get = call.get
    call_id, *people, cause, other, to, sender, direction, request, url, server, interaction = (
        _texts(call, _OF_CALL)
    )
    owner, authorizing, billing, rate_name, bridge, priority = _texts(var, _OF_VARIABLES)
    duration = get("duration_seconds", 0)
    start, *times = _times(get("timestamp", 0) - duration, offset)
    recordings = var.get("media_recordings")
    return (
        call["_id"],
        call_id,
        *people,
        duration,
        get("billing_seconds", 0),
        start,
        cause,
        other,
        owner,
        to,
        sender,
        direction,
        request,
        "" if authorizing == call["pvt_account_id"] else authorizing,
        dollars_of(var.get("cost")) if billing == PER_MINUTE else "",
        *_parties(call, direction),
        *times,
        billing,
        dollars_of(var.get("rate")),
        rate_name,
        bridge,
        url,
        recordings if isinstance(recordings, list) else [],
        server,
        priority,
        interaction,
    )


def _parties(call: Document, direction: str) -> tuple[str, str]:
    """The number that was dialed and the one that it was dialed from."""
    if direction == "inbound":
        request = text(call.get("request") or call.get("to"))
        return request.partition("@")[0], text(call.get("caller_id_number"))
    called = call.get("callee_id_number") or text(call.get("to")).partition("@")[0]
    return text(called), text(call.get("from_uri") or call.get("from")).partition("@")[0]


def columns_for(*, for_reseller: bool) -> tuple[str, ...]:
    """The keys of a row, in their order."""
    return (*COLUMNS, *RESELLER_COLUMNS) if for_reseller else COLUMNS
