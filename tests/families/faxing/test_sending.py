"""Faxes that are sent: what the switch is told to do, and what becomes of what it tells."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from crossbar.core.ports import Command, Switch
from crossbar.documents import Document
from crossbar.errors import SwitchTimedOut, SwitchUnavailable
from tests.conftest import Api
from tests.families.support import ReadySwitch, make, stored
from tests.families.switch.support import TIME, Teller, teller
from tests.mailbox import Mailbox, mailbox

FAX: dict[str, Any] = {
    "to_number": "+14155550100",
    "from_number": "+14155550101",
    "document": {"url": "https://example.com/a.pdf"},
}
SENT = {"success": True, "pages": 2, "fax_speed": 14400, "fax_receiver_id": "+14155550100"}
NOT_SENT = {"success": False, "error_message": "nobody has answered"}


class FaxSwitch(ReadySwitch):
    """A switch that sends faxes, unless it is refused."""

    def __init__(self) -> None:
        super().__init__({"status": "sending", "source": "one"})
        self.refuses: type[Exception] | None = None

    async def order(self, command: Command, timeout: float) -> Document:
        if self.refuses:
            raise self.refuses
        return await super().order(command, timeout)


@pytest.fixture
def fax_switch() -> FaxSwitch:
    return FaxSwitch()


@pytest.fixture
def switch(fax_switch: FaxSwitch) -> Switch:
    return fax_switch


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    """What is mailed."""
    async with mailbox() as box:
        yield box


@pytest.fixture
def overrides(box: Mailbox) -> dict[str, Any]:
    return box.settings()


async def idle(api: Api, seconds: float = 0) -> None:
    """Do what is due by then."""
    api.clock.advance(seconds)
    await api.gateway.services.jobs.idle(api.gateway.services)


async def put(api: Api, **more: Any) -> str:
    made = await api.put(f"{api.account}/faxes/outgoing", {**FAX, **more})
    await idle(api)
    return str(made.expect(201).data["id"])


async def outgoing(api: Api, fax_id: str) -> Document:
    found: Document = (await api.get(f"{api.account}/faxes/outgoing/{fax_id}")).expect(200).data
    return found


async def outbox(api: Api, fax_id: str) -> Document:
    found: Document = (await api.get(f"{api.account}/faxes/outbox/{fax_id}")).expect(200).data
    return found


async def tell(there: Teller, fax_id: str, result: Document, **more: Any) -> None:
    facts = {"direction": "outbound", "fax_id": fax_id, "result": result, **more}
    await there.tell("fax", facts)


def orders(switch: FaxSwitch) -> list[Document]:
    return [each.data for each in switch.asked if each.name == "faxes.send"]


async def test_a_fax_is_sent_and_is_in_the_outbox_then(
    api: Api, fax_switch: FaxSwitch, box: Mailbox
) -> None:
    box_of = {"notifications": {"outbound": {"email": {"send_to": ["b@acme.example"]}}}}
    faxbox = await make(api, "faxboxes", name="Sales", **box_of)
    wanted = {"notifications": {"email": {"send_to": "a@acme.example"}}, "faxbox_id": faxbox}
    fax_id = await put(api, **wanted)
    assert orders(fax_switch) == [{"fax_id": fax_id, "attempt": 0}]
    assert (await outgoing(api, fax_id))["status"] == "sending"
    api.clock.advance(30)
    await tell(await teller(api), fax_id, SENT, attempt=0)
    fax = await outbox(api, fax_id)
    assert fax["tx_result"] == {
        "success": True,
        "pages_sent": 2,
        "fax_speed": 14400,
        "fax_receiver_id": "+14155550100",
    }
    assert (fax["status"], fax["attempts"], fax["delivered"]) == ("completed", 1, TIME + 30)
    (await api.get(f"{api.account}/faxes/outgoing/{fax_id}")).expect(404)
    [row] = (await api.get(f"{api.account}/faxboxes/{faxbox}/faxes/outbox")).expect(200).data
    assert row["id"] == fax_id
    letter = await box.next()
    assert letter["To"] == "a@acme.example, b@acme.example"
    assert "was sent" in str(letter["Subject"])
    await idle(api, 1000)
    assert len(orders(fax_switch)) == 1


async def test_a_fax_is_tried_as_often_as_it_says(
    api: Api, fax_switch: FaxSwitch, box: Mailbox
) -> None:
    wanted = {"notifications": {"email": {"send_to": "a@acme.example"}}}
    fax_id = await put(api, retries=2, **wanted)
    there = await teller(api)
    await tell(there, fax_id, NOT_SENT, attempt=0)
    fax = await outgoing(api, fax_id)
    assert (fax["status"], fax["attempts"]) == ("pending", 1)
    assert fax["tx_result"] == {
        "success": False,
        "pages_sent": 0,
        "error_message": "nobody has answered",
    }
    await idle(api, 299)
    assert len(orders(fax_switch)) == 1
    await idle(api, 1)
    assert orders(fax_switch)[1:] == [{"fax_id": fax_id, "attempt": 1}]
    await tell(there, fax_id, NOT_SENT, attempt=0)  # of the first attempt, once more
    assert (await outgoing(api, fax_id))["attempts"] == 1
    await tell(there, fax_id, {"success": False})
    fax = await outbox(api, fax_id)
    assert (fax["status"], fax["attempts"]) == ("failed", 2)
    assert fax["tx_result"]["error_message"] == "unknown error"
    assert "delivered" not in fax
    assert "was not sent" in str((await box.next())["Subject"])
    await tell(there, fax_id, SENT)  # it is over
    assert (await outbox(api, fax_id))["status"] == "failed"


async def test_what_nobody_can_send_is_not_tried_again(api: Api) -> None:
    fax_id = await put(api, retries=4)
    await tell(await teller(api), fax_id, NOT_SENT, is_final=True)
    assert (await outbox(api, fax_id))["status"] == "failed"


async def test_the_document_that_the_switch_has_fetched_is_kept(api: Api) -> None:
    fax_id = await put(api)
    content = base64.b64encode(b"%PDF-1.4").decode()
    document = {"content": content, "content_type": "application/pdf"}
    await tell(await teller(api), fax_id, SENT, document=document)
    answer = await api.get(f"{api.account}/faxes/outbox/{fax_id}/attachment")
    assert answer.expect(200).content == b"%PDF-1.4"
    assert answer.headers["Content-Type"] == "application/pdf"


@pytest.mark.parametrize("refuses", [SwitchUnavailable, SwitchTimedOut])
async def test_a_fax_waits_for_a_switch(
    api: Api, fax_switch: FaxSwitch, refuses: type[Exception]
) -> None:
    fax_switch.refuses = refuses
    fax_id = await put(api)
    assert (await outgoing(api, fax_id))["status"] == "pending"
    fax_switch.refuses = None
    await idle(api, 9)
    assert orders(fax_switch) == []
    await idle(api, 1)
    assert orders(fax_switch) == [{"fax_id": fax_id, "attempt": 0}]


async def test_a_fax_is_looked_for_less_and_less(api: Api, fax_switch: FaxSwitch) -> None:
    fax_switch.refuses = SwitchUnavailable
    await put(api)
    await idle(api, 10_000)
    fax_switch.refuses = None
    await idle(api, 299)
    assert orders(fax_switch) == []
    await idle(api, 1)
    assert len(orders(fax_switch)) == 1


async def test_a_fax_that_no_switch_knows_any_more_was_not_sent(
    api: Api, fax_switch: FaxSwitch
) -> None:
    fax_id = await put(api)
    await idle(api, 60)
    fax_switch.answers = [{"source": "one"}]
    await idle(api, 60)
    read = await outgoing(api, fax_id)
    assert read["status"] == "not available"
    await idle(api, 60)
    fax = await outbox(api, fax_id)
    assert fax["status"] == "failed"
    assert "switch" in fax["tx_result"]["error_message"]


async def test_of_what_another_switch_sends_this_one_knows_nothing(
    api: Api, fax_switch: FaxSwitch
) -> None:
    fax_id = await put(api)
    fax_switch.answers = [{"source": "another"}]
    for _ in range(3):
        await idle(api, 60)
    assert (await outgoing(api, fax_id))["status"] == "not available"
    fax_switch.refuses = SwitchUnavailable
    await idle(api, 60)
    (await api.get(f"{api.account}/faxes/outbox/{fax_id}")).expect(404)
    await idle(api, 7200)
    assert (await stored(api, "fax", fax_id))["pvt_job_status"] == "failed"


async def test_a_deleted_account_or_fax_is_nothing_to_send(
    api: Api, fax_switch: FaxSwitch
) -> None:
    there = await teller(api)
    await tell(there, "0" * 32, SENT)
    await tell(there, "0" * 32, NOT_SENT)
    told = there.event("fax", {"direction": "outbound", "result": SENT})
    [refused] = (await there.send(told)).expect(200).data["refused"]
    assert "fax_id" in str(refused["data"])
    assert orders(fax_switch) == []
