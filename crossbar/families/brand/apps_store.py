"""The app store of an account: apps to install, who may use them, which of them are hidden."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy

from crossbar.core.answers import NOTHING, SOME_OBJECT, TEXT, Answers, an_object, some
from crossbar.core.change import Change
from crossbar.core.reading import revision_of_list
from crossbar.core.recipes import sent, valid
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Collection, Handler, Route, Routes, Scope, Unique
from crossbar.core.writing import commit_private, in_turn
from crossbar.documents import Document
from crossbar.errors import BadRequest, Forbidden, NoSuchAttachment, NotFound, ValidationFailed
from crossbar.families.brand.apps import (
    APP_TYPE,
    DECISIONS,
    Offer,
    decisions_key,
    decisions_of,
    offers_to,
)
from crossbar.families.brand.files import sent_file
from crossbar.families.brand.overrides import OVERRIDE_ROUTES
from crossbar.storage import Span

NOUN = "apps_store"

INSTALLED = "Application already installed"
NOT_INSTALLED = "Application is not installed"

NO_MARKET: Document = {"enabled": False, "is_linked": False, "name": "", "settings": {}}
"""What there is of a market place for apps: none is connected."""


async def _offers(request: Request) -> dict[str, Offer]:
    return await offers_to(request.services, request.require_account())


async def list_apps(request: Request) -> Result:
    """The apps that the account may use, and who in it may use those that are installed."""
    rows = [offer.shown() for offer in (await _offers(request)).values()]
    return Result(data=rows, revision=revision_of_list(rows))


async def fetch_app(request: Request) -> Result:
    """One of them."""
    offer = await _offer(request)
    return Result(data=offer.shown(), revision=offer.app["_rev"])


async def _offer(request: Request) -> Offer:
    """The app that the path names. Raises :class:`NotFound`, also when it is hidden."""
    app_id = request.ids["app"]
    offer = (await _offers(request)).get(app_id)
    if offer is None:
        raise NotFound("bad identifier", code="bad_identifier", details=app_id)
    return offer


async def _decide(request: Request, alter: Callable[[Document], None]) -> Document:
    """Change what the account has decided; again when somebody else was quicker."""
    key = decisions_key(request.account_id)

    async def attempt() -> Document:
        current = await request.services.store.get(key)
        document = deepcopy(await decisions_of(request.services, request.account_id))
        alter(document)
        change = Change(
            actor=request.actor,
            request=request,
            family=DECISIONS,
            key=key,
            document=document,
            current=current,
        )
        return await commit_private(change)

    return await in_turn(request.actor, key, attempt, once=request.if_match is not None)


async def _installable(request: Request) -> Offer:
    """The app of the path, for a change. Raises :class:`Forbidden` when it is not offered."""
    app_id = request.ids["app"]
    offer = (await _offers(request)).get(app_id)
    if offer is None:
        raise Forbidden(details=app_id)
    return offer


async def _install(request: Request, *, anew: bool) -> Result:
    offer = await _installable(request)
    decision = await valid(request.actor, "app_install", sent(request))
    entry = {
        "name": offer.app["name"],
        "allowed_users": decision["allowed_users"],
        "users": decision["users"],
    }

    def alter(document: Document) -> None:
        _require_installed(document, offer.app_id, not anew)
        document["apps"][offer.app_id] = entry

    await _decide(request, alter)
    return Result(data=entry)


def _require_installed(document: Document, app_id: str, wanted: bool) -> None:
    if (app_id in document["apps"]) is not wanted:
        message = NOT_INSTALLED if wanted else INSTALLED
        raise BadRequest(message, code=message, details=app_id)


async def install(request: Request) -> Result:
    """Have the app in the account, for those who are named."""
    return await _install(request, anew=True)


async def update(request: Request) -> Result:
    """Have others use an app that is installed."""
    return await _install(request, anew=False)


async def uninstall(request: Request) -> Result:
    """Have the app in the account no more."""
    offer = await _installable(request)

    def alter(document: Document) -> None:
        _require_installed(document, offer.app_id, True)
        del document["apps"][offer.app_id]

    await _decide(request, alter)
    return Result(data={})


def _require_above(request: Request) -> None:
    """The account's own administrators do not decide what is hidden from it."""
    caller, account = request.require_caller(), request.require_account()
    if not account.is_below(caller.account_id):
        raise Forbidden(cause="only accounts above this one may do this")


async def read_blacklist(request: Request) -> Result:
    """The ids of the apps that those above the account hide from it."""
    _require_above(request)
    decided = await decisions_of(request.services, request.account_id)
    return Result(data={"blacklist": decided["blacklist"]})


async def replace_blacklist(request: Request) -> Result:
    """The ids of the apps that are hidden from the account, instead of those before."""
    _require_above(request)
    hidden = (await valid(request.actor, "app_blacklist", sent(request)))["blacklist"]

    def alter(document: Document) -> None:
        document["blacklist"] = hidden

    await _decide(request, alter)
    return Result(data={"blacklist": hidden})


def _icon(document: Document) -> str:
    name = document.get("icon")
    return name if isinstance(name, str) else ""


def _screenshot(document: Document, number: str) -> str:
    """The name of the image with a number, counted from 0; empty for none."""
    names = document.get("screenshots")
    if isinstance(names, list) and number.isascii() and number.isdigit() and len(number) < 5:
        return next(iter(names[int(number) :]), "")
    return ""


