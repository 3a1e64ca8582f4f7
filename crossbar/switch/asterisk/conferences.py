"""Conferences: a bridge each, and who is in it, which is told whenever it changes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from itertools import count

from crossbar.documents import Document
from crossbar.switch.asterisk.ari import Ari, AriError
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.telling import Teller
from crossbar.switch.executor import Seat

Room = tuple[str, str]
"""The account and the id of a conference."""


class Conferences:
    """Who is in which conference, by account and id."""

    def __init__(self, ari: Ari, teller: Teller) -> None:
        self._ari = ari
        self._teller = teller
        self._people: defaultdict[Room, dict[str, Document]] = defaultdict(dict)
        self._numbers = count(1)
        self._door = asyncio.Lock()
        """Held to open or close a conference: of two that open one at once, Asterisk refuses one;
        and one that is closed is not just being entered."""

    def count(self, account_id: str, conference_id: str) -> int:
        """How many take part."""
        return len(self._people.get((account_id, conference_id), ()))

    async def confer(
        self, line: Line, seat: Seat, entry: Sequence[str], leaving: Sequence[str]
    ) -> None:
        """Have a leg, which is answered, take part until it leaves; all hear how it does."""
        room = (line.account_id, seat.conference_id)
        bridge = f"conference-{room[0]}-{room[1]}"
        async with self._door:
            await self._open(bridge)
            self._people[room][line.channel_id] = _participant(next(self._numbers), line, seat)
        try:
            await self._ari.post(
                "bridges", bridge, "addChannel", channel=line.channel_id, mute=_word(seat.is_muted)
            )
            self._tell(room)
            await self._play(bridge, entry)
            await line.until(lambda: False)
        finally:
            del self._people[room][line.channel_id]
            self._tell(room)
            async with self._door:
                if is_over := self._people.get(room) == {}:
                    del self._people[room]
                    await self._ari.delete("bridges", bridge)
            if not is_over:
                await self._play(bridge, leaving)

    async def _play(self, bridge: str, sounds: Sequence[str]) -> None:
        if sounds:
            with suppress(AriError):  # the conference is over just now
                await self._ari.post("bridges", bridge, "play", media=",".join(sounds))

    async def mute(self, room: Room, participant_id: object, is_muted: bool) -> None:
        """Have somebody not be heard, or be heard again."""
        for channel_id in self.channels(room, participant_id):
            manner = self._ari.post if is_muted else self._ari.delete
            await manner("channels", channel_id, "mute", direction="in")
            self._people[room][channel_id]["speak"] = not is_muted
        self._tell(room)

    def channels(self, room: Room, participant_id: object = None) -> list[str]:
        """The legs in a conference; of one participant, if one is named."""
        return [
            channel_id
            for channel_id, person in self._people.get(room, {}).items()
            if participant_id in (None, person["participant_id"])
        ]

    async def _open(self, bridge: str) -> None:
        try:
            await self._ari.post("bridges", type="mixing,dtmf_events", bridgeId=bridge)
        except AriError as error:
            if error.status != 409:  # it is there
                raise

    def _tell(self, room: Room) -> None:
        facts = {"conference_id": room[1], "participants": [*self._people[room].values()]}
        self._teller.tell("conference", room[0], facts)


def _participant(number: int, line: Line, seat: Seat) -> Document:
    return {
        "participant_id": number,
        "call_id": line.channel_id,
        "caller_id_name": line.caller_name,
        "caller_id_number": line.caller_number,
        "speak": not seat.is_muted,
        "hear": not seat.is_deaf,
        "talking": False,
        "conference_channel_vars": {"is_moderator": seat.is_moderator},
    }


def _word(flag: bool) -> str:
    return "true" if flag else "false"
