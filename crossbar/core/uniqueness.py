"""Unique values: which that a document claims others hold, and how that is told (§7.8)."""

from __future__ import annotations

from typing import Any

from crossbar.core.change import Change, claim_of
from crossbar.core.shapes import Collection, Unique
from crossbar.documents import Document, lookup
from crossbar.storage import Claim, Key


async def holders_of(change: Change) -> dict[Claim, Key]:
    """Which of the values that the proposed document claims another document holds."""
    if not isinstance(change.family, Collection):
        return {}
    claims = [
        claim_of(unique, change.key, value)
        for unique in change.family.unique
        for value in _claimed(unique, change.document)
    ]
    held = await change.actor.services.store.holders(claims)
    return {claim: holder for claim, holder in held.items() if holder != change.key}


def _claimed(unique: Unique, document: Document) -> list[str]:
    """The values that a document claims; none where a refused field has an impossible type."""
    try:
        return list(unique.values(document))
    except (TypeError, AttributeError, ValueError):
        return []


async def clashes(change: Change, held: dict[Claim, Key]) -> dict[str, dict[str, Any]]:
    """The refusals for unique values that others hold, all of a field together."""
    uniques = change.family.unique if isinstance(change.family, Collection) else ()
    errors: dict[str, dict[str, Any]] = {}
    for unique in uniques:
        claims = {
            value: claim_of(unique, change.key, value)
            for value in _claimed(unique, change.document)
        }
        taken = {value: held[claim] for value, claim in claims.items() if claim in held}
        if not taken:
            continue
        message, cause = unique.message, ", ".join(taken)
        if "{" in message:  # it is about one of them
            cause, holder = taken.popitem()
            message = message.format(value=cause, holder=await _named(change, holder))
        written = lookup(change.document, unique.path.split("."))
        if isinstance(written, str):  # as the client spelled it
            cause = written
        errors[unique.path] = {"unique": {"message": message, "cause": cause}}
    return errors


async def _named(change: Change, holder: Key) -> str:
    """The id of who has a value, and its name if it has one."""
    stored = await change.actor.services.store.get(holder) or {}
    return f"{holder.doc_id} {stored['name']}" if stored.get("name") else holder.doc_id
