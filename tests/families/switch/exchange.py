"""A switch in the process of the gateway: it does what it is told, and tells what came of it.

It stands at the gateway's own seam to a switch on one side and at the intake of events on the
other, so a command makes the whole way round.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from crossbar.core.ports import Command
from crossbar.documents import Document
from crossbar.errors import SwitchTimedOut
from tests.families.switch.support import Teller


class Exchange:
    """Calls and rooms of one account. ``done`` are the commands in the order of their coming."""

    def __init__(self) -> None:
        self.done: list[Command] = []
        self.legs: dict[str, Document] = {}
        self.rooms: dict[str, list[Document]] = {}
        self.teller: Teller | None = None
        self._acts: dict[str, Callable[[Document], Awaitable[None]]] = {
            "channels.transfer": self._transfer,
            "channels.hangup": self._hang_up,
            "channels.break": self._changed,
            "channels.callflow": self._run_callflow,
            "channels.intercept": self._intercept,
            "channels.move": self._move,
            "channels.start_record": self._start_recording,
            "channels.stop_record": self._stop_recording,
            "channels.metaflow": self._run_metaflow,
            "conferences.mute": self._mute,
            "conferences.kick": self._kick,
            "agents.set_status": self._set_agent,
            "presence.set": self._set_lamp,
            "registrations.flush": self._flush,
        }

    # The seam

    async def tell(self, command: Command) -> None:
        """Do it at once."""
        self.done.append(command)
        if act := self._acts.get(command.name):
            await act(command.data)

    async def ask(self, command: Command) -> list[Document]:
        """It tells events, so it need not be asked."""
        self.done.append(command)
        return []

    async def order(self, command: Command, timeout: float) -> Document:
        """Do it, and say what came of it."""
        self.done.append(command)
        if command.name != "queues.eavesdrop" or command.data["call_id"] not in self.legs:
            raise SwitchTimedOut
        leg = await self.call("spy@x", destination="eavesdrop", authorizing_id=command.data["id"])
        return {"call_id": leg["uuid"], "mode": command.data["mode"]}

    # What it tells

    async def call(self, uuid: str, **facts: Any) -> Document:
        """A leg begins."""
        self.legs[uuid] = {"uuid": uuid, **facts}
        await self._event("channel.create", self.legs[uuid])
        return self.legs[uuid]

    async def bridge(self, uuid: str, other: str) -> None:
        """Two legs are connected."""
        for one, two in ((uuid, other), (other, uuid)):
            self.legs[one]["other_leg"] = two
            await self._event("channel.bridge", self.legs[one])

    async def enter(self, room: str, *people: Document) -> None:
        """They are in a conference."""
        self.rooms[room] = list(people)
        await self._room(room)

    async def _room(self, room: str) -> None:
        people = self.rooms[room]
        await self._event("conference", {"conference_id": room, "participants": people})

    async def _event(self, type: str, data: Document) -> None:
        assert self.teller is not None
        await self.teller.tell(type, dict(data))

    # What it does

    async def _changed(self, asked: Document) -> None:
        leg = self.legs[asked["call_id"]]
        await self._event("channel.answer", leg)

    async def _transfer(self, asked: Document) -> None:
        self.legs[asked["other_leg_call_id"]]["destination"] = asked["target"]
        await self._changed({"call_id": asked["other_leg_call_id"]})
        await self._hang_up(asked)

    async def _hang_up(self, asked: Document) -> None:
        leg = self.legs.pop(asked["call_id"])
        await self._event("channel.destroy", {**leg, "hangup_cause": "NORMAL_CLEARING"})

    async def _run_callflow(self, asked: Document) -> None:
        self.legs[asked["call_id"]]["callflow_id"] = asked["id"]
        await self._changed(asked)

    async def _intercept(self, asked: Document) -> None:
        await self.call("taken@x", authorizing_id=asked["target_id"])
        await self.bridge("taken@x", asked["call_id"])

    async def _move(self, asked: Document) -> None:
        self.legs[asked["call_id"]]["owner_id"] = asked["owner_id"]
        await self._changed(asked)

    async def _start_recording(self, asked: Document) -> None:
        self.legs[asked["call_id"]]["custom_channel_vars"] = {"is_recording": True}
        await self._changed(asked)

    async def _stop_recording(self, asked: Document) -> None:
        await self._event("recording", {"call_id": asked["call_id"], "duration": 3})

    async def _run_metaflow(self, asked: Document) -> None:
        if asked["metaflow"]["module"] == "hangup":
            await self._hang_up(asked)

    async def _mute(self, asked: Document) -> None:
        for person in self.rooms[asked["conference_id"]]:
            if person["participant_id"] == asked["participant_id"]:
                person["speak"] = False
        await self._room(asked["conference_id"])

    async def _kick(self, asked: Document) -> None:
        room, gone = asked["conference_id"], asked["participant_id"]
        self.rooms[room] = [each for each in self.rooms[room] if each["participant_id"] != gone]
        await self._room(room)

    async def _set_agent(self, asked: Document) -> None:
        words = {"login": "ready", "logout": "logged_out", "pause": "paused", "resume": "ready"}
        data = {"agent_id": asked["agent_id"], "status": words[asked["status"]]}
        await self._event("agent", data)

    async def _set_lamp(self, asked: Document) -> None:
        await self._event("presence", asked)

    async def _flush(self, asked: Document) -> None:
        if "username" in asked:
            await self._event("unregister", {"username": asked["username"]})
