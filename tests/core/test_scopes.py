"""Scopes: computed from the operations, compiled to restrictions."""

from __future__ import annotations

import asyncio

import pytest

from crossbar.app import KEYS, REGISTRY
from crossbar.core.access.rules import require_unrestricted
from crossbar.core.access.scopes import VERB_OF as SCOPE_VERB_OF
from crossbar.core.access.scopes import Scopes
from crossbar.core.directory import AccountDirectory
from crossbar.core.requests import Action, Caller
from crossbar.core.shapes import Access
from crossbar.errors import Forbidden
from crossbar.storage.sqlite import SQLiteStore
from tests.each import for_each

V2 = KEYS["v2"].scopes
TYPES = {each.family.noun: each.doc_type for each in REGISTRY.operations() if each.doc_type}
PROTECTED = [each for each in REGISTRY.operations() if each.access is not Access.PUBLIC]


def test_a_scope_is_a_verb_and_the_type_of_a_document() -> None:
    names = V2.names()
    assert names[0] == "*"
    assert names[1:] == sorted(set(names[1:]))
    assert {"view:user", "create:user", "update:user", "delete:user"} <= set(names)
    assert {"view:account", "update:account", "create:click2call"} <= set(names)


def test_families_without_documents_give_their_own_noun() -> None:
    assert {"view:presence", "create:auth", "delete:token_auth"} <= set(V2.names())


def test_what_is_public_needs_no_scope() -> None:
    assert "create:user_auth" not in V2.names()
    assert "create:api_auth" not in V2.names()
    assert "view:user_auth" in V2.names()


def test_a_dialect_without_operations_has_all_or_nothing() -> None:
    assert Scopes({}).names() == ["*"]
    assert Scopes({}).rules(["*"]) is None
    assert Scopes({}).rules(["view:user"]) == {}


def test_everything_is_no_restriction() -> None:
    assert V2.rules(["view:user", "*"]) is None


def test_scopes_become_restrictions_by_noun() -> None:
    assert V2.rules(["view:user", "update:user", "create:device"]) == {
        "users": [{"rules": {"#": ["GET", "POST", "PATCH"]}}],
        "devices": [{"rules": {"#": ["PUT"]}}],
    }


def test_unknown_scopes_allow_nothing() -> None:
    assert V2.rules(["view:unicorn", "view", "", "manage:user"]) == {}


@for_each(V2.names()[1:])
def test_a_scope_opens_its_operations_and_no_others(scope: str) -> None:
    asyncio.run(opens_its_operations(scope))


async def opens_its_operations(scope: str) -> None:
    verb, _, noun = scope.partition(":")
    caller = Caller(account_id="a" * 32, method="m", priv_level="admin", rules=V2.rules([scope]))
    # No account has restrictions, so that the store is never asked for any.
    accounts = AccountDirectory(SQLiteStore("unused.db"))
    accounts._restrictions[caller.account_id] = {}
    opened = 0
    for operation in PROTECTED:
        wanted = (SCOPE_VERB_OF[operation.action], TYPES.get(operation.noun, operation.noun))
        if wanted == (verb, noun):
            opened += 1
            await require_unrestricted(accounts, operation, caller, None, operation.path)
        else:
            with pytest.raises(Forbidden):
                await require_unrestricted(accounts, operation, caller, None, operation.path)
    assert opened


def test_every_action_has_a_verb() -> None:
    assert SCOPE_VERB_OF.keys() == set(Action)
