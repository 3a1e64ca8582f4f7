"""What a person is made of: a user, and what the account has for that user alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from crossbar.core.access import require_access, require_unrestricted
from crossbar.core.reading import load_document
from crossbar.core.requests import Action, Actor, Request
from crossbar.core.shapes import Collection
from crossbar.documents import Document
from crossbar.families.callflows import CALLFLOWS
from crossbar.families.endpoints import DEVICES, USERS
from crossbar.families.voicemail import VMBOXES
from crossbar.storage import Entry, Key, Span


class Hanging(NamedTuple):
    """A family whose documents belong to a user, and the index by which they are found."""

    family: Collection
    found_by: str


BY_CALLFLOW = Hanging(CALLFLOWS, "owner_id")
HANGING = (Hanging(DEVICES, "user"), Hanging(VMBOXES, "owner_id"), BY_CALLFLOW)
"""What hangs on a user; callflows come last, since they lead to the others."""

FAMILIES = (USERS, *(each.family for each in HANGING))


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user with the documents of which it is the owner."""

    user: Document
    devices: list[Document] = field(default_factory=list)
    vmboxes: list[Document] = field(default_factory=list)
    callflows: list[Document] = field(default_factory=list)

    @property
    def user_id(self) -> str:
        """The id of the person: the user's."""
        identity: str = self.user["_id"]
        return identity

    @property
    def parts(self) -> list[tuple[Collection, Document]]:
        """All documents, each with its family, the user first."""
        hanging = (self.devices, self.vmboxes, self.callflows)
        return [(USERS, self.user)] + [
            (each.family, document)
            for each, documents in zip(HANGING, hanging, strict=True)
            for document in documents
        ]


async def person_of(actor: Actor, user_id: str) -> Person:
    """The person whose user this is. Raises :class:`~crossbar.errors.NoSuchDocument`."""
    user = await load_document(actor, Key(actor.account_id, USERS.doc_type, user_id))
    devices, vmboxes, callflows = [await owned(actor, each, user_id) for each in HANGING]
    return Person(user=user, devices=devices, vmboxes=vmboxes, callflows=callflows)


async def owned(actor: Actor, hanging: Hanging, user_id: str) -> list[Document]:
    """The documents of a family that are the user's own."""
    span = Span(
        account_id=actor.account_id,
        doc_type=hanging.family.doc_type,
        entry=Entry(hanging.found_by, user_id),
    )
    rows = [row.document async for row in actor.services.store.scan(span)]
    # A device is found, too, by who is only logged in at it.
    return [document for document in rows if document.get("owner_id") == user_id]


async def require_each(
    request: Request, action: Action, parts: Iterable[tuple[Collection, str]]
) -> None:
    """Refuse who may not do the same to each of the parts, which are families and ids.

    Otherwise what token restrictions, or the scopes of a key, deny of users or devices could be
    had here. Raises :class:`~crossbar.errors.Forbidden`.
    """
    services, account = request.services, request.require_account()
    for family, doc_id in parts:
        path = ["accounts", account.account_id, family.noun, *filter(None, (doc_id,))]
        operations, params = services.registry.match(path)
        require_access(operations[action], request.caller, account, params)
        await require_unrestricted(
            services.accounts, operations[action], request.caller, account, path
        )
