"""Failed logins wait longer and longer, and nobody else waits with them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.conftest import PASSWORD, Answer, Api, credentials

HERE, THERE = "192.0.2.1", "192.0.2.2"


async def log_in(api: Api, password: str = "wrong", address: str = HERE, **more: Any) -> Answer:
    sent = credentials("admin", password, "Master") | more
    headers = {"X-Forwarded-For": address}
    return await api.put("/v2/user_auth", sent, token="", headers=headers)


async def basic(api: Api, secret: str) -> Answer:
    encoded = base64.b64encode(f"{api.master.account_id}:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {encoded}", "X-Forwarded-For": HERE}
    return await api.get(api.account, token="", headers=headers)


async def fail_until_refused(api: Api) -> Answer:
    for _ in range(6):
        (await log_in(api)).expect(401)
    return (await log_in(api)).expect(429)


async def test_failures_have_to_wait_and_are_told_how_long(api: Api) -> None:
    refused = await fail_until_refused(api)
    assert refused.headers["Retry-After"] == "1"
    assert refused.body["message"] == "too_many_requests"
    (await log_in(api, PASSWORD)).expect(429)
    api.clock.advance(1)
    (await log_in(api)).expect(401)
    assert (await log_in(api)).expect(429).headers["Retry-After"] == "2"


async def test_nobody_is_locked_out_for_longer_than_half_a_minute(api: Api) -> None:
    await fail_until_refused(api)
    for _ in range(20):
        api.clock.advance(30)
        (await log_in(api)).expect(401)
    api.clock.advance(30)
    (await log_in(api, PASSWORD)).expect(201)
    for _ in range(5):
        (await log_in(api)).expect(401)


async def test_others_are_not_affected(api: Api) -> None:
    await api.create_account("Tenant")
    await fail_until_refused(api)
    (await log_in(api, PASSWORD, address=THERE)).expect(201)
    (await log_in(api, account_name="Tenant")).expect(401)
    (await api.get(api.account)).expect(200)
    (await api.get("/v2/schemas", token="", headers={"X-Forwarded-For": HERE})).expect(200)


async def test_a_good_login_elsewhere_does_not_free_who_guesses_here(api: Api) -> None:
    await fail_until_refused(api)
    (await log_in(api, PASSWORD, address=THERE)).expect(201)
    (await log_in(api)).expect(429)


async def test_basic_waits_too_and_what_is_remembered_does_not(api: Api) -> None:
    (await basic(api, PASSWORD)).expect(200)
    for _ in range(6):
        (await basic(api, "wrong")).expect(401)
    (await basic(api, "wrong")).expect(429)
    (await basic(api, PASSWORD)).expect(200)


@pytest.mark.parametrize("key", ["f" * 64])
async def test_guessing_api_keys_waits_too(api: Api, key: str) -> None:
    headers = {"X-Forwarded-For": HERE}
    for _ in range(6):
        (await api.put("/v2/api_auth", {"api_key": key}, token="", headers=headers)).expect(404)
    sent = {"api_key": api.master.api_key}
    (await api.put("/v2/api_auth", sent, token="", headers=headers)).expect(429)
    elsewhere = {"X-Forwarded-For": THERE}
    (await api.put("/v2/api_auth", sent, token="", headers=elsewhere)).expect(201)
