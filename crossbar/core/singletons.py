"""The recipes for families that are one document per account; the others are in ``service``."""

from __future__ import annotations

from crossbar.core import recipes
from crossbar.core.change import Change
from crossbar.core.preconditions import require_match
from crossbar.core.requests import Context, Result
from crossbar.core.shapes import Singleton
from crossbar.documents import Document, merge, public
from crossbar.errors import NoSuchDocument, NotFound
from crossbar.storage import Key


async def fetch(context: Context) -> Result:
    """The account's document of this family, or its defaults when it was never written."""
    family = _singleton(context)
    stored = await _load(context)
    if stored is None and family.optional:
        raise NoSuchDocument(family.noun)
    if stored is None:
        defaults, _ = context.services.schemas.apply(family.schema, {})
        stored = {**defaults, "_id": family.noun}
    return await recipes.answer(context, stored)


async def replace(context: Context) -> Result:
    """The account's document of this family, written anew or for the first time."""
    return await recipes.rewrite(context, _load, lambda current: recipes.sent(context))


async def patch(context: Context) -> Result:
    """Changes merged into the account's document of this family."""
    return await recipes.rewrite(
        context, _load, lambda current: merge(public(current), recipes.sent(context))
    )


async def delete(context: Context) -> Result:
    """The account's document of this family removed for good."""
    family = _singleton(context)
    current = await _load(context)
    if current is None:
        raise NoSuchDocument(family.noun)
    require_match(context, current)
    key = Key(context.account_id, family.doc_type, family.noun)
    change = Change(context=context, family=family, key=key, document={}, current=current)
    return await recipes.remove(change, is_soft=False)


def _singleton(context: Context) -> Singleton:
    family = context.operation.family
    if not isinstance(family, Singleton):
        raise NotFound
    return family


async def _load(context: Context) -> Document | None:
    family = _singleton(context)
    return await context.services.store.get(Key(context.account_id, family.doc_type, family.noun))
