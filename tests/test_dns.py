"""Looking up hosts: what a name server on this machine says of them, and what silence means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from crossbar.outside import Dns
from crossbar.settings import Dns as DnsSettings
from tests.conftest import Api
from tests.families.support import refusal

HOST = "ui.example.com"

ZONE = {
    (HOST, "A"): ["192.0.2.7", "192.0.2.6"],
    (HOST, "CNAME"): ["ui.operator.example."],
    (HOST, "MX"): ["10 mail.operator.example."],
    (HOST, "TXT"): ['"v=spf1 " "-all"'],
    (f"_sip._udp.{HOST}", "SRV"): ["10 20 5060 proxy.operator.example."],
    (HOST, "NAPTR"): ['10 100 "S" "SIP+D2U" "" _sip._udp.ui.example.com.'],
}
"""What the server knows, as zone files write it."""


class Server(asyncio.DatagramProtocol):
    """A name server that knows one zone; it keeps silent about the host ``silent``."""

    def __init__(self) -> None:
        self.asked = 0
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.asked += 1
        query = dns.message.from_wire(data)
        (question,) = query.question
        host = question.name.to_text(omit_final_dot=True)
        if host.startswith("silent."):
            return
        kind = dns.rdatatype.to_text(question.rdtype)
        answer = dns.message.make_response(query)
        if values := ZONE.get((host, kind)):
            answer.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, values))
        elif not any(known == host for known, _ in ZONE):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self._transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def name_server() -> AsyncIterator[tuple[Server, int]]:
    """A running name server, and its port."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    try:
        yield server, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


@pytest.mark.parametrize(
    ("host", "kind", "values"),
    [
        (HOST, "A", ["192.0.2.6", "192.0.2.7"]),
        (HOST, "CNAME", ["ui.operator.example"]),
        (HOST, "MX", ["10 mail.operator.example"]),
        (HOST, "TXT", ["v=spf1 -all"]),
        (f"_sip._udp.{HOST}", "SRV", ["10 20 5060 proxy.operator.example"]),
        (HOST, "NAPTR", ['10 100 "S" "SIP+D2U" "" _sip._udp.ui.example.com']),
        (HOST, "SRV", []),
        ("nobody.example.com", "A", []),
        ("x" * 70 + ".example.com", "A", []),
    ],
)
async def test_records_are_told_as_zone_files_write_them(
    host: str, kind: str, values: list[str]
) -> None:
    async with name_server() as (_, port):
        names = Dns(DnsSettings(servers=(f"127.0.0.1:{port}",)))
        assert await names.look_up(kind, host) == values


async def test_silence_is_no_record(api: Api) -> None:
    async with name_server() as (server, port):
        names = Dns(DnsSettings(servers=(f"127.0.0.1:{port}",), timeout=0.2))
        assert await names.look_up("A", "silent.example.com") == []
        assert server.asked


def test_a_server_is_an_address_with_or_without_a_port() -> None:
    servers = ("192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353", "[2001:db8::1]")
    made = Dns(DnsSettings(servers=servers))._made()
    assert [(each.address, each.port) for each in made.nameservers] == [  # type: ignore[union-attr]
        ("192.0.2.1", 53),
        ("192.0.2.1", 5353),
        ("2001:db8::1", 53),
        ("2001:db8::1", 5353),
        ("2001:db8::1", 53),
    ]


def test_without_any_the_systems_are_asked() -> None:
    names = Dns(DnsSettings())
    assert names._made() is names._made()


# The domain of a brand

TEMPLATES = {
    "A": {"{{domain}}": {"name": "Web", "mapping": ["192.0.2.6"], "zone": "{{domain}}"}},
    "CNAME": {"portal.{{domain}}": {"name": "Portal", "mapping": ["ui.operator.example"]}},
    "SRV": {
        "_sip._udp.{{domain}}": {
            "name": "Phones",
            "mapping": ["10 20 5060 proxy.operator.example", "for {{domain}}"],
        }
    },
}


async def set_templates(api: Api) -> None:
    (await api.post("/v2/whitelabel/domains", TEMPLATES)).expect(200)


async def test_the_records_of_a_domain_follow_from_the_operators(api: Api) -> None:
    path = f"{api.account}/whitelabel/domains"
    refusal(await api.get(path), "domain", "required")
    assert (await api.get(f"{path}?domain={HOST}")).expect(200).data == {}
    await set_templates(api)
    expected = {
        "A": {HOST: {"name": "Web", "mapping": ["192.0.2.6"], "zone": HOST}},
        "CNAME": {f"portal.{HOST}": {"name": "Portal", "mapping": ["ui.operator.example"]}},
        "SRV": {
            f"_sip._udp.{HOST}": {
                "name": "Phones",
                "mapping": ["10 20 5060 proxy.operator.example", f"for {HOST}"],
            }
        },
    }
    assert (await api.get(f"{path}?domain=UI.example.com")).expect(200).data == expected
    (await api.put(f"{api.account}/whitelabel", {"domain": HOST})).expect(201)
    assert (await api.get(path)).expect(200).data == expected
    refusal(await api.get(f"{path}?domain=a/b"), "domain", "invalid")


async def test_operators_write_the_records(api: Api) -> None:
    path = "/v2/whitelabel/domains"
    refusal(await api.post(path, {}), "domains", "required")
    await set_templates(api)
    token = await api.account_token(await api.create_account("Other"))
    (await api.post(path, TEMPLATES, token=token)).expect(403)
    (await api.get(path, token="")).expect(405)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"A": {"www": {"name": "Web", "mapping": ["x"]}}}, "A.www"),
        ({"A": {"{{domain}}": {"mapping": ["x"]}}}, "A.{{domain}}.name"),
        ({"MX": {"{{domain}}": {"name": "Mail", "mapping": []}}}, "MX.{{domain}}.mapping"),
        ({"SRV": "x"}, "SRV"),
        (
            {
                "TXT": {
                    f"a{number}.{{{{domain}}}}": {"name": "x", "mapping": ["x"]}
                    for number in range(51)
                }
            },
            "domains",
        ),
    ],
)
async def test_records_of_every_type_are_judged(api: Api, sent: Any, field: str) -> None:
    answer = await api.post("/v2/whitelabel/domains", sent)
    assert list(answer.expect(400).data) == [field]


class TestWithServer:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"dns.servers": ["127.0.0.1:1"], "dns.timeout": 0.2}

    async def test_a_domain_is_tested(self, api: Api) -> None:
        await set_templates(api)
        async with name_server() as (server, port):
            names: Any = api.gateway.services.names
            names._settings = DnsSettings(servers=(f"127.0.0.1:{port}",))
            path = f"{api.account}/whitelabel/domains?domain={HOST}&use_tcp=false"
            tested = (await api.post(path, {})).expect(200).data
            assert server.asked == 3
        assert tested["A"][HOST] == {
            "expected": ["192.0.2.6"],
            "actual": ["192.0.2.6", "192.0.2.7"],
            "name": "Web",
        }
        assert tested["CNAME"][f"portal.{HOST}"]["actual"] == []
        (srv,) = tested["SRV"].values()
        assert srv["actual"] == srv["expected"][:1]

    async def test_where_nobody_answers_nothing_is_there(self, api: Api) -> None:
        await set_templates(api)
        answer = await api.post(f"{api.account}/whitelabel/domains?domain={HOST}", {})
        assert answer.expect(200).data["A"][HOST]["actual"] == []
