"""Voicemail: leaving messages, hearing them, setting a box up."""

from __future__ import annotations

from typing import Any

from crossbar.documents import lookup
from tests.conftest import Api
from tests.families.support import make, shown
from tests.switch.executor.support import call, callflow, heard, node, person, simulated, then


async def boxed(api: Api, **fields: Any) -> tuple[str, str, str]:
    """A user with a phone and a box that callers reach at 1001, and its owner at *97."""
    user, desk = await person(api, "Ann")
    usual = {"mailbox": "1001", "owner_id": user, "is_setup": True, "pin": "4321"}
    box = await make(api, "vmboxes", **usual | fields)
    await callflow(api, "1001", node("voicemail", then("play", id="after"), id=box))
    await callflow(api, "*97", node("voicemail", action="check", single_mailbox_login=True))
    return user, desk, box


async def messages(api: Api, box: str) -> Any:
    return (await api.get(f"{api.account}/vmboxes/{box}/messages")).expect(200).data


async def test_leave_message(api: Api) -> None:
    _, _, box = await boxed(api)
    made = await call(api, "1001", number="+14155550100", keys=["1"], records_ms=[7000])
    assert made.heard()[:4] == ["vm-person", "1001", "vm-not_available", "vm-record_message"]
    assert made.heard()[-3:] == ["vm-saved", "vm-thank_you", "after"]
    [message] = await messages(api, box)
    expected = {"caller_id_number": "+14155550100", "length": 7000, "folder": "new"}
    assert {name: message[name] for name in expected} == expected
    raw = f"{api.account}/vmboxes/{box}/messages/{message['media_id']}/raw"
    assert (await api.get(raw)).expect(200).content == b"RIFF"


async def test_leave_message_and_rerecord(api: Api) -> None:
    _, _, box = await boxed(api)
    await call(api, "1001", keys=["2", "3", "1"], records_ms=[3000, 9000])
    assert [each["length"] for each in await messages(api, box)] == [9000]


async def test_what_was_said_before_hanging_up_counts(api: Api) -> None:
    _, _, box = await boxed(api)
    made = await call(api, "1001", records_ms=[60_000], hangs_up_after=20)
    assert made.how.startswith("the caller hung up")
    [message] = await messages(api, box)
    assert 5000 < message["length"] < 20_000


async def test_a_message_that_is_too_short_is_dropped(api: Api) -> None:
    _, _, box = await boxed(api)
    made = await call(api, "1001", keys=["1"], records_ms=[200])
    assert "vm-saved" not in made.heard()
    assert await messages(api, box) == []


async def test_a_full_box_takes_no_more(api: Api) -> None:
    _, _, box = await boxed(api)
    config = {"default": {"voicemail": {"max_message_count": 1}}}
    (await api.post("/v2/system_configs/callflow", config)).expect(200)
    assert "vm-saved" in (await call(api, "1001", keys=["1"])).heard()
    assert "vm-mailbox_full" in (await call(api, "1001", keys=["1"])).heard()
    assert len(await messages(api, box)) == 1


async def test_greetings_by_their_order(api: Api) -> None:
    _, _, box = await boxed(api, media={"unavailable": "a" * 32}, skip_instructions=True)
    assert (await call(api, "1001")).heard()[0] == "a" * 32
    patch = {"media": {"temporary_unavailable": "holiday"}}
    await api.patch(f"{api.account}/vmboxes/{box}", patch)
    assert (await call(api, "1001")).heard()[0] == "holiday"
    await api.patch(f"{api.account}/vmboxes/{box}", {"skip_greeting": True})
    assert (await call(api, "1001")).heard()[0] == "tone"


async def test_the_operator_is_reached_from_the_greeting(api: Api) -> None:
    await boxed(api)
    await callflow(api, "0", node("play", id="operator"))
    made = await call(api, "1001", interrupts={"vm-record_message": "0"})
    assert made.heard()[-2:] == ["operator", "after"]


