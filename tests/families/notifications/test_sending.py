"""Mails on their way: whom they reach, what they say, and what the log keeps of them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from crossbar.core.directory import account_key
from crossbar.core.requests import Actor
from crossbar.core.writing import Work
from crossbar.families.notifications import Notice, deliver, notify
from tests.conftest import Api
from tests.families.notifications.test_templates import SENT, path_of, upload
from tests.families.support import ANN, make, refusal
from tests.mailbox import Mailbox, text_of

ADDRESS = "ann@example.com"
UNGREETED = {"send_email_on_creation": False}


@pytest.fixture
def overrides(box: Mailbox) -> dict[str, Any]:
    return box.settings() | {"recovery.ui_urls": ["https://ui.example.com"]}


async def until_idle(api: Api) -> None:
    await api.gateway.services.jobs.idle(api.gateway.services)


async def log_of(api: Api, account_id: str = "") -> list[Any]:
    """The log of an account, whole."""
    await until_idle(api)
    path = path_of(account_id or api.master.account_id, "smtplog")
    listed = (await api.get(path)).expect(200).data
    return [(await api.get(f"{path}/{row['id']}")).expect(200).data for row in listed]


def actor_of(api: Api) -> Actor:
    return Actor(
        services=api.gateway.services, account_id=api.master.account_id, request_id="test"
    )


async def test_a_mail_is_made_of_the_accounts_template(api: Api, box: Mailbox) -> None:
    path = path_of(api.master.account_id, "new_user")
    more = {
        "from": "us@example.org",
        "reply_to": "help@example.org",
        "cc": {"type": "specified", "email_addresses": ["cc@example.com", ADDRESS]},
        "bcc": {"type": "admins"},
    }
    (await api.patch(api.account, {"contact": {"admin": {"email": "us@example.com"}}})).expect(200)
    (await api.post(path, {**SENT, **more})).expect(200)
    (await upload(api, path, "Hi {{ user.first_name }}", "text/plain")).expect(200)
    (await upload(api, path, "<b>{{ user.first_name }}</b>", "text/html")).expect(200)
    await make(api, "users", **{**ANN, "first_name": "<Ann>\r\nBcc: x@y.z"}, email=ADDRESS)
    mail = await box.next()
    assert mail["From"] == "us@example.org"
    assert mail["Reply-To"] == "help@example.org"
    assert (mail["To"], mail["Cc"], mail["Bcc"]) == (ADDRESS, "cc@example.com", None)
    assert box.recipients == [[ADDRESS, "cc@example.com", "us@example.com"]]
    assert mail["Subject"] == "Hello <Ann> Bcc: x@y.z"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert text_of(mail).startswith("Hi <Ann>")
    html = mail.get_body(("html",))
    assert html is not None
    assert html.get_content().startswith("<b>&lt;Ann&gt;")
    (kept,) = await log_of(api)
    assert kept["template_id"] == "new_user"
    assert kept["template_account_id"] == api.master.account_id
    assert kept["emails"]["to"] == [ADDRESS]
    assert kept["emails"]["bcc"] == ["us@example.com"]
    assert kept["receipt"] == "taken"
    assert kept["macros"]["user"]["username"] == "ann"
    assert kept["rendered_templates"]["text/html"].startswith("<b>&lt;Ann&gt;")
    (row,) = (await api.get(path_of(api.master.account_id, "smtplog"))).data
    assert (row["to"], row["from"]) == (ADDRESS, "us@example.org")
    assert mail["Message-ID"] == f"<{row['id'].partition('-')[2]}@example.com>"


async def test_mails_are_in_the_language_of_the_account(api: Api, box: Mailbox) -> None:
    (await api.patch(api.account, {"language": "de-de"})).expect(200)
    await make(api, "users", **ANN, email=ADDRESS)
    mail = await box.next()
    assert mail["Subject"] == "Ihr neuer Zugang"
    assert "Ihr Benutzername ist ann" in text_of(mail)
    assert mail["From"] == "Crossbar <noreply@example.com>"


async def test_who_wants_no_mail_gets_none(api: Api, box: Mailbox) -> None:
    path = path_of(api.master.account_id, "new_user")
    (await api.post(path, {**SENT, "enabled": False})).expect(200)
    await make(api, "users", **ANN, email=ADDRESS)
    assert await log_of(api) == []
    assert box.is_empty()


async def test_there_may_be_nobody_to_write_to(api: Api, box: Mailbox) -> None:
    path = path_of(api.master.account_id, "new_user")
    nobody = {"type": "specified", "email_addresses": []}
    (await api.post(path, {**SENT, "to": nobody})).expect(200)
    await make(api, "users", **ANN, email=ADDRESS)
    (kept,) = await log_of(api)
    assert kept["error"] == "there is nobody to write to"
    assert box.is_empty()


async def test_a_template_that_fails_is_a_matter_of_the_log(api: Api, box: Mailbox) -> None:
    path = path_of(api.master.account_id, "new_user")
    (await upload(api, path, "{{ user.first_name|truncate('x') }}", "text/plain")).expect(200)
    await make(api, "users", **ANN, email=ADDRESS)
    (kept,) = await log_of(api)
    assert "TypeError" in kept["error"]
    assert box.is_empty()


async def test_a_refused_mail_is_tried_again_and_logged_once(api: Api, box: Mailbox) -> None:
    box.refusals += ["451 later, please"]
    await make(api, "users", **ANN, email=ADDRESS)
    (failed,) = await log_of(api)
    assert "451" in failed["error"]
    assert "later, please" in failed["error"]
    api.clock.advance(60)
    (sent,) = await log_of(api)
    assert "error" not in sent
    assert sent["id"] == failed["id"]
    assert (await box.next())["To"] == ADDRESS
    box.refusals += ["550 never"]
    await make(api, "users", **{**ANN, "username": "other"}, email=ADDRESS)
    records = await log_of(api)
    assert ["never" in each.get("error", "") for each in records].count(True) == 1
    api.clock.advance(86_400)
    await until_idle(api)
    assert box.is_empty()


async def test_a_mail_that_the_log_has_is_not_sent_again(api: Api, box: Mailbox) -> None:
    services = api.gateway.services
    notice = Notice(
        name="once",
        asked=services.clock.gregorian(),
        account_id=api.master.account_id,
        template_id="new_user",
        facts={},
        to=(ADDRESS,),
    )
    await deliver(services, notice)
    await deliver(services, notice)
    await box.next()
    assert box.is_empty()
    assert len(await log_of(api)) == 1


async def test_a_reset_id_is_in_the_mail_and_nowhere_else(api: Api, box: Mailbox) -> None:
    await make(api, "users", **ANN, email=ADDRESS, **UNGREETED)
    box.refusals += ["451 no recovery= today"]
    sent = {"username": "ann", "account_name": "Master", "ui_url": "https://ui.example.com/?a=b"}
    (await api.put("/v2/user_auth/recovery", sent, token="")).expect(201)
    await until_idle(api)
    api.clock.advance(10)  # the job that failed is done again, whatever the pause between mails
    await until_idle(api)
    mail = await box.next()
    reset_id = text_of(mail).split("recovery=")[1].split()[0]
    (kept,) = await log_of(api)
    assert kept["macros"]["link"] == "[redacted]"
    assert "[redacted]" in kept["rendered_templates"]["text/html"]
    assert reset_id not in str(kept)
    assert "ui.example.com" not in str(kept)
    reset = {"reset_id": reset_id}
    (await api.post("/v2/user_auth/recovery", reset, token="")).expect(200)


async def test_what_is_gone_is_not_written_about(api: Api, box: Mailbox) -> None:
    services = api.gateway.services
    gone = await api.create_account("Gone")
    work = Work(actor_of(api))
    notify(work, "new_user", gone, {}, to=[ADDRESS], while_there=[("user", "0" * 32)])
    notify(work, "nothing_like_it", gone, {}, to=[ADDRESS])
    notify(work, "new_user", "0" * 32, {}, to=[ADDRESS])
    await work.commit()
    await until_idle(api)
    assert box.is_empty()
    assert await services.store.get(account_key(gone)) is not None


async def test_a_preview_is_really_sent_and_not_stored(api: Api, box: Mailbox) -> None:
    path = path_of(api.master.account_id, "voicemail_to_email")
    html = base64.b64encode("<i>{{ caller_id.name }}ä</i>".encode()).decode()
    wanted = {"to": {"type": "specified", "email_addresses": ["me@example.com"]}}
    sent = {"html": html, "plain": "P {{ voicemail.length }}", "enabled": False, **wanted}
    answer = await api.post(f"{path}/preview", sent)
    assert answer.expect(200).data == "Notification processing"
    mail = await box.next()
    assert mail["To"] == "me@example.com"
    assert text_of(mail).strip() == "P 12"
    assert mail["Subject"].startswith("New message from")
    assert (await api.get(path)).data["to"]["type"] == "original"
    refusal(await api.post(f"{path}/preview", {}), "to", "required")
    refusal(await api.post(f"{path}/preview", {**sent, "html": "ä"}), "html", "invalid")
    refusal(await api.post(f"{path}/preview", {**sent, "plain": 5}), "plain", "type")
    (await api.post(f"{path}/preview", {**sent, "from": "nobody"})).expect(400)
    (await api.post(path_of(api.master.account_id, "nope/preview"), sent)).expect(404)
    user = f"{api.account}/users/{api.master.user_id}"
    (await api.patch(user, {"email": "admin@example.com"})).expect(200)
    (await api.post("/v2/notifications/new_user/preview", {})).expect(200)
    assert (await box.next())["To"] == "admin@example.com"


async def test_customers_are_written_to(api: Api, box: Mailbox) -> None:
    child = await api.create_account("Child")
    grandchild = await api.create_account("Grandchild", child)
    for account_id, name, level in (
        (child, "boss", "admin"),
        (child, "worker", "user"),
        (grandchild, "other", "admin"),
    ):
        fields = {**ANN, "username": name, "email": f"{name}@example.com", "priv_level": level}
        (await api.put(f"/v2/accounts/{account_id}/users", {**fields, **UNGREETED})).expect(201)
    path = path_of(api.master.account_id, "customer_update/message")
    sent = {"subject": "News for {{ account.name }}", "plain": "Hi {{ user.username }}"}
    assert (await api.post(path, sent)).expect(200).data == "success"
    mails = [await box.next(), await box.next()]
    assert {mail["To"]: mail["Subject"] for mail in mails} == {
        "boss@example.com": "News for Child",
        "other@example.com": "News for Grandchild",
    }
    (await api.post(path, {**sent, "recipient_id": child, "user_type": "all_users"})).expect(200)
    assert {(await box.next())["To"] for _ in range(2)} == {
        "boss@example.com",
        "worker@example.com",
    }
    (kept,) = [
        each for each in await log_of(api, grandchild) if each["template_id"] == "customer_update"
    ]
    assert kept["rendered_templates"]["text/plain"] == "Hi other"
    assert box.is_empty()


async def test_customers_are_written_to_one_portion_after_the_other(
    api: Api, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossbar.families.notifications.customer_update.PORTION", 1)
    expected = set()
    for name in ("one", "two"):
        account_id = await api.create_account(name)
        for number in range(3):
            fields = {"username": f"{name}{number}", "email": f"{name}{number}@example.com"}
            path = f"/v2/accounts/{account_id}/users"
            (await api.put(path, {**ANN, **fields, **UNGREETED})).expect(201)
            expected.add(fields["email"])
    path = path_of(api.master.account_id, "customer_update/message")
    (await api.post(path, {"user_type": "all_users"})).expect(200)
    assert {(await box.next())["To"] for _ in range(6)} == expected
    await until_idle(api)
    assert box.is_empty()


async def test_a_message_is_for_customers_alone(api: Api, box: Mailbox) -> None:
    child = await api.create_account("Child")
    ann = {**ANN, "email": ADDRESS, **UNGREETED}
    users = f"/v2/accounts/{child}/users"
    ann_id = (await api.put(users, ann)).expect(201).data["id"]
    path = path_of(api.master.account_id, "customer_update/message")
    for other in (api.master.account_id, "0" * 32, 5):
        refusal(await api.post(path, {"recipient_id": other}), "recipient_id", "not_found")
    refusal(await api.post(path, {"user_type": 5}), "user_type", "type")
    (await api.post(path, {"recipient_id": child, "user_type": "0" * 32})).expect(404)
    (await api.post(path, {"recipient_id": child, "user_type": ann_id})).expect(200)
    assert (await box.next())["To"] == ADDRESS


async def test_the_log_is_kept_for_a_time(api: Api, box: Mailbox) -> None:
    await make(api, "users", **ANN, email=ADDRESS)
    (kept,) = await log_of(api)
    path = path_of(api.master.account_id, "smtplog")
    key = (await api.get(f"{api.account}/api_key")).data["api_key"]
    api.clock.advance(91 * 86_400)
    token = (await api.put("/v2/api_auth", {"api_key": key}, token="")).body["auth_token"]
    (await api.get(f"{path}/{kept['id']}", token=token)).expect(404)
    (await api.get(f"{path}/nothing", token=token)).expect(404)


@pytest.mark.parametrize(
    "wrong",
    [
        "a@b.c\nBcc: x@y.z",
        "a@b.c, d@e.f",
        "a b@c.d",
        "<a@b.c>",
        "a@b@c",
        "no",
        "a@b.c\x00",
        5,
        None,
    ],
)
async def test_what_is_no_single_address_is_never_written_to(
    api: Api, box: Mailbox, wrong: Any
) -> None:
    work = Work(actor_of(api))
    notify(work, "new_user", api.master.account_id, {}, to=[wrong])
    await work.commit()
    (kept,) = await log_of(api)
    assert kept["error"] == "there is nobody to write to"
    assert box.is_empty()


async def test_odd_characters_break_no_header(api: Api, box: Mailbox) -> None:
    work = Work(actor_of(api))
    odd = "a\x00b\x85c\u2028d\r\nX-Bad: 1 ä"
    path = path_of(api.master.account_id, "new_user")
    (await api.post(path, SENT)).expect(200)
    notify(work, "new_user", api.master.account_id, {"user": {"first_name": odd}}, to=[ADDRESS])
    await work.commit()
    mail = await box.next()
    assert "X-Bad" not in mail
    assert mail["Subject"].endswith("X-Bad: 1 ä")
