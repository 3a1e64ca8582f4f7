"""Request targets: what the first line of a request names."""

from __future__ import annotations

from urllib.parse import unquote, unquote_plus

from crossbar.errors import NoSuchPath


def split_target(target: str) -> tuple[str, str]:
    """Path and query, still encoded. A target may be a whole URL (RFC 9112, section 3.2.2)."""
    if not target.startswith("/"):
        target = "/" + target.partition("://")[2].partition("/")[2]
    path, _, query = target.partition("#")[0].partition("?")
    return path, query


def path_tokens(raw_path: str) -> list[str]:
    """The decoded tokens of a path, one at least: that of the root is empty.

    Trailing slashes do not matter, doubled ones do (§1.2). Raises :class:`NoSuchPath`.
    """
    path = split_target(raw_path)[0].rstrip("/")
    tokens = path.split("/")[1:] or [""]
    if "%" not in path:
        return tokens
    try:
        return [unquote(token, errors="strict") for token in tokens]
    except UnicodeDecodeError:
        raise NoSuchPath from None


def query_pairs(query_string: str) -> tuple[tuple[str, str], ...]:
    """The parameters of a query string. A key without ``=`` has the value ``true``."""
    if not query_string:
        return ()
    pairs = []
    for part in query_string.split("&"):
        name, equals, value = part.partition("=")
        if name:
            pairs.append((unquote_plus(name), unquote_plus(value) if equals else "true"))
    return tuple(pairs)
