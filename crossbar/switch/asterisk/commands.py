"""What the API tells and orders a switch to do, done in Asterisk."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog

from crossbar.core.ports import Command
from crossbar.documents import Document
from crossbar.errors import SwitchTimedOut, SwitchUnavailable
from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.camping import Camping
from crossbar.switch.asterisk.exchange import Exchange
from crossbar.switch.asterisk.features import run_flow
from crossbar.switch.asterisk.introducing import click_to_call, quickcall
from crossbar.switch.asterisk.lamps import SYNC
from crossbar.switch.asterisk.lines import OVER, Line
from crossbar.switch.asterisk.listening import eavesdrop
from crossbar.switch.asterisk.tables import Tables

LAMPS: Mapping[str, str] = {
    "green": "terminated",
    "red_flash": "early",
    "red_solid": "confirmed",
}
"""What a lamp shows, by how clients name it."""

METAFLOWS: Mapping[str, tuple[str, Document]] = {
    "start_record": ("record_call", {"action": "start", "label": "api"}),
    "stop_record": ("record_call", {"action": "stop"}),
}
"""What is done to channels that metaflows do under another name."""

AS_METAFLOWS = tuple(
    f"channels.{action}"
    for action in ("metaflow", "break", "callflow", "intercept", "move", *METAFLOWS)
)
"""What is done to channels as metaflows do it."""
RINGING = ("quickcall", "clicktocall.connect")
"""What takes as long as phones ring: who only tells of it does not wait."""

log = structlog.get_logger(__name__)


class Commands:
    """Does what it is told, as far as it knows how; the rest is noted in the log."""

    def __init__(self, exchange: Exchange, tables: Tables) -> None:
        self._exchange = exchange
        self._tables = tables
        self._acts: Mapping[str, Callable[[Command], Awaitable[object]]] = {
            "channels.hangup": self._hang_up,
            "channels.transfer": self._transfer,
            **dict.fromkeys(AS_METAFLOWS, self._run_metaflow),
            "registrations.flush": self._flush,
            "devices.flush": self._look_anew,
            "resources.reload": self._go_on,
            "devices.notify": self._notify,
            "devices.sync": self._notify,
            "presence.set": self._set_lamp,
            "presence.reset": self._set_lamp,
            "vmboxes.update_mwi": self._tell_messages,
            "quickcall": partial(quickcall, exchange),
            "clicktocall.connect": partial(click_to_call, exchange),
            "camping.wait": Camping(exchange).camp,
            "agents.set_status": self._set_agent,
            "queues.eavesdrop": partial(eavesdrop, exchange),
            "conferences.mute": self._mute,
            "conferences.unmute": self._mute,
            "conferences.kick": self._kick,
            "faxes.send": exchange.faxing.send,
            "faxes.status": exchange.faxing.status,
        }

    async def obey(self, manner: str, command: Command, timeout: float) -> object:
        """Do what is told, asked or ordered.

        Of an order: what came of it. Raises :class:`~crossbar.errors.SwitchUnavailable` for one
        that is not known, and :class:`~crossbar.errors.SwitchTimedOut`.
        """
        act = self._acts.get(command.name)
        if manner == "ask":  # what is so is told as events, but for how far a fax has got
            return [await act(command)] if act and command.name == "faxes.status" else []
        if act is None:
            log.info("command_not_known", command=command.name, account_id=command.account_id)
            if manner == "order":
                raise SwitchUnavailable
            return None
        if manner == "tell":
            work = _tried(act(command))
            if command.name in RINGING:
                self._exchange.begin(work)
            else:
                await work
            return None
        try:
            async with asyncio.timeout(timeout):
                return await act(command)
        except (TimeoutError, AriError):
            raise SwitchTimedOut from None

    def _leg(self, command: Command, name: str = "call_id") -> Line | None:
        """The leg that a command is about, if it is of that account."""
        line = self._exchange.lines.get(str(command.data.get(name, "")))
        return line if line is not None and line.account_id == command.account_id else None

    async def _hang_up(self, command: Command) -> None:
        if line := self._leg(command):
            await self._exchange.hang_up(line)

    async def _transfer(self, command: Command) -> None:
        """The other side goes to the target, and the leg itself is over."""
        other, line = self._leg(command, "other_leg_call_id"), self._leg(command)
        if other is not None:
            by = line.party.device_id if line is not None else ""
            self._exchange.redirect(other, str(command.data["target"]), transferor_id=by)
        if line is not None:
            await self._exchange.hang_up(line)

    async def _run_metaflow(self, command: Command) -> None:
        """Do what metaflows do, for a leg: a whole one that is sent, or one action of them."""
        if line := self._leg(command):
            action = command.name.partition(".")[2]
            module, more = METAFLOWS.get(action, (action, {}))
            sent = command.data.get("metaflow") if action == "metaflow" else None
            flow = sent or {"module": module, "data": {**command.data, **more}}
            self._exchange.begin(run_flow(self._exchange, line, flow))

    async def _flush(self, command: Command) -> None:
        """Phones have to register anew: one, or all of an account."""
        realm = str(command.data.get("realm", "")).lower()
        username = str(command.data.get("username", "")).lower()
        for address in self._exchange.contacts.addresses():
            name, _, its_realm = address.lower().rpartition("@")
            if its_realm == realm and username in ("", name):
                self._tables.drop(address)

    async def _look_anew(self, command: Command) -> None:
        """The event log has told so already; whoever is refused now is not reached any more."""
        await self._tables.tidy()

    async def _go_on(self, command: Command) -> None:
        """There is nothing to do: the event log tells of carriers."""

    async def _notify(self, command: Command) -> None:
        """Send a device what is to be sent; without that, have it fetch its settings."""
        device_id = command.data.get("device_id")
        phone = await self._exchange.phones.find(f"{command.account_id}.{device_id}")
        if phone is not None:
            event = str(command.data.get("event", SYNC))
            self._exchange.lamps.notify(phone, event, command.data.get("body"))

    async def _set_lamp(self, command: Command) -> None:
        name, state = str(command.data["presence_id"]), str(command.data.get("state", OVER))
        self._exchange.lamps.set(command.account_id, name, state)

    async def _tell_messages(self, command: Command) -> None:
        self._exchange.lamps.tell_box(command.account_id, str(command.data["vmbox_id"]))

    async def _set_agent(self, command: Command) -> None:
        """An agent of queues is to do something else."""
        account_id, data = command.account_id, command.data
        agents, agent_id = self._exchange.distributor.agents, str(data["agent_id"])
        if call_id := data.get("call_id"):
            agents.forget_call(account_id, agent_id, str(call_id))
        agents.order(account_id, agent_id, str(data["status"]), int(data.get("timeout", 0)))
        if (presence_id := data.get("presence_id")) and (state := _lamp(data)):
            self._exchange.call_center.show(account_id, str(presence_id), state)

    async def _mute(self, command: Command) -> None:
        room = (command.account_id, str(command.data["conference_id"]))
        is_muted = command.name.endswith(".mute")
        person = command.data.get("participant_id")
        await self._exchange.conferences.mute(room, person, is_muted)

    async def _kick(self, command: Command) -> None:
        room = (command.account_id, str(command.data["conference_id"]))
        person = command.data.get("participant_id")
        for channel_id in self._exchange.conferences.channels(room, person):
            if line := self._exchange.lines.get(channel_id):
                await self._exchange.hang_up(line)


async def _tried(work: Awaitable[object]) -> None:
    """Do what nobody waits for the outcome of."""
    with contextlib.suppress(AriError, SwitchTimedOut):
        await work


def _lamp(data: Document) -> str:
    """What a lamp is to show beside that of the agent."""
    state = str(data.get("presence_state", ""))
    return state if state in LAMPS.values() else LAMPS.get(state, "")
