"""What apps learn that are shown inside of another page: whose token they were given."""

from __future__ import annotations

from crossbar.clock import GREGORIAN_OFFSET
from crossbar.core.answers import SOME_OBJECT, Answers, an_object
from crossbar.core.directory import Account
from crossbar.core.requests import Action, Actor, Caller, Request, Result
from crossbar.core.shapes import Access, Routes, Scope, route
from crossbar.documents import Document
from crossbar.errors import InvalidCredentials
from crossbar.families.brand.apps import apps_of
from crossbar.storage import Key


async def authorize(request: Request) -> Result:
    """Whose token it is, which apps are open to them, and which account is asked for."""
    caller = request.require_caller()
    own = await request.services.accounts.get(caller.account_id)
    if own is None:
        raise InvalidCredentials
    account = request.account or own
    language = request.services.settings.accounts.language
    return Result(
        data={
            "auth_token": await _token(request.actor, caller, own),
            "account": {
                "account_id": account.account_id,
                "account_name": account.name,
                "language": account.document.get("language", language),
                **_role(account),
            },
        }
    )


async def _token(actor: Actor, caller: Caller, account: Account) -> Document:
    user = None
    if caller.user_id is not None:
        user = await actor.services.store.get(Key(caller.account_id, "user", caller.user_id))
    language = (user or {}).get("language") or account.document.get("language")
    facts: Document = {
        "account_id": account.account_id,
        "account_name": account.name,
        "language": language or actor.services.settings.accounts.language,
        "method": caller.method,
        **_role(account),
        "apps": await apps_of(actor.services, account, user),
    }
    if caller.user_id is not None:
        facts["owner_id"] = caller.user_id
    made = caller.claims.get("iat")
    if isinstance(made, int):
        facts["created"] = made + GREGORIAN_OFFSET
    return facts


def _role(account: Account) -> Document:
    return {
        "is_reseller": account.is_reseller,
        "reseller_id": account.reseller_id,
        "is_master": not account.tree,
    }


AUTHORIZE = route(
    "authorize",
    Action.FETCH,
    authorize,
    "Tell whose token it is, and which apps are open to it",
    Answers(an_object(auth_token=SOME_OBJECT, account=SOME_OBJECT)),
)

APPS_LINK = Routes(noun="apps_link", routes=(AUTHORIZE,), access=Access.TOKEN)
APPS_LINK_OF_ACCOUNT = Routes(
    noun="apps_link", routes=(AUTHORIZE,), scopes=(Scope.ACCOUNT,), access=Access.ACCOUNT
)
