"""Directories: dial by name (resources/directories.md). Who is in one is written on the users."""

from __future__ import annotations

from crossbar.core.actions import Action, Context
from crossbar.core.change import Change
from crossbar.core.shapes import FLAGS, Collection, Hooks
from crossbar.documents import Document
from crossbar.storage import Entry, Span


async def add_users(context: Context, shown: Document, stored: Document) -> None:
    """On reading one directory: its users, from every user document that names it."""
    if context.operation.action is not Action.FETCH:
        return
    doc_id = stored["_id"]
    entry = Entry("directory", doc_id)
    span = Span(account_id=context.account_id, doc_type="user", entry=entry)
    callflows = {
        row.position.doc_id: row.document["directories"][doc_id]
        async for row in context.services.store.scan(span)
    }
    shown["users"] = [
        {"user_id": user_id, "callflow_id": callflows[user_id]}
        for user_id in sorted(callflows, reverse=True)
    ]


def _is_computed(user: object) -> bool:
    return isinstance(user, dict) and user.keys() == {"user_id", "callflow_id"}


async def keep_users(change: Change) -> None:
    """Clients send back what they have read: computed users do not replace the stored list."""
    users = change.value("users")
    if isinstance(users, list) and any(_is_computed(user) for user in users):
        change.document["users"] = (change.current or {}).get("users", [])


DIRECTORIES = Collection(
    noun="directories",
    doc_type="directory",
    schema="directories",
    summary=("name", FLAGS),
    hooks=Hooks(normalize=(keep_users,), present=(add_users,)),
)
