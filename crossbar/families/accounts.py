"""Accounts: the tree that everything else hangs on (resources/accounts.md, protocol §9).

An account's ancestors are kept in ``pvt_tree``, root first; access, lists and reseller ids follow
from it. What single-account answers show beyond the document ("leaked keys") is never stored.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import replace as with_changes
from typing import Any

from crossbar.core import service
from crossbar.core.actions import Action, Context, Page, Result
from crossbar.core.change import Change
from crossbar.core.directory import ACCOUNT_TYPE, Account, account_key, account_of
from crossbar.core.presenting import summarizer
from crossbar.core.shapes import (
    FLAGS,
    Access,
    Collection,
    Hooks,
    Index,
    Route,
    Scope,
    Unique,
)
from crossbar.documents import Document, new_id
from crossbar.errors import (
    Conflict,
    Forbidden,
    MethodNotAllowed,
    NoSuchDocument,
    ValidationFailed,
)
from crossbar.storage import SYSTEM, Entry, Span

LEAKED = (
    "api_key",
    "billing_mode",
    "created",
    "is_reseller",
    "notification_preference",
    "reseller_id",
    "superduper_admin",
    "trial_time_left",
    "wnm_allow_additions",
)

_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]")
_WITH_DESCENDANTS = {"code": "account_has_descendants"}


def normalized_name(name: str) -> str:
    """A name as logins and uniqueness compare it: lower-case letters and digits only (§5.2).

    A name without any of those is compared as it is, lower-cased.
    """
    lowered = name.lower()
    return _NOT_ALPHANUMERIC.sub("", lowered) or lowered


def _names(document: Document) -> Iterable[str]:
    name = document.get("name")
    return (normalized_name(name),) if isinstance(name, str) and name else ()


def _realms(document: Document) -> Iterable[str]:
    realm = document.get("realm")
    return (realm.lower(),) if isinstance(realm, str) and realm else ()


def _tree(document: Document) -> tuple[str, ...]:
    return tuple(document.get("pvt_tree", ()))


async def normalize(change: Change) -> None:
    """Drop what the server decides, and fill in realm and time zone."""
    document, context = change.document, change.context
    for name in LEAKED:
        document.pop(name, None)
    change.notes["enabled_sent"] = document.get("enabled") is not None
    realm = document.get("realm")
    if isinstance(realm, str):
        realm = document["realm"] = realm.replace(" ", "")
    if not realm:
        suffix = context.services.settings.accounts.realm_suffix
        before = (change.current or {}).get("realm")
        document["realm"] = before or f"{secrets.token_hex(3)}.{suffix}"
    if document.get("timezone") in (None, "", "inherit"):
        document["timezone"] = await _inherited_timezone(change)


async def _inherited_timezone(change: Change) -> str:
    parent = await _parent_of(change)
    fallback = change.context.services.settings.accounts.timezone
    return str(parent.document.get("timezone", fallback)) if parent else fallback


async def _parent_of(change: Change) -> Account | None:
    tree = _tree(change.current) if change.current else change.notes["tree"]
    return await change.context.services.accounts.get(tree[-1]) if tree else None


async def prepare(change: Change) -> None:
    """Set the private facts: the place in the tree, whether enabled, key and password."""
    document, context = change.document, change.context
    enabled = bool(document.pop("enabled", True))
    password = document.pop("password", None)
    if change.current is None:
        parent = await _parent_of(change)
        document["pvt_tree"] = list(change.notes["tree"])
        document["pvt_enabled"] = parent.is_enabled if parent else True
        if parent is not None:
            document["pvt_reseller_id"] = _reseller_for(parent)
        document["pvt_signature_secret"] = secrets.token_hex(16)
        document |= context.services.credentials.new_api_key()
    caller = context.caller
    is_above = caller is not None and caller.account_id in document["pvt_tree"]
    if change.notes["enabled_sent"] and is_above:
        document["pvt_enabled"] = enabled
    if password:
        document |= await context.services.credentials.account_secrets(password)
        document["pvt_signature_secret"] = secrets.token_hex(16)


async def check_password(change: Change) -> None:
    """The account's own password, for Basic authentication, is text."""
    password = change.value("password")
    if password is not None and not (isinstance(password, str) and 0 < len(password) <= 1024):
        message = "Value did not match type(s): string"
        change.refusals.add("password", "type", message, target="string")


