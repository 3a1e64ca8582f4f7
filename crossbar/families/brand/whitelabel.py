"""Brands: how web clients look that are served under a reseller's own name.

An account has one brand at most. Clients ask for it by the host name that their page was loaded
from, before anybody has logged in, so what is in it is public. A host name is a claim in the whole
system: that is how its brand is found.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

from crossbar.core.amending import amend
from crossbar.core.answers import SOME_OBJECT, Answers
from crossbar.core.attachments import drop_all
from crossbar.core.change import Change, claim_of
from crossbar.core.directory import Account
from crossbar.core.preconditions import require_match
from crossbar.core.reading import load_document
from crossbar.core.recipes import answer, answer_removed, sent
from crossbar.core.requests import Action, Request, Result
from crossbar.core.services import Services
from crossbar.core.shapes import Access, Collection, Hooks, Route, Routes, Scope, Unique, route
from crossbar.core.writing import in_turn, remove, save
from crossbar.documents import Document
from crossbar.errors import Conflict, NoSuchAttachment, NoSuchDocument
from crossbar.families.brand.domains import DOMAIN_ROUTES, TEMPLATE_ROUTE, is_host_name
from crossbar.families.brand.files import (
    BASE64_TYPES,
    IMAGES,
    keep,
    named,
    names_of,
    sent_file,
    uploaded,
)
from crossbar.storage import Key

NOUN = "whitelabel"

LOGO, ICON, WELCOME = "logo", "icon", "welcome"
TYPES = {LOGO: IMAGES, ICON: IMAGES, WELCOME: ("text/html",)}
"""The files of a brand, and what they may be."""


def _key(account_id: str) -> Key:
    return Key(account_id, NOUN, NOUN)


def _domains(document: Document) -> Iterable[str]:
    domain = document.get("domain")
    return (domain.lower(),) if isinstance(domain, str) and domain else ()


async def normalize(change: Change) -> None:
    """Host names have no case."""
    domain = change.value("domain")
    if isinstance(domain, str):
        change.document["domain"] = domain.strip().lower()


async def check_domain(change: Change) -> None:
    """The domain is the name of a host: no browser would ask for another one."""
    domain = change.value("domain")
    if isinstance(domain, str) and domain and not is_host_name(domain):
        message = "The domain has to be a host name, such as ui.example.com"
        change.refusals.add("domain", "invalid", message, cause=domain)


async def check_own_hosts(change: Change) -> None:
    """The host names of this server are the master account's.

    Web clients show what a brand says as it is, scripts included: of the page where operators log
    in too, no customer may say anything.
    """
    account, domain = change.actor.account, change.value("domain")
    if account is None or not account.tree or not change.changed("domain"):
        return
    own = (urlsplit(url).hostname for url in change.actor.services.settings.own_origins())
    if domain in own:
        message = "This is where the server itself is; only the master account has its brand"
        change.refusals.add("domain", "forbidden", message, cause=domain)


async def brand_of(services: Services, account: Account) -> Document:
    """The brand that an account is shown: its own, else that of the nearest reseller above.

    Empty where nobody has one.
    """
    places = [account.account_id]
    seen = account
    while seen.tree and seen.reseller_id not in places:
        places.append(seen.reseller_id)
        above = await services.accounts.get(seen.reseller_id)
        if above is None:
            break
        seen = above
    for account_id in places:
        brand = await services.store.get(_key(account_id))
        if brand is not None:
            return brand
    return {}


# An account's own brand


async def _own(request: Request) -> Document:
    return await load_document(request.actor, _key(request.account_id))


async def fetch(request: Request) -> Result:
    """The account's own brand; 404 when it has none."""
    return await answer(request, await _own(request))


async def create(request: Request) -> Result:
    """The account's brand, for the first time."""
    key = _key(request.account_id)
    if await request.services.store.get(key) is not None:
        raise Conflict
    return await answer(request, await save(_change(request, None), "created"))


async def replace(request: Request) -> Result:
    """The account's brand, written anew; its files stay."""

    async def attempt() -> Document:
        return await save(_change(request, await _own(request)), "changed")

    once = request.if_match is not None
    stored = await in_turn(request.actor, _key(request.account_id), attempt, once=once)
    return await answer(request, stored)


async def delete(request: Request) -> Result:
    """No brand any more, for good."""
    current = await _own(request)
    require_match(request, current)
    change = _change(request, current, {})
    return await answer_removed(request, await remove(change, is_soft=False))


def _change(
    request: Request, current: Document | None, proposed: Document | None = None
) -> Change:
    return Change(
        actor=request.actor,
        request=request,
        family=WHITELABEL,
        key=_key(request.account_id),
        document=sent(request) if proposed is None else proposed,
        current=current,
    )


