"""The carriers that Asterisk may know: gateways of resources, by name and by address.

Outwards each gateway is an endpoint of its own, which sends what the carrier knows us by. Inwards
a carrier is known by the address that it sends from and by nothing else: what a caller writes into
a header makes nobody a carrier.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import re
import socket
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import quote

import structlog

from crossbar.core.services import Services
from crossbar.documents import Document, lookup
from crossbar.families.carriers import RESOURCE_TYPE, all_resources
from crossbar.storage import SYSTEM, Event
from crossbar.switch.asterisk.gathering import Gathered
from crossbar.switch.asterisk.phones import CODECS, usual_codecs
from crossbar.switch.executor import CallerId

log = structlog.get_logger(__name__)

OUTWARDS, INWARDS = "to", "from"
"""What the names of endpoints begin with: of gateways that are called, of addresses that call."""

CARRIER_CODECS: Mapping[str, str] = {**CODECS, "G722_16": "g722", "G722_32": "g722"}
USUAL_PORT = 5060

ASKED_ANEW = 300
"""Seconds after which the addresses of hosts are asked for anew."""

PATIENCE = 5
"""Seconds that such an answer may take."""

MOST_NAMES = 20
"""Hosts of one account that are asked for by name; the addresses of others are not known."""

THREADS = 4
"""Hosts that are asked for at a time: of the system, and of all accounts."""

_REALM = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,126}[A-Za-z0-9])?")
_HOST = re.compile(rf"{_REALM.pattern}|\[?[0-9A-Fa-f:.]{{2,45}}\]?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """One gateway of a resource: ``owner`` is an account, or the system; ``at`` its place.

    ``from_realm`` is what a call says that it is from, if not what all calls do.
    """

    owner: str
    resource: Document
    at: int
    document: Document
    from_realm: str = ""

    @property
    def name(self) -> str:
        """How it is known by in Asterisk's tables, whatever calls say that they are from."""
        return name_of(self.owner, self.resource["_id"], self.at)

    @property
    def dialed(self) -> str:
        """How it is dialed: a name for each realm, since Asterisk says one for each name."""
        return name_of(self.owner, self.resource["_id"], self.at, self.from_realm)

    @property
    def server(self) -> str:
        """Its host, as SIP addresses have it; "" for what is none."""
        host = str(self.document.get("server") or "")
        if not _HOST.fullmatch(host):
            return ""
        return f"[{host}]" if ":" in host and host[0] != "[" else host

    @property
    def sender(self) -> str:
        """The address or the host from which its calls come."""
        return str(self.document.get("inbound_ip") or self.server)

    @property
    def port(self) -> int:
        """Its port for SIP."""
        port = self.document.get("port")
        return port if isinstance(port, int) and 0 < port < 65536 else USUAL_PORT

    @property
    def username(self) -> str:
        """Who we are for it; "" where it knows us by our address."""
        return str(self.document.get("username") or "")

    @property
    def password(self) -> str:
        """What proves that."""
        return str(self.document.get("password") or "")

    @property
    def realm(self) -> str:
        """What calls say that they are from, if it wants to be told something of its own."""
        wanted = (
            self.from_realm
            or self.document.get("from_uri_realm")
            or self.resource.get("from_uri_realm")
            or self.document.get("realm")
        )
        return wanted if isinstance(wanted, str) and _HOST.fullmatch(wanted) else ""

    @property
    def registers(self) -> bool:
        """Whether we are to tell it where we are."""
        return self.document.get("register") is True and bool(self.username)

    @property
    def codecs(self) -> list[str]:
        """The codecs that it takes, as Asterisk names them."""
        asked: Any = self.document.get("codecs") or lookup(
            self.resource, ("media", "audio", "codecs")
        )
        known = [CARRIER_CODECS[each] for each in asked or () if each in CARRIER_CODECS]
        return list(dict.fromkeys(known)) or usual_codecs()

    @property
    def takes_t38(self) -> bool:
        """Whether faxes go there by T.38, not as sound."""
        return lookup(self.document, ("media", "fax_option")) is True

    def headers(self, caller: CallerId) -> dict[str, str]:
        """What a call is sent with, beside its number: the gateway's own, and who hides."""
        wanted = self.document.get("custom_sip_headers")
        own = wanted.get("out", wanted) if isinstance(wanted, dict) else None
        listed = own.items() if isinstance(own, dict) else ()
        found = {name: value for name, value in listed if isinstance(value, str)}
        if caller.hides in ("full", "number"):
            # The carrier has to know whom it serves; who is called has not.
            identity = f"<{self.uri(caller.number)}>"
            found |= {"Privacy": "id", "P-Asserted-Identity": identity}
        return found

    def uri(self, number: str) -> str:
        """The address of a number there."""
        return f"sip:{quote(number, safe='+*')}@{self.server}:{self.port}"


def address_in(text: str) -> str | None:
    """An address in its usual spelling; ``None`` for what is none, such as the name of a host."""
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return None


async def _addresses(host: str, threads: Executor) -> tuple[str, ...]:
    """The addresses of a host, as far as they are found in time."""
    ask = partial(socket.getaddrinfo, host, None, type=socket.SOCK_DGRAM)
    try:
        async with asyncio.timeout(PATIENCE):
            found = await asyncio.get_running_loop().run_in_executor(threads, ask)
    except (OSError, TimeoutError, ValueError):
        log.warning("carrier_not_found", host=host)
        return ()
    return tuple(sorted({str(each[4][0]) for each in found}))


