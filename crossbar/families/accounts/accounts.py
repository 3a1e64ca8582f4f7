"""Accounts: what everything else hangs on.

What an account document is: its defaults, what is unique about it, and what single-account
answers show beyond it ("leaked keys"), which is never stored. How accounts hang together, and what
changes that, is in ``account_tree``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from secrets import token_hex
from typing import Any

from crossbar.core import reading, writing
from crossbar.core.access import ADMIN_USERS_ONLY, may_read
from crossbar.core.answers import COUNT, DOCUMENT, TEXT, YES_OR_NO, Answers, rows, some
from crossbar.core.change import Change, Note
from crossbar.core.directory import ACCOUNT_TYPE, Account, account_key, account_of
from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.shapes import (
    FLAGS,
    Access,
    Collection,
    Hooks,
    Index,
    Powers,
    Route,
    Scope,
    Unique,
    by_name,
)
from crossbar.documents import Document
from crossbar.errors import Forbidden
from crossbar.families.accounts import tree as account_tree
from crossbar.families.accounts.addresses import ADDRESSES
from crossbar.families.accounts.belongings import remove_belongings, remove_late_belongings
from crossbar.families.accounts.tree import PARENT, reseller_below, tree_of

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


def _number(document: Document) -> Iterable[str]:
    number = document.get("pvt_perscom_id")
    return () if number is None else (str(number),)


async def _free_realm(actor: Actor) -> str:
    """A made-up realm that no account has, longer with every one that is taken.

    Should somebody take it before the account is written, that is refused like any other.
    """
    accounts, suffix = actor.services.accounts, actor.services.settings.accounts.realm_suffix
    size = 3
    while await accounts.find("realm", (realm := f"{token_hex(size)}.{suffix}").lower()):
        size += 1
    return realm


SENT_ENABLED: Note[bool] = Note(False)
"""Whether the client said if the account is enabled."""


async def normalize(change: Change) -> None:
    """Drop what the server decides, and fill in realm and time zone."""
    document, actor = change.document, change.actor
    for name in LEAKED:
        document.pop(name, None)
    SENT_ENABLED.leave(change, document.get("enabled") is not None)
    realm = document.get("realm")
    if isinstance(realm, str):
        realm = document["realm"] = realm.replace(" ", "")
    if not realm:
        before = (change.current or {}).get("realm")
        document["realm"] = before or await _free_realm(actor)
    if document.get("timezone") in (None, "", "inherit"):
        document["timezone"] = await _inherited_timezone(change)
    contract = document.get("contract")
    if isinstance(contract, dict) and contract.get("end_date", "") is None:
        document["contract"] = {key: value for key, value in contract.items() if key != "end_date"}


async def _inherited_timezone(change: Change) -> str:
    parent = await _parent_of(change)
    fallback = change.actor.services.settings.accounts.timezone
    return str(parent.document.get("timezone", fallback)) if parent else fallback


async def _parent_of(change: Change) -> Account | None:
    if change.current is None:
        return PARENT.found(change)
    tree = tree_of(change.current)
    return await change.actor.services.accounts.get(tree[-1]) if tree else None


async def prepare(change: Change) -> None:
    """Set the private facts: the place in the tree, whether enabled, key and password."""
    document, caller = change.document, change.actor.caller
    credentials = change.actor.services.credentials
    enabled = bool(document.pop("enabled", True))
    password = document.pop("password", None)
    if change.current is None:
        document |= _place_below(PARENT.found(change))
        document["pvt_signature_secret"] = token_hex(16)
        document |= credentials.new_api_key()
    is_above = caller is not None and caller.account_id in document["pvt_tree"]
    if SENT_ENABLED.found(change) and is_above:
        # Below a disabled account nothing starts enabled; later, those above may enable it.
        is_possible = change.current is not None or document["pvt_enabled"]
        document["pvt_enabled"] = enabled and is_possible
    was_enabled = change.current is None or change.current.get("pvt_enabled", True)
    if was_enabled and not document["pvt_enabled"]:
        document["pvt_disabled"] = change.actor.services.clock.gregorian()
    if password:
        document |= await credentials.account_secrets(password)
        document["pvt_signature_secret"] = token_hex(16)


def _place_below(parent: Account | None) -> Document:
    """What a new account has from the one above it; the master account has none."""
    if parent is None:
        return {"pvt_tree": [], "pvt_enabled": True}
    return {
        "pvt_tree": [*parent.tree, parent.account_id],
        "pvt_enabled": parent.is_enabled,
        "pvt_reseller_id": reseller_below(parent),
    }


async def check_password(change: Change) -> None:
    """The account's own password, for Basic authentication, is text."""
    password = change.value("password")
    if password is not None and not (isinstance(password, str) and 0 < len(password) <= 1024):
        message = "Value did not match type(s): string"
        change.refusals.add("password", "type", message, target="string")


