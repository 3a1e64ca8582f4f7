"""What events say of queues, conferences, parked calls and lamps, of dialogues and messages."""

from __future__ import annotations

from collections.abc import Mapping

from crossbar.core.live import AGENT, LAMP, ROOM
from crossbar.families.callflows import PARKED_TYPE, parking_slot
from crossbar.families.calls import DIALOGUES, MESSAGE_JOURNALS
from crossbar.families.queues import ACDC_CALL_STATS
from crossbar.families.switch.board import Board, Told
from crossbar.families.switch.kind import EventKind, require_time
from crossbar.storage import Key

PARTS = ("messages", "dialog_entities", "analysis")
MOST_PARTS = 500
"""Messages of one call that are kept, and addresses, and findings."""


def _ends(board: Board, told: Told) -> int:
    timeout: int = told.data.get("expires", board.services.settings.calls.state_timeout)
    return told.at + timeout


async def show_presence(board: Board, told: Told) -> None:
    """The lamp of an extension shows something else."""
    facts = {"timestamp": told.at, **told.data}
    await board.set_live(LAMP, told, told.data["presence_id"], facts, _ends(board, told))


async def set_agent(board: Board, told: Told) -> None:
    """An agent does something else."""
    facts = {"timestamp": told.at, **told.data}
    await board.set_live(AGENT, told, told.data["agent_id"], facts, _ends(board, told))


async def set_room(board: Board, told: Told) -> None:
    """Who is in a conference; the last one to leave ends it."""
    name = told.data["conference_id"]
    before = await board.live(ROOM, told.account_id, name)
    if told.data["participants"]:
        began = before["began"] if before else told.at
        await board.set_live(ROOM, told, name, {"began": began, **told.data}, _ends(board, told))
    elif before is not None:
        await board.end_live(ROOM, told, before)


async def park(board: Board, told: Told) -> None:
    """A call was parked."""
    key = Key(told.account_id, PARKED_TYPE, parking_slot(told.data["slot"]))
    facts = {name: value for name, value in told.data.items() if name != "slot"}
    await board.put(told, key, {"slot": facts})


async def unpark(board: Board, told: Told) -> None:
    """A call is not parked any more."""
    key = Key(told.account_id, PARKED_TYPE, parking_slot(told.data["slot"]))
    await board.remove(told, key)


async def keep_queue_call(board: Board, told: Told) -> None:
    """What came of a call that entered a queue."""
    entered = told.data["entered_timestamp"]
    require_time(board, "entered_timestamp", entered)
    name = f"{told.data['queue_id']}-{told.data['call_id']}"
    await board.keep(ACDC_CALL_STATS, told, told.data, name, entered)


async def keep_dialogue(board: Board, told: Told) -> None:
    """SIP messages of a call were captured, or more of them."""
    facts = {"timestamp": told.at, **told.data}
    require_time(board, "timestamp", facts["timestamp"])
    name, seconds = facts["call_id"], facts["timestamp"]
    if await board.keep(DIALOGUES, told, facts, name, seconds) is None:
        key = board.key_of(DIALOGUES, told, name, seconds)
        before = await board.record(key) or {}
        more = {part: [*before.get(part, ()), *facts.get(part, ())][:MOST_PARTS] for part in PARTS}
        board.rewrite(DIALOGUES, key, {**before, **more})


async def keep_message(board: Board, told: Told) -> None:
    """A message came in or went out, or it is known what became of it."""
    facts = {"created": told.at, **told.data}
    journal = MESSAGE_JOURNALS[facts.pop("kind")]
    require_time(board, "created", facts["created"])
    name = facts.pop("message_id")
    if await board.keep(journal, told, facts, name, facts["created"]) is None:
        key = board.key_of(journal, told, name, facts["created"])
        before = await board.record(key)
        board.rewrite(journal, key, {**(before or {}), "status": facts["status"]})


STATES: Mapping[str, EventKind] = {
    "presence": EventKind(schema="switch_events.presence", apply=show_presence),
    "agent": EventKind(schema="switch_events.agent", apply=set_agent),
    "conference": EventKind(schema="switch_events.conference", apply=set_room),
    "park": EventKind(schema="switch_events.park", apply=park),
    "unpark": EventKind(schema="switch_events.unpark", apply=unpark),
    "queue.call": EventKind(schema="switch_events.queue_call", apply=keep_queue_call),
    "dialogue": EventKind(schema="switch_events.dialogue", apply=keep_dialogue),
    "message": EventKind(schema="switch_events.message", apply=keep_message),
}
