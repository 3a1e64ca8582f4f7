"""Storage documents: where files are kept, of the system, of accounts and of users.

What they say opens the places that they name, so it is kept sealed, and not all of it is shown. A
place that is dropped is remembered until the files in it are somewhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy

from crossbar.core.answers import SOME_OBJECT, Answers
from crossbar.core.change import Change, put_of
from crossbar.core.configuration import STORAGE
from crossbar.core.directory import OWNER
from crossbar.core.ports import ShelfFailed
from crossbar.core.preconditions import require_match
from crossbar.core.reading import require_parents
from crossbar.core.recipes import sent
from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.shapes import (
    Access,
    Collection,
    Hooks,
    Index,
    Nesting,
    Route,
    Routes,
    Scope,
)
from crossbar.core.shelved import (
    LEAVING,
    SEALED,
    WHOSE,
    is_used,
    places_of,
    said_by,
    sealed,
    storage_entries,
    storage_key,
    turn_put,
    unsealed,
    whereabouts,
)
from crossbar.core.shelving import moves_of_all, probe
from crossbar.core.stamping import stamped
from crossbar.core.writing import in_turn, judge
from crossbar.documents import Document, lookup, merge, private
from crossbar.errors import Conflict, NoSuchDocument, ValidationFailed
from crossbar.families.system.storage_plans import (
    PLAN_ROUTES,
    check_plan,
    require_reach,
)
from crossbar.storage import SYSTEM, Key

PROVED = "pvt_proved"
"""The places that were tried since their settings changed."""

SECRETS = {"s3": "secret", "azure": "key"}
"""By handler: the setting that opens a place. Nobody is shown it, and it stays until another is
sent."""


def _openers(content: Document) -> Iterator[tuple[tuple[str, str], Document, str]]:
    """What of a document is secret: what it belongs to, the object that holds it, its name."""
    for place, entry in content.get("attachments", {}).items():
        handler, settings = entry.get("handler"), entry.get("settings")
        name = SECRETS.get(handler) if isinstance(handler, str) else None
        if name and isinstance(settings, dict):
            yield (place, handler), settings, name
    for connection, entry in content.get("connections", {}).items():
        credentials = lookup(entry, ("settings", "credentials"))
        if isinstance(credentials, dict):
            yield (connection, ""), credentials, "password"


async def keep_secrets(change: Change) -> None:
    """What opens a place is not shown, and so not sent back: it stays."""
    if _has_shape(change.document):
        before = said_by(change.actor.services, change.current)
        known = {of: holder[name] for of, holder, name in _openers(before) if name in holder}
        for of, holder, name in _openers(change.document):
            if of in known:
                holder.setdefault(name, known[of])


def _has_shape(document: Document) -> bool:
    """Whether places and connections are objects of objects; else the schema refuses them."""
    parts = [document.get(part, {}) for part in ("attachments", "connections")]
    return all(
        isinstance(part, dict) and all(isinstance(each, dict) for each in part.values())
        for part in parts
    )


async def check_places(change: Change) -> None:
    """A place with files in it stays where it is: they would be lost to us."""
    services = change.actor.services
    if change.refusals:
        return  # there may be no places in it at all
    before = places_of(services, change.current)
    for handler, entry in change.document.get("attachments", {}).items():
        old = before.get(handler)
        if old is None or whereabouts(old) == whereabouts(entry):
            continue
        if await is_used(services, change.key.doc_id, handler):
            message = "files are kept there: name the new place by an id of its own"
            change.refusals.add(f"attachments.{handler}", "in_use", message)


async def check_own_plan(change: Change) -> None:
    """What the plan names is here, or in the documents above."""
    if not change.refusals:
        await check_plan(change, change.document.get("plan", {}), "plan.", change.document)


DOCUMENT_FAMILY = Collection(
    noun="storage",
    doc_type=STORAGE,
    schema="storage",
    summary=(),
    actions=frozenset(),
    scopes=(),
    indexes=(
        Index(
            name=OWNER,
            values=lambda document: [entry.value for entry in storage_entries(document)],
        ),
    ),
    hooks=Hooks(normalize=(keep_secrets,), check=(check_places, check_own_plan)),
)
"""The documents; their paths are those of routes."""


def _key(request: Request) -> Key:
    if request.account is None:
        return storage_key(SYSTEM)
    return storage_key(request.account_id, request.ids.get("user_id", ""))


def _shown_id(request: Request) -> str:
    return request.ids.get("user_id") or request.account_id


async def _live(request: Request) -> Document | None:
    stored = await request.services.store.get(_key(request))
    return None if stored is None or stored.get("pvt_deleted") else stored


async def _allowed(request: Request) -> None:
    """Operators, the account's reseller, and the account itself; then the user has to exist."""
    require_reach(request)
    await require_parents(request)


