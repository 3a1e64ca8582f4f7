"""Queues: callers who wait, and agents who take their calls."""

from __future__ import annotations

from functools import partial

from crossbar.core.live import AGENT, find_alive
from crossbar.core.ports import Command
from crossbar.documents import Document, lookup
from crossbar.switch.executor.callers import authorizing, users_of
from crossbar.switch.executor.media import Leg, Place, Waited
from crossbar.switch.executor.ringing import legs_of_user, ring_of
from crossbar.switch.executor.step import Go, Next, Step, is_number

PAUSE = 600
WINDOW = 3600
FOREVER = 0
MOST_FAILURES = 3
OUT = ("logged_out", "unknown")
PAUSABLE = ("ready", "wrapup", "outbound")
RESUMABLE = ("paused", "outbound", "ready", "wrapup")
WHY = {
    Waited.TIMEOUT: "nobody took the call in time",
    Waited.KEY: "the caller left the queue by a key",
    Waited.EMPTY: "the queue has no agents",
    Waited.FULL: "the queue is full",
}


async def acdc_member(step: Step) -> Next:
    """Puts the caller into a queue, until an agent takes the call."""
    queue = await step.book.get("queue", step.data.get("id"))
    if queue is None:
        return Go(why="there is no such queue")
    own, call = step.data.get("priority"), step.call
    timeout = queue.get("connection_timeout")
    place = Place(
        queue_id=queue["_id"],
        priority=int(own) if is_number(own) else call.priority,
        timeout=timeout if is_number(timeout) and timeout >= 1 else FOREVER,
        exit_key=str(queue.get("caller_exit_key") or "#"),
        enters_empty=queue.get("enter_when_empty") is not False,
        queue=queue,
        music=_music_of(step, queue),
        language=call.language,
        most_failures=await _most_failures(step),
        legs_of=partial(_legs_of_agent, step),
        resumed=call.resumed if call.resumed.get("queue_id") == queue["_id"] else {},
        average_wait=partial(_average_wait, step, queue["_id"], WINDOW),
    )
    call.queue_id, call.resumed = queue["_id"], {}
    waited = await step.media.queue(place)
    call.queue_id = ""
    if waited is Waited.CONNECTED:
        call.was_connected = True
        return await step.finish("an agent took the call")
    return Go(why=WHY[waited])


def _music_of(step: Step, queue: Document) -> str:
    """What callers hear: the queue's own music, else the account's; "" where there is none."""
    music = queue.get("moh") or lookup(step.book.account.document, ("music_on_hold", "media_id"))
    return music if isinstance(music, str) else ""


async def _most_failures(step: Step) -> int:
    """How often in a row an agent may not answer."""
    own = step.book.account.document.get("max_connect_failures")
    most = own if is_number(own) else (await step.book.config("acdc")).get("max_connect_failures")
    return int(most) if is_number(most) else MOST_FAILURES


async def _legs_of_agent(step: Step, user_id: str) -> list[Leg]:
    """All phones of an agent that take calls of queues."""
    return await legs_of_user(step, user_id, ring_of(step, delay=0, is_direct=False))


async def _average_wait(step: Step, queue_id: str, window: int) -> int:
    """How many seconds callers have waited for an answer lately."""
    waits = await step.book.waits_in(queue_id, window)
    return sum(waits) // len(waits) if waits else 0


async def _agent(step: Step) -> Document | str:
    """The user who is the agent, or the prompt that says why there is none."""
    device = await authorizing(step.book, step.call)
    users = await users_of(step.book, device) if device else []
    if len(users) > 1:
        return "agent-invalid_choice"
    found = users[0] if users else await step.book.get("user", step.call.owner_id)
    return found or "agent-not_call_center_agent"


async def acdc_agent(step: Step) -> Next:
    """Logs the caller in as an agent of queues, or out, or pauses, or ends a pause."""
    await step.answer()
    agent = await _agent(step)
    if isinstance(agent, str):
        await step.tell(agent)
        return Go(why="the caller is no agent")
    told = await find_alive(step.book.actor.services, AGENT, step.book.account_id, agent["_id"])
    status = str((told or {}).get("status", "unknown"))
    order, prompt = _order(step.text("action"), status)
    if order:
        # The agent is in a call: this one, by which it says what it does.
        facts: Document = {
            "agent_id": agent["_id"],
            "status": order,
            "call_id": step.call.call_id,
        }
        facts |= {
            name: step.data[name]
            for name in ("presence_id", "presence_state")
            if step.data.get(name)
        }
        if order == "pause":
            facts["timeout"] = int(step.number("timeout", PAUSE))
        await step.book.order(Command("agents.set_status", step.book.account_id, facts))
    await step.tell(prompt)
    return Go(why=f"{order or 'nothing'} was asked of agent {agent['_id']}, who was {status}")


def _order(action: str, status: str) -> tuple[str, str]:
    """What is asked of the agent's state, if anything, and what the caller hears."""
    if action == "login":
        return ("login", "agent-logged_in") if status in OUT else ("", "agent-already_logged_in")
    if action == "logout":
        return "logout", "agent-logged_out"
    if action == "paused" and status in PAUSABLE:
        return "pause", "agent-pause"
    if action in ("resume", "ready") and status in RESUMABLE:
        return "resume", "agent-resume"
    return "", "agent-invalid_choice"


async def acdc_queue(step: Step) -> Next:
    """Makes the caller an agent of one queue, or not any more."""
    await step.answer()
    agent = await _agent(step)
    if isinstance(agent, str):
        await step.tell(agent)
        return Go(why="the caller is no agent")
    action = "logout" if step.text("action") == "logout" else "login"
    if not await step.book.set_queue(agent["_id"], step.text("id"), action):
        await step.tell("agent-invalid_choice")
        return Go(why="nothing was changed")
    await step.tell("agent-logged_out" if action == "logout" else "agent-logged_in")
    return Go(why=f"{action} at the queue")


async def acdc_wait_time(step: Step) -> Next:
    """Goes to the child of the largest number of seconds that callers wait on average."""
    window = int(step.number("window", WINDOW)) or WINDOW
    average = await _average_wait(step, step.text("id"), window)
    keys = [key for key in step.children if key.isdecimal() and int(key) <= average]
    if not keys:
        return Go(why=f"callers wait {average} s on average")
    return Go(key=max(keys, key=int), why=f"callers wait {average} s on average")