def _reseller_for(parent: Account) -> str:
    """The nearest reseller above, else the master account."""
    return parent.account_id if parent.is_reseller else parent.reseller_id


async def add_facts(context: Context, shown: Document, stored: Document) -> None:
    """What single-account answers show beyond the document (§9.3)."""
    facts = account_of(stored)
    caller = context.caller
    shown["created"] = stored["pvt_created"]
    shown["enabled"] = facts.is_enabled
    shown["superduper_admin"] = facts.is_superduper_admin
    shown["wnm_allow_additions"] = stored.get("pvt_wnm_allow_additions", False)
    shown["is_reseller"] = facts.is_reseller
    shown["reseller_id"] = facts.reseller_id
    shown["billing_mode"] = await _billing_mode(context, facts)
    if facts.expires is not None:
        shown["trial_time_left"] = facts.expires - context.services.clock.gregorian()
    wanted = context.parameter("include_api_key") in (True, "true")
    if (wanted or context.services.settings.accounts.include_api_key) and caller is not None:
        shown["api_key"] = context.services.credentials.api_key_of(stored)


async def _billing_mode(context: Context, facts: Account) -> str:
    if context.caller is not None and context.caller.account_id == facts.reseller_id:
        return "limits_only"
    reseller = await context.services.accounts.get(facts.reseller_id)
    return "normal" if reseller is not None and not reseller.tree else "manual"


async def create(context: Context) -> Result:
    """A new account below the one in the URL, or below the caller's own."""
    parent = context.account
    if parent is None:
        parent = await context.services.accounts.get(context.require_caller().account_id)
    if parent is None:
        raise Forbidden
    doc_id = new_id()
    change = Change(
        context=context, family=ACCOUNTS, key=account_key(doc_id), document=service.sent(context)
    )
    change.notes["tree"] = (*parent.tree, parent.account_id)
    stored = await service.save(change, "created")
    return await service.answer(context, stored, created_id=doc_id)


async def forbid_deletion(change: Change) -> None:
    """The root stays, and so does an account with others below it; what goes, goes entirely."""
    account_id = change.key.doc_id
    if not _tree(change.current or {}):
        raise MethodNotAllowed
    if await _descendants(change.context, account_id):
        raise Conflict("account has descendants", **_WITH_DESCENDANTS)
    change.purge.append(account_id)


async def _descendants(context: Context, account_id: str) -> int:
    return await context.services.store.count(_span("ancestor", account_id))


def _span(index: str, value: str) -> Span:
    return Span(account_id=SYSTEM, doc_type=ACCOUNT_TYPE, entry=Entry(index, value))


_child_row = summarizer(("name", "realm", FLAGS))


def _descendant_row(document: Document) -> Document:
    return {**_child_row(document), "tree": list(_tree(document))}


async def children(context: Context) -> Result:
    """The accounts directly below."""
    return await _children_of(context, context.doc_id)


async def descendants(context: Context) -> Result:
    """All accounts below."""
    return await service.list_span(context, _span("ancestor", context.doc_id), _descendant_row)


async def siblings(context: Context) -> Result:
    """The children of the parent, the account itself among them."""
    account, caller = context.require_account(), context.require_caller()
    allowed = context.services.settings.accounts.allow_sibling_listing
    is_own = caller.account_id == account.account_id
    if (is_own or not allowed) and not caller.is_superduper_admin:
        raise Forbidden
    if not account.tree:
        raise NoSuchDocument(account.account_id)
    return await _children_of(context, account.tree[-1])


