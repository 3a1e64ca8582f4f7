"""What callers hear in between, and what lamps and servers are told of queues."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from crossbar.switch.acd.announcing import wait_name
from crossbar.switch.executor import Prompt, Recorded, Say
from tests.switch.acd.support import Hall, hall, settle


@pytest.fixture
async def room() -> AsyncIterator[Hall]:
    async with hall() as opened:
        yield opened


def said(voice: Any) -> list[list[str]]:
    """What was announced to a caller, in words."""
    names = {Prompt: "name", Say: "text", Recorded: "media_id"}
    return [
        [str(getattr(sound, names[type(sound)])) for sound in each]
        for each in voice.heard
        if isinstance(each, tuple) and isinstance(each[0], Prompt | Say | Recorded)
    ]


async def test_callers_are_told_their_position_from_time_to_time(room: Hall) -> None:
    told = {"position_announcements_enabled": True, "interval": 20}
    first = await room.caller("c1", {"announcements": told})
    second = await room.caller("c2", {"announcements": told})
    await room.pass_time(19)
    assert said(first) == []
    await room.pass_time(1)
    words = ["queue-you_are_at_position", "1", "queue-in_the_queue"]
    assert said(first) == [words]
    assert said(second) == [[words[0], "2", words[2]]]
    first.hang_up()
    await settle()
    await room.pass_time(20)
    assert said(second)[-1] == words


async def test_callers_are_told_how_long_it_takes_and_that_it_takes_longer(room: Hall) -> None:
    waits = iter([30, 200, 100])

    async def average() -> int:
        return next(waits)

    told = {
        "wait_time_announcements_enabled": True,
        "media": {"the_estimated_wait_time_is": "own"},
    }
    voice = await room.caller("c1", {"announcements": told}, average_wait=average)
    for _ in range(3):
        await room.pass_time(30)
    assert said(voice) == [
        ["own", "queue-less_than_1_minute"],
        ["queue-increase_in_call_volume", "own", "queue-about_5_minutes"],
        ["own", "queue-about_5_minutes"],
    ]


@pytest.mark.parametrize(
    ("seconds", "name"),
    [
        (0, "less_than_1_minute"),
        (59, "less_than_1_minute"),
        (60, "about_5_minutes"),
        (301, "about_10_minutes"),
        (3600, "about_1_hour"),
        (3601, "at_least_1_hour"),
    ],
)
def test_waits_are_told_roughly(seconds: int, name: str) -> None:
    assert wait_name(seconds) == f"queue-{name}"


def lamps(room: Hall, name: str) -> list[str]:
    facts = [data for type, data in room.told if type == "presence"]
    return [each["state"] for each in facts if each["presence_id"] == name]


async def test_lamps_show_agents_and_queues(room: Hall) -> None:
    first, second = await room.caller("c1"), await room.caller("c2")
    assert lamps(room, "sales") == ["early"]
    first.hang_up()
    second.hang_up()
    await settle()
    assert lamps(room, "sales")[-1] == "terminated"
    await room.agent("ben")
    room.agents.order("acme", "ben", "pause")
    room.agents.order("acme", "ben", "logout")
    assert lamps(room, "ben") == ["terminated", "early", "confirmed"]


async def test_servers_are_told_of_calls_that_are_taken_and_over(room: Hall) -> None:
    queue = {
        "name": "Sales",
        "cdr_url": "http://x/cdr",
        "notifications": {"pickup": "http://x/up", "hangup": "http://x/down", "method": "get"},
    }
    await room.agent("ben")
    voice = await room.caller(queue=queue)
    await room.pass_time(4)
    await room.answers("ben")
    voice.end()
    await settle()
    room.distributor.hear("cdr", "acme", {"call_id": "c1", "duration_seconds": 9})
    room.distributor.hear("cdr", "acme", {"call_id": "c1", "duration_seconds": 9})
    assert [(each["verb"], each["url"]) for each in room.reports] == [
        ("get", "http://x/up"),
        ("get", "http://x/down"),
        ("post", "http://x/cdr"),
    ]
    facts = room.reports[0]["facts"]
    assert (facts["agent_id"], facts["wait_time"], facts["queue_name"]) == ("ben", 4, "Sales")
    assert room.reports[2]["facts"]["duration_seconds"] == 9


async def test_a_switch_that_ends_says_that_all_calls_are_over(room: Hall) -> None:
    await room.agent("ben")
    await room.caller("c1")
    await room.answers("ben")
    await room.caller("c2")
    room.distributor.stop()
    assert room.calls("c1")[-1]["status"] == "processed"
    assert room.calls("c2")[-1]["status"] == "abandoned"
    assert room.distributor.conversation("acme", "sales") == ""
