"""Forgotten passwords: who gets a mail, what its link is good for, and what nobody is told."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from crossbar.settings import Settings
from tests.conftest import Answer, Api
from tests.families.support import ANN, interrupt_commits, make, refusal, stored
from tests.mailbox import Mailbox, text_of

UI = "https://ui.example.com/"
UNGREETED = {"send_email_on_creation": False}
RECOVERY = "/v2/user_auth/recovery"
ADDRESS = "ann@example.com"


@pytest.fixture
def overrides(box: Mailbox) -> dict[str, Any]:
    return box.settings() | {
        "recovery.ui_urls": ["https://ui.example.com", "http://localhost:3000/ui"],
    }


@pytest.fixture
async def ann(api: Api) -> str:
    return await make(api, "users", **ANN, email=ADDRESS, **UNGREETED)


async def ask(api: Api, **sent: Any) -> Answer:
    named = {"username": "ann", "account_name": "Master", "ui_url": UI, **sent}
    given = {name: value for name, value in named.items() if value is not None}
    return await api.put(RECOVERY, given, token="")


async def redeem(api: Api, reset_id: str) -> Answer:
    return await api.post(RECOVERY, {"reset_id": reset_id}, token="")


async def reset_id_for_ann(api: Api, box: Mailbox, **sent: Any) -> str:
    (await ask(api, **sent)).expect(201)
    return reset_id_in(await box.next())


def reset_id_in(mail: Any) -> str:
    found = re.search(r"[?&]recovery=([0-9a-f]+)$", text_of(mail), re.MULTILINE)
    assert found, text_of(mail)
    return found[1]


async def until_idle(api: Api) -> None:
    """Wait until every letter that was asked for is sent, or found to be for nobody."""
    await api.gateway.services.jobs.idle(api.gateway.services)


async def test_a_user_is_mailed_a_link_that_logs_in(api: Api, box: Mailbox, ann: str) -> None:
    answer = (await ask(api)).expect(201)
    assert answer.data.startswith("Request for password reset handled")
    mail = await box.next()
    assert (mail["To"], mail["From"]) == (ADDRESS, "Crossbar <noreply@example.com>")
    assert {"Date", "Message-ID", "Subject", "Auto-Submitted"} <= set(mail.keys())
    assert "ann" in text_of(mail)
    assert "Master" in text_of(mail)
    assert "60 minutes" in text_of(mail)
    reset_id = reset_id_in(mail)
    assert f"{UI}?recovery={reset_id}" in text_of(mail)
    assert 40 <= len(reset_id) <= 250
    assert reset_id.encode() not in answer.content
    granted = (await redeem(api, reset_id.upper())).expect(200)
    assert granted.data["owner_id"] == ann
    token = granted.body["auth_token"]
    user = (await api.get(f"{api.account}/users/{ann}", token=token)).expect(200).data
    assert user["require_password_update"] is True
    await api.login("ann", "s3cret", "Master")


@pytest.mark.parametrize(
    "named", [{"account_realm": "sip.example.com"}, {"phone_number": "+14155550100"}]
)
async def test_the_account_is_named_as_in_a_login(
    api: Api, box: Mailbox, ann: str, named: dict[str, str]
) -> None:
    (await api.patch(api.account, {"realm": "sip.example.com"})).expect(200)
    await make(api, "callflows", numbers=["+14155550100"])
    await reset_id_for_ann(api, box, account_name=None, username="ANN", **named)


@pytest.mark.parametrize(
    ("ui_url", "start"),
    [
        (f"{UI}#/login", f"{UI}#/login?recovery="),
        (f"{UI}?lang=en", f"{UI}?lang=en&recovery="),
        ("http://LOCALHOST:3000/other", "http://LOCALHOST:3000/other?recovery="),
    ],
)
async def test_the_link_leads_to_the_interface(
    api: Api, box: Mailbox, ann: str, ui_url: str, start: str
) -> None:
    (await ask(api, ui_url=ui_url)).expect(201)
    assert start in text_of(await box.next())


@pytest.mark.parametrize(
    "ui_url",
    [
        "https://evil.example.com/",
        "http://ui.example.com/",
        "https://ui.example.com.evil.com/",
        "https://ui.example.com@evil.com/",
        "https://evil.com\\@ui.example.com/",
        "https://ui.example.com:8443/",
        "https://ui.example.com/ https://evil.com",
        "https://ui.example.com/\nhttps://evil.com",
        "https://[ui.example.com/",
        "javascript:alert(1)//",
        "//ui.example.com/x",
    ],
)
async def test_links_to_strangers_are_refused(
    api: Api, box: Mailbox, ann: str, ui_url: str
) -> None:
    refusal(await ask(api, ui_url=ui_url), "ui_url", "forbidden")
    await until_idle(api)
    assert box.is_empty()


@pytest.mark.parametrize(
    ("own", "others"),
    [
        (
            {},
            ("http://127.0.0.1:80/", "http://127.0.0.1/", "https://127.0.0.1:8000/"),
        ),
        ({"visitors.public_url": "https://pbx.example.com"}, ("https://pbx.example.org/",)),
        ({"http.host": "0.0.0.0"}, ("http://127.0.0.1:8000/", "http://0.0.0.0:8000/")),
    ],
)
def test_this_server_is_no_stranger_under_the_names_that_its_settings_say(
    own: dict[str, Any], others: tuple[str, ...]
) -> None:
    origins = Settings.load(None, {}, own).own_origins()
    assert {f"{origin}/" for origin in origins}.isdisjoint(others)
    if own.get("http.host") == "0.0.0.0":
        assert origins == ()
    else:
        assert "http://localhost:8000" in origins
        assert "http://[::1]:8000" in origins
    if public_url := own.get("visitors.public_url"):
        assert public_url in origins


def test_a_server_that_takes_a_free_port_is_known_by_its_public_name_only() -> None:
    assert Settings.load(None, {}, {"http.port": 0}).own_origins() == ()
    named = Settings.load(None, {}, {"http.host": "pbx.example.com", "http.port": 80})
    assert named.own_origins() == ("http://pbx.example.com",)


class TestByDefault:
    """Without ``recovery.ui_urls``."""

    @pytest.fixture
    def overrides(self, box: Mailbox) -> dict[str, Any]:
        return box.settings()

    async def test_mails_link_to_this_server(self, api: Api, box: Mailbox, ann: str) -> None:
        (await ask(api, ui_url="http://localhost:8000/")).expect(201)
        assert "http://localhost:8000/?recovery=" in text_of(await box.next())

    async def test_what_a_request_calls_it_does_not_count(
        self, api: Api, box: Mailbox, ann: str
    ) -> None:
        named = {"username": "ann", "account_name": "Master", "ui_url": "http://evil.com/"}
        headers = {"Host": "evil.com"}
        answer = await api.put(RECOVERY, named, token="", headers=headers)
        refusal(answer, "ui_url", "forbidden")


async def test_whoever_is_asked_for_the_answer_is_the_same(api: Api, box: Mailbox) -> None:
    tenant = await api.create_account("Closed")
    await until_idle(api)  # or the administrator is written to about the account
    admin = f"{api.account}/users/{api.master.user_id}"
    (await api.patch(admin, {"email": ADDRESS})).expect(200)
    await make(api, "users", **ANN)
    shut = {**ANN, "email": ADDRESS, **UNGREETED}
    (await api.put(f"/v2/accounts/{tenant}/users", shut)).expect(201)
    (await api.patch(f"/v2/accounts/{tenant}", {"enabled": False})).expect(200)
    bob = {"username": "bob", "password": "hunter22", "enabled": False, "email": ADDRESS}
    await make(api, "users", **bob)
    nobody: list[dict[str, Any]] = [
        {},  # has no address
        {"username": "bob"},  # is disabled
        {"username": "nobody"},
        {"account_name": "Nobody"},
        {"account_name": "Closed"},
        {"account_name": None, "account_realm": "nobody.example.com"},
        {"account_name": None, "phone_number": "+14155550100"},
    ]
    answers = []
    for sent in nobody:
        answers.append((await ask(api, **sent)).expect(201).data)
        api.clock.advance(1000)
    await until_idle(api)
    assert box.is_empty()
    answers.append((await ask(api, username="admin")).expect(201).data)
    await box.next()
    assert len(set(answers)) == 1


async def test_a_request_without_form_is_told_what_is_wrong(api: Api) -> None:
    refusal(await ask(api, username=None), "username", "required")
    refusal(await ask(api, ui_url=None), "ui_url", "required")
    refusal(await ask(api, account_name=None), "account_name", "required")
    refusal(await redeem(api, "no hex"), "reset_id", "pattern")
    (await api.get(RECOVERY)).expect(405)


async def test_a_link_is_good_once_also_for_two_at_the_same_time(
    api: Api, box: Mailbox, ann: str
) -> None:
    reset_id = await reset_id_for_ann(api, box)
    answers = await asyncio.gather(*(redeem(api, reset_id) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400, 400]
    details = refusal(await redeem(api, reset_id), "user", "not_found")
    assert details == {"message": "The provided reset_id did not resolve to any user"}


async def test_a_link_is_used_up_when_another_write_comes_between(
    api: Api, box: Mailbox, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reset_id = await reset_id_for_ann(api, box)
    interrupt_commits(api, monkeypatch, 2)
    (await redeem(api, reset_id)).expect(200)
    (await redeem(api, reset_id)).expect(400)


async def test_a_link_dies_with_its_time(api: Api, box: Mailbox, ann: str) -> None:
    reset_id = await reset_id_for_ann(api, box)
    api.clock.advance(3600)
    refusal(await redeem(api, reset_id), "user", "not_found")
    await reset_id_for_ann(api, box)


@pytest.mark.parametrize(
    "change",
    [
        {"password": "another"},
        {"email": "new@example.com"},
        {"enabled": False},
        {"username": "anna", "password": "s3cret"},
    ],
)
async def test_a_link_dies_with_what_it_was_sent_for(
    api: Api, box: Mailbox, ann: str, change: dict[str, Any]
) -> None:
    reset_id = await reset_id_for_ann(api, box)
    (await api.patch(f"{api.account}/users/{ann}", change)).expect(200)
    refusal(await redeem(api, reset_id), "user", "not_found")


async def test_a_link_dies_with_user_and_account(api: Api, box: Mailbox, ann: str) -> None:
    reset_id = await reset_id_for_ann(api, box)
    (await api.delete(f"{api.account}/users/{ann}")).expect(200)
    refusal(await redeem(api, reset_id), "user", "not_found")
    tenant = await api.create_account("Tenant")
    there = {**ANN, "email": ADDRESS, **UNGREETED}
    (await api.put(f"/v2/accounts/{tenant}/users", there)).expect(201)
    reset_id = await reset_id_for_ann(api, box, account_name="Tenant")
    (await api.patch(f"/v2/accounts/{tenant}", {"enabled": False})).expect(200)
    refusal(await redeem(api, reset_id), "user", "not_found")
    (await api.delete(f"/v2/accounts/{tenant}")).expect(200)
    refusal(await redeem(api, reset_id), "user", "not_found")


async def test_a_new_link_replaces_the_last_and_comes_no_sooner_than_after_a_pause(
    api: Api, box: Mailbox, ann: str
) -> None:
    first = await reset_id_for_ann(api, box)
    (await ask(api)).expect(201)
    await until_idle(api)
    assert box.is_empty()
    api.clock.advance(60)
    second = await reset_id_for_ann(api, box)
    refusal(await redeem(api, first), "user", "not_found")
    (await redeem(api, second)).expect(200)


async def test_what_is_kept_gives_no_link_away(api: Api, box: Mailbox, ann: str) -> None:
    reset_id = await reset_id_for_ann(api, box)
    kept = await stored(api, "password_reset", f"password_reset-{ann}")
    assert not any(str(value) in reset_id for value in kept.values() if len(str(value)) > 40)
    assert reset_id[64:] not in str(kept)


@pytest.mark.parametrize("wrong", ["0" * 40, "0" * 250, "0" * 128])
async def test_who_guesses_has_to_wait_and_who_has_the_right_one_has_not(
    api: Api, box: Mailbox, ann: str, wrong: str
) -> None:
    reset_id = await reset_id_for_ann(api, box)
    statuses = [(await redeem(api, wrong)).status for _ in range(7)]
    assert statuses == [400] * 6 + [429]
    (await ask(api)).expect(201)
    (await redeem(api, reset_id)).expect(200)


async def test_asking_is_limited(api: Api, ann: str) -> None:
    statuses = [(await ask(api, username=f"user{number}")).status for number in range(7)]
    assert statuses == [201] * 6 + [429]
    api.clock.advance(5)
    (await ask(api)).expect(201)
    (await ask(api, username="another")).expect(429)


class TestWithoutMailServer:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"recovery.ui_urls": ["https://ui.example.com"]}

    async def test_nothing_is_promised(self, api: Api, ann: str) -> None:
        for username in ("ann", "nobody"):
            answer = (await ask(api, username=username)).expect(503)
            assert answer.body["message"] == "mail_unavailable"


class TestWithoutInterfaces:
    @pytest.fixture
    def overrides(self, box: Mailbox) -> dict[str, Any]:
        return {"mail.host": "127.0.0.1", "mail.port": box.port, "mail.security": "none"}

    async def test_no_link_is_mailed(self, api: Api, ann: str) -> None:
        refusal(await ask(api), "ui_url", "forbidden")
