"""What is left of calls and registrations when the switch or Asterisk dies."""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

import pytest

from crossbar.switch.asterisk import AddressTaken, AlreadyRunning, Program, running
from crossbar.switch.flows import Flows
from tests.conftest import Api
from tests.families.billing.support import pay_in
from tests.switch.asterisk.carrier import Carrier, carrier
from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import Phone, shop, until
from tests.switch.asterisk.test_carriers import NUMBER, resource
from tests.switch.asterisk.test_click_to_call import button, pressed
from tests.switch.asterisk.test_metaflows import keys, press
from tests.switch.asterisk.test_queues import desk_of, queue_of, stats

pytestmark = pytest.mark.thorough


@pytest.fixture
def authorizes() -> bool:
    """Whether calls by carriers need a trunk or credit."""
    return False


@pytest.fixture
def overrides(overrides: dict[str, Any], authorizes: bool) -> dict[str, Any]:
    return overrides | {"switch.authorize_calls": authorizes}


@pytest.fixture
def office() -> None:
    """Here switches are begun and ended by the tests themselves."""


def begun(api: Api, asterisk: Program) -> Any:
    services = api.gateway.services
    flow = Flows(services).run
    return running(services, asterisk, services.settings.switch_folder(), flow)


async def office_of(api: Api, station: Any, phones: Any, *above: str) -> Office:
    account = await api.gateway.services.accounts.get(await api.create_account("Acme", *above))
    assert account is not None
    await station.exchange.ready.wait()
    return Office(api, station, phones, account.account_id, account.realm)


async def test_calls_go_on_while_the_switch_is_replaced(api: Api, asterisk: Program) -> None:
    async with shop(api.gateway.services.settings.switch.sip_port) as phones:
        async with begun(api, asterisk) as station:
            office = await office_of(api, station, phones)
            ann, ben = await office.phone("ann", "101"), await office.phone("ben", "102")
            await ann.call("102")
            await ann.hears(ben.tone)
            pid = station.supervision.pid
            station.supervision.is_left = True
        await ann.hears(ben.tone)
        async with begun(api, asterisk) as station:
            office.station = station
            await station.exchange.ready.wait()
            assert station.supervision.pid == pid
            await ann.hears(ben.tone)
            await ben.hears(ann.tone)
            assert len(await office.rows("channels")) == 2
            await ann.hang_up()
            await ben.is_idle()
            await until(lambda: not station.exchange.lines)
            records = await office.rows("cdrs")
            assert len(records) == 2
            assert len({each["interaction_id"] for each in records}) == 1
            assert await office.rows("channels") == []
            await ben.call("101")
            await ben.hears(ann.tone)


async def test_keys_do_something_after_the_switch_was_replaced(
    api: Api, asterisk: Program
) -> None:
    async with shop(api.gateway.services.settings.switch.sip_port) as phones:
        async with begun(api, asterisk) as station:
            office = await office_of(api, station, phones)
            flows = keys(n3=("hold", {}), n9=("hangup", {}))
            ann, ben = await office.phone("ann", metaflows=flows), await office.phone("ben")
            away = {"enabled": True, "number": "102", "require_keypress": False}
            cara = await office.phone("cara", "103", call_forward=away, metaflows=flows)
            await office.callflow("102", "device", ben.device_id)
            call = await ann.call("103")
            await ann.hears(ben.tone)
            station.supervision.is_left = True
        async with begun(api, asterisk) as station:
            office.station = station
            await station.exchange.ready.wait()
            await ann.hears(ben.tone)
            await press(ben.calls[-1], "*9")  # it has no metaflows, and who forwarded is not there
            await press(call, "*3")
            await until(lambda: ben.spectrum()[ann.tone] < 0.1)
            await until(lambda: ben.loudness() > 50)
            await press(call, "1")
            await ben.hears(ann.tone)
            await ann.hears(ben.tone)
            assert not cara.calls
            await press(call, "*9")
            await ben.is_idle()
            await until(lambda: not station.exchange.lines)
            assert not await station.exchange.ari.get("bridges")