async def _children_of(context: Context, account_id: str) -> Result:
    unchunked = with_changes(context, query=with_changes(context.query, is_chunked=False))
    result = await service.list_span(unchunked, _span("parent", account_id), _child_row)
    for row in result.data:
        row["descendants_count"] = await _descendants(context, row["id"])
    return result


async def parents(context: Context) -> Result:
    """The ancestors, from the caller's account down to the direct parent."""
    account, caller = context.require_account(), context.require_caller()
    tree = account.tree
    if caller.account_id != account.account_id:
        tree = _from(tree, caller.account_id)
    return await _chain(context, tree)


async def tree(context: Context) -> Result:
    """The same chain, empty for one's own account."""
    account, caller = context.require_account(), context.require_caller()
    return await _chain(context, _from(account.tree, caller.account_id))


def _from(ancestors: tuple[str, ...], account_id: str) -> tuple[str, ...]:
    return ancestors[ancestors.index(account_id) :] if account_id in ancestors else ()


async def _chain(context: Context, account_ids: tuple[str, ...]) -> Result:
    found = [await context.services.accounts.get(account_id) for account_id in account_ids]
    data = [{"id": account.account_id, "name": account.name} for account in found if account]
    return Result(data=data, page=Page(size=len(data)), revision=service.revision_of_list(data))


async def read_api_key(context: Context) -> Result:
    """The account's API key."""
    stored = await service.load(context)
    return Result(data={"api_key": context.services.credentials.api_key_of(stored)})


async def renew_api_key(context: Context) -> Result:
    """A new API key; the old one stops working at once. For admin users only."""
    if not context.require_caller().is_admin_user:
        raise Forbidden
    credentials = context.services.credentials
    stored = await service.load(context)
    change = _private_change(context, stored, stored | credentials.new_api_key())
    renewed = await service.commit_private(change)
    return Result(data={"api_key": credentials.api_key_of(renewed)})


def _private_change(context: Context, stored: Document, document: Document) -> Change:
    """A change of the private facts of the account in the URL."""
    key = account_key(context.doc_id)
    return Change(context=context, family=ACCOUNTS, key=key, document=document, current=stored)


async def move(context: Context) -> Result:
    """Put the account, with everything below it, under another parent (§9.6)."""
    account = context.require_account()
    target_id = context.data.get("to") if isinstance(context.data, dict) else None
    if not isinstance(target_id, str) or not target_id:
        raise ValidationFailed.of("to", "required", "Field 'to' is required")
    target = await context.services.accounts.get(target_id)
    if target is None:
        raise NoSuchDocument(target_id)
    _require_move(context, account, target)
    stored = await service.load(context)
    change = _private_change(context, stored, _replanted(stored, account, target))
    async for row in context.services.store.scan(_span("ancestor", account.account_id)):
        document = _replanted(row.document, account, target)
        change.also_put(ACCOUNTS, account_key(row.document["_id"]), document)
    return await service.answer(context, await service.commit_private(change))


def _require_move(context: Context, account: Account, target: Account) -> None:
    caller = context.require_caller()
    by_tree = context.services.settings.accounts.allow_move == "tree"
    above_both = caller.account_id in account.tree and caller.account_id in (
        *target.tree,
        target.account_id,
    )
    is_inside = target.account_id == account.account_id or target.is_below(account.account_id)
    may = caller.is_superduper_admin or (by_tree and above_both)
    if not account.tree or is_inside or not may:
        raise Forbidden


def _replanted(document: Document, account: Account, target: Account) -> Document:
    """The document with its tree, and what follows from it, as under the new parent."""
    trunk = [*target.tree, target.account_id]
    below = list(_tree(document))[len(account.tree) :]
    moved = {**document, "pvt_tree": [*trunk, *below]}
    old_reseller = document.get("pvt_reseller_id")
    if old_reseller not in (account.account_id, *below):
        moved["pvt_reseller_id"] = _reseller_for(target)
    return moved


