"""May this caller do this? The one authorization routine, whoever speaks.

The account tree (docs/protocol.md §6.1) first, then token restrictions (§6.4). Authentication,
that is who the caller is, lives in ``identity``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from crossbar.core.directory import Account, AccountDirectory, is_at_or_below
from crossbar.core.requests import Action, Actor, Caller, Request
from crossbar.core.shapes import POWERS, Access, Powers
from crossbar.documents import Document
from crossbar.errors import Forbidden, InvalidCredentials, NoSuchDocument, NotFound

if TYPE_CHECKING:
    from crossbar.core.registry import Operation

ACCOUNT_ID_LENGTH = 32

ADMINISTRATORS_ONLY = "only an administrator may do this"
ADMIN_USERS_ONLY = "only an administrator who has logged in as a user may do this"
RESELLERS_ONLY = "only an administrator of the account's reseller, or of one above, may do this"
OPERATORS_ONLY = "only an operator, an administrator of the master account, may do this"

WORDS: Mapping[Action, str] = {
    Action.LIST: "GET",
    Action.FETCH: "GET",
    Action.CREATE: "PUT",
    Action.REPLACE: "POST",
    Action.PATCH: "PATCH",
    Action.DELETE: "DELETE",
}
"""What token restrictions call the actions, whichever dialect asks: KAZOO's verbs for them."""

NO_PARAMS: Mapping[str, str] = {}


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


def require_access(
    operation: Operation,
    caller: Caller | None,
    account: Account | None,
    params: Mapping[str, str] = NO_PARAMS,
) -> None:
    """Refuse a caller whom the account tree or the operation's access rule does not admit."""
    if operation.access is Access.PUBLIC:
        return
    if caller is None:
        raise InvalidCredentials
    if not caller.is_superduper_admin:
        _require_tree(operation, caller, account)
    is_self = operation.access is Access.SELF and params.get("user_id") == caller.user_id
    if operation.access in POWERS and not (caller.is_administrator or is_self):
        raise Forbidden(cause=ADMINISTRATORS_ONLY)


def _require_tree(operation: Operation, caller: Caller, account: Account | None) -> None:
    if operation.access is Access.SUPERDUPER:
        raise Forbidden
    if account is not None:
        if not is_at_or_below(account, caller.account_id):
            raise Forbidden
        if operation.access is Access.RESELLER and not account.is_sold_by(caller.account_id):
            raise Forbidden(cause=RESELLERS_ONLY)
    elif operation.access in (Access.ACCOUNT, Access.RESELLER):
        raise Forbidden


async def require_unrestricted(
    accounts: AccountDirectory,
    operation: Operation,
    caller: Caller | None,
    account: Account | None,
    tokens: Sequence[str],
    action: Action | None = None,
) -> None:
    """Refuse what the caller's own rules or its account's restrictions do not allow (§6.4).

    Restrictions of accounts do not bind operators; what a key may not do, it may not do in an
    operator's hands either. ``tokens`` are those of the path;
    ``action`` is what is done there, if it is not the operation's.
    """
    if caller is None or operation.access is Access.PUBLIC:
        return
    for binding in await _bindings(accounts, caller):
        if not _is_allowed(binding, operation, account, tokens, action):
            raise Forbidden(cause="access denied by token restrictions")


class _Binding(NamedTuple):
    """Rules by noun, and whom they bind."""

    by_noun: Mapping[str, Any]
    caller: Caller


async def _bindings(accounts: AccountDirectory, caller: Caller) -> list[_Binding]:
    """All rules that a request of the caller must satisfy."""
    found = await _bindings(accounts, caller.behind) if caller.behind is not None else []
    if caller.rules is not None:
        found.append(_Binding(caller.rules, caller))
    if not caller.is_operator:
        by_noun = _restrictions_of(await accounts.restrictions(caller.account_id), caller)
        if by_noun is not None:
            found.append(_Binding(by_noun, caller))
    return found


async def may_read(actor: Actor, path: Sequence[str], account: Account | None) -> bool:
    """Whether the caller might read what is at this path: so it may be told elsewhere, too.

    ``path`` is without the version; ``account`` is the one that it names.
    """
    operations, params = actor.services.registry.match(path)
    operation, accounts = operations[Action.FETCH], actor.services.accounts
    try:
        require_access(operation, actor.caller, account, params)
        await require_unrestricted(accounts, operation, actor.caller, account, path)
    except (Forbidden, InvalidCredentials):
        return False
    return True


async def readable(request: Request) -> Callable[[str], bool] | None:
    """Of a list: whether the caller might read the row with an id by a path of its own; ``None``
    if that is so of all."""
    operation, account, caller = request.operation, request.account, request.caller
    if caller is None or not (rules := await _bindings(request.services.accounts, caller)):
        return None
    path = [request.ids[part[1:-1]] if part.startswith("{") else part for part in operation.path]

    def may(doc_id: str) -> bool:
        tokens = [*path, doc_id]
        return all(_is_allowed(each, operation, account, tokens, Action.FETCH) for each in rules)

    return may


def is_own(caller: Caller, powers: Powers, document: Document) -> bool:
    """Whether a stored document of the family is the calling user's own."""
    return (
        caller.user_id is not None
        and document.get("pvt_account_id") == caller.account_id
        and document.get(powers.owner) == caller.user_id
    )


def may_see_secrets(caller: Caller | None, powers: Powers, document: Document) -> bool:
    """Whether what is secret in a stored document is shown to the caller."""
    return caller is not None and (caller.is_administrator or is_own(caller, powers, document))


def _is_allowed(
    binding: _Binding,
    operation: Operation,
    account: Account | None,
    tokens: Sequence[str],
    action: Action | None,
) -> bool:
    """Whether rules by noun allow something: the first that fits the account decides."""
    by_noun, caller = binding
    word = WORDS[action or operation.action]
    parameters = tokens[operation.depth :]
    for rule in by_noun.get(operation.noun, by_noun.get("_")) or ():
        if _account_is_allowed(rule.get("allowed_accounts"), caller, account):
            return _word_is_allowed(rule.get("rules", {}), parameters, word)
    return False


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


def _word_is_allowed(rules: Mapping[str, Any], parameters: Sequence[str], word: str) -> bool:
    for pattern, words in rules.items():
        parts = [part for part in pattern.split("/") if part]
        if matches(parts, parameters):
            # Keys that the schema does not know may hold anything; they allow nothing.
            return isinstance(words, list) and (word in words or "_" in words)
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