@contextmanager
def _threads() -> Iterator[Executor]:
    """Threads for name servers alone: one that does not answer holds up nothing else."""
    threads = ThreadPoolExecutor(THREADS, "carriers")
    try:
        yield threads
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def name_of(owner: str, resource_id: str, at: int, realm: str = "") -> str:
    """The name of a gateway, to which calls say that they are from a realm, if it is one."""
    name = f"{OUTWARDS}.{owner or SYSTEM}.{resource_id}.{at}"
    return f"{name}.{realm}" if _REALM.fullmatch(realm) else name


class Carriers:
    """Gateways, as documents say. A subscriber to events."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.changed = asyncio.Event()
        """Set when carriers may have changed."""

        self._gateways = Gathered(
            services.store, RESOURCE_TYPE, all_resources, gateways_of, self.changed.set
        )
        self._by_address: dict[str, list[Gateway]] = {}
        self._hosts: dict[str, tuple[str, ...]] = {}
        self._ours: set[str] = set()
        self._unknown = asyncio.Event()

    async def gateway(self, name: str) -> Gateway | None:
        """The gateway that is dialed by a name; ``None`` where none is that may be used."""
        kind, owner, resource_id, at, realm = [*name.split(".", 4), "", "", "", ""][:5]
        if kind != OUTWARDS or not at.isdecimal():
            return None
        gateways = await self._gateways.read(owner, resource_id)
        found = next((each for each in gateways if each.at == int(at)), None)
        if found is None:
            return None
        found = replace(found, from_realm=realm)
        return found if owner == SYSTEM else await self._public(found)

    async def _public(self, gateway: Gateway) -> Gateway | None:
        """An account's own gateway, at an address that anybody may have; ``None`` elsewhere.

        It is called at the very address that was judged, not at a name that may lead elsewhere.
        """
        if self._services.settings.switch.allow_private_carriers:
            return gateway
        await self._look()
        address = address_in(gateway.server)
        addresses = (address,) if address else self._hosts.get(gateway.server, ())
        if not addresses or not all(ipaddress.ip_address(each).is_global for each in addresses):
            log.warning("carrier_in_private_network", gateway=gateway.name)
            return None
        return replace(gateway, document={**gateway.document, "server": addresses[0]})

    async def at(self, address: str) -> list[Gateway]:
        """The gateways whose calls come from an address; those of the system come first."""
        await self._look()
        return self._by_address.get(address, [])

    async def addresses(self) -> list[str]:
        """The addresses from which carriers call."""
        await self._look()
        return [*self._by_address]

    async def are_asked_for(self) -> bool:
        """Whether the addresses of all hosts of the system's carriers have been asked for."""
        await self._look()
        return self._ours <= self._hosts.keys()

    async def registering(self) -> list[Gateway]:
        """The gateways that want to be told where we are."""
        await self._look()
        asked = [each for each in self._gateways if each.registers]
        found = [each if each.owner == SYSTEM else await self._public(each) for each in asked]
        return [each for each in found if each]

    def notice(self, event: Event) -> None:
        """Note what an event has made stale."""
        self._gateways.notice(event)

    def forget(self) -> None:
        """Forget everything."""
        self._gateways.forget()

    async def _look(self) -> None:
        """Know what there is now."""
        if await self._gateways.look():
            self._place()
            if set().union(*self._named()) - self._hosts.keys():
                self._unknown.set()  # nobody waits for somebody else's name server

    def _named(self) -> tuple[set[str], set[str]]:
        """The hosts that are known by name only: of the system, and of accounts."""
        found: dict[str, set[str]] = defaultdict(set)
        for each in self._gateways:
            hosts = {each.sender, each.server}
            found[each.owner] |= {host for host in hosts if address_in(host) is None}
        ours = found.pop(SYSTEM, set())
        theirs = {host for each in found.values() for host in sorted(each)[:MOST_NAMES]}
        return ours, theirs - ours

    def _place(self) -> None:
        """Note which gateways are at which address."""
        found: dict[str, list[Gateway]] = {}
        for gateway in sorted(self._gateways, key=lambda each: each.owner != SYSTEM):
            own = address_in(gateway.sender)
            for address in (own,) if own else self._hosts.get(gateway.sender, ()):
                found.setdefault(address, []).append(gateway)
        self._by_address = found
        self._ours = self._named()[0]

    async def _resolve(self, hosts: set[str], threads: Executor) -> None:
        """Ask for the addresses of hosts; of one that has none now, those from before count."""
        names = random.sample(sorted(hosts), len(hosts))  # whoever was not reached may be now
        asked = (_addresses(name, threads) for name in names)
        for name, found in zip(names, await asyncio.gather(*asked), strict=True):
            if found or name not in self._hosts:
                self._hosts[name] = found
        if names:
            self._place()

    async def work(self) -> None:
        """Ask for the addresses of hosts: of new ones soon, of all now and then, for ever."""
        with _threads() as for_ours, _threads() as for_theirs:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(ASKED_ANEW):
                        await self._unknown.wait()
                is_late, (ours, theirs) = not self._unknown.is_set(), self._named()
                self._unknown.clear()
                names = ours | theirs
                self._hosts = {name: each for name, each in self._hosts.items() if name in names}
                known = set() if is_late else set(self._hosts)
                await asyncio.gather(
                    self._resolve(ours - known, for_ours),
                    self._resolve(theirs - known, for_theirs),
                )


def gateways_of(owner: str, resource: Document) -> list[Gateway]:
    """The gateways of a resource that can be used."""
    if resource.get("pvt_deleted") or resource.get("enabled") is False:
        return []
    listed = resource.get("gateways")
    found = [
        Gateway(owner=owner, resource=resource, at=at, document=each)
        for at, each in enumerate(listed if isinstance(listed, list) else ())
        if isinstance(each, dict)
        and each.get("enabled") is not False
        and each.get("endpoint_type", "sip") == "sip"
    ]
    return [each for each in found if each.server]
