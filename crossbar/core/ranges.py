"""Lists over a range of time (docs/protocol.md §8.5): which range, and walking it.

Documents of such a list are sorted by :func:`time_key`, so that a range is a stretch of the list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from crossbar.core.reading import list_span
from crossbar.core.requests import Request, Result
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.storage import Span

LATEST = 99_999_999_999
"""Gregorian seconds that still have 11 digits: the year 3168."""


def time_key(seconds: int) -> str:
    """Gregorian seconds as a sort key: 11 digits, as the times of this millennium have."""
    return f"{min(max(seconds, 0), LATEST):011d}"


def seconds_of(value: Any) -> int | None:
    """A time that a client sent, as a number or in digits; ``None`` for none, and for nonsense."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    is_time = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return value if is_time else None


def time_range(request: Request, maximum: int | None = None) -> tuple[int, int]:
    """``created_from`` and ``created_to``, or what stands in for them.

    Raises 400 when they are the wrong way round, or further apart than ``maximum`` seconds, by
    default those of ``lists.maximum_range``.
    """
    maximum = maximum or request.services.settings.lists.maximum_range
    now = request.services.clock.gregorian()
    upper = seconds_of(request.control("created_to")) or now
    lower = seconds_of(request.control("created_from")) or max(upper - maximum, 0)
    if upper < lower:
        message = f"created_to {upper} is prior to created_from {lower}"
        raise ValidationFailed.of("created_from", "date_range", message, cause=lower)
    if upper - lower > maximum:
        message = f"created_to {upper} is more than {maximum} seconds from created_from {lower}"
        raise ValidationFailed.of("created_from", "date_range", message, cause=upper)
    return lower, upper


async def list_in_range(
    request: Request,
    span: Span,
    show: Callable[[Document], Any],
    *,
    maximum: int | None = None,
    seen: Callable[[Document], Document] | None = None,
) -> Result:
    """A page of the documents in ``span`` that are in the range that the client asks for."""
    lower, upper = time_range(request, maximum)
    ranged = replace(span, low=time_key(lower), high=time_key(upper))
    return await list_between(request, ranged, show, seen=seen)


async def list_between(
    request: Request,
    span: Span,
    show: Callable[[Document], Any],
    *,
    seen: Callable[[Document], Document] | None = None,
) -> Result:
    """A page of a span whose bounds are the client's range: that is no filter any more."""
    unbound = replace(request, query=replace(request.query, bounds=()))
    return await list_span(unbound, span, show, seen=seen)
