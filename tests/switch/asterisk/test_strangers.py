"""Who guesses, floods the switch, or sends what is no SIP."""

from __future__ import annotations

import asyncio

import pytest

from tests.switch.asterisk.conftest import Office, with_settings
from tests.switch.asterisk.phones import WITHIN, until
from tests.switch.asterisk.sip import SilentPhone, silent_phone

pytestmark = pytest.mark.thorough

GUESSES = 5
SHUT_OUT = 600
ELSEWHERE = "127.0.0.2"


@with_settings(guesses_a_minute=GUESSES, shut_out_seconds=SHUT_OUT)
async def test_who_guesses_passwords_is_shut_out_for_a_while(office: Office) -> None:
    await office.device("ann")
    port = office.api.gateway.services.settings.switch.sip_port
    ann = ("ann", "secret of ann", office.realm, port)
    async with silent_phone(*ann) as phone, silent_phone(*ann, host=ELSEWHERE) as stranger:
        stranger.password = "guessed"
        for _ in range(GUESSES):
            assert (await stranger.register()).status in (401, 403)
        await until_answered(stranger, 403)  # it may take a moment until anybody watches
        stranger.password = phone.password
        assert (await stranger.register()).status == 403
        assert (await phone.register()).status == 200
        office.api.clock.advance(SHUT_OUT)
        await until_answered(stranger, 200)


@with_settings(guesses_a_minute=GUESSES, shut_out_seconds=SHUT_OUT)
async def test_what_is_sent_again_is_no_further_guess(office: Office) -> None:
    await office.device("ann")
    ann = ("ann", "secret of ann", office.realm, office.sip_port)
    async with (
        silent_phone(*ann) as slow,
        silent_phone(*ann, host="127.0.0.2") as guesser,
        silent_phone(*ann, host="127.0.0.3") as another,
    ):
        for phone in (guesser, slow, another):
            phone.password = "guessed"
        await until_answered(guesser, 403)  # somebody watches now
        slow.repeats = 2 * GUESSES
        assert (await slow.register()).status == 401
        await until_answered(another, 403)  # what was told before has been counted
        slow.password = "secret of ann"
        assert (await slow.register()).status == 200


async def test_a_carrier_is_not_shut_out_by_who_forges_its_address(office: Office) -> None:
    await office.device("ann")
    carrier = {"name": "Telco", "rules": [], "gateways": [{"server": ELSEWHERE}]}
    (await office.api.put("/v2/resources", carrier)).expect(201)
    ann = ("ann", "secret of ann", office.realm, office.sip_port)
    async with silent_phone(*ann, host=ELSEWHERE) as forger, silent_phone(*ann) as stranger:
        for phone in (forger, stranger):
            phone.password = "guessed"
            for _ in range(GUESSES):
                assert (await phone.register()).status == 401
        await until_answered(stranger, 403)
        assert (await forger.register()).status == 401


async def until_answered(phone: SilentPhone, status: int) -> None:
    """Register again and again until that is the answer."""
    async with asyncio.timeout(WITHIN):
        while (await phone.register()).status != status:
            pass


async def test_a_phone_that_sends_a_call_elsewhere_is_not_followed(office: Office) -> None:
    ann, carl = await office.phone("ann"), await office.phone("carl", "103")
    carl.answers = False
    device = await office.device("ben")
    await office.callflow("102", "device", device["id"])
    port = office.api.gateway.services.settings.switch.sip_port
    endpoint = f"{office.account_id}.{carl.device_id}"
    async with silent_phone("ben", "secret of ben", office.realm, port) as ben:
        assert (await ben.register()).status == 200
        for target in (f"103@{office.realm}", f"PJSIP%2F{endpoint}@{office.realm}"):
            ben.invited.clear()
            ben.moved_to = f"sip:{target}"
            await ann.dial("102")
            await until(lambda: bool(ben.invited))
            assert ben.invited[0].headers["from"].startswith('"Ann" <sip:ann@')
            await ann.is_idle()
            await until(lambda: not office.station.exchange.lines)
    assert not carl.calls
    records = await office.rows("cdrs")
    assert records
    assert all(each["billing_seconds"] == 0 for each in records), records


async def test_what_is_no_sip_disturbs_nobody(office: Office) -> None:
    await office.device("ann")
    port = office.api.gateway.services.settings.switch.sip_port
    async with silent_phone("ann", "secret of ann", office.realm, port) as phone:
        good = f"REGISTER sip:{office.realm} SIP/2.0\r\nVia: SIP/2.0/UDP {phone.address}\r\n"
        for data in (
            b"",
            b"\r\n\r\n",
            b"\x00" * 4000,
            b"INVITE",
            b"INVITE sip:1@x SIP/2.0\r\n\r\n",
            b"REGISTER \xff\xfe SIP/9.9\r\nVia: none\r\n\r\n",
            (good + "CSeq: 99999999999999 REGISTER\r\n\r\n").encode(),
            (good + "Content-Length: -5\r\n\r\n").encode(),
            (good + "From: " + "<" * 3000 + "\r\n\r\n").encode(),
            (good + "Authorization: Digest username=\r\n" * 50 + "\r\n").encode(),
            b"SIP/2.0 200 OK\r\n\r\n",
        ):
            phone.send(data)
        assert (await phone.register()).status == 200
    assert office.station.supervision.pid
    assert [row["username"] for row in await office.rows("registrations")] == ["ann"]


async def test_events_that_nobody_wants_are_forgotten(office: Office) -> None:
    """Asterisk forgets them where it accepts connections for that, and else never."""
    settings = office.api.gateway.services.settings
    said = (settings.switch_folder() / "etc/manager.conf").read_text()
    port = int(said.partition("\nport=")[2].split()[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert (await reader.readline()).startswith(b"Asterisk Call Manager")
    writer.close()
