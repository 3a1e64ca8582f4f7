"""What happens is reported: which events, in what form, signed how, until it is taken."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import orjson
import pytest
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from crossbar.clock import FixedClock
from tests.conftest import Api
from tests.families.support import make
from tests.families.webhooks.receiver import Receiver
from tests.families.webhooks.support import OBJECTS, attempts, hook


async def test_changes_of_documents_are_reported(api: Api, receiver: Receiver) -> None:
    await make(api, "devices", name="Before")
    hook_id = await hook(api, f"{receiver.url}/in", custom_data={**OBJECTS, "who": "me"})
    device = await make(api, "devices")
    await api.patch(f"{api.account}/devices/{device}", {"name": "Other"})
    await api.delete(f"{api.account}/devices/{device}")
    got = await receiver.until(3)
    assert [each.json["action"] for each in got] == ["doc_created", "doc_edited", "doc_deleted"]
    for each in got:
        assert each.json["id"] == device
        assert each.json["type"] == "device"
        assert each.json["account_id"] == each.headers["x-account-id"] == api.master.account_id
        assert each.json["cluster_id"] == api.master.account_id
        assert each.json["who"] == "me"
        assert each.headers["x-hook-id"] == hook_id
        assert each.headers["content-type"] == "application/json"
    assert len({each.message_id for each in got}) == 3
    rows = await attempts(api, hook_id, 3)
    assert {row["result"] for row in rows} == {"success"}
    assert {row["resp_body"] for row in rows} == {"thanks"}


async def test_reports_are_signed_as_standard_webhooks_wants(
    api: Api, receiver: Receiver, clock: FixedClock
) -> None:
    clock.advance(time.time() - clock.precise())
    hook_id = await hook(api, receiver.url)
    path = f"{api.account}/webhooks/{hook_id}/signing_secret"
    first = (await api.get(path)).expect(200).data["signing_secret"]
    await make(api, "devices")
    [got] = await receiver.until(1)
    assert Webhook(first).verify(got.body, got.headers)["type"] == "device"
    second = (await api.put(path)).expect(201).data["signing_secret"]
    assert second != first
    await make(api, "devices")
    got = (await receiver.until(2))[1]
    for secret in (first, second):  # for a day
        Webhook(secret).verify(got.body, got.headers)


async def test_what_was_changed_or_kept_back_does_not_verify(
    api: Api, receiver: Receiver, clock: FixedClock
) -> None:
    clock.advance(time.time() - clock.precise())
    hook_id = await hook(api, receiver.url)
    path = f"{api.account}/webhooks/{hook_id}/signing_secret"
    webhook = Webhook((await api.get(path)).expect(200).data["signing_secret"])
    await make(api, "devices")
    [got] = await receiver.until(1)
    webhook.verify(got.body, got.headers)
    changed = got.body.replace(b"doc_created", b"doc_deleted")
    assert changed != got.body
    old = {**got.headers, "webhook-timestamp": str(int(time.time()) - 3600)}
    for body, headers in (
        (changed, got.headers),
        (got.body, {**got.headers, "webhook-id": "msg_1"}),
        (got.body, {**got.headers, "webhook-signature": "v1,AAAA"}),
        (got.body, old),
    ):
        with pytest.raises(WebhookVerificationError):
            webhook.verify(body, headers)
    clock.advance(-3600)  # signed an hour ago: right, and of no use any more
    await make(api, "devices")
    late = (await receiver.until(2))[1]
    with pytest.raises(WebhookVerificationError, match="too old"):
        webhook.verify(late.body, late.headers)


async def test_version_2_has_an_envelope_with_a_code(api: Api, receiver: Receiver) -> None:
    settings = {"sha256_key": "123"}
    hook_id = await hook(api, receiver.url, version="v2", security_settings=settings)
    shown = (await api.get(f"{api.account}/webhooks/{hook_id}")).expect(200)
    assert b"123" not in orjson.dumps(shown.data.get("security_settings", {}))
    device = await make(api, "devices")
    [got] = await receiver.until(1)
    body = json.loads(got.body)
    assert (body["action"], body["name"]) == ("object", "Reports")
    assert body["data"]["doc"]["name"] == "Desk"
    assert body["data"]["metadata"]["id"] == device
    signed = str(body["timestamp"]) + json.dumps(
        body["data"], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    code = hmac.new(b"123", signed.encode(), hashlib.sha256).digest()
    assert body["hmac"] == base64.b64encode(code).decode()


async def test_passwords_are_not_reported(api: Api, receiver: Receiver) -> None:
    hook_id = await hook(api, receiver.url, version="v2")
    await make(api, "devices", sip={"username": "ann1", "password": "hush-hush-1"})
    await make(api, "vmboxes", name="Box", mailbox="100", pin="270981")
    got = await receiver.until(2)
    names = {json.loads(each.body)["data"]["doc"]["name"] for each in got}
    assert names == {"Desk", "Box"}
    sent = b"".join(each.body for each in got)
    kept = json.dumps(await attempts(api, hook_id, 2)).encode()
    for content in (sent, kept):
        assert b"ann1" in content
        assert b"hush" not in content
        assert b"270981" not in content


async def test_forms_and_queries(api: Api, receiver: Receiver) -> None:
    await hook(api, f"{receiver.url}/form", format="form-data", http_verb="put")
    await hook(api, f"{receiver.url}/query?a=1", http_verb="get")
    await make(api, "devices")
    [form] = await receiver.until(1, "/form")
    [query] = await receiver.until(1, "/query")
    assert form.method == "PUT"
    assert b"action=doc_created&type=device" in form.body
    assert query.query["a"] == "1"
    assert query.query["type"] == "device"
    assert not query.body


async def test_custom_headers_are_sent_and_not_kept(api: Api, receiver: Receiver) -> None:
    hook_id = await hook(
        api, receiver.url, custom_request_headers={"Authorization": "Bearer secret"}
    )
    await make(api, "devices")
    [got] = await receiver.until(1)
    assert got.headers["authorization"] == "Bearer secret"
    [row] = await attempts(api, hook_id, 1)
    assert "secret" not in json.dumps(row)


async def test_custom_data_choose(api: Api, receiver: Receiver) -> None:
    await hook(api, receiver.url, custom_data={"type": "user", "action": "doc_edited"})
    await make(api, "devices")
    user = await make(api, "users")
    await api.patch(f"{api.account}/users/{user}", {"first_name": "Eve"})
    [got] = await receiver.until(1)
    assert got.json["id"] == user
    assert got.json["action"] == "doc_edited"


async def test_accounts_below_are_reported_if_asked_for(api: Api, receiver: Receiver) -> None:
    below = await api.create_account("Below")
    await hook(api, f"{receiver.url}/all", include_subaccounts=True)
    await hook(api, f"{receiver.url}/own")
    await api.put(f"/v2/accounts/{below}/devices", {"name": "There"})
    await api.delete(f"/v2/accounts/{below}")
    got = await receiver.until(2, "/all")
    assert [each.json["type"] for each in got] == ["device", "account"]
    [gone] = await receiver.until(1, "/own")  # it is told who is above
    assert gone.json["id"] == below
    assert gone.json["action"] == "doc_deleted"


async def test_what_is_not_taken_is_sent_again(
    api: Api, receiver: Receiver, clock: FixedClock
) -> None:
    statuses = iter([500, 302, 204])
    receiver.answer = lambda got: web.Response(
        status=next(statuses), headers={"Location": f"{receiver.url}/elsewhere"}
    )
    hook_id = await hook(api, f"{receiver.url}/in")
    await make(api, "devices")
    for count in (1, 2, 3):
        await attempts(api, hook_id, count)
        clock.advance(60)
    rows = await attempts(api, hook_id, 3)
    assert [row["resp_status_code"] for row in rows] == [204, 302, 500]
    assert [row["result"] for row in rows] == ["success", "failure", "failure"]
    assert [row["try"] for row in rows] == [3, 2, 1]
    assert len({each.message_id for each in receiver.got}) == 1
    assert {each.path for each in receiver.got} == {"/in"}, "a redirection was followed"
    assert len(receiver.got) == 3
