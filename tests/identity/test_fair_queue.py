"""Turns are shared out among clients, and who sends most is refused first."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import pytest

from crossbar.core.clients import CLIENT, network_of
from crossbar.errors import Busy
from crossbar.identity.fair_queue import FairQueue


@dataclass
class Someone:
    address: str
    is_there: bool = True


class Turns:
    """Clients at a queue whose turns last until they are let go on."""

    def __init__(self, at_once: int, limit: int) -> None:
        self.queue = FairQueue(at_once, limit)
        self.had: list[str] = []
        self.refused: list[str] = []
        self.going = asyncio.Event()
        self.at_once = self.most = 0

    async def come(
        self, address: str, name: str, client: Someone | None = None
    ) -> asyncio.Task[None]:
        task = asyncio.create_task(self._come(client or Someone(address), name))
        await asyncio.sleep(0)
        return task

    async def _come(self, client: Someone, name: str) -> None:
        CLIENT.set(client)
        try:
            async with self.queue.turn():
                self.at_once += 1
                self.most = max(self.most, self.at_once)
                self.had.append(name)
                try:
                    await self.going.wait()
                finally:
                    self.at_once -= 1
        except Busy:
            self.refused.append(name)

    async def finish(self, *tasks: asyncio.Task[None]) -> None:
        self.going.set()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def test_lines_take_turns_whoever_came_first() -> None:
    turns = Turns(1, 100)
    tasks = [await turns.come("bad", f"bad{number}") for number in range(5)]
    tasks += [await turns.come("good", f"good{number}") for number in range(2)]
    await turns.finish(*tasks)
    assert turns.had == ["bad0", "bad1", "good0", "bad2", "good1", "bad3", "bad4"]
    assert turns.most == 1


async def test_no_more_are_let_in_at_once_than_may() -> None:
    turns = Turns(3, 100)
    await turns.finish(*[await turns.come(f"{number}", f"{number}") for number in range(20)])
    assert len(turns.had) == 20
    assert turns.most == 3


async def test_the_longest_line_gives_way_to_who_sends_less() -> None:
    turns = Turns(1, 4)
    tasks = [await turns.come("bad", f"bad{number}") for number in range(6)]
    assert turns.refused == ["bad5"]
    tasks += [await turns.come("good", "good"), await turns.come("other", "other")]
    tasks += [await turns.come("other", "other2"), await turns.come("third", "third")]
    await turns.finish(*tasks)
    assert turns.refused[1:] == ["bad4", "bad3", "other2", "bad2"]
    assert sorted(turns.had) == ["bad0", "bad1", "good", "other", "third"]


async def test_of_equals_the_last_is_refused() -> None:
    turns = Turns(1, 2)
    tasks = [await turns.come(name, name) for name in "abcd"]
    await turns.finish(*tasks)
    assert turns.refused == ["d"]


async def test_who_is_gone_has_no_turn_and_no_place() -> None:
    turns = Turns(1, 2)
    gone = Someone("b")
    tasks = [await turns.come("a", "a"), await turns.come("b", "gone", gone)]
    tasks += [await turns.come("c", "c")]
    gone.is_there = False
    tasks += [await turns.come("d", "d")]
    await asyncio.sleep(0)
    assert turns.refused == ["gone"]
    leaving = Someone("c")
    await turns.finish(*tasks)
    turns.going.clear()
    tasks = [await turns.come("a", "a2"), await turns.come("c", "leaving", leaving)]
    leaving.is_there = False
    await turns.finish(*tasks)
    assert turns.had == ["a", "c", "d", "a2"]
    turns.going.clear()
    await turns.finish(await turns.come("a", "a3"))
    assert turns.had[-1] == "a3", "a turn that nobody took is not lost"


@pytest.mark.parametrize("has_turn", [True, False])
async def test_who_is_cancelled_loses_neither_place_nor_turn(has_turn: bool) -> None:
    turns = Turns(1, 2)
    first, second = await turns.come("a", "first"), await turns.come("a", "second")
    third = await turns.come("a", "third")
    if has_turn:
        turns.going.set()
        await first
        turns.going.clear()
    second.cancel()
    await turns.finish(first, second, third)
    assert "third" in turns.had
    await turns.finish(await turns.come("a", "last"))
    assert turns.had[-1] == "last"


async def test_a_turn_that_comes_with_the_cancellation_is_passed_on() -> None:
    queue = FairQueue(1, 2)
    order: list[str] = []

    async def take(name: str) -> None:
        async with queue.turn():
            order.append(name)

    async with queue.turn():
        waiting = asyncio.create_task(take("cancelled"))
        await asyncio.sleep(0)
    waiting.cancel()  # its turn has been given, and it has not run since
    with suppress(asyncio.CancelledError):
        await waiting
    await take("next")
    assert order == ["next"]


async def test_a_cancellation_may_come_with_anything_else() -> None:
    """With the refusal of the same place, and just before the turn that it would have had."""
    turns = Turns(1, 2)
    first, second = await turns.come("a", "first"), await turns.come("a", "second")
    third = await turns.come("a", "third")
    fourth = asyncio.create_task(turns._come(Someone("b"), "fourth"))
    await asyncio.sleep(0)  # now the third is refused, and has not run since
    third.cancel()
    second.cancel()
    turns.going.set()
    await turns.finish(first, second, third, fourth)
    assert turns.had == ["first", "fourth"]
    assert turns.most == 1
    turns.going.clear()
    tasks = [await turns.come("a", name) for name in ("fifth", "sixth")]
    assert turns.at_once == 1
    await turns.finish(*tasks)
    assert turns.had[2:] == ["fifth", "sixth"]


async def test_a_place_that_was_just_cancelled_is_given_away() -> None:
    turns = Turns(1, 2)
    tasks = [await turns.come("a", name) for name in ("first", "second", "third")]
    tasks.append(asyncio.create_task(turns._come(Someone("b"), "fourth")))
    tasks[2].cancel()  # the fourth comes before the third has run again
    await turns.finish(*tasks)
    assert turns.had == ["first", "second", "fourth"]
    assert turns.refused == []


async def test_a_place_that_is_cancelled_is_passed_over() -> None:
    queue, order = FairQueue(1, 5), []

    async def take(name: str) -> None:
        async with queue.turn():
            order.append(name)

    async with queue.turn():
        tasks = [asyncio.create_task(take(name)) for name in ("cancelled", "next")]
        await asyncio.sleep(0)
        tasks[0].cancel()  # the turn ends before it learns that
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["next"]


def test_an_ipv6_network_is_one_client() -> None:
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2:ffff::9")
    assert network_of("2001:db8:1:2:3::4") != network_of("2001:db8:1:3:3::4")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("no address") == "no address"
