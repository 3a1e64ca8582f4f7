"""Logging in: user_auth and api_auth (docs/protocol.md §5.2, §5.3).

No answer, and no answer's time, says which part of a login was wrong.
"""

from __future__ import annotations

from crossbar.core.answers import Answers
from crossbar.core.directory import Account
from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.services import Tried
from crossbar.core.shapes import Access, Route, Routes, route
from crossbar.documents import Document
from crossbar.errors import InvalidCredentials, UnknownKey
from crossbar.families.logins.attempts import Way
from crossbar.families.logins.auth import SESSION, TOKEN_FACTS, describe_own, log_in, login_answer
from crossbar.families.logins.names import accounts_named, names_sent, validated
from crossbar.families.logins.recovery import RECOVERY_ROUTES
from crossbar.families.logins.rules import API_METHOD, USER_METHOD, admit, note_failed

NOBODY = "unknown"
"""Whose password is verified, in vain, when a login names no account."""


BY_PASSWORD = Way(method=USER_METHOD, proof="credentials")
BY_KEY = Way(method=API_METHOD, proof="account_api_token")


async def login(request: Request) -> Result:
    """A token for the user whose user name and password digest was sent."""
    sent = await validated(request, "user_auth")
    credentials = request.services.credentials
    method, digest = sent["method"], sent["credentials"].lower()
    tried = Tried(
        way=USER_METHOD,
        names=names_sent(sent),
        address=request.address,
        proof=f"{method}:{digest}",
    )
    accounts = await accounts_named(request.actor, sent)
    async with credentials.turn(tried):
        found = await _user_with(request.actor, accounts, method, digest)
    if found is None:
        try:
            credentials.login_failed(tried)  # before anything is waited for: others try, too
        finally:
            await note_failed(request.actor, accounts, BY_PASSWORD, InvalidCredentials.phrase)
        raise InvalidCredentials
    credentials.login_succeeded(tried)
    account, user = found
    granted = await admit(request, BY_PASSWORD, account, user)
    await credentials.renew_login(account.account_id, user, method, digest)
    acting = await _acting(request.actor, account, user, sent)
    if acting:  # a token that acts as somebody else is not renewed
        return await login_answer(request, account, user, USER_METHOD, **granted, **acting)
    return await log_in(request, account, user, USER_METHOD, **granted)


async def _user_with(
    actor: Actor, accounts: list[Account], method: str, digest: str
) -> tuple[Account, Document] | None:
    """The user whose digest it is, with the account; where there is none it takes as long."""
    credentials = actor.services.credentials
    for account in accounts:
        user = await credentials.find_user(account.account_id, method, digest)
        if user is not None:
            return account, user
    if not accounts:
        await credentials.find_user(NOBODY, method, digest)
    return None


async def _acting(actor: Actor, account: Account, user: Document, sent: Document) -> Document:
    """The claim of a token with which its user acts as another one, in an account below."""
    wanted = sent.get("as")
    if wanted is None:
        return {}
    below, other = await actor.services.credentials.acted_as(account, user, wanted)
    return {"as": {"account_id": below.account_id, "owner_id": other["_id"]}}


async def login_with_key(request: Request) -> Result:
    """A token for the account whose API key was sent."""
    sent = await validated(request, "api_auth")
    credentials = request.services.credentials
    # By each key on its own: it is random and long, so guessing is hopeless anyway.
    tried = Tried(way=API_METHOD, names=(sent["api_key"],), address=request.address)
    credentials.slow_down(tried)
    account = await credentials.find_by_api_key(sent["api_key"])
    if account is None:
        credentials.login_failed(tried)
        raise UnknownKey
    credentials.login_succeeded(tried)
    granted = await admit(request, BY_KEY, account, None)
    await credentials.renew_api_key(account, sent["api_key"])
    return await log_in(request, account, None, API_METHOD, **granted)


USER_AUTH = Routes(
    noun="user_auth",
    routes=(
        Route(
            path="",
            action=Action.CREATE,
            handler=login,
            about="Log in as a user",
            access=Access.PUBLIC,
            schema="user_auth",
            answers=Answers(SESSION),
        ),
        route(
            "{auth_token}",
            Action.FETCH,
            describe_own,
            "Describe one's own token",
            answers=Answers(TOKEN_FACTS),
        ),
        *RECOVERY_ROUTES,
    ),
)

API_AUTH = Routes(
    noun="api_auth",
    routes=(
        Route(
            path="",
            action=Action.CREATE,
            handler=login_with_key,
            about="Log in with an API key",
            access=Access.PUBLIC,
            schema="api_auth",
            answers=Answers(SESSION),
        ),
    ),
)