def _sent(request: Request, offered: Iterable[Document | None], screenshot: bool) -> Result:
    """The image of the first of the documents that has one."""
    kind = "screenshot" if screenshot else "icon"
    for document in filter(None, offered):
        name = _screenshot(document, request.ids["number"]) if screenshot else _icon(document)
        if name in document.get("pvt_attachments", {}):
            account_id = document["pvt_account_id"]
            return sent_file(request.actor, account_id, document, name, kind)
    raise NoSuchAttachment(kind)


async def icon(request: Request) -> Result:
    """The app's icon, or the reseller's own for it."""
    offer = await _offer(request)
    return _sent(request, (offer.override, offer.app), screenshot=False)


async def screenshot(request: Request) -> Result:
    """One of the app's images, counted from 0."""
    offer = await _offer(request)
    return _sent(request, (offer.override, offer.app), screenshot=True)


async def _published(request: Request) -> Document:
    """The app that the path names, for whoever asks. Raises :class:`NotFound`."""
    master = await request.services.accounts.master()
    app_id = request.ids["app"]
    if master is not None:
        span = Span(account_id=master.account_id, doc_type=APP_TYPE)
        async for row in request.services.store.scan(span):
            if row.document["_id"] == app_id and row.document.get("published") is not False:
                return row.document
    raise NotFound("bad identifier", code="bad_identifier", details=app_id)


async def public_icon(request: Request) -> Result:
    """The icon of an app, for anybody."""
    return _sent(request, (await _published(request),), screenshot=False)


async def public_screenshot(request: Request) -> Result:
    """One of the images of an app, counted from 0, for anybody."""
    return _sent(request, (await _published(request),), screenshot=True)


async def read_market(request: Request) -> Result:
    """The state of the connection to a market place for apps: there is none."""
    return Result(data=NO_MARKET)


async def connect_market(request: Request) -> Result:
    """Refused: there is no market place that could be connected."""
    message = "No market place for apps can be connected here; `crossbar app import` adds apps"
    raise ValidationFailed.of("action", "forbidden", message)


def _route(path: str, action: Action, handler: Handler, about: str, data: Document) -> Route:
    changes = action not in (Action.LIST, Action.FETCH)
    return Route(
        path=path,
        action=action,
        handler=handler,
        about=about,
        access=Access.ADMIN if changes else None,
        schema="app_install" if action in (Action.CREATE, Action.REPLACE) else None,
        loads=False,
        answers=Answers(data),
    )


def _image(path: str, handler: Handler, about: str) -> Route:
    return Route(
        path=path,
        action=Action.FETCH,
        handler=handler,
        about=about,
        loads=False,
        produces=("*/*",),
    )


APP = an_object(id=TEXT, name=TEXT, account_id=TEXT)
ENTRY = an_object(name=TEXT, allowed_users=TEXT, users=some({}))
BLACKLIST = Answers(an_object(blacklist=some(TEXT)))


def _names(document: Document) -> Iterable[str]:
    return (document["name"],)


APPS = Collection(
    noun=NOUN,
    doc_type=APP_TYPE,
    schema="app",
    summary=("name", "tags", "phase", "published"),
    actions=frozenset(),
    order=lambda document: str(document.get("name", "")),
    unique=(Unique(path="name", values=_names, message="There is an app of this name already"),),
    scopes=(),
)
"""The documents of apps, in the master account."""

APPS_STORE = Routes(
    noun=NOUN,
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        _route("", Action.LIST, list_apps, "List the apps of the account", some(APP)),
        Route(
            path="blacklist",
            action=Action.FETCH,
            handler=read_blacklist,
            about="Read which apps are hidden from the account",
            access=Access.ADMIN,
            answers=BLACKLIST,
        ),
        Route(
            path="blacklist",
            action=Action.REPLACE,
            handler=replace_blacklist,
            about="Replace which apps are hidden from the account",
            access=Access.ADMIN,
            schema="app_blacklist",
            answers=BLACKLIST,
        ),
        _route("{app}", Action.FETCH, fetch_app, "Read an app", APP),
        _route("{app}", Action.CREATE, install, "Install an app", ENTRY),
        _route("{app}", Action.REPLACE, update, "Change who may use an app", ENTRY),
        _route("{app}", Action.DELETE, uninstall, "Uninstall an app", NOTHING),
        _image("{app}/icon", icon, "Download the icon of an app"),
        _image("{app}/screenshot/{number}", screenshot, "Download an image of an app"),
        *OVERRIDE_ROUTES,
    ),
)

APPS_OF_SYSTEM = Routes(
    noun=NOUN,
    access=Access.PUBLIC,
    routes=(
        _image("{app}/icon", public_icon, "Download the icon of an app"),
        _image("{app}/screenshot/{number}", public_screenshot, "Download an image of an app"),
        Route(
            path="marketplace",
            action=Action.FETCH,
            handler=read_market,
            about="Read the connection to a market place",
            access=Access.SUPERDUPER,
            answers=Answers(SOME_OBJECT),
        ),
        Route(
            path="marketplace",
            action=Action.PATCH,
            handler=connect_market,
            about="Change the connection to a market place",
            access=Access.SUPERDUPER,
            answers=Answers(SOME_OBJECT),
        ),
    ),
)
"""What clients ask for without naming an account."""