async def test_calls_of_buttons_go_on_while_the_switch_is_replaced(
    api: Api, asterisk: Program
) -> None:
    async with shop(api.gateway.services.settings.switch.sip_port) as phones:
        async with begun(api, asterisk) as station:
            office = await office_of(api, station, phones)
            ann, ben = await office.phone("ann", "101"), await office.phone("ben", "102")
            made = await pressed(office, await button(office), "102")
            await ann.hears(ben.tone)
            rows = await office.rows("channels")
            station.supervision.is_left = True
        async with begun(api, asterisk) as station:
            office.station = station
            await station.exchange.ready.wait()
            await ann.hears(ben.tone)
            await ben.hears(ann.tone)
            again = await office.rows("channels")
            assert {each["uuid"] for each in again} == {each["uuid"] for each in rows}
            await ann.hang_up()
            await ben.is_idle()
            await until(lambda: not station.exchange.lines)
            records = {each["call_id"]: each for each in await office.rows("cdrs")}
            assert records.keys() == {each["uuid"] for each in rows}
            assert records[made["call_id"]]["authorizing_id"]


async def test_a_call_that_only_sounds_yet_ends_when_the_switch_is_replaced(
    api: Api, asterisk: Program
) -> None:
    sip_port = api.gateway.services.settings.switch.sip_port
    async with shop(sip_port) as phones, carrier("127.0.0.2", sip_port) as telco:
        async with begun(api, asterisk) as station:
            office = await office_of(api, station, phones)
            telco.answers = lambda _: [183, 200]
            telco.picks_up.clear()
            await resource(office, telco.gateway())
            await office.callflow("no_match", "offnet", "")
            ann = await office.phone("ann")
            await ann.dial(NUMBER)
            await ann.hears(telco.tone)
            station.supervision.is_left = True
        async with begun(api, asterisk) as station:
            await station.exchange.ready.wait()
            await (await telco.rings()).ends()
            await ann.is_idle()
            assert not await station.exchange.ari.get("bridges")


async def test_asterisk_is_replaced_when_it_dies(api: Api, asterisk: Program) -> None:
    async with (
        shop(api.gateway.services.settings.switch.sip_port) as phones,
        begun(api, asterisk) as station,
    ):
        office = await office_of(api, station, phones)
        ann, ben = await office.phone("ann", "101"), await office.phone("ben", "102")
        await ann.call("102")
        await ann.hears(ben.tone)
        pid = station.supervision.pid
        assert pid is not None
        station.exchange.ready.clear()
        os.kill(pid, signal.SIGKILL)
        await station.exchange.ready.wait()
        assert station.supervision.pid != pid
        await office.station.teller.settled()
        assert await office.rows("channels") == []
        causes = {each["hangup_cause"] for each in await office.rows("cdrs")}
        assert causes == {"NETWORK_OUT_OF_ORDER"}
        await ann.hang_up()
        await ben.hang_up()
        # Nobody has registered anew: where phones are is known from before.
        await ben.call("101")
        await ben.hears(ann.tone)


async def test_calls_that_went_with_both_get_their_records(api: Api, asterisk: Program) -> None:
    async with shop(api.gateway.services.settings.switch.sip_port) as phones:
        async with begun(api, asterisk) as station:
            office = await office_of(api, station, phones)
            ann, ben = await office.phone("ann"), await office.phone("ben", "102")
            await ann.call("102")
            await ann.hears(ben.tone)
            assert len(await office.rows("channels")) == 2
            station.supervision.is_left = True
            pid = station.supervision.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        async with begun(api, asterisk) as station:
            office.station = station
            await station.exchange.ready.wait()
            assert await office.rows("channels") == []
            assert len(await office.rows("cdrs")) == 2


