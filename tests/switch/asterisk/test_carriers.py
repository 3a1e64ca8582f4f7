"""Calls that leave by carriers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import baresip
import pytest

from tests.ports import free_port
from tests.switch.asterisk.carrier import Carrier, Message, carrier
from tests.switch.asterisk.conftest import Office, with_settings
from tests.switch.asterisk.phones import WITHIN, Phone, until

pytestmark = pytest.mark.thorough

RULES = [r"^(\+1\d{10})$"]
NUMBER = "+14155550100"


@pytest.fixture
async def telco(office: Office) -> AsyncIterator[Carrier]:
    async with carrier("127.0.0.2", office.sip_port) as made:
        yield made


async def resource(office: Office, *gateways: Any, account: bool = False, **more: Any) -> str:
    """A carrier of the system, or the account's own."""
    asked = {"name": "Telco", "rules": RULES, "gateways": [*gateways], **more}
    path = f"{office.path}/resources" if account else "/v2/resources"
    made: str = (await office.api.put(path, asked)).expect(201).data["id"]
    return made


def _always(answers: list[int], message: Message) -> list[int]:
    return answers


async def way_out(office: Office, module: str = "offnet", **data: Any) -> None:
    await office.callflow("no_match", module, "", **data)


async def failed(phone: Phone, number: str) -> int:
    """The status by which a call is refused."""
    call = await phone.dial(number)
    with pytest.raises(baresip.CallFailed) as refused:
        await call.wait_established(WITHIN)
    return refused.value.status or 0


async def test_a_call_leaves_and_both_hear_each_other(office: Office, telco: Carrier) -> None:
    resource_id = await resource(office, telco.gateway())
    await way_out(office)
    shown = {"external": {"name": "Acme", "number": "+12125550111"}}
    ann = await office.phone("ann", caller_id=shown)
    await ann.call("4155550100")
    call = await telco.rings()
    assert call.invite.user == NUMBER
    assert '"Acme" <sip:+12125550111@' in call.invite.header("from")
    await ann.hears(telco.tone)
    await call.hears(ann.tone)
    legs = {each["direction"]: each for each in await office.rows("channels")}
    assert legs["outbound"]["authorizing_type"] == "resource"
    assert legs["outbound"]["custom_channel_vars"]["resource_id"] == resource_id
    assert legs["outbound"]["custom_channel_vars"]["global_resource"] == "true"
    office.api.clock.advance(61)
    await ann.hang_up()
    await call.ends()
    await until(lambda: not office.station.exchange.lines)
    records = {each["direction"]: each for each in await office.rows("cdrs")}
    assert records["outbound"]["billing_seconds"] == 61


async def test_gateways_are_tried_in_order_until_one_reaches_whom_is_called(
    office: Office, telco: Carrier
) -> None:
    telco.answers = lambda message: [503] if message.user.startswith("9") else [183, 200]
    silent = telco.gateway(port=free_port(), progress_timeout=1)
    await resource(office, silent, telco.gateway(prefix="9"), telco.gateway(suffix="7"))
    await way_out(office)
    ann = await office.phone("ann")
    await ann.call(NUMBER)
    await ann.hears(telco.tone)
    assert [each.user for each in telco.requests("INVITE")][::1] == [f"9{NUMBER}", f"{NUMBER}7"]
    causes = sorted(each["hangup_cause"] for each in await office.rows("cdrs"))
    assert causes == ["NORMAL_CIRCUIT_CONGESTION", "NORMAL_CLEARING"]


async def test_who_is_busy_or_declines_is_not_tried_by_another_carrier(
    office: Office, telco: Carrier
) -> None:
    await resource(office, telco.gateway(), telco.gateway(prefix="9"))
    await way_out(office)
    ann = await office.phone("ann")
    for answers, status in (([180, 486], 486), ([486], 486), ([180, 603], 480)):
        telco.answers = partial(_always, answers)
        before = len(telco.dialogs)
        call = await ann.dial(NUMBER)
        with pytest.raises(baresip.BaresipError) as refused:
            await call.wait_established(WITHIN)
        assert refused.value.status == status  # type: ignore[attr-defined]
        assert len(telco.dialogs) == before + 1


