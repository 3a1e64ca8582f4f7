"""Reports go to the public internet only, unless private addresses are allowed."""

from __future__ import annotations

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from crossbar.core.ports import Message, NotReached
from crossbar.outside import HttpReceivers
from crossbar.outside.receivers import is_public
from tests.families.webhooks.receiver import Receiver, receiving


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "192.168.0.1",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "ff02::1",
        "fec0::1",
        "192.0.0.192",
    ],
)
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


class _Leading(AbstractResolver):
    """Every name leads to these addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        return [
            ResolveResult(
                hostname=host, host=each, port=port, family=socket.AF_INET, proto=0, flags=0
            )
            for each in self.addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


async def send(receivers: HttpReceivers, url: str, *, private: bool = False) -> int:
    message = Message("POST", url, {}, b"{}")
    try:
        return (await receivers.send(message, private=private, seconds=10, connect=10)).status
    finally:
        await receivers.close()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "[::1]",
        "localhost",
        "[::]",
        "①②⑦.0.0.1",
        "127。0。0。1",
    ],
)
async def test_this_machine_is_not_asked(host: str) -> None:
    async with receiving() as receiver:
        port = receiver.url.rpartition(":")[2]
        with pytest.raises(NotReached):
            await send(HttpReceivers(), f"http://{host}:{port}/in")
        assert receiver.got == []


async def test_a_name_that_leads_here_is_not_asked(receiver: Receiver) -> None:
    port = receiver.url.rpartition(":")[2]
    with pytest.raises(NotReached, match="not of the public"):
        await send(HttpReceivers(_Leading("127.0.0.1")), f"http://a.example:{port}/in")
    assert receiver.got == []


async def test_the_address_that_was_judged_is_asked(receiver: Receiver) -> None:
    port, resolver = receiver.url.rpartition(":")[2], _Leading("127.0.0.1")
    url = f"http://a.example:{port}/in"
    assert await send(HttpReceivers(resolver), url, private=True) == 200
    assert resolver.asked == 1
    assert receiver.got[0].headers["host"] == f"a.example:{port}"


@pytest.mark.parametrize("url", ["ftp://a.example/", "http://[1", "http:///x", "file:///etc"])
async def test_other_addresses(url: str) -> None:
    with pytest.raises(NotReached):
        await send(HttpReceivers(), url)


async def test_what_cannot_be_reached_is_told(receiver: Receiver) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/"
        with pytest.raises(NotReached, match="refused"):
            await send(HttpReceivers(), url, private=True)
