"""Tokens: told about, renewed, revoked and given to operators (docs/protocol.md §5.6, §5.7).

Who a credential belongs to and how tokens are made lives in ``identity``, logging in in ``login``,
the end of all tokens of somebody in ``signatures``; these are the operations that clients use once
they have a token.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from crossbar.core import reading
from crossbar.core.access import require_access, require_unrestricted
from crossbar.core.answers import (
    COUNT,
    NOTHING,
    SOME_OBJECT,
    TEXT,
    YES_OR_NO,
    Answers,
    an_object,
    maybe,
    some,
)
from crossbar.core.directory import Account
from crossbar.core.requests import Action, Actor, Caller, Request, Result
from crossbar.core.services import Session
from crossbar.core.shapes import Access, Route, Routes, Scope, route
from crossbar.documents import Document
from crossbar.errors import (
    FaultyRequest,
    Forbidden,
    InvalidCredentials,
    NotFound,
)
from crossbar.families.brand import apps_of
from crossbar.families.logins.attempts import SUCCESS, Way
from crossbar.families.logins.rules import (
    REFRESH_METHOD,
    USER_METHOD,
    note,
    renewal,
    require_good_standing,
    rules_of,
)
from crossbar.families.logins.signatures import (
    reset_account_signature,
    reset_system_signature,
    reset_user_signature,
)
from crossbar.storage import Key

SESSION = maybe(
    an_object(
        account_id=TEXT,
        account_name=TEXT,
        language=TEXT,
        is_reseller=YES_OR_NO,
        is_master_account=YES_OR_NO,
        reseller_id=TEXT,
        cluster_id=TEXT,
        apps=some({}),
        capabilities=SOME_OBJECT,
        ui_config=SOME_OBJECT,
    ),
    owner_id=TEXT,
    refresh_token=TEXT,
    refresh_expires=COUNT,
)
"""Whose the new token is, and what renews it if that was asked for.

The token is beside the data, as `auth_token`.
"""

TOKEN_FACTS = an_object(account_id=TEXT, method=TEXT)

LASTING = ("original_account_id", "original_owner_id", "session_id")
"""Claims that a renewed token keeps: who is behind an impersonation, with what it ends."""


async def login_answer(
    request: Request, account: Account, user: Document | None, method: str, **claims: Any
) -> Result:
    """What every way in answers: a new token, and whose it is."""
    token = await request.services.credentials.issue_token(
        account, user=user, method=method, **claims
    )
    return Result(
        data=await _session(request.actor, account, user),
        token=token,
        revision="automatic",
    )


async def log_in(
    request: Request,
    account: Account,
    user: Document | None,
    method: str,
    *,
    lifetime: int | None = None,
    **claims: Any,
) -> Result:
    """The same for a client that may stay: with ``refresh`` it gets a refresh token too."""
    if not request.says_yes("refresh"):
        return await login_answer(request, account, user, method, lifetime=lifetime, **claims)
    credentials = request.services.credentials
    session = await credentials.begin_session(account, user=user, method=method, **claims)
    return await _renewable(request, session, lifetime=lifetime, **claims)


async def _renewable(request: Request, session: Session, **granted: Any) -> Result:
    stored = session.document
    result = await login_answer(
        request,
        session.account,
        session.user,
        stored["pvt_method"],
        session_id=stored["_id"],
        **granted,
    )
    result.data["refresh_token"] = session.refresh_token
    result.data["refresh_expires"] = stored["pvt_expires"]
    return result


async def _session(actor: Actor, account: Account, user: Document | None) -> Document:
    """What a login answer says of account and user (§5.2)."""
    language = (user or {}).get("language") or account.document.get("language")
    master = await actor.services.accounts.master()
    facts: Document = {
        "account_id": account.account_id,
        "account_name": account.name,
        "language": language or actor.services.settings.accounts.language,
        "is_reseller": account.is_reseller,
        "is_master_account": not account.tree,
        "reseller_id": account.reseller_id,
        "cluster_id": master.account_id if master else account.account_id,
        "apps": await apps_of(actor.services, account, user),
        "capabilities": {"voicemail": {"transcription": {"available": False, "default": False}}},
        "ui_config": {},
    }
    if user is not None:
        facts["owner_id"] = user["_id"]
    return facts


async def describe(request: Request) -> Result:
    """The claims of the caller's token, and what a login answer says."""
    return Result(data=await _described(request.actor, request.require_caller()))


async def _described(actor: Actor, caller: Caller) -> Document:
    account = await _account_of(actor, caller)
    user = await _user_of(actor, caller)
    claims = {name: value for name, value in caller.claims.items() if name != "identity_sig"}
    return {**claims, **await _session(actor, account, user), "method": caller.method}


async def _account_of(actor: Actor, caller: Caller) -> Account:
    account = await actor.services.accounts.get(caller.account_id)
    if account is None:
        raise InvalidCredentials
    return account


async def _user_of(actor: Actor, caller: Caller) -> Document | None:
    if caller.user_id is None:
        return None
    return await actor.services.store.get(Key(caller.account_id, "user", caller.user_id))


async def describe_own(request: Request) -> Result:
    """The same for the token in the path, which must be the caller's own."""
    caller = request.require_caller()
    if request.ids["auth_token"] != caller.token:
        raise InvalidCredentials
    return Result(data={**await _described(request.actor, caller), "id": caller.token})


async def logout(request: Request) -> Result:
    """Make the caller's token worthless."""
    await request.services.credentials.revoke_token(request.require_caller())
    return Result(has_data=False)


