"""Who may do what: the account tree, and token restrictions rule by rule (docs/protocol.md §6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from crossbar.app import REGISTRY
from crossbar.core.access.rules import (
    WORDS,
    account_in_path,
    matches,
    require_access,
    require_unrestricted,
)
from crossbar.core.directory import Account, AccountDirectory, account_key, account_of
from crossbar.core.registry import Operation
from crossbar.core.requests import Action, Caller
from crossbar.core.shapes import Access
from crossbar.documents import Document
from crossbar.errors import Forbidden, InvalidCredentials, NoSuchDocument, NotFound
from crossbar.storage import Batch, Key, Put
from crossbar.storage.sqlite import SQLiteStore

ROOT, ABOVE, OWN, BELOW, OTHER = ("0" * 32, "a" * 32, "b" * 32, "c" * 32, "d" * 32)
TREES = {
    ROOT: [],
    ABOVE: [ROOT],
    OWN: [ROOT, ABOVE],
    BELOW: [ROOT, ABOVE, OWN],
    OTHER: [ROOT, ABOVE],
}


def account(account_id: str) -> Account:
    return account_of({"_id": account_id, "pvt_tree": TREES[account_id]})


def caller(account_id: str = OWN, **more: Any) -> Caller:
    facts = {"method": "cb_user_auth", "priv_level": "user", **more}
    return Caller(account_id=account_id, **facts)


def operation(path: str, action: Action = Action.LIST) -> tuple[Operation, list[str]]:
    """An operation, and the tokens of the path that it was found by."""
    tokens = path.split("/")
    operations, _ = REGISTRY.match(tokens)
    return operations.get(action) or next(iter(operations.values())), tokens


USERS, _ = operation(f"accounts/{OWN}/users")


@pytest.mark.parametrize("target", [OWN, BELOW])
def test_an_account_and_its_descendants_are_open_to_it(target: str) -> None:
    require_access(USERS, caller(), account(target))


@pytest.mark.parametrize("target", [ROOT, ABOVE, OTHER])
def test_parents_and_siblings_are_not(target: str) -> None:
    with pytest.raises(Forbidden):
        require_access(USERS, caller(), account(target))


@pytest.mark.parametrize("target", list(TREES))
def test_operators_may_enter_every_account(target: str) -> None:
    require_access(USERS, caller(OTHER, is_superduper_admin=True), account(target))


def test_nobody_may_use_what_is_public_and_nothing_else() -> None:
    login, _ = operation("user_auth", Action.CREATE)
    require_access(login, None, None)
    for path in ("token_auth", f"accounts/{OWN}/users", "about"):
        with pytest.raises(InvalidCredentials):
            require_access(operation(path)[0], None, account(OWN))


def test_what_is_for_operators_is_for_them_only() -> None:
    about, _ = operation("about")
    require_access(about, caller(is_superduper_admin=True, priv_level="admin"), None)
    for other in (caller(), caller(priv_level="admin"), caller(is_superduper_admin=True)):
        with pytest.raises(Forbidden):
            require_access(about, other, None)


@pytest.mark.parametrize("target", [OWN, BELOW])
def test_what_gives_power_is_for_administrators_of_the_account_or_an_ancestor(target: str) -> None:
    key, _ = operation(f"accounts/{OWN}/api_key", Action.FETCH)
    require_access(key, caller(priv_level="admin"), account(target))
    require_access(key, caller(has_all_powers=True), account(target))
    for other in (caller(), caller(is_superduper_admin=True), caller(BELOW, priv_level="admin")):
        with pytest.raises(Forbidden):
            require_access(key, other, account(OWN))


CUSTOMER = "f" * 32


def resold(account_id: str, reseller_id: str) -> Account:
    return account_of(
        {"_id": account_id, "pvt_tree": [ROOT, ABOVE, OWN], "pvt_reseller_id": reseller_id}
    )


@pytest.mark.parametrize(
    ("who", "allowed"), [(ABOVE, True), (OWN, True), (CUSTOMER, False), (OTHER, False)]
)
def test_what_sellers_decide_is_for_the_reseller_and_those_above(who: str, allowed: bool) -> None:
    limits = replace(USERS, access=Access.RESELLER)
    administrator = caller(who, priv_level="admin")
    with nullcontext() if allowed else pytest.raises(Forbidden):
        require_access(limits, administrator, resold(CUSTOMER, OWN))
    for powerless in (caller(who), caller(who, is_superduper_admin=True)):
        with pytest.raises(Forbidden):
            require_access(limits, powerless, resold(CUSTOMER, OWN))


def test_an_account_between_the_reseller_and_its_customer_decides_nothing() -> None:
    limits = replace(USERS, access=Access.RESELLER)
    with pytest.raises(Forbidden):
        require_access(limits, caller(OWN, priv_level="admin"), resold(CUSTOMER, ABOVE))
    operator = caller(OTHER, priv_level="admin", is_superduper_admin=True)
    require_access(limits, operator, resold(CUSTOMER, ABOVE))
    for nowhere in (resold(CUSTOMER, OTHER), None):  # its reseller is not above it; no account
        with pytest.raises(Forbidden):
            require_access(limits, caller(OWN, priv_level="admin"), nowhere)


def test_what_is_about_oneself_needs_no_administrator() -> None:
    reset, _ = operation(f"accounts/{OWN}/users/ann/auth", Action.CREATE)
    ann = caller(user_id="ann")
    require_access(reset, ann, account(OWN), {"user_id": "ann"})
    require_access(reset, caller(priv_level="admin"), account(OWN), {"user_id": "bob"})
    for user in (ann, caller()):
        with pytest.raises(Forbidden):
            require_access(reset, user, account(OWN), {"user_id": "bob"})


def test_any_token_opens_what_asks_for_one_but_no_foreign_account() -> None:
    require_access(operation("token_auth")[0], caller(), None)
    with pytest.raises(Forbidden):
        require_access(operation("token_auth")[0], caller(), account(OTHER))


def test_an_account_rule_without_an_account_admits_nobody() -> None:
    with pytest.raises(Forbidden):
        require_access(USERS, caller(), None)


# Restrictions


class Restricted(AccountDirectory):
    """A directory in which every account has the same restrictions."""

    def __init__(self, rules: Document) -> None:
        super().__init__(SQLiteStore(":memory:"))
        self.rules = rules

    async def restrictions(self, account_id: str) -> Document:
        return self.rules


async def allows(
    rules: Document,
    path: str = f"accounts/{OWN}/users",
    verb: str = "GET",
    who: Caller | None = None,
    target: str | None = OWN,
) -> bool:
    """Whether restrictions allow a request."""
    asked, tokens = operation(path)
    at = account(target) if target else None
    who = who or caller()
    try:
        action = next(action for action, word in WORDS.items() if word == verb)
        await require_unrestricted(Restricted(rules), asked, who, at, tokens, action)
    except Forbidden:
        return False
    return True


def everywhere(rules: Any) -> Document:
    return {"_": {"_": {"_": rules}}}


ALL = [{"rules": {"#": ["_"]}}]
NONE: list[Any] = []


async def test_without_restrictions_everything_is_allowed() -> None:
    assert await allows({})


async def test_operators_and_public_paths_are_never_restricted() -> None:
    nothing = everywhere(NONE)
    assert not await allows(nothing)
    operator = caller(is_superduper_admin=True, priv_level="admin")
    assert await allows(nothing, who=operator)
    assert not await allows(nothing, who=caller(is_superduper_admin=True))
    assert await allows(nothing, "schemas", target=None)
    asked, tokens = operation("schemas")
    await require_unrestricted(Restricted(nothing), asked, None, None, tokens)


OWN_RULES = {"users": [{"rules": {"#": ["GET"]}}]}
"""Rules that a credential carries."""


@pytest.mark.parametrize("is_operator", [False, True])
async def test_a_credentials_own_rules_bind_everybody(is_operator: bool) -> None:
    who = caller(rules=OWN_RULES, is_superduper_admin=is_operator)
    assert await allows({}, who=who)
    assert not await allows({}, verb="PUT", who=who)
    assert not await allows({}, f"accounts/{OWN}/devices", who=who)
    assert not await allows({}, who=caller(rules={}, is_superduper_admin=is_operator))


async def test_a_credentials_own_rules_add_to_the_accounts() -> None:
    who = caller(rules=OWN_RULES)
    assert await allows(everywhere(ALL), who=who)
    assert not await allows(everywhere(ALL), verb="PUT", who=who)
    assert not await allows(everywhere(NONE), who=who)


async def test_a_credentials_own_rules_leave_public_paths_public() -> None:
    assert await allows({}, "schemas", who=caller(rules={}), target=None)


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        ({"cb_user_auth": ALL, "_": NONE}, True),
        ({"cb_user_auth": NONE, "_": ALL}, False),
        ({"cb_api_auth": NONE, "_": ALL}, True),
        ({"cb_api_auth": ALL, "_": NONE}, False),
        ({"cb_api_auth": NONE}, True),
    ],
)
async def test_the_method_decides_first_and_else_the_fallback(
    methods: dict[str, Any], expected: bool
) -> None:
    rules = {method: {"_": {"_": listed}} for method, listed in methods.items()}
    assert await allows(rules) is expected


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ({"user": ALL, "_": NONE}, True),
        ({"user": NONE, "_": ALL}, False),
        ({"admin": NONE, "_": ALL}, True),
        ({"admin": ALL, "_": NONE}, False),
        ({"admin": NONE}, True),
        ({}, True),
    ],
)
async def test_the_privilege_decides_next_and_else_the_fallback(
    levels: dict[str, Any], expected: bool
) -> None:
    rules = {"_": {level: {"_": listed} for level, listed in levels.items()}}
    assert await allows(rules) is expected


@pytest.mark.parametrize(
    ("nouns", "expected"),
    [
        ({"users": ALL, "_": NONE}, True),
        ({"users": NONE, "_": ALL}, False),
        ({"devices": NONE, "_": ALL}, True),
        ({"devices": ALL, "_": NONE}, False),
        ({"devices": ALL}, False),
        ({}, False),
    ],
)
async def test_the_last_noun_decides_next_and_without_any_nothing_is_allowed(
    nouns: dict[str, Any], expected: bool
) -> None:
    assert await allows({"_": {"_": nouns}}) is expected


async def test_the_last_noun_is_the_one_that_handles_the_request() -> None:
    rules = {"_": {"_": {"devices": [{"rules": {"/": ["GET"]}}]}}}
    assert await allows(rules, f"accounts/{OWN}/users/u/devices")
    assert not await allows(rules, f"accounts/{OWN}/users")


@pytest.mark.parametrize(
    ("allowed", "own", "below"),
    [
        (None, True, True),
        (["_"], True, True),
        (["_", "x"], True, True),
        ([], False, False),
        (["x"], False, False),
        ([OWN], True, False),
        ([BELOW], False, True),
        (["{AUTH_ACCOUNT_ID}"], True, False),
        (["{DESCENDANT_ACCOUNT_ID}"], False, True),
        (["{AUTH_ACCOUNT_ID}", "{DESCENDANT_ACCOUNT_ID}"], True, True),
    ],
)
async def test_accounts_are_named_by_id_or_by_where_they_are(
    allowed: list[str] | None, own: bool, below: bool
) -> None:
    rule: Document = {"rules": {"#": ["_"]}}
    rules = everywhere([rule if allowed is None else rule | {"allowed_accounts": allowed}])
    assert await allows(rules) is own
    assert await allows(rules, f"accounts/{BELOW}/users", target=BELOW) is below


@pytest.mark.parametrize(
    ("allowed", "expected"), [(["_"], True), (["{AUTH_ACCOUNT_ID}"], False), ([OWN], False)]
)
async def test_a_request_without_an_account_is_in_none(allowed: list[str], expected: bool) -> None:
    rules = everywhere([{"allowed_accounts": allowed, "rules": {"#": ["_"]}}])
    assert await allows(rules, "token_auth", target=None) is expected


async def test_the_first_rule_for_the_account_decides_alone() -> None:
    first = {"allowed_accounts": [OWN], "rules": {"/": ["GET"]}}
    assert not await allows(everywhere([first, *ALL]), verb="PUT")
    assert await allows(everywhere([{**first, "allowed_accounts": [BELOW]}, *ALL]), verb="PUT")


async def test_the_first_pattern_that_covers_the_path_decides_alone() -> None:
    path = f"accounts/{OWN}/users/u"
    assert not await allows(everywhere([{"rules": {"*": ["GET"], "#": ["_"]}}]), path, "PUT")
    assert await allows(everywhere([{"rules": {"/": ["GET"], "#": ["_"]}}]), path, "PUT")


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"#": ["GET"]}, True),
        ({"#": ["_"]}, True),
        ({"#": ["PUT"]}, False),
        ({"#": []}, False),
        ({"*": ["_"]}, False),
        ({}, False),
        ({"#": 5}, False),
        ({"#": None}, False),
    ],
)
async def test_a_verb_must_be_listed(rules: Document, expected: bool) -> None:
    assert await allows(everywhere([{"rules": rules}])) is expected


async def test_a_rule_without_patterns_allows_nothing() -> None:
    assert not await allows(everywhere([{}]))


@pytest.mark.parametrize(
    ("pattern", "covered", "not_covered"),
    [
        ("/", [""], ["a", "a/b"]),
        ("*", ["a", "b"], ["", "a/b"]),
        ("#", ["", "a", "a/b/c"], []),
        ("a", ["a"], ["", "b", "a/b"]),
        ("/a/", ["a"], ["b"]),
        ("*/quickcall/*", ["d/quickcall/1"], ["d/quickcall", "d/sync/1", "d/quickcall/1/2"]),
        ("a/#", ["a", "a/b", "a/b/c"], ["", "b/a"]),
        ("#/a", ["a", "b/a", "b/c/a"], ["", "a/b"]),
        ("#/a/#", ["a", "b/a", "a/b", "b/a/c"], ["", "b"]),
        ("*/#", ["a", "a/b"], [""]),
        ("#/*", ["a", "a/b"], [""]),
        ("#/#", ["", "a", "a/b"], []),
    ],
)
def test_patterns_cover_paths(pattern: str, covered: list[str], not_covered: list[str]) -> None:
    def covers(path: str) -> bool:
        parts = [part for part in pattern.split("/") if part]
        return matches(parts, path.split("/") if path else [])

    assert all(covers(path) for path in covered)
    assert not any(covers(path) for path in not_covered)


# The account of a path


@pytest.fixture
async def accounts() -> AsyncIterator[AccountDirectory]:
    store = SQLiteStore(":memory:")
    await store.open()
    document = {"_id": OWN, "_rev": "1-x", "name": "Own"}
    await store.commit(Batch(puts=[Put(account_key(OWN), document, None)]))
    key = Key(OWN, "token_restrictions", "token_restrictions")
    empty = {"_id": key.doc_id, "_rev": "1-x", "restrictions": None}
    await store.commit(Batch(puts=[Put(key, empty, None)]))
    yield AccountDirectory(store)
    await store.close()


async def test_the_account_of_a_path_must_be_there(accounts: AccountDirectory) -> None:
    assert await account_in_path(accounts, {}) is None
    found = await account_in_path(accounts, {"account_id": OWN})
    assert found is not None
    assert found.name == "Own"
    with pytest.raises(NoSuchDocument) as unknown:
        await account_in_path(accounts, {"account_id": OWN.upper()})
    assert unknown.value.data == {"message": "bad identifier", "cause": OWN.upper()}
    with pytest.raises(NotFound) as malformed:
        await account_in_path(accounts, {"account_id": "xyz"})
    assert malformed.value.code == "bad identifier"
    assert malformed.value.data == {"message": "invalid account_id 'xyz'"}


async def test_restrictions_that_are_null_restrict_nothing(accounts: AccountDirectory) -> None:
    assert await accounts.restrictions(OWN) == {}
    assert await accounts.restrictions(OTHER) == {}
