"""Event intake: who may tell, what counts once, what is refused by itself, what it feeds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crossbar.clock import GREGORIAN_OFFSET
from crossbar.core.live import END
from crossbar.families.calls.channels import DONE
from tests.conftest import Api
from tests.families.porting.support import customer_of
from tests.families.support import make, refusal
from tests.families.switch.support import EVENTS, TIME, call, key_of, teller

PHONE = {"username": "Ann1", "contact": "sip:ann1@192.0.2.7:5060", "expires": 60}
DEVICE = {"name": "Phone", "sip": {"username": "ann1", "password": "s3cret-s3cret"}}


async def test_a_key_of_a_switch_tells_events_and_does_nothing_else(api: Api) -> None:
    fs1 = await teller(api)
    assert fs1.key.startswith("cbsw_")
    (await fs1.send(fs1.event("register", PHONE))).expect(200)
    for path in (api.account, f"{api.account}/users", f"{api.account}/registrations"):
        (await api.get(path, token=fs1.key)).expect(403)
    (await api.put(f"{api.account}/api_keys", {"name": "x"}, token=fs1.key)).expect(403)


async def test_a_key_of_a_switch_has_no_scope_that_is_everything(api: Api) -> None:
    asked = {"name": "Switch", "dialect": "switch", "scopes": ["*"]}
    refusal(await api.put(f"{api.account}/api_keys", asked), "scopes.0", "enum")


async def test_other_callers_tell_nothing(api: Api) -> None:
    child = await customer_of(api)
    body = {"source": "x", "events": [{"sequence": 1, "type": "register", "data": PHONE}]}
    (await api.post(EVENTS, body, token=child.admin)).expect(403)
    (await api.post(EVENTS, body, token="")).expect(401)


async def test_whom_it_is_sold_to_makes_no_key_of_a_switch(api: Api) -> None:
    child = await customer_of(api)
    asked = {"name": "Switch", "dialect": "switch", "scopes": ["switch"]}
    path = f"/v2/accounts/{child.account_id}/api_keys"
    (await api.put(path, asked, token=child.admin)).expect(403)
    (await api.put(path, asked)).expect(201)


async def test_a_key_tells_of_its_account_and_those_below(api: Api) -> None:
    child = await customer_of(api)
    own = await teller(api, child.account_id)
    own.key = await key_of(api, f"/v2/accounts/{child.account_id}")
    await own.tell("register", PHONE)
    foreign = own.event("register", PHONE, account_id=api.master.account_id)
    told = (await own.send(foreign)).expect(200).data
    assert told["accepted"] == 0
    assert told["refused"][0]["data"].keys() == {"account_id"}
    assert (await api.get(f"{api.account}/registrations")).expect(200).data == []


async def test_an_event_counts_once_however_often_it_is_sent(api: Api) -> None:
    fs1 = await teller(api)
    events = [fs1.event("cdr", call(f"c{number}")) for number in range(3)]
    first = (await fs1.send(*events)).expect(200).data
    assert first == {"source": "fs1", "last": 3, "accepted": 3, "repeated": 0, "refused": []}
    again = (await fs1.send(*events, fs1.event("cdr", call("c3")))).expect(200).data
    assert again == {"source": "fs1", "last": 4, "accepted": 1, "repeated": 3, "refused": []}
    assert len((await api.get(f"{api.account}/cdrs")).expect(200).data) == 4
    answers = await asyncio.gather(*(fs1.send(fs1.event("cdr", call("d"))) for _ in range(8)))
    assert {answer.status for answer in answers} == {200}
    assert len((await api.get(f"{api.account}/cdrs")).expect(200).data) == 5


async def test_of_what_much_is_to_be_told_a_batch_is_taken_in_parts(api: Api) -> None:
    fs1, store = await teller(api), api.gateway.services.store
    before = await store.last_event()
    full = [{"participant_id": number} for number in range(999)]
    events = [
        fs1.event("conference", {"conference_id": "r", "participants": people})
        for people in (full, [], full, [])
    ]
    lasts: list[int] = []
    while left := [each for each in events if each["sequence"] > (lasts or [0])[-1]]:
        answer = (await fs1.send(*left)).expect(200).data
        lasts.append(answer["last"])
    assert lasts == [2, 4]
    assert await store.last_event() == before + 4 * 1000


async def test_others_are_served_while_a_batch_is_taken(api: Api) -> None:
    fs1, turns = await teller(api), 0
    batch = asyncio.create_task(
        fs1.send(*(fs1.event("channel.create", {"uuid": f"c{number}"}) for number in range(500)))
    )
    while not batch.done():
        await asyncio.sleep(0)
        turns += 1
    assert batch.result().expect(200).data["accepted"] == 500
    assert turns > 500


async def test_sources_count_for_themselves(api: Api) -> None:
    fs1, fs2 = await teller(api), await teller(api)
    fs2.source = "fs2"
    await fs1.tell("cdr", call("a"))
    assert (await fs2.tell("cdr", call("b")))["accepted"] == 1


async def test_an_event_is_refused_by_itself(api: Api) -> None:
    fs1 = await teller(api)
    told = (
        await fs1.send(
            fs1.event("cdr", call("a")),
            fs1.event("cdr", {"timestamp": TIME}),
            fs1.event("nonsense", {}),
            fs1.event("register", {**PHONE, "expires": 0}),
            fs1.event("register", PHONE, realm="nowhere.example"),
            fs1.event("cdr", call("far", ago=-3 * 86_400)),
            fs1.event("cdr", call("b")),
        )
    ).expect(200)
    assert (told.data["accepted"], told.data["last"]) == (2, 7)
    found = {each["sequence"]: [*each["data"]] for each in told.data["refused"]}
    assert found == {
        2: ["data.call_id"],
        3: ["type"],
        4: ["data.expires"],
        5: ["realm"],
        6: ["data.timestamp"],
    }


async def test_unix_times_are_refused(api: Api) -> None:
    fs1 = await teller(api)
    unix = TIME - GREGORIAN_OFFSET
    events = [fs1.event("register", PHONE, at=unix), fs1.event("cdr", call("c", timestamp=unix))]
    told = (await fs1.send(*events)).expect(200).data
    assert told["accepted"] == 0
    assert [[*each["data"]] for each in told["refused"]] == [["at"], ["data.timestamp"]]


async def test_a_batch_that_cannot_be_counted_is_refused_whole(api: Api) -> None:
    fs1 = await teller(api)
    one = fs1.event("cdr", call("a"))
    refusal(await fs1.send(one, one), "events.1.sequence", "minimum")
    refusal(await fs1.send({**one, "sequence": 0}), "events.0.sequence", "minimum")
    refusal(await fs1.send(), "events", "minItems")
    refusal(await fs1.send(*[one] * 501), "events", "maxItems")
    bodies: list[Any] = [None, [], {"source": "x"}, {"source": "x", "events": [1]}]
    for body in bodies:
        (await api.post(EVENTS, body, token=fs1.key)).expect(400)
    assert (await api.get(f"{api.account}/cdrs")).expect(200).data == []


async def test_phones_are_registered_until_they_are_not(api: Api) -> None:
    user = await make(api, "users")
    device = (await api.put(f"{api.account}/devices", {**DEVICE, "owner_id": user})).data["id"]
    fs1 = await teller(api)
    await fs1.tell("register", PHONE)
    path = f"{api.account}/registrations"
    [row] = (await api.get(path)).expect(200).data
    assert row["username"] == "Ann1"
    assert (row["authorizing_id"], row["owner_id"]) == (device, user)
    assert row["account_name"]
    for counted in (path, f"{api.account}/users/{user}/registrations", "/v2/registrations"):
        assert (await api.get(f"{counted}/count")).expect(200).data == {"count": 1}
    [status] = (await api.get(f"{api.account}/devices/status")).expect(200).data
    assert status == {"device_id": device, "registered": True}
    api.clock.advance(40)
    await fs1.tell("register", PHONE)
    api.clock.advance(40)
    assert len((await api.get(path)).expect(200).data) == 1, "it has registered again"
    api.clock.advance(40)
    assert (await api.get(path)).expect(200).data == []
    assert (await api.get(f"{path}/count")).expect(200).data == {"count": 0}
    assert (await api.get(f"{api.account}/devices/status")).expect(200).data == []


async def test_a_phone_goes_by_itself_or_is_sent_away(api: Api) -> None:
    (await api.put(f"{api.account}/devices", DEVICE)).expect(201)
    fs1, path = await teller(api), f"{api.account}/registrations"
    other = {**PHONE, "contact": "sip:other"}
    await fs1.tell("register", PHONE)
    await fs1.tell("register", other)
    await fs1.tell("unregister", {"username": "ANN1", "contact": "sip:other"})
    assert len((await api.get(path)).data) == 1
    assert (await api.delete(f"{path}/ann1")).expect(200).data == "ok"
    assert (await api.get(path)).data == []
    told = await fs1.send(
        fs1.event("register", PHONE), fs1.event("unregister", {"username": "ann1"})
    )
    assert told.expect(200).data["accepted"] == 2
    assert (await api.get(path)).data == []


async def test_what_is_over_is_removed(api: Api) -> None:
    fs1 = await teller(api)
    await fs1.tell("register", PHONE)
    await fs1.tell("channel.create", {"uuid": "a"})
    api.clock.advance(86_400)
    services = api.gateway.services
    before = await services.store.last_event()
    await END.run(services, {})
    told = [event for _, event in await services.store.events(before)]
    assert [(each.action, each.key.doc_id) for each in told] == [
        ("registration_unregistered", "Ann1"),
        ("notifications", "Ann1"),
        ("channel_destroy", "a"),
    ]
    assert told[1].summary["type"] == "deregister"
    await END.run(services, {})
    assert await services.store.last_event() == before + 3


async def test_of_some_phones_nobody_is_notified(api: Api) -> None:
    quiet = {**DEVICE, "suppress_unregister_notifications": True}
    (await api.put(f"{api.account}/devices", quiet)).expect(201)
    fs1, store = await teller(api), api.gateway.services.store
    for more in ({}, {"username": "bob", "suppress_unregister_notify": True}):
        before = await store.last_event()
        await fs1.tell("register", {**PHONE, **more})
        await fs1.tell("unregister", {"username": {**PHONE, **more}["username"]})
        told = [event.action for _, event in await store.events(before)]
        assert told == ["registration_registered", "registration_unregistered"]


async def test_a_call_runs_until_it_is_over(api: Api) -> None:
    user = await make(api, "users")
    fs1, path = await teller(api), f"{api.account}/channels"
    await fs1.tell(
        "channel.create",
        {"uuid": "a@x", "owner_id": user, "direction": "inbound", "destination": "100"},
        at=TIME - 5,
    )
    [row] = (await api.get(path)).expect(200).data
    assert row == {
        "uuid": "a@x",
        "timestamp": TIME - 5,
        "answered": False,
        "direction": "inbound",
        "destination": "100",
        "owner_id": user,
    }
    await fs1.tell("channel.answer", {"uuid": "a@x"})
    await fs1.tell("channel.bridge", {"uuid": "a@x", "other_leg": "b@x"})
    shown = (await api.get(f"{path}/a@x")).expect(200).data
    assert (shown["answered"], shown["other_leg"]) == (True, "b@x")
    assert len((await api.get(f"{api.account}/users/{user}/channels")).data) == 1
    [of_all] = (await api.get("/v2/channels")).expect(200).data
    assert of_all["account_id"] == api.master.account_id
    await fs1.tell("channel.destroy", {"uuid": "a@x"})
    assert (await api.get(path)).data == []
    (await api.get(f"{path}/a@x")).expect(404)


async def test_who_listens_is_told_each_step(api: Api) -> None:
    fs1 = await teller(api)
    store = api.gateway.services.store
    before = await store.last_event()
    steps = ["channel.create", "channel.answer", "channel.hold", "channel.destroy"]
    await fs1.send(*(fs1.event(step, {"uuid": "a"}) for step in steps))
    await fs1.tell("dtmf", {"uuid": "a", "digit": "5"})
    told = [event for _, event in await store.events(before)]
    assert [each.action for each in told] == [*(step.replace(".", "_") for step in steps), "dtmf"]
    assert {each.key.doc_id for each in told} == {"a"}
    assert {each.key.account_id for each in told} == {api.master.account_id}


async def test_what_a_deleted_account_had_goes_with_it(api: Api) -> None:
    child = await customer_of(api)
    fs1 = await teller(api, child.account_id)
    await fs1.tell("register", PHONE)
    (await api.delete(f"/v2/accounts/{child.account_id}")).expect(200)
    assert (await api.get("/v2/registrations/count")).data == {"count": 0}
    told = (await fs1.send(fs1.event("register", PHONE))).expect(200).data
    assert [*told["refused"][0]["data"]] == ["account_id"]


@pytest.mark.parametrize("name", ["transfer", "callflow", "intercept"])
async def test_an_action_lacks_what_it_needs(api: Api, name: str) -> None:
    fs1 = await teller(api)
    await fs1.tell("channel.create", {"uuid": "a", "other_leg": "b"})
    needed = {"transfer": "target", "callflow": "id", "intercept": "target_id"}[name]
    answer = await api.post(f"{api.account}/channels/a", {"action": name})
    refusal(answer, needed, "required")


async def test_an_action_that_is_unknown_is_told_which_there_are(api: Api) -> None:
    fs1 = await teller(api)
    await fs1.tell("channel.create", {"uuid": "a", "other_leg": "b"})
    for verb, permitted in (("POST", [*DONE]), ("PUT", ["metaflow"])):
        for sent, rule in (
            ({"action": "hang_up"}, "enum"),
            ({"action": {}}, "enum"),
            ({}, "required"),
        ):
            answer = await api.request(verb, f"{api.account}/channels/a", sent)
            assert answer.expect(400).body["message"] == "invalid data"
            assert answer.data["action"][rule]["target"] == permitted
