"""What the client can read and what it sent: Accept, Content-Type, Range, If-Match (§2, §3.4)."""

from __future__ import annotations

import re
from enum import Enum

from crossbar.core.registry import Operation
from crossbar.core.requests import JSON_TYPES
from crossbar.dialects.headers import Headers, joined
from crossbar.dialects.v2.body import STANDARD_TYPES
from crossbar.errors import NotAcceptable

CSV_TYPES = ("text/csv", "text/comma-separated-values", "application/octet-stream")
SHORT_NAMES = {"csv": "text/csv", "json": "application/json", "pdf": "application/pdf"}

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_QUALITY = re.compile(r"q\s*=\s*([\d.]+)")
_ETAG = re.compile(r'(?:W/)?"([^"]*)"')


class Wanted(Enum):
    """The form of an answer."""

    JSON = "json"
    CSV = "csv"
    OTHER = "other"


def accepted_types(header: str | None, override: object) -> tuple[str, ...]:
    """The media types that the client accepts, best first; empty for any (§2.5)."""
    if isinstance(override, str) and override:
        return (SHORT_NAMES.get(override, override).lower(),)
    if not header or header == "*/*":
        return ()
    accepted = _by_preference(header)
    if not accepted and header.strip(", \t"):
        raise NotAcceptable  # every form that is named is named with q=0
    return accepted


def accepts_gzip(header: str | None) -> bool:
    """Whether an ``Accept-Encoding`` header allows gzip."""
    return header is not None and not {"gzip", "*"}.isdisjoint(_by_preference(header))


def _by_preference(header: str) -> tuple[str, ...]:
    """The values of a weighted list, best first, without those of no weight."""
    weighted = []
    for part in header.split(","):
        value, _, parameters = part.partition(";")
        weighted.append((_quality(parameters), value.strip().lower()))
    ordered = sorted(weighted, key=lambda item: -item[0])
    return tuple(value for quality, value in ordered if quality > 0 and value)


def _quality(parameters: str) -> float:
    match = _QUALITY.search(parameters)
    try:
        return float(match[1]) if match else 1.0
    except ValueError:
        return 1.0


def choose(operation: Operation, accepted: tuple[str, ...]) -> Wanted:
    """The form to answer in. Raises :class:`NotAcceptable` when there is none."""
    if not accepted:
        return Wanted.JSON
    offered = (
        *((media_type, Wanted.JSON) for media_type in JSON_TYPES),
        *((media_type, Wanted.OTHER) for media_type in operation.produces),
        *((media_type, Wanted.CSV) for media_type in CSV_TYPES),
    )
    for wanted in accepted:
        for media_type, form in offered:
            if _covers(wanted, media_type):
                return form
    raise NotAcceptable


def _covers(wanted: str, offered: str) -> bool:
    if wanted == offered or "*/*" in (wanted, offered):
        return True
    return wanted.endswith("/*") and offered.startswith(wanted[:-1])


def can_read(operation: Operation, content_type: str) -> bool:
    """Whether the operation reads bodies of this media type; what names none is JSON."""
    return not content_type or content_type in STANDARD_TYPES or content_type in operation.reads


def byte_range(header: str | None, length: int) -> tuple[int, int] | None:
    """The range ``start, stop`` that a single-range header asks for; ``None``: send all (§2.8)."""
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or length == 0:
        return None
    first, last = match[1], match[2]
    if first:
        start, stop = int(first), min(int(last) + 1, length) if last else length
    elif last:
        start, stop = max(length - int(last), 0), length
    else:
        return None
    return (start, stop) if start < stop else None


def revisions(headers: Headers, name: str) -> tuple[str, ...] | None:
    """The revisions of an ``If-Match`` or ``If-None-Match`` header, ``("*",)`` for any.

    A weak tag stands for its revision too: proxies weaken the tags of answers that they compress.
    """
    if name not in headers:
        return None
    header = joined(headers, name) or ""
    if header.strip() == "*":
        return ("*",)
    quoted = _ETAG.findall(header)
    return tuple(quoted) if quoted else (header.strip(),)
