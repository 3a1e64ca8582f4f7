"""Sub-objects: a part of other families' documents that has a schema and a path of its own.

A sub-object is kept under its noun in the account's document or in the one that the path names. It
is read, replaced and removed there; an unset one reads as empty.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from crossbar.core.amending import amend
from crossbar.core.change import Change
from crossbar.core.directory import account_key
from crossbar.core.reading import load_document
from crossbar.core.recipes import sent, valid
from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.shapes import Access, Collection, Route
from crossbar.documents import Document
from crossbar.storage import Key

Changed = Callable[[Actor, Key], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubObject:
    """A sub-object: its noun, which is also the field that holds it, and its schema.

    ``changed`` is told whose sub-object was written, ``access`` says who may write it.
    """

    noun: str
    schema: str
    changed: Changed | None = None
    access: Access | None = None

    def routes(self) -> tuple[Route, ...]:
        """The operations: read, replace, remove."""
        label = self.noun.replace("_", " ")
        replacing = Route(
            path="",
            action=Action.REPLACE,
            handler=self.replace,
            about=f"Replace {label}",
            schema=self.schema,
            access=self.access,
        )
        removing = Route(
            path="",
            action=Action.DELETE,
            handler=self.remove,
            about=f"Remove {label}",
            access=self.access,
        )
        return (
            Route(path="", action=Action.FETCH, handler=self.fetch, about=f"Read {label}"),
            replacing,
            removing,
        )

    async def fetch(self, request: Request) -> Result:
        """The sub-object, empty when there is none."""
        return self._answer(await load_document(request.actor, holder_of(request)))

    async def replace(self, request: Request) -> Result:
        """The sub-object as sent, with the defaults of its schema."""
        value = await valid(request.actor, self.schema, sent(request))

        async def put(change: Change) -> None:
            change.document[self.noun] = value

        return self._answer(await self._write(request, put))

    async def remove(self, request: Request) -> Result:
        """No sub-object any more."""

        async def drop(change: Change) -> None:
            change.document.pop(self.noun, None)

        return self._answer(await self._write(request, drop))

    async def _write(
        self, request: Request, alter: Callable[[Change], Awaitable[None]]
    ) -> Document:
        key = holder_of(request)
        stored = await amend(request, family_of(request.actor, key), key, alter)
        if self.changed is not None:
            await self.changed(request.actor, key)
        return stored

    def _answer(self, stored: Document) -> Result:
        return Result(data=stored.get(self.noun) or {}, revision=stored["_rev"])


def holder_of(request: Request) -> Key:
    """The key of the document that holds the path's sub-object."""
    if parent := request.operation.parent:
        return Key(request.account_id, parent.doc_type, request.ids[parent.param])
    return account_key(request.account_id)


def family_of(actor: Actor, key: Key) -> Collection:
    """The family of the document with this key."""
    return actor.services.registry.collection(key.doc_type)
