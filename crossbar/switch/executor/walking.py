"""The walk through a flow: step by step, from callflow to callflow, and never for ever."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeGuard, TypeVar

import structlog

from crossbar.documents import Document
from crossbar.switch.executor.book import Book
from crossbar.switch.executor.call import Call
from crossbar.switch.executor.finding import Found, root_of
from crossbar.switch.executor.media import HungUp, Media, TakenOver
from crossbar.switch.executor.step import DEFAULT, Branch, End, Go, Leave, Next, Step

log = structlog.get_logger(__name__)

S = TypeVar("S", bound=Step)

Action = Callable[[Step], Awaitable[Next]]

MOST_STEPS = 500
"""Steps that a call may take: a flow that goes in circles ends there."""

MOST_BRANCHES = 50
"""How often a call may go on to another callflow."""

FAILED = "NORMAL_TEMPORARY_FAILURE"


class Observer(Protocol):
    """Who wants to know what a walk does."""

    def begins(self, step: Step, callflow: Document, path: tuple[str, ...]) -> None:
        """A step is about to be carried out: of a callflow, where keys lead from its root."""
        ...

    def ends(self, step: Step, then: Next) -> None:
        """A step was carried out."""
        ...


class Unobserved:
    """Writes to the log what a walk does."""

    def begins(self, step: Step, callflow: Document, path: tuple[str, ...]) -> None:
        """A step is about to be carried out."""
        log.debug("step", call_id=step.call.call_id, module=step.module, flow=callflow["_id"])

    def ends(self, step: Step, then: Next) -> None:
        """A step was carried out."""
        log.debug("stepped", call_id=step.call.call_id, module=step.module, then=repr(then)[:400])


@dataclass(slots=True)
class Place:
    """A node that is next, its callflow, and the keys that lead to it from the root."""

    node: Any
    callflow: Document
    path: tuple[str, ...] = ()

    def child(self, key: str) -> Place:
        """The child of that key."""
        return Place(self.node["children"][key], self.callflow, (*self.path, key))


@dataclass(slots=True, kw_only=True)
class Walk:
    """One call on its way. ``actions`` are the modules that there are."""

    call: Call
    media: Media
    book: Book
    actions: Mapping[str, Action]
    observer: Observer = field(default_factory=Unobserved)
    most_steps: int = MOST_STEPS
    branches: int = 0
    steps: int = 0
    before: str = ""
    waiting: list[Place] = field(default_factory=list)

    async def run(self, *callflows: Document, path: Sequence[str] = ()) -> str:
        """Carry out callflows one after the other; how it ended, in words.

        The first one from where ``path`` leads, the keys of children. The call is hung up unless
        it goes on elsewhere.
        """
        first, *others = (Place(root_of(each), each) for each in callflows)
        for key in path:
            first = first.child(key)
        self.waiting += reversed(others)
        try:
            return await self._follow(first)
        except HungUp as gone:
            return f"the caller hung up ({gone.cause})"
        except TakenOver:
            return "the call goes on elsewhere"

    async def _follow(self, place: Place) -> str:
        while True:
            if not is_flow(place.node):
                then: Next = End(why="there is no next step")
            elif self.steps >= self.most_steps:
                await self.media.hang_up(FAILED)
                return f"the call was ended after {self.steps} steps: its flow goes in circles"
            else:
                then = await self._carry_out(place)
            if isinstance(then, Leave):
                return then.why
            self.branches += isinstance(then, Branch)
            if self.branches > MOST_BRANCHES:
                await self.media.hang_up(FAILED)
                return f"the call was ended after {MOST_BRANCHES} callflows"
            following = self._after(place, then)
            if following is None:
                cause = then.cause if isinstance(then, End) else "NORMAL_CLEARING"
                await self.media.hang_up(cause)
                return f"the flow is over ({cause})"
            place = following

    def _after(self, place: Place, then: Next) -> Place | None:
        """The next node; ``None`` when there is none."""
        children = children_of(place.node)
        if isinstance(then, Branch):
            if DEFAULT in children:
                self.waiting.append(place.child(DEFAULT))
            return Place(root_of(then.callflow), then.callflow)
        if isinstance(then, Go):
            for key in (then.key, DEFAULT):
                if key in children:
                    return place.child(key)
        return self.waiting.pop() if self.waiting else None

    async def _carry_out(self, place: Place) -> Next:
        self.steps += 1
        node = place.node
        module, data = str(node["module"]), node.get("data")
        step = Step(
            call=self.call,
            media=self.media,
            book=self.book,
            module=module,
            data=data if isinstance(data, dict) else {},
            children=children_of(node),
            before=self.before,
        )
        self.call.flow_id = place.callflow["_id"]
        self.observer.begins(step, place.callflow, place.path)
        then = await self._act(step)
        self.before = module
        self.observer.ends(step, then)
        return then

    async def _act(self, step: Step) -> Next:
        try:
            return await act(step, self.actions)
        except (HungUp, TakenOver) as gone:
            self.observer.ends(step, Leave(why=_why(gone)))
            raise


async def act(step: S, actions: Mapping[str, Callable[[S], Awaitable[Next]]]) -> Next:
    """What an action answers; what cannot be done is passed over, as upstream does."""
    if step.data.get("skip_module") is True:
        return Go(why="the step is to be skipped")
    action = actions.get(step.module)
    if action is None:
        log.warning("unknown_module", call_id=step.call.call_id, module=step.module)
        return Go(why=f"there is no action {step.module} here")
    try:
        return await action(step)
    except (HungUp, TakenOver):
        raise
    except Exception:
        log.exception("step_failed", call_id=step.call.call_id, module=step.module)
        return Go(why="the step has failed")


def _why(gone: Exception) -> str:
    return "the caller hung up" if isinstance(gone, HungUp) else "the call goes on elsewhere"


def is_flow(node: object) -> TypeGuard[Document]:
    """Whether something is a step that can be carried out."""
    return isinstance(node, dict) and "module" in node


def children_of(node: Document) -> Mapping[str, Any]:
    """The children of a step, by their keys."""
    children = node.get("children")
    return children if isinstance(children, dict) else {}


def enter(call: Call, found: Found) -> None:
    """Note in a call how its number led to a callflow."""
    call.flow_id = found.callflow["_id"]
    call.is_no_match = found.is_no_match
    call.capture, call.captures = found.capture, found.captures
