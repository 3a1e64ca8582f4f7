"""What people are written to about: messages, balances, telephones, accounts, webhooks."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.core.live import END
from crossbar.core.ports import Outcome, Payment
from crossbar.core.services import Services
from crossbar.families.billing import LocalBookkeeper
from crossbar.families.webhooks.disabling import disable
from tests.conftest import Api
from tests.families.notifications.test_sending import log_of, until_idle
from tests.families.support import ANN, make
from tests.mailbox import Mailbox, text_of

ADDRESS = "ann@example.com"
ADMIN = "us@example.com"


@pytest.fixture
def overrides(box: Mailbox) -> dict[str, Any]:
    return box.settings()


@pytest.fixture
async def administrator(api: Api) -> None:
    """The address of the account's administrator."""
    (await api.patch(api.account, {"contact": {"admin": {"email": ADMIN}}})).expect(200)


async def test_a_new_message_is_mailed_with_its_audio(api: Api, box: Mailbox) -> None:
    unwanted = {"send_email_on_creation": False}
    ann = await make(api, "users", **ANN, email=ADDRESS, **unwanted)
    more = {"notify_email_addresses": ["desk@example.com"], "owner_id": ann}
    vmbox = await make(api, "vmboxes", **more)
    path = f"{api.account}/vmboxes/{vmbox}/messages"
    facts = {"caller_id_name": "Bob", "caller_id_number": "+14155550100", "length": 12_300}
    (await api.put(path, facts)).expect(201)
    mail = await box.next()
    assert mail["To"] == f"{ADDRESS}, desk@example.com"
    assert mail["Subject"] == "New message from Bob +14155550100"
    assert "12 seconds" in text_of(mail)
    assert [*mail.iter_attachments()] == []
    headers = {"Content-Type": "audio/mpeg"}
    (await api.put(path, raw=b"\xff\xfbaudio", headers=headers)).expect(201)
    (audio,) = (await box.next()).iter_attachments()
    assert audio.get_content_type() == "audio/mpeg"
    assert audio.get_content() == b"\xff\xfbaudio"
    (await api.patch(f"{api.account}/users/{ann}", {"vm_to_email_enabled": False})).expect(200)
    alone = f"{api.account}/vmboxes/{vmbox}"
    (await api.patch(alone, {"include_message_on_notify": False})).expect(200)
    (await api.put(path, raw=b"\xff\xfbaudio", headers=headers)).expect(201)
    mail = await box.next()
    assert mail["To"] == "desk@example.com"
    assert [*mail.iter_attachments()] == []
    (await api.put(path, {**facts, "folder": "saved"})).expect(201)
    (await api.patch(alone, {"notify_email_addresses": []})).expect(200)
    (await api.put(path, facts)).expect(201)
    await until_idle(api)
    assert box.is_empty()


@pytest.mark.parametrize(
    ("wanted", "folder"),
    [
        ({}, "new"),
        ({"save_after_notify": True}, "saved"),
        ({"save_after_notify": True, "delete_after_notify": True}, "deleted"),
    ],
)
async def test_a_message_that_was_mailed_goes_where_the_box_wants_it(
    api: Api, box: Mailbox, wanted: dict[str, Any], folder: str
) -> None:
    more = {"notify_email_addresses": [ADDRESS], **wanted}
    vmbox = await make(api, "vmboxes", **more)
    path = f"{api.account}/vmboxes/{vmbox}/messages"
    box.refusals += ["451 later"]
    message = (await api.put(path, {})).expect(201).data["id"]
    await until_idle(api)
    assert (await api.get(f"{path}/{message}")).data["folder"] == "new"
    api.clock.advance(60)
    await until_idle(api)
    await box.next()
    assert (await api.get(f"{path}/{message}")).data["folder"] == folder


async def test_a_file_of_any_name_is_mailed(api: Api, box: Mailbox) -> None:
    vmbox = await make(api, "vmboxes", notify_email_addresses=[ADDRESS])
    path = f"{api.account}/vmboxes/{vmbox}/messages?filename=a%0Ab.mp3"
    (await api.put(path, raw=b"x", headers={"Content-Type": "audio/mpeg"})).expect(201)
    (audio,) = (await box.next()).iter_attachments()
    assert audio.get_filename() == "a_b.mp3"