async def test_one_process_runs_a_switch(api: Api, asterisk: Program) -> None:
    async with begun(api, asterisk):
        with pytest.raises(AlreadyRunning):
            async with begun(api, asterisk):
                pass


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["UDP", "TCP"])
async def test_a_switch_whose_port_another_program_has_does_not_start(
    api: Api, asterisk: Program, kind: socket.SocketKind
) -> None:
    settings = api.gateway.services.settings.switch
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind((settings.host, settings.sip_port))
        if kind is socket.SOCK_STREAM:
            other.listen()
        with pytest.raises(AddressTaken, match=rf":{settings.sip_port} \((UDP|TCP)\): another"):
            async with begun(api, asterisk):
                pass
    async with begun(api, asterisk) as station:
        await station.exchange.ready.wait()


async def test_who_waits_in_a_queue_waits_on_when_the_switch_is_replaced(
    api: Api, asterisk: Program
) -> None:
    async with shop(api.gateway.services.settings.switch.sip_port) as phones:
        async with begun(api, asterisk) as station:
            office = await office_of(api, station, phones)
            queue_id = await queue_of(office, agent_wrapup_time=600)
            ann, ben = await office.phone("ann"), await desk_of(office, "ben", queue_id)
            carl, dora = await office.phone("carl"), await desk_of(office, "dora", queue_id)
            await dora.order("pause", timeout=0)
            await dora.becomes("paused")
            await ann.call("700")
            await ann.hears(ben.phone.tone)
            await carl.call("700")
            await until(lambda: carl.loudness() > 100)
            api.clock.advance(8)
            await station.teller.settled()
            station.supervision.is_left = True
        await ann.hears(ben.phone.tone)
        async with begun(api, asterisk) as station:
            office.station = station
            await station.exchange.ready.wait()
            assert [await desk.status() for desk in (ben, dora)] == ["connected", "paused"]
            assert {each["status"] for each in await stats(office)} == {"waiting", "handled"}
            await until(lambda: carl.loudness() > 100)
            await dora.order("resume")
            await carl.hears(dora.phone.tone)
            await ann.hang_up()
            await ben.phone.is_idle()
            await ben.becomes("wrapup")
            await carl.hang_up()
            await dora.becomes("wrapup")
            calls = await stats(office)
            assert [each["status"] for each in calls] == ["processed"] * 2
            assert {each["hung_up_by"] for each in calls} == {"member"}
            assert sorted(each["wait_time"] for each in calls) == [0, 8]


async def test_who_has_left_a_queue_meanwhile_is_told_to_have_left(
    api: Api, asterisk: Program
) -> None:
    async with shop(api.gateway.services.settings.switch.sip_port) as phones:
        async with begun(api, asterisk) as station:
            office = await office_of(api, station, phones)
            queue_id = await queue_of(office)
            ann, ben = await office.phone("ann"), await desk_of(office, "ben", queue_id)
            await ann.call("700")
            await ann.hears(ben.phone.tone)
            carl = await office.phone("carl")
            await carl.call("700")
            await until(lambda: carl.loudness() > 100)
            await station.teller.settled()
            station.supervision.is_left = True
        for phone in (ann, carl):
            await phone.hang_up()
            await phone.is_idle()
        await ben.phone.hang_up()
        async with begun(api, asterisk) as station:
            office.station = station
            await station.exchange.ready.wait()
            assert {each["status"] for each in await stats(office)} == {"processed", "abandoned"}
            assert await ben.status() == "ready"


async def test_queues_are_empty_after_asterisk_has_died(api: Api, asterisk: Program) -> None:
    async with (
        shop(api.gateway.services.settings.switch.sip_port) as phones,
        begun(api, asterisk) as station,
    ):
        office = await office_of(api, station, phones)
        queue_id = await queue_of(office)
        ann, ben = await office.phone("ann"), await desk_of(office, "ben", queue_id)
        carl = await office.phone("carl")
        await ann.call("700")
        await ann.hears(ben.phone.tone)
        await carl.call("700")
        await until(lambda: carl.loudness() > 100)
        pid = station.supervision.pid
        assert pid is not None
        station.exchange.ready.clear()
        os.kill(pid, signal.SIGKILL)
        await station.exchange.ready.wait()
        await ben.becomes("ready")
        assert {each["status"] for each in await stats(office)} == {"processed", "abandoned"}
        for phone in (ann, carl, ben.phone):
            await phone.hang_up()
        await ann.call("700")
        await ann.hears(ben.phone.tone)


