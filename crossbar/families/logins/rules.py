"""What an account demands of logins, and that it holds for every way in.

A way in has proven who somebody is; here it is decided whether that is enough. What an account
does not set, its ancestors up to the first reseller may, and then the system does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from crossbar.core.directory import Account
from crossbar.core.jobs import Kind, asked
from crossbar.core.requests import Actor, Request
from crossbar.core.services import Services
from crossbar.core.stamping import fresh_id
from crossbar.documents import Document, merge
from crossbar.errors import (
    Conflict,
    CrossbarError,
    LoginClosed,
    NoSuchDocument,
    ValidationFailed,
)
from crossbar.families.logins.attempts import (
    FAILED,
    MULTI_FACTOR,
    SUCCESS,
    Way,
    attempt_of,
    write_attempt,
)
from crossbar.families.logins.second_factor import is_needed, require_second_factor
from crossbar.storage import Batch, Key

USER_METHOD = "cb_user_auth"
API_METHOD = "cb_api_auth"
REFRESH_METHOD = "cb_auth"
ADDRESS_METHOD = "cb_ip_auth"
METHODS = (API_METHOD, REFRESH_METHOD, ADDRESS_METHOD, USER_METHOD)
"""The ways in that can be configured; they are the names in tokens and restrictions too."""

CONFIG_TYPE = "account_config"
CONFIG_ID = "configs_crossbar.auth"
MODULES = "auth_modules"


def system_rules(services: Services) -> Document:
    """The rules of an account that has none, and none above it."""
    lifetime = services.settings.tokens.lifetime
    rules: Document = {
        method: {
            "enabled": True,
            "token_auth_expiry_s": lifetime,
            "log_failed_attempts": True,
            "log_successful_attempts": method == USER_METHOD,
        }
        for method in METHODS
    }
    stored = services.configuration.stored("crossbar.auth").get(MODULES)
    return merge(rules, stored) if isinstance(stored, dict) else rules


async def own_rules(services: Services, account_id: str) -> Document | None:
    """The stored document of the account, with private fields; ``None`` when it has none."""
    return await services.store.get(Key(account_id, CONFIG_TYPE, CONFIG_ID))


async def inherited_rules(services: Services, account: Account) -> Document:
    """By method, what holds for an account that sets nothing itself."""
    rules = system_rules(services)
    for account_id in _ancestors_that_count(account):
        config = await own_rules(services, account_id) or {}
        rules = merge(rules, config.get(MODULES, {}))
    return rules


def _ancestors_that_count(account: Account) -> tuple[str, ...]:
    """The ancestors from the nearest reseller down; none for a reseller itself."""
    if account.is_reseller or account.reseller_id not in account.tree:
        return ()
    return account.tree[account.tree.index(account.reseller_id) :]


async def rules_of(services: Services, account: Account, method: str) -> Document:
    """What holds for a way into the account."""
    config = await own_rules(services, account.account_id) or {}
    rules = merge(await inherited_rules(services, account), config.get(MODULES, {}))
    return dict(rules[method])


async def password_suffices(services: Services, account: Account, *, is_user: bool) -> bool:
    """Whether Basic authentication lets somebody in, who cannot give more than a password.

    It is no way in of its own: users are held to what holds for logins of users, and the
    account's own password to what holds for its key.
    """
    rules = await rules_of(services, account, USER_METHOD if is_user else API_METHOD)
    return bool(rules["enabled"]) and not is_needed(rules.get("multi_factor") or {}, account)


def require_good_standing(actor: Actor, account: Account) -> None:
    """Refuse logins of a disabled account or an expired trial: 400, as upstream (§5.2)."""
    if not account.is_enabled:
        raise ValidationFailed.of("account", "disabled", "account disabled")
    if account.has_expired(actor.services.clock.gregorian()):
        raise ValidationFailed.of("account", "expired", "account expired", cause=account.expires)


async def admit(
    request: Request, way: Way, account: Account, user: Document | None
) -> dict[str, Any]:
    """What the token of somebody who has proven an identity is to be made with.

    Raises what :func:`require_good_standing` does, :class:`LoginClosed` when the account does not
    let anybody in this way, and what :func:`require_second_factor` does.
    """
    rules = await rules_of(request.services, account, way.method)
    try:
        require_good_standing(request.actor, account)
        if not rules["enabled"]:
            raise LoginClosed
    except CrossbarError as error:
        message = error.phrase
        await note(request.actor, account, rules, way, FAILED, user=user, message=message)
        raise
    try:
        claims = await require_second_factor(request, rules, account, user)
    except CrossbarError as error:
        factor = Way(method=way.method, proof=MULTI_FACTOR)
        message = error.phrase
        await note(request.actor, account, rules, factor, FAILED, user=user, message=message)
        raise
    await note(request.actor, account, rules, way, SUCCESS, user=user)
    return {"lifetime": rules["token_auth_expiry_s"], **claims}


async def renewal(actor: Actor, account: Account, claims: Mapping[str, Any]) -> dict[str, Any]:
    """What a token that follows one with ``claims`` is made with: it proves no more than that did.

    Raises :class:`LoginClosed`.
    """
    rules = await rules_of(actor.services, account, REFRESH_METHOD)
    if not rules["enabled"]:
        raise LoginClosed
    return {
        "lifetime": rules["token_auth_expiry_s"],
        "mfa_resp": claims.get("mfa_resp"),
    }


async def note(
    actor: Actor,
    account: Account,
    rules: Document,
    way: Way,
    status: str,
    *,
    user: Document | None = None,
    message: str = "",
) -> None:
    """Record the login of somebody whose identity is proven, if the rules of the way want that."""
    if rules["log_successful_attempts" if status == SUCCESS else "log_failed_attempts"]:
        attempt = attempt_of(actor, way, status, user=user, message=message)
        account_id = account.account_id
        with suppress(NoSuchDocument):  # it was deleted meanwhile: its tokens are worth nothing
            await write_attempt(actor.services, account_id, attempt, author=actor.caller)


async def note_failed(actor: Actor, accounts: Iterable[Account], way: Way, message: str) -> None:
    """Have it recorded that somebody was not let in, at the accounts that were named.

    A job does that, also where none was named: so neither the answer nor its time tells whether
    there is such an account, and what it does about its log.
    """
    services = actor.services
    about = {
        "accounts": [account.account_id for account in accounts],
        "attempt": attempt_of(actor, way, FAILED, message=message),
        "name": fresh_id(services.clock),
    }
    await services.commit(Batch(puts=(asked(services.clock, FAILED_LOGIN, about),)))


async def _record_failed(services: Services, about: Document) -> None:
    """Record a failed login at those accounts whose rules want that."""
    attempt = about["attempt"]
    for account_id in about["accounts"]:
        account = await services.accounts.get(account_id)
        if account is None:
            continue
        rules = await rules_of(services, account, attempt["auth_module"])
        if rules["log_failed_attempts"]:
            with suppress(Conflict, NoSuchDocument):  # it was done before, or the account went
                await write_attempt(services, account_id, attempt, name=about["name"])


FAILED_LOGIN = Kind(name="failed_login", run=_record_failed)
