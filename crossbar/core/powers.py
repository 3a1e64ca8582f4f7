"""Fields that are not everybody's to change: judged here, for every family and every dialect.

A family says in its ``powers`` which they are. What a caller was shown may always be sent back:
only what differs is judged, and what a replace leaves out of such fields stays as it was.
"""

from __future__ import annotations

from crossbar.core.access import is_own
from crossbar.core.change import Change, Note
from crossbar.core.presenting import unveiled
from crossbar.core.requests import Action, Caller
from crossbar.documents import Document, lookup, public
from crossbar.errors import Forbidden
from crossbar.validation import copied

SHOWN: Note[Document] = Note({})
"""The document as it was shown, with all its secrets."""


def caller_without_powers(change: Change) -> Caller | None:
    """The caller, if it is one of those whose changes are looked at."""
    caller = change.actor.caller
    if caller is None or caller.is_administrator or not change.family.powers.guarded:
        return None
    return caller


async def keep_guarded(change: Change, caller: Caller) -> None:
    """Let a replace keep what its caller may not change and has left out, or has not been shown.

    Otherwise it would set that to what the schema says of new documents.
    """
    shown = await _shown(change)
    SHOWN.leave(change, shown)
    if change.request is None or change.request.operation.action is not Action.REPLACE:
        return
    for path in _not_for(caller, change):
        *above, name = path.split(".")
        holder, before = lookup(change.document, above), lookup(shown, above)
        if isinstance(holder, dict) and isinstance(before, dict) and name in before:
            holder.setdefault(name, copied(before[name]))


async def require_powers(change: Change, caller: Caller) -> None:
    """Refuse to let a caller without powers change what is for administrators, or is another's.

    Runs on what is normalised and has its defaults. Raises :class:`Forbidden`.
    """
    schemas, family = change.actor.services.schemas, change.family
    before, _ = await schemas.judged(family.schema, copied(SHOWN.found(change)))
    for path in _not_for(caller, change):
        parts = path.split(".")
        if lookup(change.document, parts) != lookup(before, parts):
            raise _refusal(path, "only an administrator may change this")
    owner = family.powers.owner
    if change.document.get(owner) not in (None, before.get(owner), caller.user_id):
        raise _refusal(owner, "only an administrator may give this to somebody else")


def _not_for(caller: Caller, change: Change) -> tuple[str, ...]:
    """The paths that the caller may not change: fewer where the document is its own, or new."""
    powers, current = change.family.powers, change.current
    if current is None or is_own(caller, powers, current):
        return powers.fields
    return (*powers.guarded, powers.owner)


async def _shown(change: Change) -> Document:
    if change.current is None or change.request is None:
        return public(change.current or {})
    shown, _ = await unveiled(change.request, change.family, change.current)
    return shown


def _refusal(path: str, message: str) -> Forbidden:
    return Forbidden(cause=f"{path}: {message}")