async def add_facts(request: Request, shown: Document, stored: Document) -> Document:
    """What single-account answers show beyond the document (§9.3), in it and beside it.

    Clients look into some fields without asking whether they are there.
    """
    shown.setdefault("caller_id", {})
    shown.setdefault("dial_plan", {})
    shown.setdefault("language", request.services.settings.accounts.language)
    facts = await _facts(request.actor, stored)
    shown |= facts
    wanted = request.says_yes("include_api_key")
    wanted = wanted or request.services.settings.accounts.include_api_key
    if wanted and await _may_see_key(request.actor, stored):
        shown |= _api_key(request.actor, stored)
    return facts


async def _may_see_key(actor: Actor, stored: Document) -> bool:
    """Whether the caller might read the key by its own path: nowhere else is more told."""
    path = ("accounts", stored["_id"], "api_key")
    return not _is_limited(actor) and await may_read(actor, path, account_of(stored))


async def _facts(actor: Actor, stored: Document) -> Document:
    account = account_of(stored)
    facts = {
        "created": stored["pvt_created"],
        "enabled": account.is_enabled,
        "superduper_admin": account.is_superduper_admin,
        "wnm_allow_additions": stored.get("pvt_wnm_allow_additions", False),
        "is_reseller": account.is_reseller,
        "reseller_id": account.reseller_id,
        "billing_mode": await _billing_mode(actor, account),
    }
    if stored.get("pvt_notification_preference"):
        facts["notification_preference"] = stored["pvt_notification_preference"]
    if account.expires is not None:
        facts["trial_time_left"] = account.expires - actor.services.clock.gregorian()
    return facts


async def _billing_mode(actor: Actor, facts: Account) -> str:
    if actor.caller is not None and actor.caller.account_id == facts.reseller_id:
        return "limits_only"
    reseller = await actor.services.accounts.get(facts.reseller_id)
    return "normal" if reseller is not None and not reseller.tree else "manual"


def _api_key(actor: Actor, stored: Document) -> Document:
    """The key, unless the server's secrets were replaced since it was sealed."""
    api_key = actor.services.credentials.api_key_of(stored)
    return {} if api_key is None else {"api_key": api_key}


def _is_limited(actor: Actor) -> bool:
    """Whether the caller's own credential allows less than the account's key would."""
    return actor.caller is not None and actor.caller.rules is not None


async def read_api_key(request: Request) -> Result:
    """The account's API key, which may do everything; so who may not is not told."""
    if _is_limited(request.actor):
        raise Forbidden(cause="a key that is limited by scopes is not told the account's key")
    return Result(data=_api_key(request.actor, await reading.load(request)))


async def renew_api_key(request: Request) -> Result:
    """A new API key; the old one stops working at once. For admin users only."""
    if not request.require_caller().is_admin_user or _is_limited(request.actor):
        raise Forbidden(cause=ADMIN_USERS_ONLY)
    stored = await reading.load(request)
    document = stored | request.services.credentials.new_api_key()
    change = Change(
        actor=request.actor,
        request=request,
        family=ACCOUNTS,
        key=account_key(request.doc_id),
        document=document,
        current=stored,
    )
    return Result(data=_api_key(request.actor, await writing.commit_private(change)))


