"""Faxes that come in, as a switch tells of them."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from crossbar.documents import Document
from tests.conftest import Api
from tests.families.support import make
from tests.families.switch.support import TIME, teller
from tests.families.webhooks.receiver import receiving
from tests.families.webhooks.support import hook
from tests.mailbox import Mailbox, mailbox

TIFF = b"II*\x00" + bytes(200)
FILE = {"content": base64.b64encode(TIFF).decode(), "content_type": "image/tiff"}
CAME: dict[str, Any] = {
    "direction": "inbound",
    "call_id": "a1",
    "from_number": "+14155550101",
    "from_name": "Ann",
    "to_number": "+14155550100",
    "result": {"success": True, "pages": 3, "fax_speed": 9600},
    "document": FILE,
}


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    """What is mailed."""
    async with mailbox() as box:
        yield box


@pytest.fixture
def overrides(box: Mailbox) -> dict[str, Any]:
    own = {"webhooks.deliver": True, "webhooks.allow_private_addresses": True}
    return {**box.settings(), **own, "schemas.blocked_hosts": []}


async def faxbox(api: Api, **more: Any) -> str:
    send_to = ["fax@acme.example"]
    inbound = {"email": {"send_to": send_to}}
    return await make(api, "faxboxes", name="Sales", notifications={"inbound": inbound}, **more)


async def inbox(api: Api, path: str = "") -> list[Document]:
    found: list[Document] = (await api.get(f"{path or api.account}/faxes/inbox")).expect(200).data
    return found


async def test_a_fax_is_in_the_inbox_with_its_pages(api: Api, box: Mailbox) -> None:
    user = await make(api, "users", first_name="Ann", email="ann@acme.example")
    faxbox_id = await faxbox(api, owner_id=user, fax_timezone="Europe/Berlin")
    await (await teller(api)).tell("fax", {**CAME, "faxbox_id": faxbox_id}, at=TIME - 60)
    [fax] = await inbox(api)
    assert fax["name"] == "fax message received at 2027-01-15 07:59:00 UTC"
    assert fax["rx_result"] == {"success": True, "pages_received": 3, "fax_speed": 9600}
    assert (fax["from"], fax["to"], fax["from_name"]) == ("+14155550101", "+14155550100", "Ann")
    assert (fax["status"], fax["created"], fax["faxbox_id"]) == ("completed", TIME - 60, faxbox_id)
    assert fax["id"].startswith("202701-")
    assert await inbox(api, f"{api.account}/faxboxes/{faxbox_id}") == [fax]
    answer = (await api.get(f"{api.account}/faxes/inbox/{fax['id']}/attachment")).expect(200)
    assert (answer.content, answer.headers["Content-Type"]) == (TIFF, "image/tiff")
    assert "2027-01-15_08-59-00.tiff" in answer.headers["Content-Disposition"]
    letter = await box.next()
    assert sorted(letter["To"].split(", ")) == ["ann@acme.example", "fax@acme.example"]
    assert "3 pages" in letter.get_body().get_content()  # type: ignore[union-attr]
    [file] = letter.iter_attachments()
    assert (file.get_content_type(), file.get_content()) == ("image/tiff", TIFF)


async def test_a_fax_that_came_in_is_forwarded_as_a_new_one(api: Api) -> None:
    await (await teller(api)).tell("fax", CAME)
    [fax] = await inbox(api)
    path = f"{api.account}/faxes/inbox/{fax['id']}"
    made = await api.put(path, {"to_number": "4155550177"}, action="forward")
    assert made.expect(201).data == {
        "id": made.data["id"],
        "from_number": "+14155550101",
        "from_name": "Ann",
        "to_number": "+14155550177",
        "attempts": 0,
        "retries": 1,
    }


async def test_a_fax_for_a_user_is_mailed_unless_the_user_does_not_want_it(
    api: Api, box: Mailbox
) -> None:
    ann = await make(api, "users", first_name="Ann", email="ann@acme.example")
    silent = {"fax_to_email_enabled": False, "email": "ben@acme.example"}
    ben = await make(api, "users", first_name="Ben", **silent)
    there = await teller(api)
    for owner_id in (ben, ann):
        await there.tell("fax", {**CAME, "owner_id": owner_id})
    assert (await box.next())["To"] == "ann@acme.example"
    assert box.is_empty()
    assert len(await inbox(api, f"{api.account}/users/{ben}")) == 1


NOTHING = {"success": False, "error_message": "no carrier", "result_code": 12}


@pytest.mark.parametrize("lacks", [{"result": NOTHING}, {"document": None}])
async def test_of_a_fax_that_did_not_arrive_people_are_told(
    api: Api, box: Mailbox, lacks: Document
) -> None:
    async with receiving() as receiver:
        receiver.is_open.set()
        await hook(api, receiver.url, hook="notifications", custom_data={"type": "fax_inbound"})
        told = {**CAME, "faxbox_id": await faxbox(api), **lacks}
        told = {name: value for name, value in told.items() if value is not None}
        await (await teller(api)).tell("fax", told)
        [got] = await receiver.until(1)
        report = got.json
    assert await inbox(api) == []
    letter = await box.next()
    assert "did not arrive" in str(letter["Subject"])
    assert not [*letter.iter_attachments()]
    assert (report["type"], report["to_number"]) == ("fax_inbound", "+14155550100")


async def test_that_a_person_has_called_a_fax_machine_concerns_nobody(
    api: Api, box: Mailbox
) -> None:
    result = {"success": False, "error_message": "dropped", "result_code": 49}
    there = await teller(api)
    await there.tell("fax", {**CAME, "faxbox_id": await faxbox(api), "result": result})
    await api.gateway.services.jobs.idle(api.gateway.services)
    assert box.is_empty()


async def test_what_is_no_file_is_refused(api: Api) -> None:
    there = await teller(api)
    for wrong in ({"content": "?", "content_type": "image/tiff"}, {"content": ""}):
        told = there.event("fax", {**CAME, "document": wrong})
        [refused] = (await there.send(told)).expect(200).data["refused"]
        assert "data.document" in str(refused["data"])
    assert await inbox(api) == []
