"""Values that a field is not made for: refused, or kept and read again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crossbar.core.shapes import Collection
from tests.conftest import Api
from tests.contract.kit import COLLECTIONS, document

ODD: tuple[Any, ...] = (
    None,
    "x",
    "",
    5,
    -1.5,
    True,
    [],
    [None],
    [[]],
    {},
    {"a": None},
    {"x": {"enabled": 1}},
)
NAMES = (
    *("smartpbx", "features", "flags", "metadata", "users", "messages", "mobile", "service"),
    *("call_recording", "ui_flags", "ui_metadata", "member", "endpoints", "directories"),
    *("call_forward", "provision", "sip", "id", "caller_id", "order", "owner_id", "realm"),
    *("credentials", "sync", "enabled", "language", "timezone", "numbers", "flow", "a.b", "$a"),
)


STORED_ALIKE = ("callflows", "devices", "lists")
"""Families that are tried on MongoDB too: what a family makes of a value is the same on any store,
and these have all that a store is handed: entries, claims, rows of lists."""

NOT_RUN = {"functions": {"language_pack": "lua"}}
"""What would be judged by a process of its own, 350 times the same, is something else here."""

TRIED = [
    *((family, "sqlite") for family in COLLECTIONS),
    *((family, "mongodb") for family in COLLECTIONS if family.noun in STORED_ALIKE),
]


@pytest.mark.parametrize(
    ("family", "storage_url"),
    TRIED,
    ids=[f"{family.noun}-{store}" for family, store in TRIED],
    indirect=["storage_url"],
)
@pytest.mark.thorough
async def test_odd_values_of_any_field_spoil_neither_write_nor_list(
    api: Api, family: Collection
) -> None:
    path, failures = f"{api.account}/{family.noun}", []
    made = NOT_RUN.get(family.noun, {})
    for at, name in enumerate(NAMES):
        sent = [
            {**document(family, at * len(ODD) + number), **made, name: value}
            for number, value in enumerate(ODD)
        ]
        created = await asyncio.gather(*(api.put(path, one) for one in sent))
        read = [
            await api.get(f"{path}/{answer.data['id']}")
            for answer in created
            if answer.status == 201
        ]
        wrong = [answer for answer in created if answer.status not in (201, 400)]
        wrong += [answer for answer in (*read, await api.get(path)) if answer.status != 200]
        failures += [f"{name}: {answer.status} {answer.content[:200]!r}" for answer in wrong]
    assert failures == []
