"""Conferences: one namespace of numbers, and rooms in which nobody is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api
from tests.families.support import make, refusal, row, shown


@pytest.mark.parametrize(
    "numbers",
    [
        {"conference_numbers": ["1"]},
        {"member": {"numbers": ["1"]}},
        {"moderator": {"numbers": ["2", "1"]}},
    ],
)
async def test_the_three_kinds_of_conference_numbers_are_one_namespace(
    api: Api, numbers: Any
) -> None:
    await make(api, "conferences", member={"numbers": ["1"]}, conference_numbers=["1"])
    clash = await api.put(f"{api.account}/conferences", {"name": "Second", **numbers})
    assert refusal(clash, "numbers", "unique") == {
        "message": "Numbers already in use",
        "cause": "1",
    }


async def test_all_numbers_that_are_in_use_are_named(api: Api) -> None:
    await make(api, "conferences", member={"numbers": ["1", "3"]})
    await make(api, "conferences", conference_numbers=["2"])
    second = {"name": "Second", "conference_numbers": ["3", "4"], "member": {"numbers": ["2"]}}
    for wrong in ({}, {"owner_id": "short"}):
        clash = await api.put(f"{api.account}/conferences", {**second, **wrong})
        assert refusal(clash, "numbers", "unique")["cause"] == "3, 2"


async def test_a_clash_is_reported_beside_numbers_that_are_no_lists(api: Api) -> None:
    await make(api, "conferences", conference_numbers=["1"])
    wrong = {"name": 5, "conference_numbers": ["1"], "member": {"numbers": 5}}
    answer = await api.put(f"{api.account}/conferences", wrong)
    refusal(answer, "numbers", "unique")
    refusal(answer, "member.numbers", "type")


async def test_a_room_is_shown_as_empty(api: Api) -> None:
    doc_id = await make(api, "conferences", conference_numbers=["1"])
    idle = {"members": 0, "moderators": 0, "duration": 0, "is_locked": False}
    listed = await row(api, "conferences")
    assert listed["_read_only"] == idle
    assert listed["conference_numbers"] == ["1"]
    assert listed["member"] == {"join_deaf": False, "join_muted": True, "numbers": [], "pins": []}
    conference = await shown(api, "conferences", doc_id)
    assert conference["_read_only"] == {**idle, "participants": []}
    resent = (await api.post(f"{api.account}/conferences/{doc_id}", conference)).expect(200).data
    assert "_read_only" not in resent
