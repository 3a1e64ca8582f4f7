"""A telephone switch that tells the server of a site what happens."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Any

from crossbar.clock import GREGORIAN_OFFSET
from tests.browser.support import Site
from tests.ops.processes import Client


def now() -> int:
    """Gregorian seconds."""
    return int(time.time()) + GREGORIAN_OFFSET


@dataclass
class Switch:
    """It has a key of the master account, and tells of one account."""

    site: Site
    account_id: str
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _client: Client | None = None

    def tell(self, kind: str, data: dict[str, Any], **more: Any) -> None:
        """Tell of one event, which has to be taken."""
        self.tell_all([(kind, data)], **more)

    def tell_all(self, told: list[tuple[str, dict[str, Any]]], **more: Any) -> None:
        """The same of several at once."""
        if self._client is None:
            asked = {"name": "Switch", "dialect": "switch", "scopes": ["switch"]}
            made = self.site.api("PUT", f"/accounts/{self.site.master.id}/api_keys", asked)
            self._client = self.site.server.client(made["_read_only"]["key"])
        events = [
            {
                "sequence": next(self._numbers),
                "type": kind,
                "data": data,
                "account_id": self.account_id,
                **more,
            }
            for kind, data in told
        ]
        body = {"source": f"switch of {self.account_id}", "events": events}
        reply = self._client.request("POST", "/switch/events", body)
        assert reply.status == 200, reply
        assert reply.data["refused"] == [], reply

    def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            self._client.close()
