"""Services whose identities users log in with, and our registrations there.

Both are documents of the system, whose ids the operator chooses (``google``). Everybody may see
them, but for the secrets of registrations, which are stored sealed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace as with_changes
from functools import partial

from crossbar.core import reading, recipes, singletons, writing
from crossbar.core.answers import ROW, Answers, some
from crossbar.core.change import Change
from crossbar.core.ports import may_be_asked
from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.shapes import Access, Column, Handler, Hooks, Route, Singleton
from crossbar.core.summaries import summarizer
from crossbar.documents import Document
from crossbar.errors import Conflict
from crossbar.families.logins.multi_factor import row as factor_row
from crossbar.families.logins.second_factor import PROVIDER_TYPE as FACTOR_TYPE
from crossbar.storage import SYSTEM, Key, Span

PROVIDER_TYPE = "auth_provider"
APP_TYPE = "auth_app"
ADDRESSES = ("discovery", "access_code_url", "profile_url")
SEALED = "pvt_secret_sealed"
PURPOSE = "secret of a registration"

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


async def name_itself(change: Change) -> None:
    """The id is that of the path."""
    change.document["id"] = change.key.doc_id


async def check_id(change: Change) -> None:
    """Ids are short and lower-case."""
    if not _ID.fullmatch(change.key.doc_id):
        message = "Ids have up to 64 lower-case letters, digits, dots and dashes"
        change.refusals.add("id", "invalid", message, cause=change.key.doc_id)


async def check_addresses(change: Change) -> None:
    """Where tokens and identities are asked for must be safe to talk to: https."""
    for name in ADDRESSES:
        address = change.value(name)
        if address is None:
            continue
        if not isinstance(address, str) or not may_be_asked(address):
            message = "The address must be one of https, or of this machine"
            change.refusals.add(name, "invalid", message)


async def drop_id(change: Change) -> None:
    """The id is kept as the document's own."""
    change.document.pop("id", None)


async def require_no_apps(change: Change) -> None:
    """A provider stays while there are registrations with it."""
    async for row in change.actor.services.store.scan(_all(APP_TYPE)):
        if row.document["provider"] == change.key.doc_id:
            raise Conflict("apps exist for provider", code="apps exist for provider")


async def seal_secret(change: Change) -> None:
    """The secret is encrypted with the server's own, and never shown again."""
    credentials = change.actor.services.credentials
    change.document[SEALED] = credentials.seal(PURPOSE, change.document.pop("secret"))


def secret_of(actor: Actor, app: Document) -> str | None:
    """The secret of a registration; ``None`` when the server's own is another one since."""
    return actor.services.credentials.unseal(PURPOSE, app[SEALED])


PROVIDERS = Singleton(
    noun="providers",
    doc_type=PROVIDER_TYPE,
    schema="auth.provider",
    actions=frozenset(),
    optional=True,
    hooks=Hooks(
        normalize=(name_itself,),
        check=(check_id, check_addresses),
        prepare=(drop_id,),
        deleting=(require_no_apps,),
    ),
)
"""A provider as a document: named by its id, it is the only one of its kind."""

APPS = Singleton(
    noun="apps",
    doc_type=APP_TYPE,
    schema="auth.app",
    actions=frozenset(),
    optional=True,
    hooks=Hooks(check=(check_id,), prepare=(seal_secret,)),
)
"""A registration as a document, in the same way."""

_provider_row = summarizer(
    (
        "enabled",
        "name",
        Column("provider_name", lambda document: document.get("provider_name", document["_id"])),
        Column("provider_type", lambda document: "oauth"),
    )
)
_app_row = summarizer(("name", "description", "provider"))


def _all(doc_type: str) -> Span:
    return Span(account_id=SYSTEM, doc_type=doc_type)


async def list_providers(request: Request) -> Result:
    """Who knows identities, and who confirms logins."""
    rows = await _rows(request.actor, PROVIDER_TYPE, _provider_row)
    rows += await _rows(request.actor, FACTOR_TYPE, factor_row)
    return Result(data=rows, revision=reading.revision_of_list(rows))


