"""Spans of time that a client asks for: ``created_from`` and ``created_to``, and their like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from crossbar.core.actions import Context, Result
from crossbar.core.service import list_span
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.filtering import without_time_bounds
from crossbar.storage import Span

MAX_DIGITS = 18


def time_range(context: Context, field: str = "created") -> tuple[int, int]:
    """From when to when a list by time runs, in Gregorian seconds, both inclusive (§8.5).

    Without an end it ends now, without a start it is as long as it may be. Raises 400 for a range
    that is reversed or too long.
    """
    longest = context.services.settings.lists.maximum_range
    end = seconds_of(context.parameter(f"{field}_to")) or context.services.clock.gregorian()
    start = seconds_of(context.parameter(f"{field}_from")) or max(end - longest, 0)
    key = f"{field}_from"
    if start > end:
        message = f"{field}_to {end} is prior to {field}_from {start}"
        raise ValidationFailed.of(key, "date_range", message, cause=start)
    if end - start > longest:
        message = f"{field}_to {end} is more than {longest} seconds from {field}_from {start}"
        raise ValidationFailed.of(key, "date_range", message, cause=end)
    return start, end


async def list_between(
    context: Context, span: Span, show: Callable[[Document], Any], field: str = "created"
) -> Result:
    """A page of the documents of a span, sorted by time, within the range that is asked for."""
    start, end = time_range(context, field)
    query = replace(context.query, filters=without_time_bounds(context.query.filters))
    within = replace(span, low=sortable(start), high=sortable(end))
    return await list_span(replace(context, query=query), within, show)


def seconds_of(value: Any) -> int | None:
    """A time as a parameter spells it; ``None`` for what is no positive integer."""
    text = str(value)
    is_number = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return int(text) or None if is_number else None


def sortable(seconds: int) -> str:
    """A time as text that is ordered as the time is: the sort key of what is listed by time."""
    return f"{seconds:019d}"
