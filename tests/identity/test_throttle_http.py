"""Who guesses has to wait, who knows has not, and nobody learns which accounts there are."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import PASSWORD, Answer, Api, credentials
from tests.families.support import ANN, make
from tests.identity.support import count_verifications

HERE, THERE = "192.0.2.1", "192.0.2.2"
WRONG = [f"wrong {number}" for number in range(60)]


async def log_in(api: Api, password: str = "wrong", address: str = HERE, **more: Any) -> Answer:
    sent = credentials("admin", password, "Master") | more
    sent = {name: value for name, value in sent.items() if value is not None}
    headers = {"X-Forwarded-For": address}
    return await api.put("/v2/user_auth", sent, token="", headers=headers)


async def basic(api: Api, secret: str, account_id: str = "") -> Answer:
    text = f"{account_id or api.master.account_id}:{secret}"
    encoded = base64.b64encode(text.encode()).decode()
    headers = {"Authorization": f"Basic {encoded}", "X-Forwarded-For": HERE}
    return await api.get(api.account, token="", headers=headers)


async def key(api: Api, text: str, address: str = HERE) -> Answer:
    headers = {"X-Forwarded-For": address}
    return await api.put("/v2/api_auth", {"api_key": text}, token="", headers=headers)


async def fail_until_refused(api: Api) -> Answer:
    for password in WRONG[:6]:
        (await log_in(api, password)).expect(401)
    return (await log_in(api, WRONG[6])).expect(429)


async def test_failures_have_to_wait_and_are_told_how_long(api: Api) -> None:
    refused = await fail_until_refused(api)
    assert refused.headers["Retry-After"] == "1"
    assert refused.body["message"] == "too_many_requests"
    looked_at = [(await log_in(api, wrong)).expect(429) for wrong in WRONG[7:40]]
    assert {answer.headers["Retry-After"] for answer in looked_at} <= {"1", "2", "3", "4"}
    api.clock.advance(30)
    (await log_in(api, "another")).expect(401)


async def test_a_right_password_is_let_in_after_any_number_of_wrong_ones(api: Api) -> None:
    await fail_until_refused(api)
    (await log_in(api, PASSWORD)).expect(201)


@pytest.mark.parametrize("passwords", [WRONG, ["old"] * 60], ids=["guesses", "an old password"])
async def test_a_wrong_password_every_half_second_keeps_nobody_out(
    api: Api, passwords: list[str]
) -> None:
    await make(api, "users", **ANN)
    for wrong in passwords[:25]:
        assert (await log_in(api, wrong)).status in (401, 429)
        api.clock.advance(0.5)
    for number, wrong in enumerate(passwords[:50]):
        assert (await log_in(api, wrong)).status in (401, 429)
        if number % 2:
            (await log_in(api, PASSWORD)).expect(201)
        api.clock.advance(0.5)
    fresh = credentials("ann", ANN["password"], "Master")["credentials"]
    (await log_in(api, credentials=fresh)).expect(201)


async def test_of_many_guesses_few_are_looked_at(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = count_verifications(api, monkeypatch)
    answers = await asyncio.gather(*(log_in(api, wrong) for wrong in WRONG))
    assert {answer.status for answer in answers} == {401, 429}
    assert 18 <= len(verified) <= 20
    assert (await log_in(api, PASSWORD)).status == 429, "nor is a right one, for a moment"
    api.clock.advance(1)
    (await log_in(api, PASSWORD)).expect(201)


async def test_others_are_not_affected(api: Api) -> None:
    await api.create_account("Tenant")
    await asyncio.gather(*(log_in(api, wrong) for wrong in WRONG))
    (await log_in(api, PASSWORD, address=THERE)).expect(201)
    (await log_in(api, account_name="Tenant")).expect(401)
    (await api.get(api.account)).expect(200)
    (await api.get("/v2/schemas", token="", headers={"X-Forwarded-For": HERE})).expect(200)


async def test_a_good_login_does_not_free_who_guesses(api: Api) -> None:
    await fail_until_refused(api)
    for address in (THERE, HERE):
        (await log_in(api, PASSWORD, address=address)).expect(201)
        (await log_in(api, "another")).expect(429)


async def test_all_of_an_ipv6_network_is_one_guesser(api: Api) -> None:
    for number, wrong in enumerate(WRONG[:6]):
        (await log_in(api, wrong, address=f"2001:db8::{number:x}")).expect(401)
    (await log_in(api, WRONG[6], address="2001:db8::ff")).expect(429)
    (await log_in(api, WRONG[7], address="2001:db8:0:1::ff")).expect(401)


async def test_basic_waits_too_and_what_is_remembered_does_not(api: Api) -> None:
    (await basic(api, PASSWORD)).expect(200)
    for wrong in WRONG[:6]:
        (await basic(api, wrong)).expect(401)
    (await basic(api, WRONG[6])).expect(429)
    (await basic(api, PASSWORD)).expect(200)
    (await basic(api, f"admin:{PASSWORD}")).expect(200)
    tenant = await api.create_account("Tenant")
    (await basic(api, "wrong", tenant)).expect(401)


async def test_a_wrong_api_key_waits_and_no_other_does(api: Api) -> None:
    for _ in range(6):
        (await key(api, "f" * 64)).expect(404)
    (await key(api, "f" * 64)).expect(429)
    (await key(api, "e" * 64)).expect(404)
    (await key(api, "f" * 64, THERE)).expect(404)
    (await key(api, api.master.api_key)).expect(201)


# Nobody learns which accounts there are

Sent = dict[str, Any]
KNOWN: dict[str, Callable[[Api], Sent]] = {
    "name": lambda api: {"account_name": " m.aster"},
    "realm": lambda api: {"account_name": None, "account_realm": api.master.realm},
    "old realm": lambda api: {"account_name": None, "realm": api.master.realm.upper()},
    "number": lambda api: {"account_name": None, "phone_number": "+1 415 555 0100"},
}
UNKNOWN: dict[str, Sent] = {
    "name": {"account_name": "Nobody"},
    "realm": {"account_name": None, "account_realm": "nobody.example.com"},
    "old realm": {"account_name": None, "realm": "nobody.example.com"},
    "number": {"account_name": None, "phone_number": "+14155550199"},
    "nothing": {"account_name": None},
}


@pytest.mark.parametrize("how", KNOWN)
async def test_an_unknown_account_is_refused_as_a_known_one_is(
    api: Api, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(api, "callflows", numbers=["+14155550100"])
    verified = count_verifications(api, monkeypatch)

    async def course(named: Sent) -> list[tuple[int, int, Any]]:
        seen = []
        for wrong in WRONG[:30]:
            before = len(verified)
            answer = await log_in(api, wrong, **named)
            seen.append((answer.status, len(verified) - before, answer.headers.get("Retry-After")))
        return seen

    unknown, known = await course(UNKNOWN[how]), await course(KNOWN[how](api))
    assert unknown == known
    assert known[5:7] == [(401, 1, None), (429, 1, "1")]
    assert known[-1][:2] == (429, 0)


async def test_after_unknown_names_an_existing_one_is_answered_like_another_unknown(
    api: Api,
) -> None:
    for number, wrong in enumerate(WRONG[:6]):
        (await log_in(api, wrong, account_name=f"nobody{number}")).expect(401)
    (await log_in(api, "wrong", account_name="nobody7")).expect(401)
    (await log_in(api, "wrong")).expect(401)


async def test_a_name_is_counted_whatever_is_sent_beside_it(api: Api) -> None:
    for number, wrong in enumerate(WRONG[:6]):
        (await log_in(api, wrong, account_realm=f"r{number}.example.com")).expect(401)
    (await log_in(api, "another", account_realm="r7.example.com")).expect(429)
    for wrong in WRONG[:6]:
        (await log_in(api, wrong, account_name=None)).expect(401)
    (await log_in(api, "another", account_name=None)).expect(429)


SECRETS = ["wrong", "admin:wrong", "0" * 32, "0" * 40]


@pytest.mark.parametrize("secret", SECRETS)
async def test_basic_verifies_as_much_whatever_there_is(
    api: Api, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = await api.create_account("Without a password")
    disabled = await api.create_account("Disabled")
    (await api.patch(f"/v2/accounts/{disabled}", {"enabled": False})).expect(200)
    verified = count_verifications(api, monkeypatch)
    costs = {}
    for account_id in (api.master.account_id, bare, disabled, "0" * 32, "x"):
        before = len(verified)
        (await basic(api, secret, account_id)).expect(401)
        costs[account_id] = len(verified) - before
    assert set(costs.values()) == {1 if secret == "wrong" else 2}


async def test_basic_counts_failures_of_unknown_accounts_too(api: Api) -> None:
    courses = []
    for account_id in ("0" * 32, api.master.account_id):
        courses.append([(await basic(api, wrong, account_id)).status for wrong in WRONG[:30]])
    assert courses[0] == courses[1] == [401] * 6 + [429] * 24


async def test_whom_somebody_may_act_as_tells_nothing_of_others(api: Api) -> None:
    disabled = await api.create_account("Disabled")
    tenant = await api.create_account("Tenant")
    admin = ANN | {"priv_level": "admin"}
    (await api.put(f"/v2/accounts/{tenant}/users", admin)).expect(201)
    (await api.patch(f"/v2/accounts/{disabled}", {"enabled": False})).expect(200)
    sent: dict[str, Any] = credentials("ann", ANN["password"], "Tenant")
    answers = []
    for account_id in (disabled, api.master.account_id, "0" * 32):
        wanted = {"account_id": account_id, "owner_id": api.master.user_id}
        answer = (await log_in(api, **sent | {"as": wanted})).expect(401)
        answers.append((answer.body["message"], answer.data))
    assert answers[0] == answers[1] == answers[2]