async def list_apps(request: Request) -> Result:
    """Our registrations with them."""
    return await reading.list_span(request, _all(APP_TYPE), _app_row, seen=_app_row)


async def _rows(
    actor: Actor, doc_type: str, make: Callable[[Document], Document]
) -> list[Document]:
    return [make(row.document) async for row in actor.services.store.scan(_all(doc_type))]


async def provider_with(actor: Actor, provider_id: str) -> Document | None:
    """A provider that is not switched off."""
    found = await actor.services.store.get(Key(SYSTEM, PROVIDER_TYPE, provider_id))
    return found if found is not None and found.get("enabled", True) else None


async def app_with(actor: Actor, provider_id: str, client_id: str) -> Document | None:
    """Our registration with a provider under a client id."""
    async for row in actor.services.store.scan(_all(APP_TYPE)):
        app = row.document
        if (app["provider"], app["client_id"]) == (provider_id, client_id):
            return app
    return None


def _on(family: Singleton, request: Request) -> Request:
    """The request as one for the document that the path names."""
    named = with_changes(family, noun=request.ids[f"{family.doc_type}_id"])
    return with_changes(request, operation=with_changes(request.operation, family=named))


async def create(request: Request, *, family: Singleton) -> Result:
    """A new document under the id that was sent."""
    document = recipes.sent(request)
    doc_id = request.data.get("id")
    key = Key(SYSTEM, family.doc_type, doc_id if isinstance(doc_id, str) else "")
    request = with_changes(request, operation=with_changes(request.operation, family=family))
    change = Change(
        actor=request.actor, request=request, family=family, key=key, document=document
    )
    stored = await writing.save(change, "created")
    return await recipes.answer(request, stored, created_id=stored["_id"])


async def fetch(request: Request, *, family: Singleton) -> Result:
    """One document."""
    return await singletons.fetch(_on(family, request))


async def replace(request: Request, *, family: Singleton) -> Result:
    """The document as sent. There must be one."""
    request = _on(family, request)
    doc_id = request.ids[f"{family.doc_type}_id"]
    await reading.load_document(request.actor, Key(SYSTEM, family.doc_type, doc_id))
    return await singletons.replace(request)


async def delete(request: Request, *, family: Singleton) -> Result:
    """No such document any more. A provider stays while there are registrations with it."""
    return await singletons.delete(_on(family, request))


def _routes(
    family: Singleton, thing: str, list_all: Handler, *, is_paged: bool
) -> tuple[Route, ...]:
    """What can be done with the documents: everybody sees them, operators change them."""
    all_of_them, one = family.noun, f"{family.noun}/{{{family.doc_type}_id}}"
    change = partial(Route, access=Access.SUPERDUPER, answers=Answers(ROW))
    listed = Answers(some(ROW), is_paged=is_paged)
    return (
        Route(
            path=all_of_them,
            action=Action.LIST,
            handler=list_all,
            about=f"List {thing}s",
            answers=listed,
        ),
        Route(
            path=one,
            action=Action.FETCH,
            handler=partial(fetch, family=family),
            about=f"Read a {thing}",
            answers=Answers(ROW),
        ),
        change(
            path=all_of_them,
            action=Action.CREATE,
            handler=partial(create, family=family),
            about=f"Create a {thing}",
            schema=family.schema,
        ),
        change(
            path=one,
            action=Action.REPLACE,
            handler=partial(replace, family=family),
            about=f"Replace a {thing}",
            schema=family.schema,
        ),
        change(
            path=one,
            action=Action.DELETE,
            handler=partial(delete, family=family),
            about=f"Delete a {thing}",
        ),
    )


DOCUMENT_ROUTES = (
    *_routes(PROVIDERS, "provider", list_providers, is_paged=False),
    *_routes(APPS, "registration", list_apps, is_paged=True),
)