def _answer(request: Request, stored: Document, *, created: bool = False) -> Result:
    shown = said_by(request.services, {**stored, "pvt_deleted": False})
    for _, holder, name in _openers(shown):
        holder.pop(name, None)
    doc_id = _shown_id(request)
    return Result(
        data={**shown, "id": doc_id},
        revision=stored["_rev"],
        created_id=doc_id if created else None,
    )


async def fetch(request: Request) -> Result:
    """Where files are kept."""
    await _allowed(request)
    stored = await _live(request)
    if stored is None:
        raise NoSuchDocument(_shown_id(request))
    return _answer(request, stored)


Propose = Callable[[Document], Document]


async def create(request: Request) -> Result:
    """Say for the first time where files are kept."""
    return await _write(request, lambda current: sent(request), is_new=True)


async def replace(request: Request) -> Result:
    """Say anew where files are kept."""
    return await _write(request, lambda current: sent(request))


async def patch(request: Request) -> Result:
    """Change something of where files are kept."""
    return await _write(request, lambda current: merge(current, sent(request)))


async def _write(request: Request, propose: Propose, *, is_new: bool = False) -> Result:
    await _allowed(request)
    is_tried = _is_tried(request)
    services, key = request.services, _key(request)

    async def attempt() -> Document:
        stored = await services.store.get(key)
        is_live = stored is not None and not stored.get("pvt_deleted")
        if is_new and is_live:
            raise Conflict("a storage document exists", code="conflicting_documents")
        if not is_new and not is_live:
            raise NoSuchDocument(_shown_id(request))
        before = said_by(services, stored)
        change = Change(
            actor=request.actor,
            request=request,
            family=DOCUMENT_FAMILY,
            key=key,
            document=propose(deepcopy(before)),
            current=stored,
        )
        await judge(change)
        proved = await _proved(change, before, is_tried=is_tried)
        return await _store(change, before, proved)

    stored = await in_turn(request.actor, key, attempt, once=request.if_match is not None)
    return _answer(request, stored, created=is_new)


def _is_tried(request: Request) -> bool:
    """Whether places are tried before they are saved: unless operators let clients do without."""
    unwanted = request.says_no("validate_settings")
    if isinstance(request.data, dict):
        request.data.pop("validate_settings", None)
    allowed = request.services.configuration.of_system("system_data")
    if unwanted and not allowed.get("allow_validation_overrides"):
        message = "this server tries every place before it is saved"
        raise ValidationFailed.of("validate_settings", "forbidden", message)
    return not unwanted


async def _proved(change: Change, before: Document, *, is_tried: bool) -> list[str]:
    """Try the places whose settings are new. Raises 400 with all that failed."""
    services, known = change.actor.services, set((change.current or {}).get(PROVED, ()))
    old, proved = before.get("attachments", {}), []
    for handler, entry in change.document.get("attachments", {}).items():
        if handler in known and old.get(handler) == entry:
            proved.append(handler)
            continue
        if not is_tried:
            continue
        try:
            await probe(services, entry)
        except ShelfFailed as failed:
            change.refusals.add(
                f"attachments.{handler}",
                "invalid",
                "the place could not be written and read",
                error_code=failed.code,
                error_body=failed.reason,
            )
        else:
            proved.append(handler)
    if change.refusals:
        raise ValidationFailed(change.refusals)
    return proved