async def token_info(request: Request) -> Result:
    """Whose token is it? Public: the token itself is the question."""
    token = request.control("token")
    if not isinstance(token, str) or not token:
        place = "params" if request.operation.action is Action.FETCH else "request"
        raise NotFound(f"missing token in {place}", code=f"missing token in {place}")
    caller = await request.services.credentials.read_token(token)
    return Result(data={**await _described(request.actor, caller), "id": token})


async def _verified_anew(actor: Actor) -> Caller:
    """The caller, whose token is to be followed by another: an old one must not live on so.

    What this process remembers of the caller may be a moment old.
    """
    caller = actor.require_caller()
    token = caller.token
    if token is None or "as" in caller.claims:
        raise Forbidden(cause="only a login of one's own may do this")
    return await actor.services.credentials.read_token(token, anew=True)


async def system_action(request: Request) -> Result:
    """``refresh_token``: a new token, for an hour, with the same identity.

    With a ``refresh_token`` it is for whoever that was given to, and comes with the next one;
    without, for the caller. ``reset_signature_secret``: every token of the system dies; for
    operators.
    """
    refresh_token = request.control("refresh_token")
    if refresh_token is None:
        await _require_unrestricted_caller(request)
    match request.control("action"):
        case "refresh_token" if refresh_token is not None:
            return await _renew_session(request, str(refresh_token))
        case "refresh_token":
            return await _renew_token(request)
        case "reset_signature_secret" if refresh_token is None:
            return await reset_system_signature(request)
    raise Forbidden


async def _renew_token(request: Request) -> Result:
    caller = await _verified_anew(request.actor)
    account = await _account_of(request.actor, caller)
    user = await _user_of(request.actor, caller)
    trail = {name: caller.claims.get(name) for name in LASTING}
    granted = await renewal(request.actor, account, caller.claims)
    return await login_answer(request, account, user, REFRESH_METHOD, **trail, **granted)


async def _renew_session(request: Request, refresh_token: str) -> Result:
    credentials = request.services.credentials
    session = await credentials.find_session(refresh_token)
    granted = await renewal(request.actor, session.account, session.document["pvt_claims"])
    return await _renewable(request, await credentials.renew_session(session), **granted)


async def _require_unrestricted_caller(request: Request) -> None:
    """Ask of the caller what is asked where a path is not public: this one is so for some."""
    operation = replace(request.operation, access=Access.TOKEN)
    require_access(operation, request.caller, None)
    accounts = request.services.accounts
    await require_unrestricted(accounts, operation, request.caller, None, operation.path)


async def impersonate(request: Request) -> Result:
    """``impersonate_user``: a token for a user of another account. For operators only (§5.9)."""
    account = request.require_account()
    if request.control("action") != "impersonate_user":
        raise FaultyRequest("action required")
    caller = await _verified_anew(request.actor)
    # Who acts as somebody already would hide behind them.
    if not (caller.is_superduper_admin and caller.is_admin_user and caller.behind is None):
        raise Forbidden(cause="only an operator's own login may do this")
    if account.account_id == caller.account_id:
        raise Forbidden(cause="nobody acts as a user of the own account")
    require_good_standing(request.actor, account)
    user = await reading.load(request)
    if not user.get("enabled", True):
        raise Forbidden
    way = Way(method=USER_METHOD, proof="impersonate_user")
    rules = await rules_of(request.services, account, USER_METHOD)
    await note(request.actor, account, rules, way, SUCCESS, user=user)
    return await login_answer(
        request,
        account,
        user,
        USER_METHOD,
        lifetime=rules["token_auth_expiry_s"],
        original_account_id=caller.account_id,
        original_owner_id=caller.user_id,
    )


OWN_TOKEN = Routes(
    noun="user_auth",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route(
            "{auth_token}",
            Action.FETCH,
            describe_own,
            "Describe one's own token",
            answers=Answers(TOKEN_FACTS),
        ),
    ),
)

TOKEN_AUTH = Routes(
    noun="token_auth",
    routes=(
        route(
            "", Action.FETCH, describe, "Describe the token in use", answers=Answers(TOKEN_FACTS)
        ),
        route("", Action.DELETE, logout, "Log out"),
    ),
)

AUTH = Routes(
    noun="auth",
    routes=(
        Route(
            path="",
            action=Action.CREATE,
            handler=system_action,
            about="Refresh the token; or, for operators, invalidate every token",
            access=Access.PUBLIC,
            answers=Answers({"anyOf": [SESSION, NOTHING]}, by_caller=True),
        ),
        Route(
            path="tokeninfo",
            action=Action.FETCH,
            handler=token_info,
            about="Describe any token",
            access=Access.PUBLIC,
            answers=Answers(TOKEN_FACTS),
        ),
        Route(
            path="tokeninfo",
            action=Action.REPLACE,
            handler=token_info,
            about="Describe any token",
            access=Access.PUBLIC,
            answers=Answers(TOKEN_FACTS),
        ),
    ),
)

AUTH_OF_ACCOUNT = Routes(
    noun="auth",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        Route(
            path="",
            action=Action.CREATE,
            handler=reset_account_signature,
            about="Invalidate every token of the account",
            access=Access.ADMIN,
        ),
    ),
)

USER_ROUTES = (
    Route(
        path="{user_id}/auth",
        action=Action.CREATE,
        handler=reset_user_signature,
        about="Invalidate every token of the user",
        access=Access.SELF,
    ),
    Route(
        path="{user_id}/user_auth",
        action=Action.CREATE,
        handler=impersonate,
        about="Log in as this user, for operators",
        access=Access.SUPERDUPER,
        answers=Answers(SESSION),
    ),
)
