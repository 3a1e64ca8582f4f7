"""What is mailed of calls: messages with audio, calls that nobody took, what steps ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conftest import Api
from tests.families.support import make
from tests.mailbox import Mailbox, mailbox, text_of
from tests.switch.executor.support import call, callflow, node, phone, simulated, then


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    """What is mailed."""
    async with mailbox() as box:
        yield box


@pytest.fixture
def overrides(box: Mailbox) -> dict[str, Any]:
    return box.settings()


async def settled(api: Api) -> None:
    await api.gateway.services.jobs.idle(api.gateway.services)


async def test_a_message_is_mailed_with_its_audio_and_filed(api: Api, box: Mailbox) -> None:
    fields = {"notify_email_addresses": ["desk@acme.example"], "delete_after_notify": True}
    vmbox = await make(api, "vmboxes", mailbox="1001", **fields)
    await callflow(api, "1001", node("voicemail", id=vmbox))
    await call(api, "1001", number="+14155550100", keys=["1"], records_ms=[7000])
    letter = await box.next()
    assert letter["To"] == "desk@acme.example"
    [audio] = letter.iter_attachments()
    assert (audio.get_content_type(), audio.get_content()) == ("audio/wav", b"RIFF")
    await settled(api)
    listed = (await api.get(f"{api.account}/vmboxes/{vmbox}/messages")).expect(200).data
    assert [each["folder"] for each in listed] == ["deleted"]


async def test_a_full_box_is_mailed_of(api: Api, box: Mailbox) -> None:
    config = {"default": {"voicemail": {"max_message_count": 1}}}
    (await api.post("/v2/system_configs/callflow", config)).expect(200)
    user = await make(api, "users", first_name="Ann", email="ann@acme.example")
    quiet = {"owner_id": user, "mailbox": "1"}
    vmbox = await make(api, "vmboxes", **quiet)
    await callflow(api, "1", node("voicemail", id=vmbox))
    await call(api, "1", keys=["1"])
    await box.next()
    await call(api, "1", keys=["1"])
    assert "full" in str((await box.next())["Subject"]).lower()


async def test_missed_calls_are_mailed(api: Api, box: Mailbox) -> None:
    user = await make(api, "users", first_name="Ann", email="ann@acme.example")
    recipients = [{"type": "user", "id": user}, {"type": "email", "id": ["a@acme.example"]}]
    device = await phone(api, "desk")
    step = node("missed_call_alert", then("device", id=device), recipients=recipients)
    await callflow(api, "1", step)
    await call(api, "1", number="+14155550100")
    letters = [await box.next(), await box.next()]
    assert sorted(each["To"] for each in letters) == ["a@acme.example", "ann@acme.example"]
    assert "+14155550100" in str(letters[0]["Subject"])
    await call(api, "1", number="+14155550100", answers=(device,))
    await settled(api)
    assert box.is_empty()


@pytest.mark.parametrize("send_at", ["callflow_exec", "channel_destroy"])
async def test_a_step_mails_by_a_template(api: Api, box: Mailbox, send_at: str) -> None:
    recipients = [{"type": "email", "id": "a@acme.example"}]
    data = {"template_id": "missed_call", "recipients": recipients, "send_at": send_at}
    flow = await callflow(api, "1", node("notification", **data))
    await call(api, "1", number="+14155550100")
    assert (await box.next())["To"] == "a@acme.example"
    told = await simulated(api, flow)
    assert told["changes"] == [
        {"what": "mail", "template": "missed_call", "to": ["a@acme.example"]}
    ]


async def test_emergency_calls_are_mailed_and_told(api: Api, box: Mailbox) -> None:
    carrier = {"name": "any", "rules": [".*"], "gateways": [{"server": "any.example"}]}
    (await api.put("/v2/resources", carrier)).expect(201)
    caller_id = {"emergency": {"number": "+12125550111"}}
    contact = {"admin": {"email": "admin@acme.example"}}
    (await api.patch(api.account, {"contact": contact, "caller_id": caller_id})).expect(200)
    flow = await callflow(api, "no_match", node("offnet"))
    device = await phone(api, "desk")
    # It is told at once, not when the call is over.
    await call(api, "911", device=device, hangs_up_after=1)
    letter = await box.next()
    assert letter["To"] == "admin@acme.example"
    assert "called 911 from +12125550111" in text_of(letter)
    told = await simulated(api, flow, to="911", **{"from": {"device_id": device}})
    assert told["changes"] == [
        {"what": "mail", "template": "emergency_bridge", "to": ["administrators"]},
        {"what": "tell", "kind": "emergency_bridge"},
    ]
    await call(api, "4155550100", device=device)
    await settled(api)
    assert box.is_empty()


async def test_a_notification_without_a_template_is_none(api: Api, box: Mailbox) -> None:
    flow = await callflow(api, "1", node("notification", then("play", id="x"), recipients=[]))
    assert (await simulated(api, flow))["changes"] == []
    assert box.is_empty()
