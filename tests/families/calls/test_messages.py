"""Messages: sent through the switch, kept, listed with those that came in."""

from __future__ import annotations

import pytest

from tests.conftest import Api
from tests.families.support import make, refusal, told
from tests.families.switch.support import TIME, teller


@pytest.mark.parametrize("noun", ["sms", "mms"])
async def test_a_message_is_sent_and_listed(api: Api, noun: str) -> None:
    user = await make(api, "users", caller_id={"internal": {"number": "101"}})
    path = f"{api.account}/users/{user}/{noun}"
    sent = (await api.put(path, {"to": "102", "body": "Hello"})).expect(201).data
    assert (sent["from"], sent["to"], sent["route_type"]) == ("101", "102", "onnet")
    assert sent["custom_vars"]["authorizing_id"] == user
    assert ("body" in sent) == (noun == "sms")
    [command] = told(api, f"{noun}.send")
    assert command.data["message_id"] == sent["message_id"]
    assert command.data["body"] == "Hello"
    fs1 = await teller(api)
    fields = {"kind": noun, "direction": "outbound", "from": "101", "to": "102"}
    known = {**fields, "message_id": sent["message_id"], "created": sent["created"]}
    await fs1.tell("message", {**known, "status": "delivered"})
    incoming = {**fields, "message_id": "m1", "direction": "inbound", "status": "received"}
    await fs1.tell("message", {**incoming, "body": "Yes?", "created": TIME - 5})
    rows = (await api.get(f"{api.account}/{noun}")).expect(200).data
    assert [(row["value"]["status"], row["value"]["body"]) for row in rows] == [
        ("delivered", "Hello"),
        ("received", "Yes?"),
    ]
    assert rows[1]["key"] == TIME - 5
    assert rows[1]["date"].endswith(" GMT")
    [own] = (await api.get(path)).expect(200).data
    assert own == rows[0]
    one = f"{api.account}/{noun}/{own['id']}"
    assert (await api.get(one)).expect(200).data["body"] == "Hello"
    assert (await api.delete(one)).expect(200).data["_read_only"] == {"deleted": True}
    (await api.get(one)).expect(404)
    (await api.delete(one)).expect(404)


async def test_a_sender_is_a_number_of_the_account(api: Api) -> None:
    path = f"{api.account}/sms"
    for sender, rule in (("101", "invalid"), ("+14155550199", "forbidden")):
        answer = await api.put(path, {"to": "+14155550123", "body": "x", "from": sender})
        refusal(answer, "from", rule)
    number = "+14155550199"
    created = await api.put(f"{api.account}/phone_numbers/{number}?accept_charges=true")
    created.expect(201)
    sent = await api.put(path, {"to": "(415) 555-0123", "body": "x", "from": number})
    assert sent.expect(201).data["to"] == "+14155550123"
    assert sent.data["route_type"] == "offnet"


async def test_what_cannot_be_sent_is_refused(api: Api) -> None:
    refusal(await api.put(f"{api.account}/sms", {"to": "1"}), "body", "required")
    refusal(await api.put(f"{api.account}/mms", {"to": "1"}), "body", "required")
    refusal(
        await api.put(f"{api.account}/sms", {"to": "1", "body": "x" * 701}), "body", "maxLength"
    )
    (await api.put(f"{api.account}/users/{'0' * 32}/sms", {"to": "1", "body": "x"})).expect(404)
    assert told(api, "sms.send") == []