def _route(path: str, action: Action, handler: Any, about: str, **more: Any) -> Route:
    return Route(
        path=f"{{account_id}}/{path}".rstrip("/"),
        action=action,
        handler=handler,
        about=about,
        **more,
    )


_power = partial(_route, access=Access.ADMIN)

ACCOUNTS = Collection(
    noun="accounts",
    doc_type=ACCOUNT_TYPE,
    schema="accounts",
    scopes=(Scope.SYSTEM,),
    actions=frozenset({Action.FETCH, Action.REPLACE, Action.PATCH}),
    summary=("name", "realm", FLAGS),
    order=by_name,
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
        Index(name="parent", values=lambda document: tree_of(document)[-1:]),
        Index(name="ancestor", values=tree_of),
        ADDRESSES,
        Index(name="master", values=lambda document: () if tree_of(document) else ("true",)),
        Index(name="api_key", values=lambda document: document.get("pvt_api_key_marks", ())),
        Index(name="perscom_id", values=_number),
    ),
    powers=Powers(fields=("enabled", "name", "realm", "password", "ips", "access_lists")),
    hooks=Hooks(
        normalize=(normalize,),
        check=(check_password,),
        prepare=(prepare,),
        deleting=(remove_belongings,),
        committed=(remove_late_belongings,),
        present=(add_facts,),
    ),
    shown={
        "created": COUNT,
        "enabled": YES_OR_NO,
        "superduper_admin": YES_OR_NO,
        "wnm_allow_additions": YES_OR_NO,
        "is_reseller": YES_OR_NO,
        "reseller_id": TEXT,
        "billing_mode": TEXT,
        "trial_time_left": COUNT,
    },
    routes=(
        Route(
            path="",
            action=Action.CREATE,
            handler=account_tree.create,
            about="Create an account below the caller's",
            access=Access.ADMIN,
            schema="accounts",
            answers=DOCUMENT,
        ),
        _power(
            "",
            Action.CREATE,
            account_tree.create,
            "Create an account below this one",
            schema="accounts",
            answers=DOCUMENT,
        ),
        _power(
            "",
            Action.DELETE,
            account_tree.delete,
            "Delete the account and all it has",
            answers=DOCUMENT,
        ),
        _route(
            "children",
            Action.LIST,
            account_tree.children,
            "List the accounts directly below",
            answers=account_tree.COUNTED_ROWS,
        ),
        _route(
            "descendants",
            Action.LIST,
            account_tree.descendants,
            "List all accounts below",
            answers=Answers(rows(id=TEXT, tree=some(TEXT)), is_paged=True),
        ),
        _route(
            "siblings",
            Action.LIST,
            account_tree.siblings,
            "List the children of the parent account",
            answers=account_tree.COUNTED_ROWS,
        ),
        _route(
            "parents",
            Action.LIST,
            account_tree.parents,
            "List the ancestors that the caller may see",
            answers=account_tree.NAMES,
        ),
        _route(
            "tree",
            Action.LIST,
            account_tree.tree,
            "List the ancestors from the caller's account down",
            answers=account_tree.NAMES,
        ),
        _power("api_key", Action.FETCH, read_api_key, "Read the API key"),
        _power("api_key", Action.CREATE, renew_api_key, "Replace the API key"),
        _power(
            "move",
            Action.REPLACE,
            account_tree.move,
            "Move the account under another parent",
            answers=DOCUMENT,
        ),
        _route(
            "reseller",
            Action.CREATE,
            account_tree.promote,
            "Make the account a reseller",
            access=Access.SUPERDUPER,
            answers=DOCUMENT,
        ),
        _route(
            "reseller",
            Action.DELETE,
            account_tree.demote,
            "Make the account an ordinary one",
            access=Access.SUPERDUPER,
            answers=DOCUMENT,
        ),
    ),
)
