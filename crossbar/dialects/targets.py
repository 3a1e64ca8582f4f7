"""Request targets: what the first line of a request names."""

from __future__ import annotations


def split_target(target: str) -> tuple[str, str]:
    """Path and query, still encoded. A target may be a whole URL (RFC 9112, section 3.2.2)."""
    if not target.startswith("/"):
        target = "/" + target.partition("://")[2].partition("/")[2]
    path, _, query = target.partition("#")[0].partition("?")
    return path, query
