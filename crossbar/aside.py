"""Work that would hold everybody up, done beside the event loop.

What is small is done at once: handing it to a thread costs more than it takes. What is large is
done in a thread, which lets the loop have its turns every few milliseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

QUICK = 65_536
"""Bytes that take a millisecond or two to make sense of."""

MANY = 1_000
"""Values of a document that take as long to judge."""

_THREAD = ThreadPoolExecutor(1, "aside")
"""The one thread for all of it: with several, the event loop waits for each of them whenever it
wants the interpreter's lock, and nothing is done sooner."""


async def aside(work: Callable[[], T]) -> T:
    """What ``work`` returns, while others go on. Nobody else may change what it works on."""
    return await asyncio.get_running_loop().run_in_executor(_THREAD, work)


def is_large(value: Any) -> bool:
    """Whether a JSON value has more than :data:`MANY` values inside; no more are counted."""
    waiting, count = [value] if type(value) in (dict, list) else [], 0
    for each in waiting:
        count += len(each)
        if count > MANY:
            return True
        for item in each.values() if type(each) is dict else each:
            if item and (type(item) is dict or type(item) is list):
                waiting.append(item)
    return False


async def done(value: Any, work: Callable[[], T]) -> T:
    """What ``work`` makes of a JSON value, which is nobody else's meanwhile."""
    return await aside(work) if is_large(value) else work()