async def test_check_other_no_messages(api: Api) -> None:
    _, desk, _ = await boxed(api)
    made = await call(api, "*97", device=desk, keys=["#"])
    assert made.heard() == ["vm-no_messages", "vm-main_menu", "vm-goodbye"]


async def test_owners_hear_keep_and_delete_their_messages(api: Api) -> None:
    _, desk, box = await boxed(api)
    for _ in range(3):
        await call(api, "1001", keys=["1"])
        api.clock.advance(60)
    made = await call(api, "*97", device=desk, keys=["1", "1", "7", "", "9", "1", "#"])
    expected = ["vm-you_have", "3", "vm-new_messages", "vm-main_menu", "vm-message_number"]
    assert made.heard()[:5] == expected
    folders = sorted(each["folder"] for each in await messages(api, box))
    assert folders == ["deleted", "saved", "saved"]


async def test_messages_are_wound_where_that_is_allowed(api: Api) -> None:
    _, desk, box = await boxed(api, is_voicemail_ff_rw_enabled=True)
    await call(api, "1001", keys=["1"], records_ms=[7000])
    # Nobody may without the system's leave: the keys mean nothing then.
    made = await call(api, "*97", device=desk, keys=["1", "8", "7"])
    assert "menu-invalid_entry" in made.heard()
    assert [each["folder"] for each in await messages(api, box)] == ["deleted"]
    config = {"default": {"voicemail": {"is_voicemail_ff_rw_enabled": True}}}
    (await api.post("/v2/system_configs/callflow", config)).expect(200)
    await call(api, "1001", keys=["1"], records_ms=[7000])
    made = await call(api, "*97", device=desk, keys=["1", "8581"])
    assert "menu-invalid_entry" not in made.heard()
    [wound] = [each for each in made.media.told if "wound" in each]
    assert (wound["wound"], wound["pressed"]) == ("858", "1")
    assert {each["folder"] for each in await messages(api, box)} == {"deleted", "saved"}


async def test_others_have_to_know_the_pin(api: Api) -> None:
    await boxed(api)
    await callflow(api, r"^\*98([0-9]*)$", node("voicemail", action="check"))
    wrong = await call(api, "*981001", keys=["1111", "2222", "3333"])
    assert wrong.heard().count("vm-fail_auth") == 3
    assert wrong.heard()[-1] == "vm-abort"
    right = await call(api, "*981001", keys=["1111", "4321#", "#"])
    assert "vm-no_messages" in right.heard()
    asked = await call(api, "*98", keys=["9999", "1001", "4321", "#"])
    expected = ["vm-enter_id", "menu-invalid_entry", "vm-enter_id", "vm-enter_pass"]
    assert asked.heard()[:4] == expected


async def test_a_box_without_a_pin_is_its_owners_alone(api: Api) -> None:
    await make(api, "vmboxes", mailbox="7", is_setup=True)
    await callflow(api, r"^\*98([0-9]*)$", node("voicemail", action="check"))
    assert (await call(api, "*987")).heard() == ["vm-no_access"]


async def test_setup_owner(api: Api) -> None:
    _, desk, box = await boxed(api, is_setup=False)
    made = await call(api, "*97", device=desk, keys=["12", "34", "5678", "5678", "1", "#"])
    assert [each for each in made.heard() if each.startswith("vm-setup")] == [
        "vm-setup_intro",
        "vm-setup_rec_greeting",
        "vm-setup_complete",
    ]
    stored = await shown(api, "vmboxes", box)
    assert (stored["is_setup"], stored["pin"]) == (True, "5678")
    assert lookup(stored, ("media", "unavailable"))