async def test_a_gateway_that_wants_a_password_is_given_it(office: Office, telco: Carrier) -> None:
    telco.password = "long and secret"
    await resource(office, telco.gateway(username="us", password=telco.password))
    await way_out(office)
    ann = await office.phone("ann")
    await ann.call(NUMBER)
    await ann.hears(telco.tone)
    told = (await office.api.get("/v2/resources")).content
    assert telco.password.encode() not in told


async def test_an_account_uses_its_own_carriers_and_no_other_account_does(
    office: Office, telco: Carrier
) -> None:
    await resource(office, telco.gateway(), account=True)
    await way_out(office, "resources")
    ann = await office.phone("ann")
    await ann.call(NUMBER)
    await ann.hears(telco.tone)
    await ann.hang_up()
    other = await office.neighbour("Other")
    for module, data in (("offnet", {}), ("resources", {"hunt_account_id": office.account_id})):
        await other.callflow("no_match", module, "", **data)
        ben = await other.phone(f"ben-{module}")
        assert await failed(ben, NUMBER) == 404
        found = await other.rows("callflows")
        await office.api.delete(f"{other.path}/callflows/{found[0]['id']}")
    assert len(telco.dialogs) == 1


async def test_who_hides_is_shown_to_the_carrier_alone(office: Office, telco: Carrier) -> None:
    await resource(office, telco.gateway(custom_sip_headers={"X-Plan": "gold"}))
    await way_out(office)
    ann = await office.phone(
        "ann",
        caller_id={"external": {"name": "Acme", "number": "+12125550111"}},
        caller_id_options={"outbound_privacy": "full"},
    )
    await ann.call(NUMBER)
    invite = (await telco.rings()).invite
    assert "anonymous" in invite.header("from").lower()
    assert "12125550111" not in invite.header("from")
    assert "+12125550111" in invite.header("p-asserted-identity")
    assert invite.header("privacy") == "id"
    assert invite.header("x-plan") == "gold"


async def test_a_carrier_is_sent_numbers_and_names_as_its_formatters_say(
    office: Office, telco: Carrier
) -> None:
    rules = {
        "to_did": {"regex": r"^\+(\d+)$", "prefix": "00"},
        "outbound_caller_id_number": {"match_invite_format": True},
        "outbound_caller_id_name": [
            {"direction": "inbound", "value": "never"},
            {"direction": "outbound", "strip": True},
        ],
        "x_plan": {"prefix": "old-"},
    }
    headers = {"X-Plan": "gold"}
    gateway = telco.gateway(invite_format="1npan", custom_sip_headers=headers)
    await resource(office, gateway, formatters=rules)
    await way_out(office)
    shown = {"external": {"name": "Acme", "number": "+12125550111"}}
    ann = await office.phone("ann", caller_id=shown)
    await ann.call(NUMBER)
    invite = (await telco.rings()).invite
    assert invite.user == "14155550100"  # the format comes first: nothing is left to rewrite
    assert "<sip:12125550111@" in invite.header("from")
    assert "Acme" not in invite.header("from")
    assert invite.header("x-plan") == "old-gold"
    [record] = [each for each in await office.rows("channels") if each["direction"] == "outbound"]
    assert record["destination"] == NUMBER


@pytest.mark.parametrize(
    ("of_resource", "of_step", "realm"),
    [
        ({}, {}, "of.gateway.example"),
        ({"from_account_realm": True}, {}, ""),
        ({}, {"format_from_uri": True}, ""),
        ({"from_account_realm": True, "from_uri_realm": "of.all.example"}, {}, "of.all.example"),
        ({}, {"format_from_uri": True, "from_uri_realm": "of.step.example"}, "of.step.example"),
        ({}, {"format_from_uri": True, "from_uri_realm": "no/realm"}, "of.gateway.example"),
    ],
)
async def test_a_call_says_which_realm_it_is_from(
    office: Office, telco: Carrier, of_resource: Any, of_step: Any, realm: str
) -> None:
    telco.password = "s3cret"  # which it asks for, whatever the call is from
    gateway = telco.gateway(realm="of.gateway.example", username="us", password="s3cret")
    await resource(office, gateway, **of_resource)
    await way_out(office, **of_step)
    ann = await office.phone("ann")
    await ann.call(NUMBER)
    assert f"@{realm or office.realm}>" in (await telco.rings()).invite.header("from")


