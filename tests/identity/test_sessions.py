"""Sessions: refresh tokens that are good for once, and all that ends them."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import Any

import orjson
import pytest

from crossbar.app import open_gateway
from crossbar.clock import YEAR
from crossbar.errors import InvalidCredentials
from crossbar.identity.sessions import GRACE, SWEPT_AT_ONCE
from crossbar.storage import Key, Span
from tests.conftest import PASSWORD, Answer, Api, credentials
from tests.contract.conftest import on_every_store
from tests.families.support import ANN, interrupt_commits, make, set_private

ADMIN = credentials("admin", PASSWORD, "Master")
DAY = 86_400


async def log_in(api: Api, sent: dict[str, Any] | None = None) -> tuple[str, str]:
    """The auth token and the refresh token of a new session."""
    answer = await api.put("/v2/user_auth", {**(sent or ADMIN), "refresh": True}, token="")
    return told(answer.expect(201))


def told(answer: Answer) -> tuple[str, str]:
    return answer.body["auth_token"], answer.data["refresh_token"]


async def refresh(api: Api, refresh_token: Any) -> Answer:
    asked = {"action": "refresh_token", "refresh_token": refresh_token}
    return await api.put("/v2/auth", asked, token="")


async def renewed(api: Api, refresh_token: str) -> tuple[str, str]:
    return told((await refresh(api, refresh_token)).expect(201))


async def assert_dead(api: Api, token: str, refresh_token: str) -> None:
    (await api.get(api.account, token=token)).expect(401)
    (await refresh(api, refresh_token)).expect(401)


def claims_of(token: str) -> Any:
    payload = token.split(".")[1]
    return orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


async def sessions(api: Api) -> list[dict[str, Any]]:
    span = Span(account_id=api.master.account_id, doc_type="session")
    return [row.document async for row in api.gateway.services.store.scan(span)]


@on_every_store
async def test_a_client_stays_logged_in_for_days(api: Api) -> None:
    token, refresh_token = await log_in(api)
    seen = {refresh_token}
    for _ in range(5):
        (await api.get(api.account, token=token)).expect(200)
        api.clock.advance(DAY)
        token, refresh_token = await renewed(api, refresh_token)
        seen.add(refresh_token)
    assert len(seen) == 6
    claims = claims_of(token)
    assert (claims["account_id"], claims["owner_id"]) == (
        api.master.account_id,
        api.master.user_id,
    )
    assert claims["method"] == "cb_user_auth"


async def test_only_who_asks_gets_a_refresh_token(api: Api) -> None:
    for asked in ({}, {"refresh": False}):
        answer = (await api.put("/v2/user_auth", ADMIN | asked, token="")).expect(201)
        assert "refresh_token" not in answer.data
    assert await sessions(api) == []
    answer = (await api.put("/v2/user_auth", ADMIN, token="", refresh=True)).expect(201)
    assert answer.data["refresh_expires"] == api.clock.gregorian() + 14 * DAY


@pytest.mark.parametrize("where", ["data", "envelope"])
async def test_a_login_by_the_accounts_key_can_be_renewed(api: Api, where: str) -> None:
    sent, envelope = {"api_key": api.master.api_key}, {"refresh": True}
    if where == "data":
        answer = await api.put("/v2/api_auth", {**sent, **envelope}, token="")
    else:
        answer = await api.put("/v2/api_auth", sent, token="", **envelope)
    token, _ = await renewed(api, told(answer.expect(201))[1])
    (await api.get(api.account, token=token)).expect(200)
    assert claims_of(token)["method"] == "cb_api_auth"
    assert "owner_id" not in claims_of(token)


async def test_only_keyed_hashes_are_kept(api: Api) -> None:
    _, refresh_token = await log_in(api)
    _, following = await renewed(api, refresh_token)
    kept = orjson.dumps(await sessions(api)).decode()
    for text in (refresh_token, following):
        assert text[4:] not in kept
        assert text[50:] not in kept


@on_every_store
async def test_a_refresh_token_that_comes_again_ends_its_session(api: Api) -> None:
    first, refresh_token = await log_in(api)
    second, following = await renewed(api, refresh_token)
    (await api.get(api.account, token=first)).expect(200)
    api.clock.advance(GRACE)
    (await refresh(api, refresh_token)).expect(401)
    for token in (first, second):
        await assert_dead(api, token, following)
    (await api.get(api.account)).expect(200)  # another session, or none at all


async def test_any_old_refresh_token_ends_its_session_even_just_after_a_renewal(
    api: Api,
) -> None:
    _, oldest = await log_in(api)
    _, older = await renewed(api, oldest)
    token, newest = await renewed(api, older)
    (await refresh(api, oldest)).expect(401)
    await assert_dead(api, token, newest)


async def test_a_client_that_renews_twice_at_once_stays_logged_in(api: Api) -> None:
    _, refresh_token = await log_in(api)
    token, following = await renewed(api, refresh_token)
    api.clock.advance(GRACE - 1)
    answer = (await refresh(api, refresh_token)).expect(401)
    assert answer.data == {"message": "invalid credentials"}
    (await api.get(api.account, token=token)).expect(200)
    await renewed(api, following)


@on_every_store
async def test_of_many_that_renew_at_once_one_succeeds(api: Api) -> None:
    _, refresh_token = await log_in(api)
    answers = await asyncio.gather(*(refresh(api, refresh_token) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [201] + [401] * 7
    (won,) = (answer for answer in answers if answer.status == 201)
    token, following = told(won)
    (await api.get(api.account, token=token)).expect(200)
    await renewed(api, following)


async def test_a_renewal_that_another_process_made_first_gives_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, refresh_token = await log_in(api)
    interrupt_commits(api, monkeypatch, 1)
    (await refresh(api, refresh_token)).expect(401)
    await renewed(api, refresh_token)


@on_every_store
async def test_a_session_that_ends_in_one_process_ends_in_others_within_a_second(
    api: Api,
) -> None:
    token, refresh_token = await log_in(api)
    services = api.gateway.services
    async with open_gateway(services.settings, clock=api.clock) as other:
        await other.identity.read_token(token)
        _, following = await renewed(api, refresh_token)
        api.clock.advance(GRACE)
        (await refresh(api, refresh_token)).expect(401)
        with pytest.raises(InvalidCredentials):
            await other.identity.find_session(following)
        for _ in range(10):
            await asyncio.sleep(0.1)
            try:
                await other.identity.read_token(token)
            except InvalidCredentials:
                return
    pytest.fail("the token was still accepted after a second")


async def test_a_logout_ends_the_session(api: Api) -> None:
    first, refresh_token = await log_in(api)
    second, following = await renewed(api, refresh_token)
    (await api.delete("/v2/token_auth", token=first)).expect(200)
    for token in (first, second):
        await assert_dead(api, token, following)
    (await api.get(api.account)).expect(200)


async def test_a_token_that_was_renewed_by_itself_stays_in_its_session(api: Api) -> None:
    token, refresh_token = await log_in(api)
    answer = await api.put("/v2/auth", {"action": "refresh_token"}, token=token)
    other = answer.expect(201).body["auth_token"]
    assert "refresh_token" not in answer.data
    (await api.delete("/v2/token_auth", token=token)).expect(200)
    await assert_dead(api, other, refresh_token)


async def test_a_new_password_ends_sessions(api: Api) -> None:
    user_id = await make(api, "users", **ANN)
    ann = credentials("ann", "s3cret", "Master")
    token, refresh_token = await log_in(api, ann)
    path = f"{api.account}/users/{user_id}"
    (await api.patch(path, {"password": "hunter23"})).expect(200)
    await assert_dead(api, token, refresh_token)
    assert await sessions(api) == []


async def test_a_session_ends_with_its_user(api: Api) -> None:
    user_id = await make(api, "users", **ANN)
    ann = credentials("ann", "s3cret", "Master")
    for change in ("disable", "delete"):
        token, refresh_token = await log_in(api, ann)
        path = f"{api.account}/users/{user_id}"
        if change == "delete":
            (await api.delete(path)).expect(200)
        else:
            (await api.patch(path, {"enabled": False})).expect(200)
        await assert_dead(api, token, refresh_token)
        assert await sessions(api) == []
        if change == "disable":
            (await api.patch(path, {"enabled": True})).expect(200)
            (await refresh(api, refresh_token)).expect(401)


async def child_session(api: Api) -> tuple[str, str, str]:
    """A child account's id, and the tokens of a session of it."""
    account_id = await api.create_account("Child")
    path = f"/v2/accounts/{account_id}"
    (await api.put(f"{path}/users", ANN)).expect(201)
    return path, *await log_in(api, credentials("ann", "s3cret", "Child"))


