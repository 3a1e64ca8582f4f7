"""Who waits for whom, of writers of the same document."""

from __future__ import annotations

import asyncio

import pytest

from crossbar.core import turns as module
from crossbar.core.turns import Turns
from crossbar.storage import Key

KEY = Key("account", "balance", "balance")


async def test_who_lost_a_race_waits_for_others_that_did() -> None:
    turns, told = Turns(), list[str]()

    async def again(name: str) -> None:
        async with turns.after_loss(KEY):
            told.append(f"{name} begins")
            await asyncio.sleep(0)
            told.append(f"{name} ends")

    async with turns.of(KEY):  # which who lost may hold itself
        await asyncio.gather(again("one"), again("other"))
    assert told == ["one begins", "one ends", "other begins", "other ends"]


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_WAIT", 0.001)
    turns = Turns()
    async with turns.after_loss(KEY), turns.after_loss(KEY):
        pass
    monkeypatch.undo()
    async with asyncio.timeout(module.LONGEST_WAIT / 2), turns.after_loss(KEY):
        pass


async def test_in_a_long_line_nobody_loses_patience_while_it_moves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LONGEST_WAIT", 0.1)
    turns, having, most = Turns(), 0, 0

    async def again() -> None:
        nonlocal having, most
        async with turns.after_loss(KEY):
            having += 1
            most = max(most, having)
            await asyncio.sleep(0.03)
            having -= 1

    await asyncio.gather(*(again() for _ in range(10)))
    assert most == 1


async def test_who_is_cancelled_while_it_waits_keeps_no_turn() -> None:
    turns = Turns()
    async with turns.after_loss(KEY):
        waiting = [asyncio.create_task(turns.after_loss(KEY).__aenter__()) for _ in range(2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting[0].cancel()
    # It has the turn in the same moment in which it is cancelled.
    await asyncio.sleep(0)
    waiting[1].cancel()
    await asyncio.wait(waiting)
    async with asyncio.timeout(module.LONGEST_WAIT / 2), turns.after_loss(KEY):
        pass


async def test_where_all_are_cancelled_at_once_nobody_passes_on_what_another_has() -> None:
    turns = Turns()
    async with turns.after_loss(KEY):
        before = asyncio.all_tasks()
        waiting = asyncio.create_task(turns.after_loss(KEY).__aenter__())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for task in sorted(asyncio.all_tasks() - before, key=lambda each: each is waiting):
            task.cancel()
        await asyncio.wait((waiting,))
        assert waiting.cancelled()