async def test_what_a_carrier_lets_hear_before_the_answer_is_heard(
    office: Office, telco: Carrier
) -> None:
    telco.picks_up.clear()
    await resource(office, telco.gateway())
    await way_out(office)
    ann = await office.phone("ann")
    for answers in ([183, 200], [180, 183, 200]):
        telco.answers = partial(_always, answers)
        call = await ann.dial(NUMBER)
        await ann.hears(telco.tone)
        assert call.state is not baresip.CallState.ESTABLISHED
        assert not any(each["answered"] for each in await office.rows("channels"))
        telco.picks_up.set()
        await call.wait_established(WITHIN)
        await ann.hears(telco.tone)
        await (await telco.rings()).hears(ann.tone)
        telco.picks_up.clear()
        await ann.hang_up()
        await until(lambda: not office.station.exchange.lines)
    assert not await office.station.exchange.ari.get("bridges")


async def test_what_is_heard_before_the_answer_is_not_where_it_is_unwanted(
    office: Office, telco: Carrier
) -> None:
    telco.picks_up.clear()
    telco.answers = lambda _: [183, 200]
    await resource(office, telco.gateway())
    await way_out(office, ignore_early_media=True)
    ann = await office.phone("ann")
    await ann.dial(NUMBER)
    call = await telco.rings()
    await until(lambda: any(each.has_sound for each in office.station.exchange.lines.values()))
    assert not await office.station.exchange.ari.get("bridges")
    await ann.hang_up()
    await call.ends()


async def test_nobody_hears_a_carrier_for_ever_before_the_answer(
    office: Office, telco: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossbar.switch.executor.media.LONGEST_RING", 3)
    telco.answers = lambda _: [183]
    await resource(office, telco.gateway())
    await way_out(office, timeout=10**12)
    ann = await office.phone("ann")
    await ann.dial(NUMBER)
    await ann.hears(telco.tone)
    await (await telco.rings()).ends()
    await ann.is_idle()


async def test_who_gives_up_ends_the_call_at_the_carrier(office: Office, telco: Carrier) -> None:
    telco.answers = lambda _: [180]
    await resource(office, telco.gateway())
    await way_out(office)
    ann = await office.phone("ann")
    await ann.dial(NUMBER)
    call = await telco.rings()
    await ann.hang_up()
    await call.ends()


@with_settings(media_timeout=1)
async def test_who_sends_no_sound_any_more_is_not_in_the_call_for_ever(
    office: Office, telco: Carrier
) -> None:
    await resource(office, telco.gateway())
    await way_out(office)
    ann = await office.phone("ann")
    await ann.call("4155550100")
    call = await telco.rings()
    await call.hears(ann.tone)
    call.sound.close()  # as if it had lost its power: it says nothing, and takes nothing
    await ann.is_idle()
    await call.ends()
    await until(lambda: not office.station.exchange.lines)
    assert len(await office.rows("cdrs")) == 2


async def test_a_carrier_cannot_transfer_its_side_of_a_call(
    office: Office, telco: Carrier
) -> None:
    await resource(office, telco.gateway())
    await way_out(office)
    ann = await office.phone("ann")
    await ann.call(NUMBER)
    call = await telco.rings()
    await ann.hears(telco.tone)
    telco.refer(call, "sip:+19005550100@127.0.0.1")
    await until(lambda: any("REFER" in each.header("cseq") for each in telco.seen))
    [refused] = [each.status for each in telco.seen if "REFER" in each.header("cseq")]
    assert refused >= 400
    await ann.hears(telco.tone)


async def test_the_switch_registers_with_a_carrier_that_wants_it(
    office: Office, telco: Carrier
) -> None:
    telco.password = "long and secret"
    account = {"username": "us", "password": telco.password, "register": True}
    resource_id = await resource(office, telco.gateway(**account))
    await until(lambda: any(telco.is_proved(each) for each in telco.requests("REGISTER")))
    await office.number(NUMBER)
    ann = await office.phone("ann", NUMBER)
    call = await telco.call("us", to=NUMBER)
    await ann.hears(telco.tone)
    telco.hang_up(call)
    (await office.api.delete(f"/v2/resources/{resource_id}")).expect(200)
    await until(lambda: "expires: 0" in telco.requests("REGISTER")[-1].raw.lower())
