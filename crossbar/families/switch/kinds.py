"""What each kind of event causes."""

from __future__ import annotations

from collections.abc import Mapping

from crossbar.core.attachments import ATTACHMENTS
from crossbar.core.calling import IS_QUIET, RESELLER, call_happens, phone_happens
from crossbar.core.change import claim_of
from crossbar.core.journals import new_key
from crossbar.core.live import CHANNEL, REGISTRATION
from crossbar.documents import Document
from crossbar.families.calls import (
    CDRS,
    INTERACTIONS,
    RECORDINGS,
    interaction_id_of,
    interaction_key,
    with_leg,
)
from crossbar.families.endpoints import DEVICES
from crossbar.families.switch.board import Board, Told, plain_facts
from crossbar.families.switch.charging import charge, count, with_costs
from crossbar.families.switch.faxes import take_fax
from crossbar.families.switch.files import decoded, stored_file
from crossbar.families.switch.kind import EventKind, require_time
from crossbar.families.switch.states import STATES
from crossbar.storage import Entry, Key


async def _device_of(board: Board, told: Told) -> Document:
    """The device that has the SIP user name, and its owner, as facts for what is told."""
    username = str(told.data.get("username", "")).lower()
    if not username:
        return {}
    unique = next(each for each in DEVICES.unique if each.path == "sip.username")
    claim = claim_of(unique, Key(told.account_id, DEVICES.doc_type, ""), username)
    holder = (await board.services.store.holders([claim])).get(claim)
    device = await board.document(holder) if holder else None
    if device is None or holder is None or device.get("pvt_deleted"):
        return {}
    facts: Document = {"authorizing_id": holder.doc_id, "authorizing_type": "device"}
    if device.get("suppress_unregister_notifications"):
        facts[IS_QUIET] = True
    if device.get("owner_id"):
        facts["owner_id"] = device["owner_id"]
    return facts


def _name_of_phone(told: Told) -> str:
    username = str(told.data["username"]).lower()
    return f"{username}@{told.account.realm} {told.data.get('contact', '')}"


async def register(board: Board, told: Told) -> None:
    """A phone has registered, or has done so again."""
    facts = {
        **await _device_of(board, told),
        "realm": told.account.realm,
        "event_timestamp": told.at,
        **told.data,
    }
    if told.data.get("suppress_unregister_notify"):
        facts[IS_QUIET] = True
    ends = told.at + told.data["expires"]
    name = _name_of_phone(told)
    before = await board.live(REGISTRATION, told.account_id, name)
    stored = await board.set_live(REGISTRATION, told, name, facts, ends)
    if before is None:  # that it has done so again is no news
        board.tell(phone_happens("registration_registered", stored, told.at))


async def unregister(board: Board, told: Told) -> None:
    """A phone is not registered any more; without a contact, none of that user name is."""
    contact = told.data.get("contact")
    entry = Entry("username", told.data["username"].lower())
    for found in await board.live_with(REGISTRATION, told.account_id, entry):
        if contact in (None, found.get("contact")):
            await board.end_live(REGISTRATION, told, found)


async def change_channel(board: Board, told: Told) -> None:
    """A leg of a call has begun, was answered, bridged, held or taken back."""
    uuid = told.data["uuid"]
    before = await board.live(CHANNEL, told.account_id, uuid)
    facts = {"timestamp": told.at, "answered": False, **_known_of(before)}
    facts[RESELLER] = told.account.reseller_id
    if before is None:
        facts |= await _device_of(board, told)
    facts |= told.data | STEPS[told.type]
    ends = told.at + board.services.settings.calls.channel_timeout
    stored = await board.set_live(CHANNEL, told, uuid, facts, ends)
    board.tell(call_happens(told.type.replace(".", "_"), stored, told.at))


def _known_of(before: Document | None) -> Document:
    return {
        name: value for name, value in (before or {}).items() if not name.startswith(("_", "pvt_"))
    }


