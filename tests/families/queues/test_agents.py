"""Agents: users with queues, and what a switch says that they do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api
from tests.families.support import ANN, ReadySwitch, make, refusal, shown, told


async def test_users_with_queues_are_agents(api: Api) -> None:
    await make(api, "users", first_name="No", last_name="Body")
    doc_id = await make(api, "users", queues=["q"])
    gone = await make(api, "users", queues=["q"])
    (await api.delete(f"{api.account}/users/{gone}")).expect(200)
    assert (await api.get(f"{api.account}/agents")).expect(200).data == [
        {"id": doc_id, "first_name": "Ann", "last_name": "Lee", "queues": ["q"]}
    ]


async def test_an_agent_is_read_as_the_user_without_secrets(api: Api) -> None:
    doc_id = await make(api, "users", **ANN)
    answer = (await api.get(f"{api.account}/agents/{doc_id}")).expect(200)
    assert answer.data == await shown(api, "users", doc_id)
    assert not any(name.startswith(("pvt_", "_")) for name in answer.data)


async def test_agents_log_in_to_queues_and_out(api: Api) -> None:
    doc_id = await make(api, "users", queues=["first"])
    path = f"{api.account}/agents/{doc_id}/queue_status"
    for _ in range(2):
        answer = await api.post(path, {"action": "login", "queue_id": "second"})
        assert answer.expect(200).data == ["second", "first"]
    assert (await shown(api, "users", doc_id))["queues"] == ["second", "first"]
    (await api.post(path, {"action": "logout", "queue_id": "first"})).expect(200)
    assert (await api.get(path)).expect(200).data == ["second"]
    refusal(await api.post(path, {"action": "leave"}), "action", "enum")
    refusal(await api.post(path, {"action": "login"}), "queue_id", "required")
    unknown = f"{api.account}/agents/{'f' * 32}/queue_status"
    (await api.post(unknown, {})).expect(404)


@pytest.mark.parametrize("by_status", [False, True])
async def test_a_change_of_status_is_passed_on(api: Api, by_status: bool) -> None:
    doc_id = await make(api, "users")
    tail = f"status/{doc_id}" if by_status else f"{doc_id}/status"
    path = f"{api.account}/agents/{tail}"
    sent = {"status": "pause", "timeout": 0, "presence_id": "1", "more": 1}
    assert (await api.post(path, sent)).expect(200).data == "status update sent"
    (command,) = told(api, "agents.set_status")
    del sent["more"]
    assert command == ("agents.set_status", api.master.account_id, {**sent, "agent_id": doc_id})
    refusal(await api.post(path, {}), "status", "required")
    wrong = refusal(await api.post(path, {"status": "sleep"}), "status", "enum")
    assert wrong == {"message": "value is not a valid status", "cause": "sleep"}
    refusal(await api.post(path, {"status": {}}), "status", "enum")
    for timeout, rule in ((None, "type"), ("5", "type"), (True, "type"), (-1, "minimum")):
        answer = await api.post(path, {"status": "pause", "timeout": timeout})
        refusal(answer, "timeout", rule)
    for status in ("login", "logout", "resume", "end_wrapup"):
        (await api.post(path, {"status": status})).expect(200)


ENTRIES: list[dict[str, Any]] = [
    {"agent_id": "a", "timestamp": 1, "status": "ready", "call_id": "", "secret": 1},
    {"agent_id": "a", "timestamp": 2, "status": "paused", "pause_time": 5},
    {"agent_id": "b", "timestamp": 1, "status": "ready", "queue_id": None},
]


async def test_nobody_knows_what_agents_do_without_a_switch(api: Api) -> None:
    doc_id = await make(api, "users")
    path = f"{api.account}/agents"
    assert (await api.get(f"{path}/status")).expect(200).data == {}
    for one in (f"{path}/{doc_id}/status", f"{path}/status/{doc_id}"):
        assert (await api.get(one)).expect(200).data == "unknown"
        assert (await api.get(f"{one}?recent=true")).expect(200).data == {}
        (await api.get(f"{one}?full=true")).expect(503)
    (await api.get(f"{path}/stats")).expect(503)
    refusal(await api.get(f"{path}/stats?start_range=2&end_range=1"), "end_range", "maximum")


class TestASwitchThatReports:
    @pytest.fixture
    def switch(self) -> ReadySwitch:
        return ReadySwitch(*ENTRIES)

    async def test_what_a_switch_reports_is_shown(self, api: Api, switch: ReadySwitch) -> None:
        doc_id = await make(api, "users")
        path = f"{api.account}/agents"
        ready = {"agent_id": "a", "timestamp": 1, "status": "ready"}
        paused = {"agent_id": "a", "timestamp": 2, "status": "paused", "pause_time": 5}
        answer = (await api.get(f"{path}/status?limit=3&status=ready")).expect(200)
        assert answer.data == {
            "a": {"1": ready, "2": paused},
            "b": {"1": ready | {"agent_id": "b"}},
        }
        assert switch.asked[-1].data == {"limit": "3", "status": "ready"}
        one = f"{path}/{doc_id}/status"
        assert (await api.get(one)).expect(200).data == "paused"
        assert (await api.get(f"{one}?full=true")).expect(200).data == ready
        assert (await api.get(f"{one}?recent=true")).expect(200).data.keys() == {"1", "2"}
        assert switch.asked[-1].data == {"agent_id": doc_id}
        (await api.get(f"{path}/stats?agent_id=x")).expect(200)
        assert switch.asked[-1].data["agent_id"] == "x"

    async def test_at_length_the_calls_of_agents_are_those_of_queues(
        self, api: Api, switch: ReadySwitch
    ) -> None:
        calls = [{"id": "1", "agent_id": "a"}, {"id": "2", "agent_id": "b"}]
        switch.answers = [{"stats": calls}]
        path = f"{api.account}/agents/stats?format=verbose&agent_id=a"
        assert (await api.get(path)).expect(200).data["stats"] == calls
        assert switch.asked[-1].name == "queues.stats"
        assert switch.asked[-1].data["agent_id"] == "a"
        table = (await api.get(path, headers={"Accept": "text/csv"})).expect(200)
        assert table.content.decode().splitlines() == ["ID,agent_id", "1,a", "2,b"]
