"""What people ask of webhooks, and what they are told."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from crossbar.clock import FixedClock
from crossbar.core.requests import Actor
from crossbar.core.telling import happening, tell
from crossbar.core.writing import Work
from crossbar.families.webhooks.deliveries import DELIVERY_TYPE, remove_leftovers
from crossbar.families.webhooks.disabling import disable
from crossbar.storage import SYSTEM, Batch, Span
from tests.conftest import PASSWORD, Api
from tests.families.support import make, refusal
from tests.families.webhooks.receiver import Receiver
from tests.families.webhooks.support import attempts, hook


async def test_kinds_are_listed_for_anybody(api: Api) -> None:
    kinds = {each["id"]: each for each in (await api.get("/v2/webhooks", token="")).data}
    assert {"channel_create", "channel_destroy", "object", "notifications"} <= kinds.keys()
    assert set(kinds["object"]["modifiers"]) == {"type", "action"}
    assert "system_alert" not in kinds["notifications"]["modifiers"]["type"]["items"]
    own = {each["id"]: each for each in (await api.get("/v2/webhooks")).data}
    assert "system_alert" in own["notifications"]["modifiers"]["type"]["items"]


@pytest.mark.parametrize("base", ["/v2/webhooks", "ACCOUNT/webhooks"])
async def test_samples(api: Api, base: str) -> None:
    base = base.replace("ACCOUNT", api.account)
    assert "webhooks_object" in (await api.get(f"{base}/samples")).expect(200).data
    path = f"{base}/samples/webhooks_object"
    assert len((await api.get(path)).expect(200).data) == 3
    [one] = (await api.get(f"{path}?filter_action=doc_edited")).expect(200).data
    assert one["type"] == "user"
    (await api.get(f"{base}/samples/webhooks_none")).expect(404)


async def test_what_a_kind_needs_is_checked(api: Api) -> None:
    path, uri = f"{api.account}/webhooks", "https://hooks.example/in"
    data: dict[str, Any] = {"name": "N", "hook": "object", "uri": uri}
    answer = await api.put(path, data)
    assert refusal(answer, "custom_data.type", "required")
    assert refusal(answer, "custom_data.action", "required")
    answer = await api.put(path, {**data, "custom_data": {"type": "cow", "action": "all"}})
    assert refusal(answer, "custom_data.type", "enum")["cause"] == "cow"
    answer = await api.put(path, {**data, "hook": "nothing"})
    assert refusal(answer, "hook", "enum")


@pytest.mark.parametrize(
    ("name", "value"), [("Host", "x"), ("X-A", "a\r\nB: c"), ("A b", "x"), ("webhook-id", "1")]
)
async def test_headers_that_nobody_may_choose(api: Api, name: str, value: str) -> None:
    data = {"name": "N", "hook": "all", "uri": "https://hooks.example/in"}
    answer = await api.put(
        f"{api.account}/webhooks", {**data, "custom_request_headers": {name: value}}
    )
    assert refusal(answer, f"custom_request_headers.{name}", "invalid")


async def test_headers_are_not_more_than_servers_take(api: Api) -> None:
    data = {"name": "N", "hook": "all", "uri": "https://hooks.example/in"}
    headers = {f"X-{number}": "x" * 1900 for number in range(5)}
    answer = await api.put(f"{api.account}/webhooks", {**data, "custom_request_headers": headers})
    assert refusal(answer, "custom_request_headers", "maxLength")


async def test_a_key_is_taken_and_never_shown(api: Api) -> None:
    hook_id = await hook(
        api, "https://hooks.example/in", security_settings={"sha256_key": "hush hush"}
    )
    path = f"{api.account}/webhooks/{hook_id}"
    (await api.patch(path, {"name": "Other"})).expect(200)
    for each in (path, f"{api.account}/webhooks?full_docs=true"):
        answer = (await api.get(each)).expect(200)
        assert b"hush" not in answer.content
        assert b"whsec" not in answer.content


async def test_headers_that_may_be_passwords_are_for_administrators(api: Api) -> None:
    headers = {"Authorization": "Bearer hush"}
    hook_id = await hook(api, "https://hooks.example/in", custom_request_headers=headers)
    path = f"{api.account}/webhooks/{hook_id}"
    assert (await api.get(path)).data["custom_request_headers"] == headers
    await make(api, "users", first_name="U", last_name="L", username="ulf", password=PASSWORD)
    plain = await api.login("ulf", PASSWORD, "Master")
    for each in (path, f"{api.account}/webhooks?full_docs=true"):
        answer = (await api.get(each, token=plain)).expect(200)
        assert hook_id.encode() in answer.content
        assert b"hush" not in answer.content


async def test_a_test_is_sent_at_once_and_told(api: Api, receiver: Receiver) -> None:
    hook_id = await hook(api, receiver.url, enabled=False)
    outcome = (await api.put(f"{api.account}/webhooks/{hook_id}/test")).expect(201).data
    assert (outcome["result"], outcome["resp_status_code"]) == ("success", 200)
    [got] = receiver.got
    assert got.message_id == outcome["event_id"]
    [row] = await attempts(api, hook_id, 1)
    assert row["id"] == outcome["id"]


async def test_an_attempt_is_delivered_again(api: Api, receiver: Receiver) -> None:
    hook_id = await hook(api, receiver.url)
    await make(api, "devices")
    [row] = await attempts(api, hook_id, 1)
    path = f"{api.account}/webhooks/{hook_id}/attempts/{row['id']}"
    assert (await api.get(path)).expect(200).data["hook_id"] == hook_id
    again = (await api.put(f"{path}/redelivery")).expect(201)
    assert again.data["event_id"] == row["event_id"]
    first, second = await receiver.until(2)
    assert first.message_id == second.message_id
    other = await hook(api, receiver.url)
    wrong = f"{api.account}/webhooks/{other}/attempts/{row['id']}/redelivery"
    (await api.put(wrong)).expect(404)
    assert len(await attempts(api, hook_id, 2)) == 2
    assert len((await api.get(f"{api.account}/webhooks/attempts")).expect(200).data) == 2


async def test_a_range_of_time_is_reported_again(
    api: Api, receiver: Receiver, clock: FixedClock
) -> None:
    clock.advance(100)
    early = clock.gregorian()
    await make(api, "devices", name="Before there was a webhook")
    clock.advance(100)
    hook_id = await hook(api, receiver.url)
    path = f"{api.account}/webhooks/{hook_id}"
    (await api.patch(path, {"enabled": False})).expect(200)
    await make(api, "devices", name="While it was off")
    late = clock.gregorian()
    clock.advance(100)
    refused = await api.put(f"{path}/replay", {"created_from": early})
    assert refusal(refused, "enabled", "disabled")
    (await api.patch(path, {"enabled": True})).expect(200)
    await make(api, "devices", name="Now")
    await receiver.until(1)
    (await api.put(f"{path}/replay", {"created_from": early, "created_to": late})).expect(201)
    got = await receiver.until(3)
    assert len({each.message_id for each in got}) == 3
    assert refusal(await api.put(f"{path}/replay", {}), "created_from", "required")
    unix = {"created_from": 1_800_000_000}
    refused = refusal(await api.put(f"{path}/replay", unix), "created_from", "minimum")
    assert "Unix seconds and 62167219200" in refused["message"]
    wrong = {"created_from": late, "created_to": early}
    assert refusal(await api.put(f"{path}/replay", wrong), "created_from", "date_range")
    for name, other in (("created_from", "created_to"), ("created_to", "created_from")):
        for value in ("tomorrow", 0, 1.5, True, None, [late]):
            asked = {name: value, other: late}
            assert refusal(await api.put(f"{path}/replay", asked), name, "type")


async def test_one_that_nothing_reaches_is_switched_off_and_on(
    api: Api, receiver: Receiver, clock: FixedClock
) -> None:
    receiver.answer = lambda got: web.Response(status=500 if got.path == "/bad" else 200)
    told = await hook(
        api,
        f"{receiver.url}/told",
        hook="notifications",
        custom_data={"type": "webhook_disabled"},
    )
    hook_id = await hook(api, f"{receiver.url}/bad")
    await make(api, "devices")
    path = f"{api.account}/webhooks/{hook_id}"
    for count in range(1, 6):
        await attempts(api, hook_id, count)
        clock.advance(3000 if count < 4 else 86_400)
        api.token = ""
        api.token = await api.login(api.master.username, PASSWORD, api.master.account_name)
    [got] = await receiver.until(1, "/told")
    assert got.json["hook_id"] == hook_id
    answer = (await api.get(path)).expect(200)
    assert answer.data["enabled"] is False
    [row] = [
        each for each in (await api.get(f"{api.account}/webhooks")).data if each["id"] == hook_id
    ]
    assert row["enabled"] is False
    assert "too long" in row["disable_reason"]
    for base in (f"{api.account}/webhooks", f"{api.account}/descendants/webhooks"):
        assert refusal(await api.patch(base, {}), "re-enable", "required")
        assert refusal(await api.patch(base, {"re-enable": False}), "re-enable", "enum")
        done = (await api.patch(base, {"re-enable": True})).expect(200)
        assert done.data == "hooks updated"
    assert (await api.get(path)).expect(200).data["enabled"] is True
    assert (await api.get(f"{api.account}/webhooks/{told}")).data["enabled"] is True


async def test_hooks_below_are_switched_on(api: Api) -> None:
    below = await api.create_account("Below")
    hook_id = await hook(api, "https://hooks.example", account=f"/v2/accounts/{below}")
    await disable(api.gateway.services, below, hook_id, "a reason")
    path = f"/v2/accounts/{below}/webhooks/{hook_id}"
    assert (await api.get(path)).data["enabled"] is False
    (await api.patch(f"{api.account}/descendants/webhooks", {"re-enable": True})).expect(200)
    assert (await api.get(path)).data["enabled"] is True


async def test_what_a_switch_tells_is_reported(api: Api, receiver: Receiver) -> None:
    await hook(api, f"{receiver.url}/calls", hook="channel_create", include_internal_legs=False)
    await hook(api, f"{receiver.url}/all", hook="all")
    services, account_id = api.gateway.services, api.master.account_id
    facts = {"call_id": "abc", "is_internal_leg": False}
    events = [
        happening(services.clock, account_id, "channel_create", facts, about="abc"),
        happening(services.clock, account_id, "channel_destroy", facts, about="abc"),
        happening(services.clock, account_id, "channel_create", {"is_internal_leg": True}),
        happening(services.clock, account_id, "unheard_of", {}),
    ]
    await services.commit(Batch(events=events))
    account = await services.accounts.get(account_id)
    work = Work(Actor(services=services, account_id=account_id, account=account, request_id=""))
    tell(work, account_id, "channel_create", {"call_id": "def"})
    await work.commit()
    got = await receiver.until(4, "/all")
    told = [each.json["hook_event"] for each in got if each.json.get("call_id") == "abc"]
    assert told == ["channel_create", "channel_destroy"]
    calls = await receiver.until(2, "/calls")
    assert [each.json["call_id"] for each in calls] == ["abc", "def"]


async def test_what_waits_for_a_hook_that_is_gone_goes_too(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda got: web.Response(status=500)
    hook_id = await hook(api, receiver.url)
    await make(api, "devices")
    await attempts(api, hook_id, 1)
    await api.delete(f"{api.account}/webhooks/{hook_id}")
    services, span = api.gateway.services, Span(account_id=SYSTEM, doc_type=DELIVERY_TYPE)
    assert await services.store.count(span) == 1
    await remove_leftovers(services, {})
    assert await services.store.count(span) == 0
