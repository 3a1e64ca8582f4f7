"""What a sub-object may add to the rules of its schema."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from crossbar.core import subobjects
from crossbar.core.actions import Context
from crossbar.core.registry import Registry
from crossbar.core.subobjects import SubObject
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.families.accounts import ACCOUNTS
from crossbar.validation import Refusals, Schemas


async def test_its_own_refusals_are_named_beside_those_of_the_schema() -> None:
    def check(_: Context, value: Document, refusals: Refusals) -> None:
        refusals.add("cidrs", "invalid", f"not {value['cidrs']}")

    lists = SubObject(noun="access_lists", schema="access_lists", check=check)
    services = SimpleNamespace(schemas=Schemas())
    context = SimpleNamespace(services=services, data={"cidrs": ["moon"], "order": "none"})
    with pytest.raises(ValidationFailed) as refused:
        await lists.replace(cast(Context, context))
    assert {path: list(rules) for path, rules in refused.value.fields.items()} == {
        "cidrs": ["invalid"],
        "order": ["enum"],
    }


async def test_nobody_needs_to_be_told_of_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    async def amend(*_: object) -> Document:
        return {"_rev": "2-0"}

    monkeypatch.setattr(subobjects, "amend", amend)
    lists = SubObject(noun="access_lists", schema="access_lists")
    services = SimpleNamespace(registry=Registry((ACCOUNTS,)))
    operation = SimpleNamespace(parents=())
    context = SimpleNamespace(services=services, operation=operation, account_id="a" * 32)
    result = await lists.remove(cast(Context, context))
    assert (result.data, result.revision) == ({}, "2-0")
