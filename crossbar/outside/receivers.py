"""Reporting to servers that clients have named, and to nothing else that can be reached from here.

A name is looked up, what it leads to is judged, and the connection is made to the very address
that was judged: a name that leads elsewhere a moment later changes nothing. Redirections are not
followed, proxies of the environment are not used, and no cookie is kept.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from functools import lru_cache
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from crossbar.core.ports import Message, NotReached, Reply

BEGINNING = 1000
"""Bytes of an answer that are read unless more are asked for."""

REFUSED = "the address is not of the public internet"

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

UNLISTED = (
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv6Network("3fff::/20"),
    ipaddress.IPv6Network("fec0::/10"),
)
"""Networks of no public use that ``ipaddress`` holds to be global, at least in some versions."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(text: str) -> bool:
    """Whether a numeric address is of the public internet, whatever it is wrapped in."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    if any(address in network for network in UNLISTED):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class _Refused(OSError):
    """All addresses of a host are refused."""


class Judging(AbstractResolver):
    """Looks a host up and answers only what may be connected to."""

    def __init__(self, *, private: bool, resolver: AbstractResolver | None = None) -> None:
        self._private = private
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host that are allowed; of none an :class:`OSError`."""
        if self._resolver is None:
            self._resolver = ThreadedResolver()  # needs a running loop
        found = await self._resolver.resolve(host, port, family)
        allowed = [each for each in found if self._private or is_public(each["host"])]
        if found and not allowed:
            raise _Refused(REFUSED)
        return allowed

    async def close(self) -> None:
        """Nothing is open."""


class HttpReceivers:
    """Receivers behind HTTP, with connections that are kept for the next report."""

    def __init__(self, resolver: AbstractResolver | None = None) -> None:
        self._resolver = resolver
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def send(
        self,
        message: Message,
        *,
        private: bool,
        seconds: float,
        connect: float,
        most: int = BEGINNING,
    ) -> Reply:
        """See :class:`crossbar.core.ports.Receivers`."""
        url = _judged(message.url, private=private)
        try:
            async with asyncio.timeout(seconds):
                session = self._session(private=private)
                return await self._ask(message, url, session, connect, most)
        except TimeoutError:
            raise NotReached(f"no answer within {seconds:g} seconds") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotReached(_reason(error)) from None

    async def _ask(
        self,
        message: Message,
        url: URL,
        session: aiohttp.ClientSession,
        connect: float,
        most: int,
    ) -> Reply:
        async with session.request(
            message.method,
            url,
            headers=message.headers,
            data=message.body or None,
            allow_redirects=False,
            timeout=_limits(connect),
        ) as response:
            body = bytearray()
            while len(body) < most and (more := await response.content.read(most)):
                body += more
            return Reply(
                response.status, bytes(body[:most]), response.content_type, response.headers
            )

    def _session(self, *, private: bool) -> aiohttp.ClientSession:
        session = self._sessions.get(private)
        if session is None or session.closed:
            resolver = Judging(private=private, resolver=self._resolver)
            self._sessions[private] = session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=resolver, limit=0, ttl_dns_cache=10),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "identity"},  # a few bytes may be many
                auto_decompress=False,
                max_field_size=16_384,
            )
        return session

    async def close(self) -> None:
        """See :class:`crossbar.core.ports.Receivers`."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()


@lru_cache(8)
def _limits(connect: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect)


def _judged(text: str, *, private: bool) -> URL:
    """The address, unless its host is a numeric one that is refused: for one nothing is looked up.

    It is the host as the connection is made to it: digits and dots of other scripts are brought
    into their plain form by who reads an address for HTTP.
    """
    try:
        url = URL(text)
        host = url.raw_host or ""
    except ValueError:
        raise NotReached("the address cannot be read") from None
    if url.scheme not in ("http", "https") or not host:
        raise NotReached("the address is not one of http or https")
    try:
        allowed = private or is_public(host)
    except ValueError:
        return url  # a name
    if not allowed:
        raise NotReached(REFUSED)
    return url


def _reason(error: Any) -> str:
    """What is said of an error: its kind, and for a refused address why."""
    cause = getattr(error, "os_error", None) or error.__cause__
    if isinstance(error, _Refused) or isinstance(cause, _Refused):
        return REFUSED
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host is unknown"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "the certificate is not to be trusted"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "the connection was refused"
    return type(error).__name__