async def test_a_session_ends_when_its_account_is_disabled_for_a_while(api: Api) -> None:
    path, token, refresh_token = await child_session(api)
    for enabled in (False, True):
        (await api.patch(path, {"enabled": enabled})).expect(200)
    (await refresh(api, refresh_token)).expect(401)
    (await api.get(path, token=token)).expect(401)
    api.clock.advance(1)
    _, refresh_token = await log_in(api, credentials("ann", "s3cret", "Child"))
    (await api.patch(path, {"name": "Kid"})).expect(200)
    await renewed(api, refresh_token)


async def test_a_session_ends_with_its_account_or_its_trial(api: Api) -> None:
    path, token, refresh_token = await child_session(api)
    await set_private(api, path.split("/")[-1], pvt_trial_expires=api.clock.gregorian())
    await assert_dead(api, token, refresh_token)
    await set_private(api, path.split("/")[-1], pvt_trial_expires=None)
    _, refresh_token = await log_in(api, credentials("ann", "s3cret", "Child"))
    (await api.delete(path)).expect(200)
    (await refresh(api, refresh_token)).expect(401)


async def test_a_refresh_token_that_lies_unused_expires(api: Api) -> None:
    _, refresh_token = await log_in(api)
    api.clock.advance(14 * DAY - 1)
    _, refresh_token = await renewed(api, refresh_token)
    api.clock.advance(14 * DAY)
    (await refresh(api, refresh_token)).expect(401)