async def promote(context: Context) -> Result:
    """Make the account a reseller: accounts below it are now its own."""
    return await _set_reseller(context, is_reseller=True)


async def demote(context: Context) -> Result:
    """Undo a promotion."""
    return await _set_reseller(context, is_reseller=False)


async def _set_reseller(context: Context, *, is_reseller: bool) -> Result:
    account = context.require_account()
    if not context.require_caller().is_superduper_admin or not account.tree:
        raise Forbidden
    stored = await service.load(context)
    change = _private_change(context, stored, {**stored, "pvt_reseller": is_reseller})
    reseller_id = account.account_id if is_reseller else account.reseller_id
    async for row in context.services.store.scan(_span("ancestor", account.account_id)):
        if row.document.get("pvt_reseller"):
            raise Conflict("account has descendants", **_WITH_DESCENDANTS)
        document = {**row.document, "pvt_reseller_id": reseller_id}
        change.also_put(ACCOUNTS, account_key(row.document["_id"]), document)
    return await service.answer(context, await service.commit_private(change))


def _route(path: str, action: Action, handler: Any, about: str, **more: Any) -> Route:
    return Route(
        path=f"{{account_id}}/{path}".rstrip("/"),
        action=action,
        handler=handler,
        about=about,
        **more,
    )


ACCOUNTS = Collection(
    noun="accounts",
    doc_type=ACCOUNT_TYPE,
    schema="accounts",
    scopes=(Scope.SYSTEM,),
    actions=frozenset({Action.FETCH, Action.REPLACE, Action.PATCH, Action.DELETE}),
    summary=("name", "realm", FLAGS),
    order=lambda document: str(document.get("name", "")).lower(),
    soft_delete=False,
    unique=(
        Unique(
            path="name",
            values=_names,
            message="Account name already in use",
            within=Scope.SYSTEM,
        ),
        Unique(
            path="realm",
            values=_realms,
            message="Account realm already in use",
            within=Scope.SYSTEM,
        ),
        Unique(
            path="parent",
            values=lambda document: () if document.get("pvt_tree", True) else ("master",),
            message="There is a master account already",
            within=Scope.SYSTEM,
        ),
    ),
    indexes=(
        Index(name="name", values=_names),
        Index(name="realm", values=_realms),
        Index(name="parent", values=lambda document: _tree(document)[-1:]),
        Index(name="ancestor", values=_tree),
        Index(name="master", values=lambda document: () if _tree(document) else ("true",)),
        Index(name="api_key", values=lambda document: document.get("pvt_api_key_marks", ())),
    ),
    hooks=Hooks(
        normalize=(normalize,),
        check=(check_password,),
        prepare=(prepare,),
        deleting=(forbid_deletion,),
        present=(add_facts,),
    ),
    routes=(
        Route(
            path="",
            action=Action.CREATE,
            handler=create,
            about="Create an account below the caller's",
            access=Access.TOKEN,
            schema="accounts",
        ),
        _route("", Action.CREATE, create, "Create an account below this one", schema="accounts"),
        _route("children", Action.LIST, children, "List the accounts directly below"),
        _route("descendants", Action.LIST, descendants, "List all accounts below"),
        _route("siblings", Action.LIST, siblings, "List the children of the parent account"),
        _route("parents", Action.LIST, parents, "List the ancestors that the caller may see"),
        _route("tree", Action.LIST, tree, "List the ancestors from the caller's account down"),
        _route("api_key", Action.FETCH, read_api_key, "Read the API key"),
        _route("api_key", Action.CREATE, renew_api_key, "Replace the API key"),
        _route("move", Action.REPLACE, move, "Move the account under another parent"),
        _route("reseller", Action.CREATE, promote, "Make the account a reseller"),
        _route("reseller", Action.DELETE, demote, "Make the account an ordinary one"),
    ),
)