async def test_a_balance_that_falls_is_told_of_once(
    api: Api, box: Mailbox, administrator: None
) -> None:
    child = await api.create_account("Child")
    await box.next()  # of the new account
    wanted = {"notifications": {"low_balance": {"threshold": 5.5}}}
    (await api.patch(f"/v2/accounts/{child}", wanted)).expect(200)

    async def move(way: str, amount: float, number: int) -> None:
        sent = {
            "amount": amount,
            "source": {"service": "test", "id": str(number)},
            "usage": {"type": "test", "quantity": 1, "unit": "one"},
        }
        (await api.put(f"/v2/accounts/{child}/ledgers/{way}", sent)).expect(201)

    await move("credit", 10, 1)
    await move("debit", 4, 2)
    await until_idle(api)
    assert box.is_empty()
    await move("debit", 1, 3)
    mail = await box.next()
    assert mail["To"] == ADMIN
    assert "5 dollars left" in text_of(mail)
    assert "5.5 dollars" in text_of(mail)
    await move("debit", 1, 4)
    await until_idle(api)
    assert box.is_empty()
    await move("credit", 10, 5)
    await move("debit", 9, 6)
    assert (await box.next())["To"] == ADMIN
    (await api.patch(f"/v2/accounts/{child}", {"notifications": {"low_balance": None}})).expect(
        200
    )
    await move("credit", 10, 7)
    await move("debit", 15, 8)
    await until_idle(api)
    assert box.is_empty()


async def test_a_telephone_that_is_gone_is_told_of(
    api: Api, box: Mailbox, administrator: None
) -> None:
    device = await make(api, "devices", name="Desk", sip={"username": "desk"})
    quiet = {"sip": {"username": "quiet"}, "suppress_unregister_notifications": True}
    await make(api, "devices", name="Quiet", **quiet)
    number = 0

    async def tell(kind: str, **data: Any) -> None:
        nonlocal number
        number += 1
        event = {
            "type": kind,
            "sequence": number,
            "account_id": api.master.account_id,
            "data": data,
        }
        sent = {"source": "test", "events": [event]}
        assert (await api.post("/v2/switch/events", sent)).expect(200).data["refused"] == []

    async def register(username: str, contact: str) -> None:
        await tell("register", username=username, contact=contact, expires=300)

    await register("desk", "sip:one")
    await register("desk", "sip:two")
    await register("quiet", "sip:one")
    await tell("unregister", username="desk", contact="sip:one")
    await tell("unregister", username="quiet")
    await tell("register", username="nobody", contact="sip:x", expires=300)
    await tell("unregister", username="nobody")
    await until_idle(api)
    assert box.is_empty()
    await tell("unregister", username="desk", contact="sip:two")
    mail = await box.next()
    assert mail["To"] == ADMIN
    assert "Desk of Master is not registered" in text_of(mail)
    await register("desk", "sip:one")
    api.clock.advance(301)
    await END.run(api.gateway.services, {})
    assert (await box.next())["Subject"] == "Desk is not registered any more"
    await register("desk", "sip:one")
    (await api.delete(f"{api.account}/registrations/desk")).expect(200)
    assert (await box.next())["Subject"] == "Desk is not registered any more"
    await register("desk", "sip:one")
    (await api.delete(f"{api.account}/devices/{device}")).expect(200)
    await tell("unregister", username="desk")
    await until_idle(api)
    assert box.is_empty()


async def test_a_new_account_is_told_of(api: Api, box: Mailbox, administrator: None) -> None:
    child = await api.create_account("Child")
    mail = await box.next()
    assert (mail["To"], mail["Subject"]) == (ADMIN, "The account Child was made")
    (kept,) = await log_of(api, child)
    assert kept["template_id"] == "new_account"


async def test_a_webhook_that_is_switched_off_is_told_of(
    api: Api, box: Mailbox, administrator: None
) -> None:
    (await api.patch(api.account, {"language": "fr-fr"})).expect(200)
    hook = await make(api, "webhooks", uri="https://hooks.example/in?secret=1")
    await disable(api.gateway.services, api.master.account_id, hook, "nobody answers")
    mail = await box.next()
    assert mail["Subject"] == "Le webhook Reports a été désactivé"
    assert "nobody answers" in text_of(mail)
    assert "secret" not in text_of(mail)


class Cards(LocalBookkeeper):
    """A bookkeeper that takes cards."""

    async def top_up(self, services: Services, payment: Payment) -> Outcome:
        return Outcome(True)


async def test_money_that_changes_hands_is_told_of(
    api: Api, box: Mailbox, administrator: None
) -> None:
    object.__setattr__(api.gateway.services, "bookkeeper", Cards())
    child = await api.create_account("Child")
    await box.next()  # of the new account
    base = f"/v2/accounts/{child}"
    (await api.put(f"{base}/transactions/sale", {"amount": 1})).expect(402)
    assert (await box.next())["Subject"] == "A payment of Child has failed"
    sent = {
        "amount": 10,
        "source": {"service": "test", "id": "1"},
        "usage": {"type": "test", "quantity": 1, "unit": "one"},
    }
    (await api.put(f"{base}/ledgers/credit", sent)).expect(201)
    (await api.put(f"{base}/transactions/sale", {"amount": 4.5, "description": "Setup"})).expect(
        201
    )
    text = text_of(await box.next())
    assert "4.5 dollars: Setup." in text
    assert "5.5 dollars now" in text
    (await api.post(f"{base}/services/topup", {"amount": 5})).expect(200)
    mail = await box.next()
    assert (mail["To"], mail["Subject"]) == (ADMIN, "Child was topped up")
    assert "It is 10.5 dollars now" in text_of(mail)
