"""Queues: agents are users, who say so themselves; a switch knows the calls."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conftest import NOW, Api
from tests.families.support import (
    ReadySwitch,
    make,
    refusal,
    row,
    set_private_of_user,
    shown,
    stored,
)

GREGORIAN_NOW = NOW + 62_167_219_200


async def agents(api: Api, count: int) -> list[str]:
    """Ids of new users, descending."""
    made = [await make(api, "users") for _ in range(count)]
    return sorted(made, reverse=True)


async def queues_of(api: Api, user_id: str) -> Any:
    return (await stored(api, "user", user_id)).get("queues")


async def test_queues_show_name_and_strategy(api: Api) -> None:
    doc_id = await make(api, "queues", strategy="most_idle")
    assert await row(api, "queues") == {"id": doc_id, "name": "Support", "strategy": "most_idle"}


async def test_a_roster_is_set_exactly_and_written_on_users(api: Api) -> None:
    doc_id, other = await make(api, "queues"), await make(api, "queues", name="Other")
    one, two, three = await agents(api, 3)
    roster = f"{api.account}/queues/{doc_id}/roster"
    await api.post(f"{api.account}/queues/{other}/roster", [one])
    menu = await make(api, "menus")
    answer = (await api.post(roster, [one, two, "nobody", menu])).expect(200)
    assert (answer.data["id"], answer.data["agents"]) == (doc_id, [one, two])
    assert await queues_of(api, one) == [doc_id, other]
    (await api.post(roster, [three, one])).expect(200)
    assert (await api.get(roster)).expect(200).data == [one, three]
    assert await queues_of(api, two) == []
    assert (await shown(api, "queues", doc_id))["agents"] == [one, three]
    assert (await api.delete(roster)).expect(200).data["agents"] == []
    assert await queues_of(api, one) == [other]
    assert await queues_of(api, three) == []


async def test_deleted_users_are_no_agents(api: Api) -> None:
    doc_id = await make(api, "queues")
    one, two = await agents(api, 2)
    roster = f"{api.account}/queues/{doc_id}/roster"
    (await api.delete(f"{api.account}/users/{two}")).expect(200)
    assert (await api.post(roster, [one, two])).expect(200).data["agents"] == [one]
    (await api.delete(f"{api.account}/users/{one}")).expect(200)
    assert (await api.get(roster)).expect(200).data == []


async def test_rosters_that_are_set_at_once_are_set_in_turn(api: Api) -> None:
    doc_id = await make(api, "queues")
    users = await agents(api, 4)
    roster = f"{api.account}/queues/{doc_id}/roster"
    await asyncio.gather(*(api.post(roster, [user]) for user in users))
    assert len((await api.get(roster)).expect(200).data) == 1


@pytest.mark.parametrize("sent", [{}, {"agents": []}, [1], [None]])
async def test_a_roster_is_an_array_of_ids(api: Api, sent: Any) -> None:
    doc_id = await make(api, "queues")
    answer = await api.post(f"{api.account}/queues/{doc_id}/roster", sent)
    assert refusal(answer, "data", "type")["target"] == "array"


async def test_agents_that_are_sent_back_are_not_stored(api: Api) -> None:
    doc_id = await make(api, "queues")
    await api.post(f"{api.account}/queues/{doc_id}/roster", await agents(api, 1))
    queue = await shown(api, "queues", doc_id)
    answer = (await api.post(f"{api.account}/queues/{doc_id}", queue)).expect(200)
    assert "agents" not in answer.data
    assert "agents" not in await stored(api, "queue", doc_id)
    assert await shown(api, "queues", doc_id) == queue


async def test_odd_queues_of_users_are_passed_over(api: Api) -> None:
    doc_id = await make(api, "queues")
    one, two = await agents(api, 2)
    await set_private_of_user(api, one, queues=[5, None, "other"])
    await set_private_of_user(api, two, queues="text")
    await api.post(f"{api.account}/queues/{doc_id}/roster", [one, two])
    assert await queues_of(api, one) == [doc_id, "other"]
    assert await queues_of(api, two) == [doc_id]


async def test_statistics_need_a_switch_and_a_range_that_is_one(api: Api) -> None:
    path = f"{api.account}/queues/stats"
    assert (await api.get(path)).expect(503).body["message"] == "switch_unavailable"
    answer = await api.get(f"{path}?start_range=20&end_range=10")
    assert refusal(answer, "end_range", "maximum")["cause"] == 10


async def test_who_eavesdrops_is_a_device_and_says_how(api: Api) -> None:
    path, menu = f"{api.account}/queues", await make(api, "menus")
    doc_id, device = await make(api, "queues"), await make(api, "devices")
    empty = await api.put(f"{path}/eavesdrop", {})
    refusal(empty, "id", "required")
    refusal(empty, "call_id", "required")
    wrong = await api.put(f"{path}/eavesdrop", {"id": "f" * 32, "call_id": "c", "mode": "shout"})
    refusal(wrong, "id", "not_found")
    assert refusal(wrong, "mode", "enum")["target"] == ["listen", "whisper", "full"]
    refusal(await api.put(f"{path}/{doc_id}/eavesdrop", {"id": menu}), "id", "type")
    sent = {"id": device}
    (await api.put(f"{path}/{doc_id}/eavesdrop", sent)).expect(503)
    (await api.delete(f"{api.account}/devices/{device}")).expect(200)
    refusal(await api.put(f"{path}/{doc_id}/eavesdrop", sent), "id", "not_found")


class TestASwitchThatAnswers:
    @pytest.fixture
    def switch(self) -> ReadySwitch:
        return ReadySwitch()

    async def test_its_statistics_are_shown(self, api: Api, switch: ReadySwitch) -> None:
        path = f"{api.account}/queues/stats"
        switch.answers = [{"stats": [{"id": "c", "status": "waiting"}]}]
        report = (await api.get(f"{path}?status=waiting")).expect(200).data
        assert report == {
            "current_timestamp": GREGORIAN_NOW,
            "stats": [{"id": "c", "status": "waiting"}],
        }
        assert switch.asked[-1].data == {
            "start_range": GREGORIAN_NOW - 86400,
            "end_range": GREGORIAN_NOW,
            "status": "waiting",
        }
        for accept in ("text/csv", "application/octet-stream"):
            table = await api.get(path, headers={"Accept": accept})
            assert table.expect(200).content == b"ID,status\r\nc,waiting\r\n"

    async def test_it_is_told_who_eavesdrops(self, api: Api, switch: ReadySwitch) -> None:
        path, doc_id = f"{api.account}/queues", await make(api, "queues")
        sent = {"id": await make(api, "devices")}
        switch.answers = [{"status": "ok"}]
        answer = (await api.put(f"{path}/{doc_id}/eavesdrop", sent)).expect(201)
        request_id = answer.body["request_id"]
        assert answer.data == {"status": "ok", "eavesdrop_request_id": request_id}
        (await api.put(f"{path}/eavesdrop", {**sent, "call_id": "c", "timeout": 5})).expect(201)
        first, second = (command.data for command in switch.asked)
        assert (first["queue_id"], first["mode"], first["timeout"]) == (doc_id, "listen", 20)
        assert (second["call_id"], second["timeout"]) == ("c", 5)
