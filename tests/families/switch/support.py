"""A switch that tells what happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crossbar.clock import GREGORIAN_OFFSET
from crossbar.documents import Document
from tests.conftest import NOW, Answer, Api

TIME = NOW + GREGORIAN_OFFSET
EVENTS = "/v2/switch/events"


@dataclass
class Teller:
    """A switch with a key, which counts its events."""

    api: Api
    key: str
    account_id: str
    source: str = "fs1"
    last: int = 0

    def event(self, type: str, data: Document, **more: Any) -> Document:
        self.last += 1
        named = {} if "realm" in more else {"account_id": self.account_id}
        return {"sequence": self.last, "type": type, "data": data, **named, **more}

    async def send(self, *events: Document) -> Answer:
        body = {"source": self.source, "events": list(events)}
        return await self.api.post(EVENTS, body, token=self.key)

    async def tell(self, type: str, data: Document, **more: Any) -> Document:
        """Tell one event that is taken."""
        told: Document = (await self.send(self.event(type, data, **more))).expect(200).data
        assert told["refused"] == [], told
        return told


async def key_of(api: Api, account: str, **more: Any) -> str:
    """The text of a new key of a switch."""
    asked = {"name": "Switch", "dialect": "switch", "scopes": ["switch"], **more}
    made = (await api.put(f"{account}/api_keys", asked)).expect(201)
    text: str = made.data["_read_only"]["key"]
    return text


async def teller(api: Api, account_id: str = "") -> Teller:
    """A switch of the master account that tells of an account."""
    key = await key_of(api, api.account)
    return Teller(api, key, account_id or api.master.account_id)


def call(call_id: str, *, ago: int = 0, seconds: int = 60, **more: Any) -> Document:
    """The record of a leg that ended so many seconds ago."""
    return {
        "call_id": call_id,
        "timestamp": TIME - ago,
        "duration_seconds": seconds,
        "billing_seconds": max(seconds - 5, 0),
        "call_direction": "inbound",
        "hangup_cause": "NORMAL_CLEARING",
        "caller_id_number": "+14155550100",
        **more,
    }
