"""People: added in one commit, shown with their telephones, and removed again."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.conftest import Answer, Api
from tests.families.support import ANN, interrupt_commits, make, refusal, shown
from tests.support import quick_settings, running

PARTS = ("users", "devices", "vmboxes", "callflows")


async def add(api: Api, **fields: Any) -> Any:
    answer = await api.put(f"{api.account}/people", {"name": "Ann Lee"} | fields)
    return answer.expect(201).data


async def counted(api: Api) -> dict[str, int]:
    """How many documents of each part the account has, beside its administrator."""
    found = {noun: len((await api.get(f"{api.account}/{noun}")).data) for noun in PARTS}
    return {**found, "users": found["users"] - 1}


async def test_a_name_is_enough_for_a_login_a_phone_a_box_and_an_extension(api: Api) -> None:
    made = await add(api)
    assert await counted(api) == dict.fromkeys(PARTS, 1)
    assert (made["name"], made["extensions"]) == ("Ann Lee", ["1001"])
    await api.login("ann.lee", made["user"]["password"], "Master")
    user = await shown(api, "users", made["id"])
    assert (user["first_name"], user["last_name"]) == ("Ann", "Lee")
    assert user["caller_id"]["internal"] == {"name": "Ann Lee", "number": "1001"}
    (box,), (phone,), (flow,) = made["vmboxes"], made["devices"], made["callflows"]
    stored_box = await shown(api, "vmboxes", box["id"])
    assert (stored_box["mailbox"], stored_box["owner_id"]) == ("1001", made["id"])
    assert re.fullmatch("[0-9]{4}", box["pin"])
    assert stored_box["pin"] == box["pin"]
    device = await shown(api, "devices", phone["id"])
    assert device["owner_id"] == made["id"]
    callflow = await shown(api, "callflows", flow["id"])
    assert callflow["numbers"] == ["1001"]
    assert callflow["flow"]["data"]["id"] == made["id"]
    assert callflow["flow"]["children"]["_"]["data"]["id"] == box["id"]


async def test_the_sip_account_is_told_as_fields_as_text_and_as_a_picture(api: Api) -> None:
    made = await add(api)
    sip = made["devices"][0]["sip"]
    device = await shown(api, "devices", made["devices"][0]["id"])
    account = (await api.get(api.account)).data
    assert sip["username"] == device["sip"]["username"] == "1001"
    assert sip["password"] == device["sip"]["password"]
    assert len(sip["password"]) == 16
    assert (sip["realm"], sip["proxy"]) == (account["realm"], "sip:127.0.0.1:5060")
    assert sip["transport"] == "UDP"
    for name in ("username", "password", "realm", "proxy", "transport"):
        assert f": {sip[name]}\n" in sip["text"]
    kind, _, picture = sip["qr"].partition(",")
    assert kind == "data:image/svg+xml;charset=utf-8"
    assert unquote(picture).startswith("<svg")
    again = (await api.get(f"{api.account}/people/{made['id']}")).expect(200).data
    assert again["devices"] == made["devices"]
    assert "password" not in again["user"]


async def test_what_is_asked_for_is_used(api: Api) -> None:
    asked = {
        "name": "Bob",
        "email": "bob@example.com",
        "extension": "77",
        "username": "Bobby",
        "password": "open sesame",
        "timezone": "Europe/Berlin",
        "priv_level": "admin",
    }
    made = await add(api, **asked)
    assert made["extensions"] == ["77"]
    assert made["name"] == "Bob"
    assert "password" not in made["user"]
    user = await shown(api, "users", made["id"])
    assert (user["first_name"], user["last_name"]) == ("Bob", "Bob")
    assert (user["username"], user["email"]) == ("bobby", "bob@example.com")
    assert (user["timezone"], user["priv_level"]) == ("Europe/Berlin", "admin")
    await api.login("bobby", "open sesame", "Master")


async def test_it_may_be_posted_too(api: Api) -> None:
    first = (await api.post(f"{api.account}/people", {"name": "Ann Lee"})).expect(200).data
    second = (await api.put(f"{api.account}/people", {"name": "Ben Lee"})).expect(201).data
    assert (first["extensions"], second["extensions"]) == (["1001"], ["1002"])
    (await api.delete(f"{api.account}/people/{first['id']}")).expect(200)
    (await api.post(f"{api.account}/people", {})).expect(400)


async def test_the_lowest_extension_is_given_that_nobody_has(api: Api) -> None:
    await make(api, "callflows", numbers=["1001", "1003"])
    await make(api, "vmboxes", mailbox="1002")
    assert (await add(api))["extensions"] == ["1004"]
    other = await add(api)
    assert other["extensions"] == ["1005"]
    assert other["user"]["username"] == "ann.lee.2"


async def test_an_extension_that_leads_somewhere_by_a_pattern_is_given_only_on_demand(
    api: Api,
) -> None:
    flow = await make(api, "callflows", numbers=[], patterns=["^100[1-3]$", "^1004"])
    await make(api, "callflows", numbers=[], patterns=["^[2-9]"])
    assert (await add(api))["extensions"] == ["1005"]
    assert (await add(api, extension="1002"))["extensions"] == ["1002"]
    (await api.delete(f"{api.account}/callflows/{flow}")).expect(200)
    assert (await add(api))["extensions"] == ["1001"]
    await make(api, "callflows", numbers=[], patterns=["^[0-9]{4}$"])
    refusal(await api.put(f"{api.account}/people", {"name": "Eve"}), "extension", "required")


@pytest.mark.parametrize("number", ["112", "911", "999", "000", "110", "118", "119", "811"])
async def test_a_number_that_calls_for_help_is_nobodys(api: Api, number: str) -> None:
    answer = await api.put(f"{api.account}/people", {"name": "Eve", "extension": number})
    assert refusal(answer, "extension", "invalid")["cause"] == number
    assert await counted(api) == dict.fromkeys(PARTS, 0)


async def test_of_many_at_the_same_time_none_gets_the_extension_of_another(api: Api) -> None:
    made = await asyncio.gather(*(add(api) for _ in range(8)))
    assert sorted(each["extensions"][0] for each in made) == [str(1001 + n) for n in range(8)]
    assert len({each["user"]["username"] for each in made}) == 8


async def test_of_two_servers_neither_gives_the_extension_of_the_other(
    tmp_path: Path,
) -> None:
    settings = quick_settings(f"sqlite:///{tmp_path}/crossbar.db")
    async with running(settings) as one, running(settings, one.master) as other:
        adding = [add(api) for _ in range(5) for api in (one, other)]
        made = await asyncio.gather(*adding)
    assert sorted(each["extensions"][0] for each in made) == [str(1001 + n) for n in range(10)]


async def test_a_person_is_added_after_a_lost_race(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_commits(api, monkeypatch, 3)
    await add(api)
    assert await counted(api) == dict.fromkeys(PARTS, 1)


@pytest.mark.parametrize(
    ("fields", "path", "rule"),
    [
        ({"name": ""}, "name", "minLength"),
        ({"name": "  "}, "name", "pattern"),
        ({"name": None}, "name", "required"),
        ({"name": "x" * 129}, "name", "maxLength"),
        ({"extension": "12a"}, "extension", "pattern"),
        ({"extension": "4155550100"}, "extension", "pattern"),
        ({"username": "a b"}, "username", "pattern"),
        ({"email": "nobody"}, "email", "wrong_format"),
        ({"priv_level": "king"}, "priv_level", "enum"),
        ({"password": ""}, "password", "minLength"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_made(
    api: Api, fields: dict[str, Any], path: str, rule: str
) -> None:
    sent = {name: value for name, value in ({"name": "Ann"} | fields).items() if value is not None}
    refusal(await api.put(f"{api.account}/people", sent), path, rule)
    assert await counted(api) == dict.fromkeys(PARTS, 0)


async def test_what_others_have_is_refused_by_the_names_of_the_request(api: Api) -> None:
    await make(api, "callflows", numbers=["2001"])
    await make(api, "users", **ANN)
    before = await counted(api)
    asked = {"name": "Eve", "extension": "2001", "username": "ANN"}
    answer = await api.put(f"{api.account}/people", asked)
    assert refusal(answer, "extension", "unique")["cause"] == "2001"
    assert refusal(answer, "username", "unique")["cause"] == "ANN"
    assert await counted(api) == before
    await make(api, "vmboxes", mailbox="12")
    refused = await api.put(f"{api.account}/people", {"name": "Eve", "extension": "012"})
    refusal(refused, "extension", "unique")


async def test_a_taken_sip_name_does_not_keep_anybody_from_an_extension(api: Api) -> None:
    await make(api, "devices", sip={"username": "77", "password": "green parrot"})
    made = await add(api, extension="77")
    assert made["extensions"] == ["77"]
    assert made["devices"][0]["sip"]["username"] == "77-2"


async def test_people_are_listed_in_pages_with_their_extensions(api: Api) -> None:
    made = [await add(api, name=f"Person {letter}") for letter in "abc"]
    path = f"{api.account}/people"
    whole = (await api.get(f"{path}?paginate=false")).expect(200).data
    assert {each["id"] for each in whole} == {api.master.user_id, *(each["id"] for each in made)}
    found, key = [], ""
    while True:
        answer = (await api.get(f"{path}?page_size=2{key}")).expect(200)
        assert len(answer.data) <= 2
        found += answer.data
        if not answer.body.get("next_start_key"):
            break
        key = f"&start_key={answer.body['next_start_key']}"
    assert found == whole
    assert {row["name"]: row["extensions"] for row in found}["Person b"] == ["1002"]
    filtered = (await api.get(f"{path}?filter_first_name=Person&filter_last_name=c")).data
    assert [row["name"] for row in filtered] == ["Person c"]
    assert made[0]["devices"][0]["sip"]["password"].encode() not in (await api.get(path)).content


async def test_a_person_is_removed_in_one_step(api: Api) -> None:
    made = await add(api)
    other = await add(api, name="Bob Kay")
    removed = (await api.delete(f"{api.account}/people/{made['id']}")).expect(200).data
    assert [each["type"] for each in removed["removed"]] == ["user", "device", "vmbox", "callflow"]
    assert removed["kept"] == []
    assert await counted(api) == dict.fromkeys(PARTS, 1)
    (await api.get(f"{api.account}/people/{made['id']}")).expect(404)
    (await api.delete(f"{api.account}/people/{made['id']}")).expect(404)
    (await api.get(f"{api.account}/people/{other['id']}")).expect(200)
    assert (await add(api))["extensions"] == ["1001"]


async def test_a_callflow_that_leads_to_somebody_else_too_is_kept(api: Api) -> None:
    made, other = await add(api), await add(api, name="Bob Kay")
    callflow = made["callflows"][0]["id"]
    ring = {"module": "user", "data": {"id": other["id"]}, "children": {}}
    (await api.patch(f"{api.account}/callflows/{callflow}", {"flow": ring})).expect(200)
    removed = (await api.delete(f"{api.account}/people/{made['id']}")).expect(200).data
    assert [each["id"] for each in removed["kept"]] == [callflow]
    await shown(api, "callflows", callflow)


HEX = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    "step",
    [
        {"module": "ring_group", "data": {"endpoints": [{"id": HEX, "endpoint_type": "user"}]}},
        {"module": "page_group", "data": {"endpoints": [{"id": HEX, "endpoint_type": "device"}]}},
        {"module": "offnet", "data": {"to_did": "+14155550100"}},
        {"module": "pivot", "data": {"voice_url": "http://flows.example.com/"}},
        {"module": "user", "data": {"id": HEX}},
        {"module": "voicemail", "data": {"action": "check"}},
        {"module": "tts", "data": {"text": HEX}},
    ],
    ids=lambda step: str(step["module"]),
)
async def test_a_callflow_that_may_lead_elsewhere_is_kept(api: Api, step: dict[str, Any]) -> None:
    made, other = await add(api), await add(api, name="Bob Kay")
    step = json.loads(json.dumps(step).replace(HEX, other["id"]))
    ring = {"module": "user", "data": {"id": made["id"]}, "children": {"USER_BUSY": step}}
    callflow = made["callflows"][0]["id"]
    (await api.patch(f"{api.account}/callflows/{callflow}", {"flow": ring})).expect(200)
    removed = (await api.delete(f"{api.account}/people/{made['id']}")).expect(200).data
    assert [each["id"] for each in removed["kept"]] == [callflow]


async def test_a_callflow_that_leads_to_the_person_alone_goes(api: Api) -> None:
    made = await add(api)
    box = {"module": "voicemail", "data": {"id": made["vmboxes"][0]["id"]}, "children": {}}
    wait = {"module": "sleep", "data": {"duration": 2}, "children": {"_": box}}
    ring = {
        "module": "device",
        "data": {"id": made["devices"][0]["id"]},
        "children": {"USER_BUSY": wait},
    }
    path = f"{api.account}/callflows/{made['callflows'][0]['id']}"
    (await api.patch(path, {"flow": ring})).expect(200)
    removed = (await api.delete(f"{api.account}/people/{made['id']}")).expect(200).data
    assert removed["kept"] == []


async def test_removing_who_was_changed_meanwhile_is_refused(api: Api) -> None:
    made = await add(api)
    path, user = f"{api.account}/people/{made['id']}", f"{api.account}/users/{made['id']}"
    old = [(await api.get(each)).headers["ETag"] for each in (path, user)]
    (await api.patch(user, {"timezone": "UTC"})).expect(200)
    for each in old:
        (await api.delete(path, headers={"If-Match": each})).expect(412)
    assert await counted(api) == dict.fromkeys(PARTS, 1)
    current = (await api.get(user)).headers["ETag"]
    (await api.delete(path, headers={"If-None-Match": current})).expect(412)
    (await api.delete(path, headers={"If-Match": current})).expect(200)


async def test_whatever_changes_of_a_person_changes_its_revision(api: Api) -> None:
    made = await add(api)
    path = f"{api.account}/people/{made['id']}"
    seen = [(await api.get(path)).headers["ETag"]]
    (await api.get(path, headers={"If-None-Match": seen[0]})).expect(304)
    box, phone = made["vmboxes"][0]["id"], made["devices"][0]["id"]
    changes: list[tuple[str, dict[str, Any]]] = [
        (f"{api.account}/vmboxes/{box}", {"pin": "98765"}),
        (f"{api.account}/devices/{phone}", {"sip": {"password": "green parrot"}}),
        (f"{api.account}/callflows/{made['callflows'][0]['id']}", {"numbers": ["1234"]}),
        (api.account, {"realm": "other.example.com"}),
    ]
    for changed, fields in changes:
        (await api.patch(changed, fields)).expect(200)
        answer = (await api.get(path, headers={"If-None-Match": seen[-1]})).expect(200)
        assert answer.headers["ETag"] not in seen
        seen.append(answer.headers["ETag"])
    (await api.delete(path, headers={"If-Match": seen[-2]})).expect(412)
    (await api.delete(path, headers={"If-Match": seen[-1]})).expect(200)


async def test_only_administrators_add_and_everybody_reads_the_own_telephone(api: Api) -> None:
    ann, bob = await add(api), await add(api, name="Bob Kay")
    token = await api.login("ann.lee", ann["user"]["password"], "Master")
    path = f"{api.account}/people"
    own = (await api.get(f"{path}/{ann['id']}", token=token)).expect(200).data
    assert own["devices"] == ann["devices"]
    refused: list[Answer] = [
        await api.get(f"{path}/{bob['id']}", token=token),
        await api.get(path, token=token),
        await api.put(path, {"name": "Eve"}, token=token),
        await api.delete(f"{path}/{bob['id']}", token=token),
        await api.delete(f"{path}/{ann['id']}", token=token),
    ]
    assert [answer.status for answer in refused] == [403] * 5


async def test_who_may_not_do_it_part_by_part_may_not_do_it_at_once(api: Api) -> None:
    made = await add(api)
    account_id = await api.create_account("Tenant")
    token = await api.account_token(account_id)
    path = f"/v2/accounts/{account_id}"
    rules = {"_": [{"rules": {"#": ["_"]}}], "devices": [{"rules": {"#": ["POST"]}}]}
    tenants = (await api.put(f"{path}/people", {"name": "Ann"})).expect(201).data["id"]
    restrictions = {"restrictions": {"cb_api_auth": {"_": rules}}}
    (await api.post(f"{path}/token_restrictions", restrictions)).expect(200)
    (await api.put(f"{path}/people", {"name": "Eve"}, token=token)).expect(403)
    (await api.get(f"{path}/people/{tenants}", token=token)).expect(403)
    (await api.delete(f"{path}/people/{tenants}", token=token)).expect(403)
    assert len((await api.get(f"{path}/users", token=token)).expect(200).data) == 1
    (await api.get(f"{path}/people/{made['id']}")).expect(404)


async def test_who_may_not_list_callflows_sees_no_numbers_of_them(api: Api) -> None:
    path = f"{api.account}/people"
    scopes = ["view:people", "view:user", "view:callflow"]
    for missing in (None, *scopes):
        asked = {"name": "Robot", "scopes": [each for each in scopes if each != missing]}
        made = (await api.put(f"{api.account}/api_keys", asked)).expect(201).data
        for page in ("", "?paginate=false"):
            answer = await api.get(f"{path}{page}", token=made["_read_only"]["key"])
            answer.expect(403 if missing else 200)


async def test_a_mobile_phone_and_the_callflow_of_its_number_go_together(api: Api) -> None:
    made = await add(api)
    callflow = f"{api.account}/callflows/{made['callflows'][0]['id']}"
    (await api.patch(callflow, {"numbers": ["1001", "+14155550100"]})).expect(200)
    mobile = {"device_type": "mobile", "mobile": {"mdn": "+14155550100"}, "owner_id": made["id"]}
    await make(api, "devices", **mobile)
    (await api.delete(f"{api.account}/people/{made['id']}")).expect(200)
    assert await counted(api) == dict.fromkeys(PARTS, 0)
    assert (await api.get(f"{api.account}/phone_numbers")).data["numbers"] == {}
