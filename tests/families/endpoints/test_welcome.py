"""Mails to new users: who gets one, what is in it, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api
from tests.families.support import ANN, BOB, make
from tests.mailbox import Mailbox, text_of

ADDRESS = "ann@example.com"


@pytest.fixture
def overrides(box: Mailbox) -> dict[str, Any]:
    return box.settings()


async def test_a_new_user_is_told_of_the_login_and_not_of_the_password(
    api: Api, box: Mailbox
) -> None:
    user = await make(api, "users", **ANN, email=ADDRESS)
    mail = await box.next()
    account = (await api.get(api.account)).data
    assert mail["To"] == ADDRESS
    text = text_of(mail)
    assert "user name is ann;" in text
    assert account["name"] in text
    assert account["realm"] in text
    assert ANN["password"] not in text
    (await api.patch(f"{api.account}/users/{user}", {"last_name": "Kay"})).expect(200)
    await api.gateway.services.jobs.idle(api.gateway.services)
    assert box.is_empty()


async def test_who_gets_none(api: Api, box: Mailbox) -> None:
    users = f"{api.account}/users"
    path = f"{users}?send_email_on_creation=false"
    (await api.put(path, {**ANN, "email": ADDRESS})).expect(201)
    sent = {**BOB, "email": ADDRESS, "send_email_on_creation": False}
    made = (await api.put(users, sent)).expect(201)
    assert "send_email_on_creation" not in made.data
    await make(api, "users", first_name="No", last_name="Login", email=ADDRESS)
    await make(api, "users", **{**ANN, "username": "off"}, email=ADDRESS, enabled=False)
    await make(api, "users", **{**ANN, "username": "unreachable"})
    await api.gateway.services.jobs.idle(api.gateway.services)
    assert box.is_empty()
