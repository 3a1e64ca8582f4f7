"""What servers of the account are told of a queue's calls, because its document names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossbar.documents import Document, lookup

RETRIES = 2


def report_of(queue: Mapping[str, Any], moment: str, facts: Document) -> Document | None:
    """The report of a ``pickup`` or ``hangup``, if one is wanted, as a job sends it."""
    notifications = queue.get("notifications")
    url = lookup(notifications, (moment,)) if isinstance(notifications, dict) else None
    if not isinstance(url, str) or not url:
        return None
    verb = str(lookup(notifications, ("method",)) or "post")
    return _about(verb, url, {**facts, "event": moment})


def record_report(queue: Mapping[str, Any], record: Document) -> Document | None:
    """The report of a call's record, if one is wanted."""
    url = queue.get("cdr_url")
    return _about("post", url, record) if isinstance(url, str) and url else None


def _about(verb: str, url: str, facts: Document) -> Document:
    return {"verb": verb, "url": url, "retries": RETRIES, "facts": facts}
