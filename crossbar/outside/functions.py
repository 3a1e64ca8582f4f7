"""Programs of accounts, each run by a process of its own (:mod:`crossbar.outside.javascript`)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import orjson

from crossbar.core.ports import Function, FunctionFailed
from crossbar.documents import Document
from crossbar.outside.apart import Failed, run

PROGRAM = Path(__file__).with_name("javascript.py")

AT_ONCE, OF_ACCOUNT = 8, 2
"""How many functions run at a time; and how many of one account, so that its slow ones are nobody
else's trouble."""

SECONDS = 5.0
"""Seconds that a function may take, the wait for a turn not counted. What it does is bounded by
processor time; there is nothing in it to wait for, so this is how long a busy machine may take.
"""

PATIENCE = 5.0
"""Seconds that a call waits for its turn."""

LONGEST = 100_000
"""Characters of the body of a function."""


class Engine:
    """What runs functions (:class:`crossbar.core.ports.Functions`)."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._of_accounts: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def run(self, function: Function, account_id: str) -> str:
        """See :class:`crossbar.core.ports.Functions`."""
        _require_short(function.body)
        made = await self._made(asdict(function), account_id)
        if "failed" in made:
            raise FunctionFailed(made["failed"], made["said"])
        return str(made["returned"])

    async def check(self, body: str, account_id: str) -> None:
        """See :class:`crossbar.core.ports.Functions`."""
        _require_short(body)
        try:
            made = await self._made({"body": body}, account_id)
        except FunctionFailed:
            return
        if made.get("failed", "").startswith("SyntaxError"):
            raise FunctionFailed(made["failed"], made["said"])

    async def _made(self, given: Document, account_id: str) -> dict[str, Any]:
        async with AsyncExitStack() as turns:
            try:
                async with asyncio.timeout(PATIENCE):
                    await turns.enter_async_context(self._turn_of(account_id))
                    await turns.enter_async_context(self._turns)
            except TimeoutError:
                raise FunctionFailed("too many others run at this moment") from None
            try:
                return dict(orjson.loads(await run(PROGRAM, orjson.dumps(given), SECONDS)))
            except TimeoutError:
                raise FunctionFailed("it takes too long") from None
            except Failed as failed:
                raise FunctionFailed(str(failed) or "it takes too much time or memory") from None

    def _turn_of(self, account_id: str) -> asyncio.Semaphore:
        turn = self._of_accounts.get(account_id)
        if turn is None:
            turn = self._of_accounts[account_id] = asyncio.Semaphore(OF_ACCOUNT)
        return turn


def _require_short(body: str) -> None:
    if len(body) > LONGEST:
        raise FunctionFailed(f"it has more than {LONGEST} characters")
