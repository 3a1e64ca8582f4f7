"""May this caller do this? The one authorization routine, whoever speaks.

The account tree (protocol reference §6.1) first, then token restrictions (§6.4). Authentication,
that is who the caller is, lives in ``identity``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crossbar.core.actions import Caller
from crossbar.core.directory import Account, AccountDirectory, is_at_or_below
from crossbar.core.registry import Operation
from crossbar.core.shapes import Access
from crossbar.errors import Forbidden, InvalidCredentials, NoSuchDocument, NotFound

ACCOUNT_ID_LENGTH = 32


async def account_in_path(accounts: AccountDirectory, params: Mapping[str, str]) -> Account | None:
    """The account that the URL names. Raises 404 for a malformed, unknown or deleted id (§1.3)."""
    account_id = params.get("account_id")
    if account_id is None:
        return None
    if len(account_id) != ACCOUNT_ID_LENGTH:
        raise NotFound(f"invalid account_id '{account_id[:64]}'", code="bad identifier")
    account = await accounts.get(account_id)
    if account is None:
        raise NoSuchDocument(account_id)
    return account


def require_access(operation: Operation, caller: Caller | None, account: Account | None) -> None:
    """Refuse a caller whom the operation's access rule or the account tree does not admit."""
    if operation.access is Access.PUBLIC:
        return
    if caller is None:
        raise InvalidCredentials
    if caller.is_superduper_admin:
        return
    if operation.access is Access.SUPERDUPER:
        raise Forbidden
    if account is not None:
        if not is_at_or_below(account, caller.account_id):
            raise Forbidden
    elif operation.access is Access.ACCOUNT:
        raise Forbidden


async def require_unrestricted(
    accounts: AccountDirectory,
    operation: Operation,
    caller: Caller | None,
    account: Account | None,
    request: tuple[Sequence[str], str],
) -> None:
    """Refuse what the caller's own rules or its account's restrictions do not allow (§6.4).

    Restrictions of accounts do not bind operators; what a key may not do, it may not do in an
    operator's hands either. ``request`` is the path's tokens and the effective verb, upper-case.
    """
    if caller is not None and caller.behind is not None:
        await require_unrestricted(accounts, operation, caller.behind, account, request)
    if caller is None or operation.access is Access.PUBLIC:
        return
    if caller.rules is not None:
        _require_allowed(caller.rules, operation, caller, account, request)
    if caller.is_superduper_admin:
        return
    by_noun = _restrictions_of(await accounts.restrictions(caller.account_id), caller)
    if by_noun is not None:
        _require_allowed(by_noun, operation, caller, account, request)


def _require_allowed(
    by_noun: Mapping[str, Any],
    operation: Operation,
    caller: Caller,
    account: Account | None,
    request: tuple[Sequence[str], str],
) -> None:
    """Refuse what rules by noun do not allow: the first that fits the account decides."""
    tokens, verb = request
    parameters = tokens[operation.depth :]
    for rule in by_noun.get(operation.noun, by_noun.get("_")) or ():
        if _account_is_allowed(rule.get("allowed_accounts"), caller, account):
            if _verb_is_allowed(rule.get("rules", {}), parameters, verb):
                return
            break
    raise Forbidden(cause="access denied by token restrictions")


def _restrictions_of(by_method: Mapping[str, Any], caller: Caller) -> Mapping[str, Any] | None:
    """The rules by noun for the caller's method and privilege; ``None`` when there are none."""
    by_level = by_method.get(caller.method, by_method.get("_"))
    if by_level is None:
        return None
    by_noun: Mapping[str, Any] | None = by_level.get(caller.priv_level, by_level.get("_"))
    return by_noun


def _account_is_allowed(allowed: Any, caller: Caller, account: Account | None) -> bool:
    if allowed is None or allowed == ["_"]:
        return True
    tags = {"_"}
    if account is not None:
        own = account.account_id == caller.account_id
        tags |= {account.account_id, "{AUTH_ACCOUNT_ID}" if own else "{DESCENDANT_ACCOUNT_ID}"}
    return not tags.isdisjoint(allowed)


def _verb_is_allowed(rules: Mapping[str, Any], parameters: Sequence[str], verb: str) -> bool:
    for pattern, verbs in rules.items():
        parts = [part for part in pattern.split("/") if part]
        if matches(parts, parameters):
            # Keys that the schema does not know may hold anything; they allow nothing.
            return isinstance(verbs, list) and (verb in verbs or "_" in verbs)
    return False


def matches(pattern: Sequence[str], parameters: Sequence[str]) -> bool:
    """Whether a restriction's pattern covers the parameters: ``*`` is one, ``#`` any number."""
    end = len(parameters)
    reached = {0}
    for part in pattern:
        if part == "#":
            reached = set(range(min(reached), end + 1))
        else:
            reached = {at + 1 for at in reached if at < end and part in ("*", parameters[at])}
        if not reached:
            return False
    return end in reached