async def test_setup_other_user(api: Api) -> None:
    _, _, box = await boxed(api, is_setup=False)
    await callflow(api, r"^\*98([0-9]*)$", node("voicemail", action="check"))
    _, other = await person(api, "Ben")
    wrong = await call(api, "*981001", device=other, keys=["1111", "2222", "3333"])
    assert wrong.heard()[-1] == "vm-abort"
    made = await call(api, "*981001", device=other, keys=["4321", "5678", "5678", "1", "#"])
    assert [each for each in made.heard() if each.startswith("vm-setup")] == [
        "vm-setup_intro",
        "vm-setup_rec_greeting",
        "vm-setup_complete",
    ]
    stored = await shown(api, "vmboxes", box)
    assert (stored["is_setup"], stored["pin"]) == (True, "5678")


async def test_owner_change_pin(api: Api) -> None:
    _, desk, box = await boxed(api)
    await call(api, "*97", device=desk, keys=["5", "3", "9876", "9876", "0", "#"])
    assert (await shown(api, "vmboxes", box))["pin"] == "9876"
    made = await call(api, "*97", device=desk, keys=["5", "3", "1234", "4321", "0", "0", "0"])
    assert "vm-pin_invalid" in made.heard()
    assert (await shown(api, "vmboxes", box))["pin"] == "9876"


async def test_settings_record_greetings_and_names(api: Api) -> None:
    user, desk, box = await boxed(api)
    keys = ["5", "1", "1", "4", "1", "2", "1", "6", "0", "#"]
    await call(api, "*97", device=desk, keys=keys)
    stored = await shown(api, "vmboxes", box)
    assert set(stored["media"]) == {"unavailable", "temporary_unavailable"}
    assert stored["announcement_only"] is True
    assert (await shown(api, "users", user))["pronounced_name"]["media_id"]
    await call(api, "*97", device=desk, keys=["5"])
    assert "temporary_unavailable" not in (await shown(api, "vmboxes", box))["media"]


async def test_a_box_that_only_announces_takes_no_message(api: Api) -> None:
    _, _, box = await boxed(api, announcement_only=True)
    made = await call(api, "1001")
    assert made.heard()[-1] == "after"
    assert await messages(api, box) == []


async def test_owners_who_call_their_box_hear_it(api: Api) -> None:
    _, desk, _ = await boxed(api)
    assert "vm-main_menu" in (await call(api, "1001", device=desk, keys=["#"])).heard()


async def test_a_message_is_forwarded_to_another_box(api: Api) -> None:
    _, desk, _ = await boxed(api)
    other = await make(api, "vmboxes", mailbox="1002")
    await call(api, "1001", keys=["1"])
    made = await call(api, "*97", device=desk, keys=["1", "3", "1001", "1002", "#"])
    assert "vm-forward_confirmed" in made.heard()
    assert len(await messages(api, other)) == 1


async def test_who_has_left_a_message_is_called_back(api: Api) -> None:
    _, desk, _ = await boxed(api)
    await callflow(api, "no_match", node("play", id="outside"))
    await call(api, "1001", number="+14155550100", keys=["1"])
    made = await call(api, "*97", device=desk, keys=["1", "9"])
    assert (made.heard()[-1], made.call.dialed) == ("outside", "+14155550100")


async def test_no_box_says_so(api: Api) -> None:
    flow = await callflow(api, "1", node("voicemail", then("play", id="after")))
    assert heard(await simulated(api, flow)) == ["vm-not_available_no_voicemail", "after"]


async def test_a_rehearsal_tells_no_pin_and_keeps_nothing(api: Api) -> None:
    _, desk, box = await boxed(api)
    flow = (await api.get(f"{api.account}/callflows?filter_numbers=*97")).data[0]["id"]
    keys = ["5", "3", "9876", "9876", "0", "#"]
    told = await simulated(api, flow, keys=keys, **{"from": {"device_id": desk}})
    change = {"what": "change", "noun": "vmboxes", "id": box, "data": {"pin": "***"}}
    assert told["changes"] == [change]
    assert (await shown(api, "vmboxes", box))["pin"] == "4321"