async def test_a_session_ends_at_its_time_however_it_is_used(api: Api) -> None:
    _, refresh_token = await log_in(api)
    for _ in range(8):
        api.clock.advance(10 * DAY)
        _, refresh_token = await renewed(api, refresh_token)
    (session,) = await sessions(api)
    assert session["pvt_expires"] == session["pvt_ends"] == api.clock.gregorian() + 10 * DAY
    api.clock.advance(10 * DAY)
    (await refresh(api, refresh_token)).expect(401)


@on_every_store
async def test_sessions_that_are_over_are_swept_up(api: Api) -> None:
    for _ in range(SWEPT_AT_ONCE + 2):
        await log_in(api)
    api.clock.advance(14 * DAY + YEAR)
    for left in (3, 2, 3):
        await log_in(api)
        assert len(await sessions(api)) == left


@pytest.mark.parametrize(
    "wrong",
    ["", "x", "cbr_", "cbr_" + "A" * 128, "cbr_" + "A" * 127, "é", True, 1, [], {}],
)
async def test_texts_that_are_no_refresh_tokens_are_refused(api: Api, wrong: Any) -> None:
    (await refresh(api, wrong)).expect(401)


async def test_a_forged_refresh_token_does_not_end_a_session(api: Api) -> None:
    _, refresh_token = await log_in(api)
    sealed = bytearray(base64.urlsafe_b64decode(refresh_token[4:]))
    for at in (40, 70):
        forged = bytes(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])
        text = "cbr_" + base64.urlsafe_b64encode(forged).decode()
        (await refresh(api, text)).expect(401)
    await renewed(api, refresh_token)


async def test_a_refresh_token_is_no_auth_token(api: Api) -> None:
    token, refresh_token = await log_in(api)
    (await api.get(api.account, token=refresh_token)).expect(401)
    (await refresh(api, token)).expect(401)


async def test_without_either_token_nothing_is_renewed(api: Api) -> None:
    for asked in ({"action": "refresh_token"}, {"action": "x"}, {}):
        (await api.put("/v2/auth", asked, token="")).expect(401)
    _, refresh_token = await log_in(api)
    asked = {"action": "x", "refresh_token": refresh_token}
    (await api.put("/v2/auth", asked, token="")).expect(403)
    (await api.put("/v2/auth", {"action": "x"})).expect(403)


async def test_a_login_as_somebody_else_begins_no_session(api: Api) -> None:
    account_id = await api.create_account("Child")
    path = f"/v2/accounts/{account_id}/users"
    user_id = (await api.put(path, ANN)).expect(201).data["id"]
    wanted = {"account_id": account_id, "owner_id": user_id}
    sent = ADMIN | {"as": wanted, "refresh": True}
    answer = (await api.put("/v2/user_auth", sent, token="")).expect(201)
    assert "refresh_token" not in answer.data
    assert await sessions(api) == []


async def test_restrictions_of_an_account_hold_for_renewal_by_the_token(api: Api) -> None:
    account_id = await api.create_account("Child")
    token = await api.account_token(account_id)
    asked = {"action": "refresh_token"}
    (await api.put("/v2/auth", asked, token=token)).expect(201)
    rules = {"_": {"_": {"accounts": [{"rules": {"#": ["_"]}}]}}}
    path = f"/v2/accounts/{account_id}/token_restrictions"
    (await api.post(path, {"restrictions": rules})).expect(200)
    (await api.put("/v2/auth", asked, token=token)).expect(403)


async def test_a_session_outlives_a_change_of_the_servers_secret(api: Api) -> None:
    _, refresh_token = await log_in(api)
    settings = api.gateway.services.settings
    older, newer = settings.secrets.values[0], "n" * 64
    for values in ((newer, older), (newer,)):
        renewed_by = replace(settings, secrets=replace(settings.secrets, values=values))
        async with open_gateway(renewed_by, clock=api.clock) as gateway:
            session = await gateway.identity.find_session(refresh_token)
            refresh_token = (await gateway.identity.renew_session(session)).refresh_token


async def test_an_account_that_goes_during_a_login_gets_no_session(api: Api) -> None:
    account_id = await api.create_account("Child")
    account = await api.gateway.services.accounts.get(account_id)
    assert account is not None
    (await api.delete(f"/v2/accounts/{account_id}")).expect(200)
    with pytest.raises(InvalidCredentials):
        await api.gateway.identity.begin_session(account, user=None, method="cb_api_auth")
    assert await api.gateway.services.store.get(Key(account_id, "session", "x")) is None
