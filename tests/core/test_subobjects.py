"""Sub-objects beside their families."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from crossbar.core import subobjects
from crossbar.core.registry import Registry
from crossbar.core.requests import Request
from crossbar.core.subobjects import SubObject
from crossbar.documents import Document
from crossbar.families.accounts.accounts import ACCOUNTS


async def test_nobody_needs_to_be_told_of_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    async def amend(*_: object) -> Document:
        return {"_rev": "2-0"}

    monkeypatch.setattr(subobjects, "amend", amend)
    lists = SubObject(noun="access_lists", schema="access_lists")
    services = SimpleNamespace(registry=Registry((ACCOUNTS,)))
    operation = SimpleNamespace(parent=None)
    actor = SimpleNamespace(services=services)
    request = SimpleNamespace(actor=actor, operation=operation, account_id="a" * 32)
    result = await lists.remove(cast(Request, request))
    assert (result.data, result.revision) == ({}, "2-0")
