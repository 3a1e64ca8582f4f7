"""What contract tests share: the stores they run on, a tree of accounts, tokens of every kind."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.conftest import Api

STORES = ("sqlite", "mongodb")
"""The stores that the contract holds on: parameters of the fixture ``storage_url``."""

on_every_store = pytest.mark.parametrize("storage_url", STORES, indirect=True)
"""The mark of every module here."""

on_any_store = [on_every_store, pytest.mark.any_store]
"""Marks of a module about what happens before a store is asked: paths, envelopes, headers, media
types, schemas. Single tests of it that do reach into the store are marked ``each_store``."""


@dataclass(frozen=True)
class Tree:
    """Accounts below the master account, by id, and an API token of each.

    ``child`` and ``sibling`` are below ``parent``; ``stranger`` is beside ``parent``.
    """

    parent: str
    child: str
    sibling: str
    stranger: str
    tokens: dict[str, str]


@pytest.fixture
async def tree(api: Api) -> Tree:
    """Four accounts: a parent, its two children, and a stranger."""
    parent = await api.create_account("Parent")
    ids = {
        "parent": parent,
        "child": await api.create_account("Child", parent),
        "sibling": await api.create_account("Sibling", parent),
        "stranger": await api.create_account("Stranger"),
    }
    tokens = {name: await api.account_token(account_id) for name, account_id in ids.items()}
    return Tree(**ids, tokens=tokens)
