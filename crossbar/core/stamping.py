"""The private fields that every saved document carries (docs/protocol.md §7.6)."""

from __future__ import annotations

from crossbar.clock import Clock
from crossbar.core.requests import Actor, Caller
from crossbar.documents import Document, new_id, next_revision
from crossbar.storage import Key


def fresh_id(clock: Clock) -> str:
    """An id for a new document: the time in milliseconds, and 20 hex digits nobody can guess.

    Ids that grow keep new documents side by side in a store, so that a commit touches fewer pages
    of its indexes; and lists by id begin with what is newest.
    """
    return f"{int(clock.precise() * 1000):012x}{new_id()[:20]}"


def stamped(actor: Actor, key: Key, document: Document) -> Document:
    """A copy of ``document`` with its ids, its next revision, and who wrote it when."""
    now = actor.services.clock.gregorian()
    return stamp(key, document, now=now, author=actor.caller, request_id=actor.request_id)


AUTHOR = ("pvt_is_authenticated", "pvt_auth_account_id", "pvt_auth_user_id", "pvt_request_id")


def continued(actor: Actor, key: Key, document: Document) -> Document:
    """The same for what goes on after the answer: who asked for it stays its author."""
    author = {name: document[name] for name in AUTHOR if name in document}
    return stamped(actor, key, document) | author


def stamp(
    key: Key, document: Document, *, now: int, author: Caller | None, request_id: str | None
) -> Document:
    """The same for a write that may have no request; ``now`` is in Gregorian seconds."""
    saved = dict(document)
    saved["_id"] = key.doc_id
    saved["_rev"] = next_revision(document.get("_rev"))
    saved["pvt_type"] = key.doc_type
    saved["pvt_account_id"] = key.account_id
    saved.setdefault("pvt_vsn", "1")
    saved.setdefault("pvt_created", now)
    saved["pvt_modified"] = now
    saved["pvt_request_id"] = request_id
    saved["pvt_is_authenticated"] = author is not None
    saved["pvt_auth_account_id"] = author.account_id if author else None
    saved["pvt_auth_user_id"] = author.user_id if author else None
    return saved
