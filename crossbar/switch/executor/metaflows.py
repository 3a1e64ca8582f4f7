"""What keys do during a conversation: who is listened to, which flow is meant, and its steps.

An endpoint has metaflows (of its account, its device, its users). Its *binding digit* arms them;
what is pressed after it, until nothing more is pressed for a moment, names a flow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from crossbar.documents import Document
from crossbar.switch.executor.actions import METAFLOW_ACTIONS
from crossbar.switch.executor.book import Book
from crossbar.switch.executor.call import Call
from crossbar.switch.executor.callers import chain_of
from crossbar.switch.executor.conversation import Conversation, Press, Side
from crossbar.switch.executor.finding import expression
from crossbar.switch.executor.media import Media
from crossbar.switch.executor.ringing import merged
from crossbar.switch.executor.step import DEFAULT, Go, is_number
from crossbar.switch.executor.walking import act, children_of, is_flow

log = structlog.get_logger(__name__)

BINDING_KEY = "*"
TIMEOUT_MS = 800
LONGEST_MS = 60_000
MOST_KEYS = 64
"""Keys that are collected: more mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metaflows:
    """The metaflows of an endpoint; ``timeout`` in seconds."""

    binding_key: str = BINDING_KEY
    timeout: float = TIMEOUT_MS / 1000
    listen_on: Side = Side.SELF
    numbers: Mapping[str, Any] = field(default_factory=dict)
    patterns: Mapping[str, Any] = field(default_factory=dict)

    def listens_to(self, side: Side) -> bool:
        """Whether keys of the endpoint's own leg count, or those of its peer."""
        return self.listen_on in (side, Side.BOTH)

    def chosen(self, keys: str) -> Document | None:
        """The flow that keys name, which is told of them; ``None`` where they name none."""
        if isinstance(node := self.numbers.get(keys), dict):
            return _told(node, collected=keys)
        for pattern, node in self.patterns.items():
            found = expression(pattern)
            if isinstance(node, dict) and found and (match := found.matched(keys)):
                captures = {"captures": list(match.groups)} if match.groups else {}
                return _told(node, collected=keys, **captures)
        return None


def _told(node: Document, **facts: object) -> Document:
    data = node.get("data")
    return {**node, "data": {**(data if isinstance(data, dict) else {}), **facts}}


async def metaflows_of(book: Book, device_id: str) -> Metaflows | None:
    """The metaflows of a device; ``None`` where it has none, or is no device of the account."""
    device = await book.get("device", device_id)
    if device is None:
        return None
    found = merged(await chain_of(book, device)).get("metaflows")
    if not isinstance(found, dict):
        return None
    numbers, patterns = (_flows(found.get(name)) for name in ("numbers", "patterns"))
    if not (numbers or patterns):
        return None
    timeout, listen_on = found.get("digit_timeout"), found.get("listen_on")
    if not is_number(timeout):
        timeout = (await book.config("metaflows")).get("digit_timeout_ms")
    return Metaflows(
        binding_key=str(found.get("binding_digit") or BINDING_KEY),
        timeout=min(timeout if is_number(timeout) else TIMEOUT_MS, LONGEST_MS) / 1000,
        listen_on=Side(listen_on) if listen_on in list(Side) else Side.SELF,
        numbers=numbers,
        patterns=patterns,
    )


def _flows(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


class Ear:
    """Listens to the keys of a leg, and has flows run that they name."""

    def __init__(self, metaflows: Metaflows, run: Callable[[Document], None]) -> None:
        self.metaflows = metaflows
        self._run = run
        self._keys: str | None = None
        self._timer: asyncio.TimerHandle | None = None

    def hear(self, key: str) -> None:
        """A key was pressed. The binding key itself names nothing."""
        if self._keys is not None:
            self._keys = (self._keys + key)[: MOST_KEYS + 1]
        elif key == self.metaflows.binding_key:
            self._keys = ""
        else:
            return
        self.close()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self.metaflows.timeout, self._judge)

    def close(self) -> None:
        """Do not wait for more keys."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _judge(self) -> None:
        keys, self._keys = self._keys or "", None
        flow = self.metaflows.chosen(keys) if 0 < len(keys) <= MOST_KEYS else None
        if flow is not None:
            self._run(flow)
        else:
            log.info("keys_name_no_metaflow", count=len(keys))


async def run_metaflow(
    flow: Document, *, book: Book, call: Call, media: Media, talk: Conversation, by_keys: bool
) -> str:
    """Do what a flow says, step by step; how it ended, in words.

    ``call`` are the facts of the leg that asked for it, ``media`` what is done to it.
    """
    node: Any = flow
    why = "there is no step"
    while is_flow(node):
        data, children = node.get("data"), children_of(node)
        step = Press(
            call=call,
            media=media,
            book=book,
            module=str(node["module"]),
            data=data if isinstance(data, dict) else {},
            children=children,
            talk=talk,
            by_keys=by_keys,
        )
        then = await act(step, METAFLOW_ACTIONS)
        why = then.why
        log.info("metaflow_step", call_id=call.call_id, module=step.module, why=why)
        if not isinstance(then, Go):
            break
        node = children.get(then.key, children.get(DEFAULT))
    return why
