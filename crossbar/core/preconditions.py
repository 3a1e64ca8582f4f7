"""The last refusals before a write: ``If-Match``, ``If-None-Match`` and the body's media type."""

from __future__ import annotations

from crossbar.core.change import Change
from crossbar.core.requests import Request
from crossbar.documents import Document
from crossbar.errors import PreconditionFailed, UnsupportedMediaType


def require_match(request: Request, current: Document | None) -> None:
    """Compare ``If-Match`` and ``If-None-Match`` of a write with the stored revision (§3.4).

    Without a stored document ``If-Match`` fails whatever it names.
    """
    revision = current.get("_rev") if current else None
    if request.if_match is not None and not names_revision(request.if_match, revision):
        raise PreconditionFailed
    if request.if_none_match is not None and names_revision(request.if_none_match, revision):
        raise PreconditionFailed


def require_writable(change: Change) -> None:
    """The last refusals before a write: the precondition, then the body's media type."""
    if change.request is None:
        return
    require_match(change.request, change.current)
    if not change.request.body_is_readable:
        raise UnsupportedMediaType


def names_revision(revisions: tuple[str, ...] | None, revision: str | None) -> bool:
    """Whether a condition holds for a document with this revision, ``None`` for no document."""
    if revision is None or revisions is None:
        return False
    return revisions == ("*",) or revision in revisions
