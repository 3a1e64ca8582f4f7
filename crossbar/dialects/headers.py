"""Headers that come several times in one request: joined where they are lists, else refused.

A header line that was added on the way stands beside the client's own. Whoever reads only the
first one believes the client; so nothing but this module decides what a second line means.
"""

from __future__ import annotations

from multidict import CIMultiDictProxy

from crossbar.errors import BadRequest

Headers = CIMultiDictProxy[str]

ONCE = frozenset(
    {
        "access-control-request-method",
        "authorization",
        "content-transfer-encoding",
        "content-type",
        "expect",
        "host",
        "origin",
        "range",
        "user-agent",
        "x-api-key",
        "x-auth-account-id",
        "x-auth-token",
        "x-connection-secret",
        "x-file-name",
        "x-perscom-id",
        "x-pretty-print",
        "x-public-key",
        "x-watch-token",
    }
)
"""Headers that say one thing. A request that has one of them twice must say the same twice."""


def require_once(headers: Headers) -> None:
    """Refuse a request with two opinions, such as two different tokens: none is believed.

    Raises :class:`BadRequest`, which names the header and repeats nothing of it.
    """
    if len(set(map(str.lower, headers.keys()))) == len(headers):
        return
    for name in ONCE:
        if len(set(headers.getall(name, ()))) > 1:
            message = "the header is there several times, with different values"
            raise BadRequest(f"{message}: {name}", header=name)


def joined(headers: Headers, name: str, separator: str = ", ") -> str | None:
    """All lines of a header that is a list, in their order, as one; ``None`` without any."""
    lines = headers.getall(name, None)
    if lines is None:
        return None
    return lines[0] if len(lines) == 1 else separator.join(lines)


def agreed(headers: Headers, name: str) -> str | None:
    """A header that proxies add too: ``None`` when its lines do not agree."""
    lines = set(headers.getall(name, ()))
    return lines.pop() if len(lines) == 1 else None