async def _store(change: Change, before: Document, proved: list[str]) -> Document:
    """Write a document that was judged, and have files moved to where it says."""
    services, current = change.actor.services, change.current or {}
    turn = await turn_put(services, change.key.doc_id)
    await check_places(change)  # once more: a file may have come meanwhile
    if change.refusals:
        raise ValidationFailed(change.refusals)
    kept = private(current)
    kept.pop("pvt_deleted", None)
    leaving = {**unsealed(services, current.get(LEAVING)), **before.get("attachments", {})}
    for handler in change.document.get("attachments", {}):
        leaving.pop(handler, None)
    document = {
        **kept,
        SEALED: sealed(services, change.document),
        LEAVING: sealed(services, leaving),
        PROVED: proved,
        **_owner(change.actor),
    }
    final = stamped(change.actor, change.key, document)
    put = put_of(DOCUMENT_FAMILY, change.key, final, current.get("_rev"))
    change.more += [turn, *moves_of_all(services, change.actor.account_id, change.key.doc_id)]
    await services.commit(change.batch("changed" if current else "created", put))
    return final


def _owner(actor: Actor) -> Document:
    return {} if actor.account is None else {WHOSE: actor.account_id}


async def delete(request: Request) -> Result:
    """Nothing is said any more; files come back into the store, and then it is gone for good."""
    await _allowed(request)
    services, key = request.services, _key(request)

    async def attempt() -> Result:
        turn = await turn_put(services, key.doc_id)
        stored = await _live(request)
        if stored is None:
            raise NoSuchDocument(_shown_id(request))
        require_match(request, stored)
        before = said_by(services, stored).get("attachments", {})
        leaving = {**unsealed(services, stored.get(LEAVING)), **before}
        document = {**stored, LEAVING: sealed(services, leaving), "pvt_deleted": True}
        change = Change(
            actor=request.actor,
            request=request,
            family=DOCUMENT_FAMILY,
            key=key,
            document={},
            current=stored,
        )
        final = stamped(request.actor, key, document)
        put = put_of(DOCUMENT_FAMILY, key, final, stored["_rev"])
        change.more += [turn, *moves_of_all(services, request.account_id, key.doc_id)]
        await services.commit(change.batch("deleted", put))
        return _answer(request, stored)

    return await in_turn(request.actor, key, attempt, once=request.if_match is not None)


def _document_routes() -> tuple[Route, ...]:
    return tuple(
        Route(
            path="",
            action=action,
            handler=handler,
            about=f"{verb} where files are kept",
            schema=STORAGE if action in (Action.CREATE, Action.REPLACE, Action.PATCH) else None,
            loads=False,
            answers=Answers(SOME_OBJECT),
        )
        for action, handler, verb in (
            (Action.FETCH, fetch, "Read"),
            (Action.CREATE, create, "Set"),
            (Action.REPLACE, replace, "Replace"),
            (Action.PATCH, patch, "Change"),
            (Action.DELETE, delete, "Forget"),
        )
    )


STORAGE_OF_SYSTEM = Routes(
    noun="storage", access=Access.SUPERDUPER, routes=(*_document_routes(), *PLAN_ROUTES)
)
STORAGE_OF_ACCOUNT = Routes(
    noun="storage",
    scopes=(Scope.ACCOUNT,),
    access=Access.ADMIN,
    routes=(*_document_routes(), *PLAN_ROUTES),
)
STORAGE_OF_USER = Routes(
    noun="storage",
    scopes=(),
    nested=(Nesting(noun="users", doc_type="user"),),
    access=Access.SELF,
    routes=_document_routes(),
)
