"""Headers that come several times in one request: joined where they are lists, else refused.

A header line that was added on the way stands beside the client's own. Whoever reads only the
first one believes the client; so nothing but this module decides what a second line means.
"""

from __future__ import annotations

from multidict import CIMultiDictProxy, istr

from crossbar.errors import BadRequest

Headers = CIMultiDictProxy[str]

# Names that every request is asked for: of this type, they are not lower-cased each time.
LAST_EVENT_ID = istr("Last-Event-ID")
X_AUTH_ACCOUNT_ID = istr("X-Auth-Account-ID")
X_AUTH_TOKEN = istr("X-Auth-Token")
X_PRETTY_PRINT = istr("X-Pretty-Print")
X_REQUEST_ID = istr("X-Request-ID")

ONCE = frozenset(
    {
        "access-control-request-method",
        "authorization",
        "content-transfer-encoding",
        "content-type",
        "expect",
        "host",
        "last-event-id",
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
    if name := twice(headers):
        raise contradiction(name)


def contradiction(name: str) -> BadRequest:
    """What a request is refused with that has a header :func:`twice`."""
    message = "the header is there several times, with different values"
    return BadRequest(f"{message}: {name}", header=name)


def twice(headers: Headers) -> str | None:
    """The header that may say one thing and says two, if there is one."""
    if len(set(map(str.lower, headers.keys()))) == len(headers):
        return None
    return next((name for name in ONCE if len(set(headers.getall(name, ()))) > 1), None)


def joined(headers: Headers, name: str, separator: str = ", ") -> str | None:
    """All lines of a header that is a list, in their order, as one; ``None`` without any."""
    if name not in headers:
        return None
    return separator.join(headers.getall(name))


def agreed(headers: Headers, name: str) -> str | None:
    """A header that proxies add too: ``None`` when its lines do not agree."""
    if name not in headers:
        return None
    lines = set(headers.getall(name))
    return lines.pop() if len(lines) == 1 else None
