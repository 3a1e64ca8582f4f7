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
