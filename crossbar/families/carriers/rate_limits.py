"""Rate limits: how many SIP packets a minute and a second an account, or a device, may send.

Proxies hold callers to them. There is one document for each owner, whose id is made of the
owner's, so that there are never two.
"""

from __future__ import annotations

from dataclasses import replace as with_changes

from crossbar.core import singletons
from crossbar.core.answers import DOCUMENT
from crossbar.core.change import Change
from crossbar.core.reading import require_parents
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import (
    Access,
    Handler,
    Hooks,
    Nesting,
    Route,
    Routes,
    Scope,
    Singleton,
)
from crossbar.documents import Document, lookup
from crossbar.errors import NoSuchDocument
from crossbar.storage import Key

LIMITS_TYPE = "rate_limits"


async def name_owner(change: Change) -> None:
    """Say whose limits they are, in the words by which a proxy asks for them."""
    request = change.request
    device_id = request.ids.get("device_id") if request else None
    account = change.actor.require_account()
    owner: Document = {"id": account.account_id, "type": "account", "name": account.realm}
    if device_id is not None:
        device = await change.actor.services.store.get(
            Key(account.account_id, "device", device_id)
        )
        name = lookup(device or {}, ("sip", "username"))
        owner = {"id": device_id, "type": "device", "name": name}
    change.document |= {
        "pvt_owner_id": owner["id"],
        "pvt_owner_type": owner["type"],
        "pvt_queryname": owner["name"],
    }


def _document(schema: str) -> Singleton:
    return Singleton(
        noun=LIMITS_TYPE,
        doc_type=LIMITS_TYPE,
        schema=schema,
        actions=frozenset(),
        optional=True,
        hooks=Hooks(prepare=(name_owner,)),
    )


OF_ACCOUNT, OF_DEVICE = _document("account_rate_limits"), _document("device_rate_limits")
"""The limits as documents. Their paths are those of the noun ``rate_limits``."""


async def fetch(request: Request) -> Result:
    """The owner's limits; an empty object when none are set."""
    return await _on_document(request, singletons.fetch)


async def replace(request: Request) -> Result:
    """The owner's limits as sent, for the first time or anew."""
    return await _on_document(request, singletons.replace)


async def delete(request: Request) -> Result:
    """No limits of the owner's own any more."""
    return await _on_document(request, singletons.delete)


async def _on_document(request: Request, recipe: Handler) -> Result:
    """Do to the document of the owner in the path what recipes do to documents."""
    await require_parents(request)
    device_id = request.ids.get("device_id")
    family = OF_ACCOUNT if device_id is None else OF_DEVICE
    noun = f"{LIMITS_TYPE}-{device_id or request.account_id}"
    operation = with_changes(request.operation, family=with_changes(family, noun=noun))
    try:
        return await recipe(with_changes(request, operation=operation))
    except NoSuchDocument:
        if request.operation.action is Action.REPLACE:
            raise  # the account is gone
        return Result(data={})


def _routes(schema: str) -> tuple[Route, ...]:
    handlers: tuple[tuple[Action, Handler, str, Access | None], ...]
    handlers = (
        (Action.FETCH, fetch, "Read the rate limits", None),
        (Action.REPLACE, replace, "Set the rate limits", Access.ADMIN),
        (Action.DELETE, delete, "Remove the rate limits", Access.ADMIN),
    )
    return tuple(
        Route(
            path="",
            action=action,
            handler=handler,
            about=about,
            access=access,
            schema=schema if action is not Action.DELETE else None,
            answers=DOCUMENT,
        )
        for action, handler, about, access in handlers
    )


RATE_LIMITS = Routes(
    noun="rate_limits",
    routes=_routes("account_rate_limits"),
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
)

RATE_LIMITS_OF_DEVICE = Routes(
    noun="rate_limits",
    routes=_routes("device_rate_limits"),
    scopes=(),
    nested=(Nesting(noun="devices", doc_type="device"),),
    access=Access.ACCOUNT,
)
