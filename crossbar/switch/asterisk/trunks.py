"""The servers of accounts (``connectivity``) that are known by their address alone."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.families.endpoints import (
    CONNECTIVITY,
    TRUNK_PLACES,
    address_of_server,
    server_at,
    server_id,
    servers_of,
)
from crossbar.storage import Event
from crossbar.switch.asterisk.gathering import Gathered, fairly

OF_BROWSERS = "127.0.0.1"
"""Where the telephones of browsers call from, whosever they are."""


class Trunks:
    """The servers by their addresses; no two have the same."""

    def __init__(self, services: Services) -> None:
        self._settings = services.settings.switch
        self._servers = Gathered(
            services.store,
            CONNECTIVITY.doc_type,
            TRUNK_PLACES.all,
            self._servers_of,
            lambda: None,
        )
        self._by_address: dict[str, str] = {}

    async def at(self, address: str) -> str:
        """The name of the server at an address; "" where there is none."""
        await self._look()
        return self._by_address.get(address, "")

    async def addresses(self) -> list[str]:
        """The addresses from which servers call."""
        await self._look()
        return [*self._by_address]

    def notice(self, event: Event) -> None:
        """Note what an event has made stale."""
        self._servers.notice(event)

    def forget(self) -> None:
        """Forget everything."""
        self._servers.forget()

    async def _look(self) -> None:
        if await self._servers.look():
            self._by_address = dict(fairly(self._servers, lambda pair: pair[1].partition(".")[0]))

    def _may_be(self, address: str) -> bool:
        """Whether a server may be there, and not only the switch itself."""
        if address in (OF_BROWSERS, self._settings.host, self._settings.public_address):
            return False
        return self._settings.allow_private_carriers or ipaddress.ip_address(address).is_global

    def _servers_of(self, account_id: str, document: Document) -> Sequence[tuple[str, str]]:
        if document.get("pvt_deleted"):
            return ()
        return [
            (address, f"{account_id}.{server_id(document['_id'], at)}")
            for at, server in servers_of(document)
            if (address := address_of_server(server))
            and server_at(document, at) is not None
            and self._may_be(address)
        ]