async def _send(request: Request, brand: Document, kind: str) -> Result:
    names = names_of(brand, kind)
    if not names:
        raise NoSuchAttachment(kind)
    return sent_file(request.actor, brand["pvt_account_id"], brand, names[-1], kind)


def _download(kind: str) -> Callable[[Request], Awaitable[Result]]:
    async def send(request: Request) -> Result:
        return await _send(request, await _own(request), kind)

    send.__doc__ = f"The {kind} of the account's brand."
    return send


def _upload(kind: str) -> Callable[[Request], Awaitable[Result]]:
    async def store(request: Request) -> Result:
        file = named(request, kind, uploaded(request, *TYPES[kind]))

        async def alter(change: Change) -> None:
            await keep(change, file, names_of(change.document, kind))

        key = _key(request.account_id)
        return await answer(request, await amend(request, WHITELABEL, key, alter))

    store.__doc__ = f"Another {kind} instead of the one before."
    return store


# Brands by host name


async def _of_host(request: Request) -> Document:
    """The brand of the host that the path names. Raises :class:`NoSuchDocument`."""
    domain = request.ids["domain"]
    claim = claim_of(DOMAIN, _key(""), domain.lower())
    holder = (await request.services.store.holders([claim])).get(claim)
    brand = await request.services.store.get(holder) if holder is not None else None
    if brand is None:
        raise NoSuchDocument(domain)
    return brand


async def fetch_by_host(request: Request) -> Result:
    """The brand of a host name."""
    return await answer(request, await _of_host(request))


def _download_by_host(kind: str) -> Callable[[Request], Awaitable[Result]]:
    async def send(request: Request) -> Result:
        return await _send(request, await _of_host(request), kind)

    send.__doc__ = f"The {kind} of the brand of a host name."
    return send


DOMAIN = Unique(
    path="domain",
    values=_domains,
    message="White label domain is already in use",
    within=Scope.SYSTEM,
    space="whitelabel.domain",
)


def _files_of_account() -> Iterable[Route]:
    for kind, types in TYPES.items():
        yield Route(
            path=kind,
            action=Action.FETCH,
            handler=_download(kind),
            about=f"Download the {kind}",
            produces=("*/*",),
        )
        yield Route(
            path=kind,
            action=Action.REPLACE,
            handler=_upload(kind),
            about=f"Upload the {kind}",
            access=Access.ADMIN,
            reads=(*types, *BASE64_TYPES),
            answers=Answers(SOME_OBJECT),
        )


def _on_document(action: Action, handler: Callable[[Request], Awaitable[Result]]) -> Route:
    verb = {Action.CREATE: "Create", Action.REPLACE: "Replace", Action.DELETE: "Remove"}[action]
    return Route(
        path="",
        action=action,
        handler=handler,
        about=f"{verb} the brand",
        access=Access.ADMIN,
        schema=None if action is Action.DELETE else NOUN,
        answers=Answers(SOME_OBJECT),
    )


BY_HOST = (
    route(
        "{domain}",
        Action.FETCH,
        fetch_by_host,
        "Read the brand of a host",
        Answers(SOME_OBJECT),
    ),
    *(
        Route(
            path=f"{{domain}}/{kind}",
            action=Action.FETCH,
            handler=_download_by_host(kind),
            about=f"Download the {kind} of a host",
            produces=("*/*",),
        )
        for kind in TYPES
    ),
)
"""The brands of hosts: whoever they belong to."""

WHITELABEL = Collection(
    noun=NOUN,
    doc_type=NOUN,
    schema=NOUN,
    summary=(),
    actions=frozenset(),
    unique=(DOMAIN,),
    hooks=Hooks(
        normalize=(normalize,), check=(check_domain, check_own_hosts), deleting=(drop_all,)
    ),
    scopes=(),
)
"""The documents of brands, one an account at most."""

WHITELABEL_OF_ACCOUNT = Routes(
    noun=NOUN,
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route("", Action.FETCH, fetch, "Read the brand", answers=Answers(SOME_OBJECT)),
        _on_document(Action.CREATE, create),
        _on_document(Action.REPLACE, replace),
        _on_document(Action.DELETE, delete),
        *_files_of_account(),
        *DOMAIN_ROUTES,
        *BY_HOST,
    ),
)

WHITELABEL_OF_SYSTEM = Routes(
    noun=NOUN,
    access=Access.PUBLIC,
    routes=(
        *BY_HOST,
        TEMPLATE_ROUTE,
    ),
)