async def destroy_channel(board: Board, told: Told) -> None:
    """A leg of a call is over."""
    before = await board.live(CHANNEL, told.account_id, told.data["uuid"])
    if before is not None:
        await board.end_live(CHANNEL, told, {**before, **told.data})


async def stream_channel(board: Board, told: Told) -> None:
    """The audio of a leg begins or ceases to be streamed."""
    before = await board.live(CHANNEL, told.account_id, told.data["uuid"])
    leg = {"pvt_account_id": told.account_id, **(before or {}), **told.data}
    event = call_happens("stream", leg, told.at)
    facts = {**event.summary, "type": told.type.replace(".", "_")}
    board.happens(told, "stream", facts, told.data["uuid"])


STEPS: Mapping[str, Document] = {
    "channel.create": {},
    "channel.answer": {"answered": True},
    "channel.bridge": {"answered": True},
    "channel.hold": {"is_onhold": True},
    "channel.unhold": {"is_onhold": False},
}
"""What each event of a running leg says of it."""


async def keep_call(board: Board, told: Told) -> None:
    """A leg is over, and this is its record: one of the legs of its interaction."""
    call = {"timestamp": told.at, **told.data}
    require_time(board, "data.timestamp", call["timestamp"])
    call, costs = with_costs(call)
    call["interaction_id"] = interaction_id_of(call)
    stored = await board.keep(CDRS, told, call, call["call_id"], call["timestamp"])
    if stored is None:
        return
    await charge(board, told, call, costs)
    await count(board, told, call)
    board.happens(told, "cdr", call_facts(stored), call["call_id"])
    key = interaction_key(told.account_id, call["interaction_id"])
    interaction = with_leg(await board.record(key), stored)
    if interaction is not None:
        board.rewrite(INTERACTIONS, key, interaction)


def call_facts(call: Document) -> Document:
    """What is told of a record: what is small of it, and its variables."""
    facts = {"id": call["_id"], **plain_facts(call)}
    for name in ("custom_channel_vars", "custom_application_vars"):
        if variables := plain_facts(call.get(name, {})):
            facts[name] = variables
    return facts


async def press_key(board: Board, told: Told) -> None:
    """Somebody has pressed a key during a call: whoever listens is told, nothing is kept."""
    facts = {name: value for name, value in told.data.items() if name != "uuid"}
    board.happens(told, "dtmf", facts, told.data["uuid"])


async def keep_recording(board: Board, told: Told) -> None:
    """A call was recorded; its audio may come with the event."""
    data = dict(told.data)
    audio = data.pop("audio", None)
    start = data.setdefault("start", told.at - data.get("duration", 0))
    require_time(board, "data.start", start)
    name = data.pop("recording_id", None) or data["call_id"]
    bytes_of = decoded("data.audio.content", audio) if audio else b""
    key = new_key(RECORDINGS, told.account_id, board.services.clock, seconds=start, name=name)
    if await board.record(key) is None:
        if audio:
            data[ATTACHMENTS] = await stored_file(board, told, name, audio, bytes_of)
        await board.keep(RECORDINGS, told, data, name, start)


KINDS: Mapping[str, EventKind] = {
    "register": EventKind(schema="switch_events.register", apply=register),
    "unregister": EventKind(schema="switch_events.unregister", apply=unregister),
    **{name: EventKind(schema="switch_events.channel", apply=change_channel) for name in STEPS},
    "channel.destroy": EventKind(schema="switch_events.channel", apply=destroy_channel),
    "stream.start": EventKind(schema="switch_events.channel", apply=stream_channel),
    "stream.stop": EventKind(schema="switch_events.channel", apply=stream_channel),
    "cdr": EventKind(schema="switch_events.cdr", apply=keep_call),
    "recording": EventKind(schema="switch_events.recording", apply=keep_recording),
    "fax": EventKind(schema="switch_events.fax", apply=take_fax),
    "dtmf": EventKind(schema="switch_events.dtmf", apply=press_key),
    **STATES,
}
"""The kinds, by the type that a switch names."""
