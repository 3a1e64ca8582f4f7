"""Writing rows: one, or many in one commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from crossbar.core.change import Change
from crossbar.core.requests import Actor, Request, Result, is_false
from crossbar.core.stamping import fresh_id
from crossbar.core.writing import Work
from crossbar.documents import Document, public
from crossbar.errors import Conflict, NoSuchDocument, ValidationFailed
from crossbar.personnel import links
from crossbar.personnel.components import STATUSES_OF_USER
from crossbar.personnel.effects import add_status
from crossbar.personnel.keeping import family_of
from crossbar.personnel.links import Pair
from crossbar.personnel.places import Place
from crossbar.personnel.reading import shown_row, shown_rows, tree_asked
from crossbar.personnel.rows import key_of, number_of
from crossbar.personnel.shapes import Component, Linked
from crossbar.personnel.trash import Trash, pair_of
from crossbar.personnel.values import taken
from crossbar.personnel.work import BODY, VALUES, perform, request_of, sequence_of
from crossbar.storage import Key
from crossbar.validation import Refusals

LARGEST_BATCH = 1000


async def create_row(place: Place, request: Request) -> Result:
    """A new row; where there is at most one, only the first (409)."""
    tree = tree_asked(place, request)

    async def build(work: Work) -> Pair:
        return await _created(work, place, request.data)

    stored, link = await perform(request.actor, build, request)
    data = await shown_row(place, request, stored, link, tree)
    return Result(data=data, created_id=str(data["id"]))


async def update_row(place: Place, request: Request) -> Result:
    """A row with the columns that were sent; the others stay."""
    tree = tree_asked(place, request)

    async def build(work: Work) -> Pair:
        stored, link = await place.pair(request)
        return await updated(work, place.component, stored, request.data), link

    stored, link = await perform(request.actor, build, request)
    return Result(data=await shown_row(place, request, stored, link, tree))


async def delete_row(place: Place, request: Request) -> Result:
    """A row gone; answered as it was."""
    tree = tree_asked(place, request)

    async def build(work: Work) -> Pair:
        stored, link = await _doomed(place, request)
        await _deleted(work, place.component, stored)
        return stored, link

    stored, link = await perform(request.actor, build, request)
    return Result(data=await shown_row(place, request, _marked(request.actor, stored), link, tree))


async def create_rows(place: Place, request: Request) -> Result:
    """Several new rows, all of them or none."""

    async def create(work: Work, _: object, body: Any) -> Pair:
        return await _created(work, place, _object(body))

    return await _write_all(place, request, list, create)


async def update_rows(place: Place, request: Request) -> Result:
    """Several rows changed, all of them or none; ids that are not here are skipped."""

    async def update(work: Work, number: str, body: Any) -> Pair | None:
        try:
            stored, link = await place.pair(request, number)
            return await updated(work, place.component, stored, _object(body)), link
        except NoSuchDocument:
            return None

    return await _write_all(place, request, dict, update)


async def _write_all(
    place: Place,
    request: Request,
    kind: type[list[Any]] | type[Document],
    write: Callable[[Work, Any, Any], Awaitable[Pair | None]],
) -> Result:
    """Write the rows of a batch, each named by its place or its id; refusals are gathered."""
    tree = tree_asked(place, request)
    bodies = _bodies(request, kind)

    async def build(work: Work) -> list[Pair]:
        pairs: list[Pair] = []
        gathered = Refusals()
        for name, body in enumerate(bodies) if kind is list else bodies.items():
            try:
                pair = await write(work, name, body)
            except ValidationFailed as error:
                gathered.merge(_below(f"resources.{name}", error))
                continue
            if pair is not None:
                pairs.append(pair)
        _refuse(gathered)
        return pairs

    pairs = await perform(request.actor, build, request)
    return Result(data=await shown_rows(place, request, pairs, tree))


async def delete_rows(place: Place, request: Request) -> Result:
    """Several rows gone, all of them or none; ids that are not here are skipped."""
    tree = tree_asked(place, request)
    numbers = dict.fromkeys(str(each) for each in _resources(request, list))

    async def build(work: Work) -> list[Pair]:
        pairs: list[Pair] = []
        for number in numbers:
            try:
                stored, link = await _doomed(place, request, number)
            except NoSuchDocument:
                continue
            await _deleted(work, place.component, stored)
            pairs.append((_marked(request.actor, stored), link))
        return pairs

    pairs = await perform(request.actor, build, request)
    return Result(data=await shown_rows(place, request, pairs, tree))


async def _created(work: Work, place: Place, body: Document) -> Pair:
    component, request = place.component, request_of(work)
    if place.is_single and await place.first(request) is not None:
        raise Conflict
    values, refusals = taken(component, body)
    values |= await place.columns_here(request)
    family = family_of(component)
    document = {name: value for name, value in values.items() if value is not None}
    if component.noun == "users":
        document = {}
        key = Key(request.account_id, family.doc_type, fresh_id(request.services.clock))
    else:
        key = key_of(
            request.account_id,
            component,
            await work.number(sequence_of(work.actor, component.scope)),
        )
    change = Change(
        actor=work.actor,
        request=request,
        family=family,
        key=key,
        document=document,
        refusals=refusals,
        notes={VALUES: values, BODY: body},
    )
    stored = await work.save(change)
    if not isinstance(place.relation, Linked):
        return stored, None
    pivot = links.pivot_of(place.relation, body.get("pivot"), "pivot")
    number, parent = number_of(component, stored), await place.parent_number(request)
    return stored, await linked(work, place.relation, parent, number, pivot)


async def linked(
    work: Work, relation: Linked, number: int, other: int, pivot: Document, *, again: bool = False
) -> Document | None:
    """Link two rows, with what follows from it; ``None`` where they are linked already."""
    if relation is STATUSES_OF_USER:
        return await add_status(work, number, other, pivot, again=again)
    return await links.add(work, relation, number, other, pivot, again=again)


async def updated(
    work: Work,
    component: Component,
    stored: Document,
    body: Document,
    fixed: Document | None = None,
) -> Document:
    """A stored row with the columns of a body, and those that the path has fixed."""
    values, refusals = taken(component, body)
    values |= fixed or {}
    for name, value in (fixed or {}).items():
        if value is None and not component.by_name[name].null:
            refusals.add(name, "required", "The field must not be empty", value=None)
    document = public(stored)
    if component.noun != "users":
        merged = {**document, **values}
        document = {name: value for name, value in merged.items() if value is not None}
    change = Change(
        actor=work.actor,
        request=work.request,
        family=family_of(component),
        key=_key_of(stored),
        document=document,
        current=stored,
        refusals=refusals,
        notes={VALUES: values, BODY: body},
    )
    return await work.save(change)


async def _doomed(place: Place, request: Request, number: str | None = None) -> Pair:
    """The row that is to be deleted; with ``force`` also one that was deleted and kept."""
    if _is_forced(request):
        return await pair_of(place, request, Trash.WITH, number)
    return await place.pair(request, number)


def _is_forced(request: Request) -> bool:
    force = request.controls.get("force")
    return not (force in (None, "", "0") or is_false(force))


async def _deleted(work: Work, component: Component, stored: Document) -> None:
    change = Change(
        actor=work.actor,
        request=work.request,
        family=family_of(component),
        key=_key_of(stored),
        document={},
        current=stored,
    )
    await work.delete(change, is_soft=not _is_forced(request_of(work)))


def _key_of(stored: Document) -> Key:
    return Key(stored["pvt_account_id"], stored["pvt_type"], stored["_id"])


def _marked(actor: Actor, stored: Document) -> Document:
    """A row as it is once it is deleted."""
    return {**stored, "pvt_deleted": True, "pvt_modified": actor.services.clock.gregorian()}


def _resources(request: Request, kind: type[list[Any]] | type[Document]) -> Any:
    """What a batch is about. Raises :class:`ValidationFailed` for another form, and too many."""
    resources = request.data.get("resources")
    if not resources:
        return kind()
    if not isinstance(resources, list | dict) or not isinstance(resources, kind):
        form = "a list" if kind is list else "an object"
        raise ValidationFailed.of("resources", "type", f"The field must be {form}")
    if len(resources) > LARGEST_BATCH:
        message = f"A batch must not have more than {LARGEST_BATCH} rows"
        raise ValidationFailed.of("resources", "maxItems", message, target=LARGEST_BATCH)
    return resources


def _bodies(request: Request, kind: type[list[Any]] | type[Document]) -> Any:
    """What a batch writes: as :func:`_resources`, but something it must be."""
    resources = _resources(request, kind)
    if not resources:
        raise ValidationFailed.of("resources", "required", "The field is required")
    return resources


def _object(body: Any) -> Document:
    if not isinstance(body, dict):
        raise ValidationFailed.of("data", "type", "The field must be an object")
    return body


def _below(path: str, error: ValidationFailed) -> dict[str, Any]:
    return {
        path if field == "data" else f"{path}.{field}": rules
        for field, rules in error.fields.items()
    }


def _refuse(refusals: Refusals) -> None:
    if refusals:
        raise ValidationFailed(refusals)
