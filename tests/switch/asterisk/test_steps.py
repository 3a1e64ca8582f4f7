"""Steps that decide or change something and make no sound themselves, in real calls.

Each is followed by a tone where it is to lead, and by another one where it is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from crossbar.documents import Document
from tests.families.webhooks.receiver import receiving
from tests.switch.asterisk.conftest import Office, with_settings
from tests.switch.asterisk.phones import TONES, until

pytestmark = pytest.mark.thorough

RIGHT, WRONG = TONES[-1], TONES[-2]

Step = tuple[str, Mapping[str, Any], str]
"""A module, its data, and the child that it is to lead to."""

RECIPIENTS = [{"type": "email", "id": "ann@acme.example"}]

STEPS: tuple[Step, ...] = (
    ("acdc_wait_time", {"id": "0" * 32}, "0"),
    ("after_bridge", {"action": "hangup", "data": True}, "_"),
    ("branch_variable", {"scope": "device", "variable": "name"}, "Ann"),
    ("check_cid", {"regex": "^ann$"}, "match"),
    ("check_cid", {"regex": "^ben$"}, "nomatch"),
    ("dynamic_cid", {"action": "static", "caller_id": {"name": "X", "number": "5"}}, "_"),
    ("edr", {}, "_"),
    ("lookupcidname", {"lists": []}, "_"),
    ("manual_presence", {"presence_id": "door", "status": "busy"}, "_"),
    ("missed_call_alert", {"recipients": RECIPIENTS}, "_"),
    ("nomorobo", {"username": "ann", "password": "green parrot"}, "_"),
    ("noop", {}, "_"),
    ("notification", {"template_id": "missed_call", "recipients": RECIPIENTS}, "_"),
    ("prepend_cid", {"caller_id_name_prefix": "A-"}, "_"),
    ("send_dtmf", {"digits": "1", "duration_ms": "100"}, "_"),
    ("set_alert_info", {"alert_info": "ring2"}, "_"),
    ("set_cid", {"caller_id_name": "Door", "caller_id_number": "5"}, "_"),
    ("set_variable", {"variable": "call_priority", "value": "7"}, "_"),
    ("set_variables", {"custom_application_vars": {"level": "gold"}}, "_"),
    ("skel", {}, "_"),
    ("sleep", {"duration": 300, "unit": "ms"}, "_"),
    ("temporal_route", {}, "_"),
)


@pytest.fixture
async def tones(office: Office) -> dict[int, Document]:
    """A step for each tone that plays it for a while."""
    return {
        each: {"module": "play", "data": {"id": await office.sound(each, 8)}, "children": {}}
        for each in (RIGHT, WRONG)
    }


@with_settings(nomorobo_url="http://127.0.0.1:1/")
@pytest.mark.timeout(180)
async def test_a_step_leads_on_in_a_call(office: Office, tones: dict[int, Document]) -> None:
    ann = await office.phone("ann")
    for number, (module, data, child) in enumerate(STEPS, 600):
        children = dict.fromkeys(("_", "match", "nomatch"), tones[WRONG])
        await office.callflow(f"{number}", module, "", {**children, child: tones[RIGHT]}, **data)
        await ann.call(f"{number}")
        try:
            await ann.hears(RIGHT)
        except (AssertionError, TimeoutError) as failure:
            pytest.fail(f"{module} did not lead to {child}: {failure}")
        await ann.hang_up()
        await until(lambda: not office.station.exchange.lines)


async def test_keys_are_collected_before_the_next_step(
    office: Office, tones: dict[int, Document]
) -> None:
    ann = await office.phone("ann")
    flushed = {"module": "flush_dtmf", "data": {}, "children": {"_": tones[RIGHT]}}
    await office.callflow("600", "collect_dtmf", "", {"_": flushed}, max_digits=2)
    call = await ann.call("600")
    await call.send_dtmf("1")
    await call.send_dtmf("2")
    await ann.hears(RIGHT)


async def test_a_caller_in_a_list_is_known(office: Office, tones: dict[int, Document]) -> None:
    path = f"{office.path}/lists"
    friends = (await office.api.put(path, {"name": "Friends"})).expect(201).data["id"]
    entry = {"pattern": "^44$", "displayname": "Ann Lee"}  # only digits are compared
    (await office.api.put(f"{path}/{friends}/entries", entry)).expect(201)
    children = {"match": tones[RIGHT], "nomatch": tones[WRONG]}
    await office.callflow("600", "cidlistmatch", friends, children)
    ann = await office.phone("ann44")
    await ann.call("600")
    await ann.hears(RIGHT)


@pytest.mark.parametrize("module", ["ring_group", "group", "route_to_cid"])
async def test_phones_are_rung_by_what_they_are_members_of(office: Office, module: str) -> None:
    ann = await office.phone("ann")
    ben = await office.phone("ben", caller_id={"internal": {"name": "Ben", "number": "600"}})
    member = {"endpoint_type": "device", "id": ben.device_id}
    if module == "ring_group":
        await office.callflow("600", module, "", endpoints=[member], timeout=10)
    elif module == "group":
        asked = {"name": "All", "endpoints": {ben.device_id: {"type": "device"}}}
        made = (await office.api.put(f"{office.path}/groups", asked)).expect(201).data
        await office.callflow("600", module, made["id"])
    else:
        await office.callflow("600", module, "")
    await ann.call("600")
    await ann.hears(ben.tone)
    await ben.hears(ann.tone)


@pytest.mark.parametrize(
    ("module", "data", "field", "enabled"),
    [
        ("do_not_disturb", {"action": "activate"}, "do_not_disturb", True),
        ("call_waiting", {}, "call_waiting", False),
    ],
)
async def test_a_caller_sets_up_its_phone(
    office: Office, module: str, data: dict[str, Any], field: str, enabled: bool
) -> None:
    ann = await office.phone("ann")
    await office.callflow("600", module, "", **data)
    await ann.call("600")
    await until(lambda: not office.station.exchange.lines)
    path = f"{office.path}/devices/{ann.device_id}"
    assert (await office.api.get(path)).expect(200).data[field]["enabled"] is enabled


async def by_pattern(
    office: Office, pattern: str, module: str, children: Document, **data: Any
) -> None:
    """A callflow of one step for all numbers that fit."""
    flow = {"module": module, "data": data, "children": children}
    asked = {"patterns": [pattern], "flow": flow}
    (await office.api.put(f"{office.path}/callflows", asked)).expect(201)


async def test_a_part_of_the_number_decides(office: Office, tones: dict[int, Document]) -> None:
    await by_pattern(
        office, r"^\*5(\d+)$", "branch_bnumber", {"22": tones[RIGHT], "_": tones[WRONG]}
    )
    ann = await office.phone("ann")
    await ann.call("*522")
    await ann.hears(RIGHT)


async def test_an_intercom_reaches_the_extension(office: Office) -> None:
    ann, ben = await office.phone("ann"), await office.phone("ben", "101")
    await by_pattern(office, r"^\*0(\d+)$", "intercom", {})
    await ann.call("*0101")
    await ann.hears(ben.tone)


async def test_several_sounds_are_one_step(office: Office) -> None:
    media_id = await office.sound(RIGHT, 8)
    await office.callflow("600", "audio_macro", "", macros=[{"macro": "play", "id": media_id}])
    ann = await office.phone("ann")
    await ann.call("600")
    await ann.hears(RIGHT)


@pytest.mark.parametrize("module", ["wait_for_hangup", "dead_air"])
async def test_a_caller_stays_until_it_hangs_up(
    office: Office, tones: dict[int, Document], module: str
) -> None:
    answered = {"module": module, "data": {}, "children": {"_": tones[WRONG]}}
    await office.callflow("600", "answer", "", {"_": answered})
    ann = await office.phone("ann")
    await ann.call("600")
    await until(lambda: len(office.station.exchange.lines) == 1)
    await ann.hang_up()
    await until(lambda: not office.station.exchange.lines)
    assert [each["hangup_cause"] for each in await office.rows("cdrs")] == ["NORMAL_CLEARING"]


async def test_a_web_server_is_told_of_the_call(
    office: Office, tones: dict[int, Document]
) -> None:
    async with receiving() as receiver:
        data = {"uri": f"{receiver.url}/told", "http_verb": "post"}
        await office.callflow("600", "webhook", "", {"_": tones[RIGHT]}, **data)
        ann = await office.phone("ann")
        await ann.call("600")
        await ann.hears(RIGHT)
        assert len(await receiver.until(1, "/told")) == 1


async def test_a_call_that_rings_elsewhere_is_picked_up(office: Office) -> None:
    ann, ben, carl = [await office.phone(name) for name in ("ann", "ben", "carl")]
    ben.answers = False
    await office.callflow("601", "device", ben.device_id, timeout=60)
    await office.callflow("602", "group_pickup", "", device_id=ben.device_id)
    await ann.dial("601")
    await ben.rings()
    await carl.call("602")
    await ann.hears(carl.tone)
    await carl.hears(ann.tone)


async def user_of(office: Office, name: str, **more: Any) -> str:
    asked = {"first_name": name, "last_name": "Lee", **more}
    made: str = (await office.api.put(f"{office.path}/users", asked)).expect(201).data["id"]
    return made


async def test_who_dials_a_conference_behind_the_code_is_in_it(office: Office) -> None:
    asked = {"name": "Room", "member": {"join_muted": False}}
    room = (await office.api.put(f"{office.path}/conferences", asked)).expect(201).data["id"]
    await by_pattern(office, r"^\*88(\w+)$", "conference_feature", {})
    ann, ben = await office.phone("ann"), await office.phone("ben")
    await ann.call(f"*88{room}")
    await ben.call(f"*88{room}")
    await ann.hears(ben.tone)
    await ben.hears(ann.tone)


async def test_a_call_that_rings_at_an_extension_is_picked_up(office: Office) -> None:
    ann, carl, ben = (
        await office.phone("ann"),
        await office.phone("carl"),
        await office.phone("ben"),
    )
    ben.answers = False
    await office.callflow("101", "device", ben.device_id, timeout=60)
    await by_pattern(office, r"^\*87(\d+)$", "group_pickup_feature", {}, type="extension")
    await ann.dial("101")
    await ben.rings()
    await carl.call("*87101")
    await ann.hears(carl.tone)


@pytest.mark.parametrize("module", ["intercept_feature", "eavesdrop_feature"])
async def test_a_conversation_at_an_extension_is_taken_or_heard(
    office: Office, module: str
) -> None:
    bob = await user_of(office, "Bob")  # among whose phones calls may be taken
    ann, ben = await office.phone("ann"), await office.phone("ben", "101", owner_id=bob)
    carl = await office.phone("carl", owner_id=bob)
    data = {"type": "extension"}
    if module == "eavesdrop_feature":
        data = {"approved_device_id": carl.device_id}
    await by_pattern(office, r"^\*5(\d+)$", module, {}, **data)
    await ann.call("101")
    await ann.hears(ben.tone)
    await carl.call("*5101")
    await carl.hears(ann.tone, 0.3)
    if module == "intercept_feature":
        await ann.hears(carl.tone)


async def test_who_has_a_hot_desk_logs_in_at_a_phone(office: Office) -> None:
    bob = await user_of(office, "Bob", hotdesk={"enabled": True, "id": "7"})
    await office.callflow("600", "hotdesk", bob, action="login")
    ann = await office.phone("ann")
    await ann.call("600")
    await until(lambda: not office.station.exchange.lines)
    path = f"{office.path}/devices/{ann.device_id}"
    assert list((await office.api.get(path)).expect(200).data["hotdesk"]["users"]) == [bob]


async def test_who_leaves_a_ring_group_is_not_rung(
    office: Office, tones: dict[int, Document]
) -> None:
    bob = await user_of(office, "Bob")
    ann, ben = await office.phone("ann"), await office.phone("ben", owner_id=bob)
    member = {"endpoint_type": "user", "id": bob}
    group = await office.callflow(
        "600", "ring_group", "", {"_": tones[RIGHT]}, endpoints=[member], timeout=10
    )
    await office.callflow("601", "ring_group_toggle", "", action="logout", callflow_id=group["id"])
    await ben.call("601")
    await until(lambda: not office.station.exchange.lines)
    await ann.call("600")
    await ann.hears(RIGHT)


async def test_an_agent_joins_a_queue_by_telephone(office: Office) -> None:
    bob = await user_of(office, "Bob")
    queue = (await office.api.put(f"{office.path}/queues", {"name": "Help"})).expect(201).data
    other = (await office.api.put(f"{office.path}/queues", {"name": "Sales"})).expect(201).data
    (await office.api.patch(f"{office.path}/users/{bob}", {"queues": [other["id"]]})).expect(200)
    await office.callflow("600", "acdc_queue", queue["id"], action="login")
    ben = await office.phone("ben", owner_id=bob)
    await ben.call("600")
    await until(lambda: not office.station.exchange.lines)
    user = (await office.api.get(f"{office.path}/users/{bob}")).expect(200).data
    assert set(user["queues"]) == {queue["id"], other["id"]}


async def test_calls_are_forwarded_by_a_code(office: Office) -> None:
    bob = await user_of(office, "Bob")
    ben = await office.phone("ben", owner_id=bob)
    await by_pattern(office, r"^\*72(\d*)$", "call_forward", {}, action="activate")
    await ben.call("*72101")
    await until(lambda: not office.station.exchange.lines)
    user = (await office.api.get(f"{office.path}/users/{bob}")).expect(200).data
    assert (user["call_forward"]["enabled"], user["call_forward"]["number"]) == (True, "101")


async def test_who_knows_the_pin_dials_on(office: Office) -> None:
    ann, ben = await office.phone("ann"), await office.phone("ben", "101")
    await office.callflow("600", "disa", "", pin="1234")
    call = await ann.call("600")
    for key in "1234#":
        await call.send_dtmf(key)
    for key in "101#":
        await call.send_dtmf(key)
    await ann.hears(ben.tone)


async def test_a_name_is_spelled_on_the_keys(office: Office, tones: dict[int, Document]) -> None:
    path = f"{office.path}/directories"
    directory = (await office.api.put(path, {"name": "All"})).expect(201).data["id"]
    flow = {"numbers": ["101"], "flow": tones[RIGHT]}
    made = (await office.api.put(f"{office.path}/callflows", flow)).expect(201).data["id"]
    await user_of(office, "Ann", directories={directory: made})
    await office.callflow("600", "directory", directory)
    ann = await office.phone("ann")
    call = await ann.call("600")
    for key in "266":
        await call.send_dtmf(key)
    await until(lambda: ann.loudness() > 0)
    await call.send_dtmf("1")
    await ann.hears(RIGHT)
