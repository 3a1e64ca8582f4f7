"""The recipes for families that are one document per account; the others are in ``service``."""

from __future__ import annotations

from crossbar.core import recipes, writing
from crossbar.core.change import Change
from crossbar.core.preconditions import require_match
from crossbar.core.requests import Request, Result
from crossbar.core.shapes import Singleton
from crossbar.documents import Document, merge, public
from crossbar.errors import NoSuchDocument, NotFound
from crossbar.storage import Key


async def fetch(request: Request) -> Result:
    """The account's document of this family, or its defaults when it was never written."""
    family = _singleton(request)
    stored = await _load(request)
    if stored is None and family.optional:
        raise NoSuchDocument(family.noun)
    if stored is None:
        defaults, _ = request.services.schemas.apply(family.schema, {})
        stored = {**defaults, "_id": family.noun}
    return await recipes.answer(request, stored)


async def replace(request: Request) -> Result:
    """The account's document of this family, written anew or for the first time."""
    return await recipes.rewrite(request, _load, lambda current: recipes.sent(request))


async def patch(request: Request) -> Result:
    """Changes merged into the account's document of this family."""
    return await recipes.rewrite(
        request, _load, lambda current: merge(public(current), recipes.sent(request))
    )


async def delete(request: Request) -> Result:
    """The account's document of this family removed for good."""
    family = _singleton(request)
    current = await _load(request)
    if current is None:
        raise NoSuchDocument(family.noun)
    require_match(request, current)
    key = Key(request.account_id, family.doc_type, family.noun)
    change = Change(
        actor=request.actor, request=request, family=family, key=key, document={}, current=current
    )
    return await recipes.answer_removed(request, await writing.remove(change, is_soft=False))


def _singleton(request: Request) -> Singleton:
    family = request.operation.family
    if not isinstance(family, Singleton):
        raise NotFound
    return family


async def _load(request: Request) -> Document | None:
    family = _singleton(request)
    return await request.services.store.get(Key(request.account_id, family.doc_type, family.noun))