async def a_charged_call(office: Office, telco: Carrier) -> Phone:
    """A phone in a call by a carrier that costs six cents a minute."""
    await resource(office, telco.gateway())
    await office.callflow("no_match", "offnet", "")
    made = {"prefix": 1415, "rate_cost": 0.06, "rate_minimum": 6, "rate_increment": 6}
    (await office.api.put("/v2/rates", made)).expect(201)
    await pay_in(office.api, office.path, 1)
    ann = await office.phone("ann")
    await ann.call(NUMBER)
    await ann.hears(telco.tone)
    await office.station.teller.settled()
    return ann


async def costs(office: Office, account_id: str = "") -> list[Any]:
    """What the account was charged, or another one."""
    await office.station.teller.settled()
    path = f"/v2/accounts/{account_id or office.account_id}/ledgers/per-minute-voip"
    return [each["amount"] for each in (await office.api.get(path)).expect(200).data]


@pytest.mark.parametrize("also_asterisk", [False, True])
@pytest.mark.parametrize("authorizes", [True])
async def test_a_call_is_charged_once_whoever_dies(
    api: Api, asterisk: Program, also_asterisk: bool, authorizes: bool
) -> None:
    port = api.gateway.services.settings.switch.sip_port
    async with shop(port) as phones, carrier("127.0.0.2", port) as telco:
        async with begun(api, asterisk) as station:
            reseller = await api.create_account("Reseller")
            (await api.put(f"/v2/accounts/{reseller}/reseller", {})).expect(201)
            await pay_in(api, f"/v2/accounts/{reseller}", 1)
            office = await office_of(api, station, phones, reseller)
            ann = await a_charged_call(office, telco)
            api.clock.advance(60)
            seen = api.gateway.services.settings.switch_folder() / "seen"
            now = str(api.clock.gregorian())
            await until(lambda: seen.exists() and seen.read_text() == now)
            station.supervision.is_left = True
            pid = station.supervision.pid
        assert pid is not None
        assert await costs(office) == await costs(office, reseller) == []
        if also_asterisk:
            os.kill(pid, signal.SIGKILL)
        else:
            await ann.hang_up()
        api.clock.advance(1200)
        for _ in range(2):
            async with begun(api, asterisk) as station:
                office.station = station
                await station.exchange.ready.wait()
                await until(lambda: not station.exchange.lines)
                assert await costs(office) == await costs(office, reseller) == [-0.06]
                assert await office.rows("channels") == []
                station.supervision.is_left = True
        async with begun(api, asterisk) as station:
            await station.exchange.ready.wait()


@pytest.mark.parametrize("authorizes", [True])
async def test_a_call_by_a_carrier_is_taken_over(api: Api, asterisk: Program) -> None:
    port = api.gateway.services.settings.switch.sip_port
    async with shop(port) as phones, carrier("127.0.0.2", port) as telco:
        async with begun(api, asterisk) as station:
            office = await office_of(api, station, phones)
            ann = await a_charged_call(office, telco)
            station.supervision.is_left = True
        api.clock.advance(60)
        async with begun(api, asterisk) as station:
            office.station = station
            await station.exchange.ready.wait()
            await ann.hears(telco.tone)
            api.clock.advance(60)
            await ann.hang_up()
            await (await telco.rings()).ends()
            await until(lambda: not station.exchange.lines)
            assert await costs(office) == [-0.12]
            legs = {each["direction"]: each for each in await office.rows("cdrs")}
            assert legs["outbound"]["billing_seconds"] == 120
