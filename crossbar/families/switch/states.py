"""What events say of queues, conferences, parked calls and lamps, of dialogues and messages."""

from __future__ import annotations

from collections.abc import Mapping

from crossbar.core.live import AGENT, EARLIER, LAMP, QUEUE_CALL, SUBSCRIPTION
from crossbar.documents import Document, public
from crossbar.families.callflows import PARKED_TYPE, parking_slot
from crossbar.families.calls import DIALOGUES, MESSAGE_JOURNALS, message_facts
from crossbar.families.queues import ACDC_CALL_STATS
from crossbar.families.switch.board import Board, Told, ends_of
from crossbar.families.switch.kind import EventKind, require_time
from crossbar.families.switch.rooms import set_room
from crossbar.storage import Key

PARTS = ("messages", "dialog_entities", "analysis")
MOST_EARLIER = 10
"""Statuses that an agent had before which are remembered."""

RUNNING = ("waiting", "handled")
"""The statuses of calls in queues that are not over."""

MOST_PARTS = 500
"""Messages of one call that are kept, and addresses, and findings."""


async def show_presence(board: Board, told: Told) -> None:
    """The lamp of an extension shows something else."""
    name = told.data["presence_id"]
    facts = {"timestamp": told.at, **told.data}
    await board.set_live(LAMP, told, name, facts, ends_of(board, told))
    kind = "presence_dialog" if told.data.get("call_id") else "presence_update"
    board.happens(told, kind, facts, str(told.data.get("call_id") or name))


async def subscribe(board: Board, told: Told) -> None:
    """A phone wants to know what a lamp shows; no time at all ends that."""
    name, seconds = told.data["call_id"], told.data["expires"]
    if seconds:
        facts = {"timestamp": told.at, **told.data}
        await board.set_live(SUBSCRIPTION, told, name, facts, told.at + seconds)
    elif before := await board.live(SUBSCRIPTION, told.account_id, name):
        await board.end_live(SUBSCRIPTION, told, before)


async def set_agent(board: Board, told: Told) -> None:
    """An agent does something else; what it did before is remembered for a while."""
    name = told.data["agent_id"]
    before = await board.live(AGENT, told.account_id, name)
    facts: Document = {"timestamp": told.at, **told.data}
    earlier = [public(before), *before.get(EARLIER, ())] if before else []
    board.happens(told, "agent_status", facts, name)
    facts = {**facts, EARLIER: earlier[:MOST_EARLIER]}
    await board.set_live(AGENT, told, name, facts, ends_of(board, told))


async def park(board: Board, told: Told) -> None:
    """A call was parked."""
    key = Key(told.account_id, PARKED_TYPE, parking_slot(told.data["slot"]))
    facts = {name: value for name, value in told.data.items() if name != "slot"}
    await board.put(told, key, {"slot": facts})
    _tell_of_slot(board, told, "PARK_PARKED", facts)


async def unpark(board: Board, told: Told) -> None:
    """A call is not parked any more: somebody has taken it, or its caller has given up."""
    key = Key(told.account_id, PARKED_TYPE, parking_slot(told.data["slot"]))
    before = await board.remove(key)
    if before is not None:
        word = "PARK_ABANDONED" if told.data.get("is_abandoned") else "PARK_RETRIEVED"
        _tell_of_slot(board, told, word, before["slot"])


def _tell_of_slot(board: Board, told: Told, word: str, slot: Document) -> None:
    names = ("call_id", "caller_id_name", "caller_id_number", "callee_id_name", "callee_id_number")
    facts = {name: slot[name] for name in names if name in slot}
    facts |= {"event_name": word, "parking_slot": told.data["slot"]}
    board.happens(told, "parking", facts, slot["call_id"])


async def keep_queue_call(board: Board, told: Told) -> None:
    """A call has entered a queue, or something came of it."""
    entered = told.data["entered_timestamp"]
    require_time(board, "data.entered_timestamp", entered)
    queue_id, call_id = told.data["queue_id"], told.data["call_id"]
    name = f"{queue_id}-{call_id}"
    board.happens(told, f"queue_{told.data['status']}", told.data, f"{queue_id}.{call_id}")
    if await board.keep(ACDC_CALL_STATS, told, told.data, name, entered) is None:
        key = board.key_of(ACDC_CALL_STATS, told, name, entered)
        board.rewrite(ACDC_CALL_STATS, key, {**(await board.record(key) or {}), **told.data})
    await _keep_open(board, told, name)


async def _keep_open(board: Board, told: Told, name: str) -> None:
    """Know of a call in a queue for as long as it runs."""
    before = await board.live(QUEUE_CALL, told.account_id, name)
    if told.data["status"] in RUNNING:
        facts = {**public(before or {}), **told.data}
        ends = told.at + board.services.settings.calls.channel_timeout
        await board.set_live(QUEUE_CALL, told, name, facts, ends)
    elif before is not None:
        await board.end_live(QUEUE_CALL, told, before)


async def keep_dialogue(board: Board, told: Told) -> None:
    """SIP messages of a call were captured, or more of them."""
    facts = {"timestamp": told.at, **told.data}
    require_time(board, "data.timestamp", facts["timestamp"])
    name, seconds = facts["call_id"], facts["timestamp"]
    first = next((each for each in facts["messages"] if isinstance(each, dict)), {})
    named = {end: first[end] for end in ("from", "to") if end in first}
    if await board.keep(DIALOGUES, told, named | facts, name, seconds) is None:
        key = board.key_of(DIALOGUES, told, name, seconds)
        before = await board.record(key) or {}
        more = {part: [*before.get(part, ()), *facts.get(part, ())][:MOST_PARTS] for part in PARTS}
        more["timestamp"] = before["timestamp"]
        board.rewrite(DIALOGUES, key, named | before | facts | more)


async def keep_message(board: Board, told: Told) -> None:
    """A message came in or went out, or it is known what became of it."""
    facts = {"created": told.at, **told.data}
    journal = MESSAGE_JOURNALS[facts.pop("kind")]
    require_time(board, "data.created", facts["created"])
    name = facts.pop("message_id")
    stored = await board.keep(journal, told, facts, name, facts["created"])
    if stored is not None:
        board.happens(told, journal.noun, message_facts(stored), stored["_id"])
    else:
        key = board.key_of(journal, told, name, facts["created"])
        before = await board.record(key)
        board.rewrite(journal, key, {**(before or {}), "status": facts["status"]})


STATES: Mapping[str, EventKind] = {
    "presence": EventKind(schema="switch_events.presence", apply=show_presence),
    "agent": EventKind(schema="switch_events.agent", apply=set_agent),
    "conference": EventKind(schema="switch_events.conference", apply=set_room),
    "park": EventKind(schema="switch_events.park", apply=park),
    "unpark": EventKind(schema="switch_events.unpark", apply=unpark),
    "subscribe": EventKind(schema="switch_events.subscribe", apply=subscribe),
    "queue.call": EventKind(schema="switch_events.queue_call", apply=keep_queue_call),
    "dialogue": EventKind(schema="switch_events.dialogue", apply=keep_dialogue),
    "message": EventKind(schema="switch_events.message", apply=keep_message),
}
