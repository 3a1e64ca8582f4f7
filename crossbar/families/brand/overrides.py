"""A reseller's own words and images for an app, which its accounts are shown."""

from __future__ import annotations

from crossbar.core.amending import amend
from crossbar.core.answers import SOME_OBJECT, Answers
from crossbar.core.attachments import ATTACHMENTS, drop_all
from crossbar.core.change import Change
from crossbar.core.preconditions import require_match
from crossbar.core.reading import load_document
from crossbar.core.recipes import answer, answer_removed, sent
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Collection, Handler, Hooks, Route
from crossbar.core.writing import in_turn, remove, save
from crossbar.documents import Document
from crossbar.errors import Conflict, Forbidden
from crossbar.families.brand.apps import OVERRIDE_TYPE, offers_to
from crossbar.families.brand.files import (
    BASE64_TYPES,
    IMAGES,
    keep,
    named,
    names_of,
    uploaded,
)
from crossbar.storage import Key

MAX_SCREENSHOTS = 20
SERVERS = ("icon", "screenshots", "name", "allowed_users", "users")
"""Fields that this document does not decide: the images have paths of their own."""


async def normalize(change: Change) -> None:
    """The names of images are the server's, and stay; an app keeps its name."""
    for name in SERVERS:
        change.document.pop(name, None)
    for name in ("icon", "screenshots"):
        if change.current and name in change.current:
            change.document[name] = change.current[name]


async def link(change: Change) -> None:
    """Note which app it is about."""
    change.document["pvt_app_id"] = change.key.doc_id.removesuffix(SUFFIX)


OVERRIDES = Collection(
    noun="apps_override",
    doc_type=OVERRIDE_TYPE,
    schema="app_override",
    summary=(),
    actions=frozenset(),
    scopes=(),
    hooks=Hooks(normalize=(normalize,), prepare=(link,), deleting=(drop_all,)),
)

SUFFIX = "_override"
"""Ids are unique in an account, and the master account has the app itself."""


async def _key(request: Request) -> Key:
    """Where the override is. For resellers, and for apps that they are offered."""
    account, app_id = request.require_account(), request.ids["app"]
    if not account.is_reseller:
        raise Forbidden(cause="only resellers may do this")
    if app_id not in await offers_to(request.services, account):
        raise Forbidden(details=app_id)
    return Key(account.account_id, OVERRIDE_TYPE, app_id + SUFFIX)


def _change(request: Request, key: Key, document: Document, current: Document | None) -> Change:
    return Change(
        actor=request.actor,
        request=request,
        family=OVERRIDES,
        key=key,
        document=document,
        current=current,
    )


async def fetch(request: Request) -> Result:
    """What the reseller has changed."""
    return await answer(request, await load_document(request.actor, await _key(request)))


async def create(request: Request) -> Result:
    """What the reseller changes, for the first time."""
    key = await _key(request)
    if await request.services.store.get(key) is not None:
        raise Conflict
    return await answer(request, await save(_change(request, key, sent(request), None), "created"))


async def replace(request: Request) -> Result:
    """What the reseller changes, written anew; images stay."""
    key = await _key(request)

    async def attempt() -> Document:
        current = await load_document(request.actor, key)
        return await save(_change(request, key, sent(request), current), "changed")

    once = request.if_match is not None
    return await answer(request, await in_turn(request.actor, key, attempt, once=once))


async def delete(request: Request) -> Result:
    """The app as the system has it, from now on."""
    key = await _key(request)
    current = await load_document(request.actor, key)
    require_match(request, current)
    change = _change(request, key, {}, current)
    return await answer_removed(request, await remove(change, is_soft=False))


async def upload_icon(request: Request) -> Result:
    """The reseller's own icon, instead of the one before."""
    file = named(request, "icon", uploaded(request, *IMAGES))

    async def alter(change: Change) -> None:
        await keep(change, file, names_of(change.document, "icon"))
        change.document["icon"] = file.name

    return await answer(request, await amend(request, OVERRIDES, await _key(request), alter))


async def add_screenshot(request: Request) -> Result:
    """One more of the reseller's own images; of the same name, instead of that one."""
    file = named(request, "screenshot", uploaded(request, *IMAGES))

    async def alter(change: Change) -> None:
        names = [each for each in change.document.get("screenshots", ()) if each != file.name]
        if len(names) >= MAX_SCREENSHOTS:
            raise Forbidden(cause=f"an app has {MAX_SCREENSHOTS} images at most")
        gone = [file.name] if file.name in change.document.get(ATTACHMENTS, {}) else []
        await keep(change, file, gone)
        change.document["screenshots"] = [*names, file.name]

    return await answer(request, await amend(request, OVERRIDES, await _key(request), alter))


def _route(path: str, action: Action, handler: Handler, about: str) -> Route:
    is_upload = path != ""
    has_fields = action in (Action.CREATE, Action.REPLACE) and not is_upload
    return Route(
        path=f"{{app}}/override{path}",
        action=action,
        handler=handler,
        about=about,
        access=Access.ADMIN,
        schema="app_override" if has_fields else None,
        reads=(*IMAGES, *BASE64_TYPES) if is_upload else (),
        loads=False,
        answers=Answers(SOME_OBJECT),
    )


OVERRIDE_ROUTES = (
    _route("", Action.FETCH, fetch, "Read a reseller's own words for an app"),
    _route("", Action.CREATE, create, "Create a reseller's own words for an app"),
    _route("", Action.REPLACE, replace, "Replace a reseller's own words for an app"),
    _route("", Action.DELETE, delete, "Remove a reseller's own words for an app"),
    _route("/icon", Action.REPLACE, upload_icon, "Upload a reseller's own icon for an app"),
    _route("/screenshot", Action.REPLACE, add_screenshot, "Upload a reseller's own image"),
)
