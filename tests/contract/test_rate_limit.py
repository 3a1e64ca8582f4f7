"""Token buckets: who is charged, what is told, when requests go on (docs/protocol.md §10.1)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import PASSWORD, Answer, Api, credentials
from tests.contract.conftest import on_any_store
from tests.contract.kit import GARBAGE, UNKNOWN

pytestmark = on_any_store

JSON = {"Content-Type": "application/json"}
CAPACITY = 20
REFILL = 5


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {
        "limits.enabled": True,
        "limits.capacity": CAPACITY,
        "limits.refill": REFILL,
        "limits.login_cost": 7,
    }


@pytest.fixture(autouse=True)
def full_bucket(api: Api) -> None:
    """What it took to log in before the test has been regained."""
    api.clock.advance(CAPACITY / REFILL)


def tokens(answer: Answer) -> tuple[int, int]:
    """What the answer says of the bucket: consumed, remaining."""
    found = answer.body["tokens"]
    assert found.keys() == {"consumed", "remaining"}
    return found["consumed"], found["remaining"]


async def anonymous(api: Api, **options: Any) -> Answer:
    return await api.get("/v2/schemas", token="", **options)


async def empty_bucket(api: Api) -> None:
    for _ in range(CAPACITY):
        (await anonymous(api)).expect(200)


async def test_a_valid_token_is_not_charged_but_told(api: Api) -> None:
    for _ in range(CAPACITY + 5):
        answer = (await api.get(api.account)).expect(200)
        assert tokens(answer) == (0, CAPACITY)


async def test_an_anonymous_request_is_charged_one_token(api: Api) -> None:
    assert [tokens(await anonymous(api)) for _ in range(3)] == [(1, 19), (1, 18), (1, 17)]


async def test_a_request_that_is_refused_for_its_token_is_charged(api: Api) -> None:
    for number, token in enumerate(("", GARBAGE, "undefined"), start=1):
        answer = (await api.get(api.account, token=token)).expect(401)
        assert tokens(answer) == (1, CAPACITY - number)


async def test_a_login_costs_what_the_setting_says_whether_it_succeeds_or_not(api: Api) -> None:
    good = credentials("admin", PASSWORD, "Master")
    answer = (await api.put("/v2/user_auth", good, token="")).expect(201)
    assert tokens(answer) == (7, 13)
    bad = credentials("admin", "wrong", "Master")
    answer = (await api.put("/v2/user_auth", bad, token="")).expect(401)
    assert tokens(answer) == (7, 6)
    (await api.put("/v2/api_auth", {"api_key": UNKNOWN * 2}, token="")).expect(429)


async def test_a_login_with_a_token_is_charged_too(api: Api) -> None:
    for remaining in (13, 6):
        answer = await api.put("/v2/api_auth", {"api_key": UNKNOWN * 2})
        assert tokens(answer.expect(404)) == (7, remaining)
    (await api.put("/v2/api_auth", {"api_key": UNKNOWN * 2})).expect(429)


async def test_an_empty_bucket_refuses_and_says_when_to_come_back(api: Api) -> None:
    await empty_bucket(api)
    answer = (await anonymous(api)).expect(429)
    assert answer.body["message"] == "too_many_requests"
    assert answer.data == {"message": "too many requests"}
    assert tokens(answer) == (1, 0)
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_login_must_wait_for_all_that_it_costs(api: Api) -> None:
    await empty_bucket(api)
    login = credentials("admin", PASSWORD, "Master")
    answer = (await api.put("/v2/user_auth", login, token="")).expect(429)
    assert (tokens(answer), answer.headers["Retry-After"]) == ((7, 0), "2")
    api.clock.advance(1.3)
    (await api.put("/v2/user_auth", login, token="")).expect(429)
    api.clock.advance(0.1)
    (await api.put("/v2/user_auth", login, token="")).expect(201)


async def test_waiting_as_long_as_told_is_enough(api: Api) -> None:
    await empty_bucket(api)
    for _ in range(3):
        answer = (await anonymous(api)).expect(429)
        api.clock.advance(int(answer.headers["Retry-After"]))
        for _ in range(REFILL):
            (await anonymous(api)).expect(200)


async def test_the_bucket_refills_continuously_and_no_further_than_full(api: Api) -> None:
    await empty_bucket(api)
    api.clock.advance(1)
    assert tokens(await anonymous(api)) == (1, REFILL - 1)
    api.clock.advance(0.2)
    assert tokens(await anonymous(api)) == (1, REFILL - 1)
    api.clock.advance(1000)
    assert tokens(await anonymous(api)) == (1, CAPACITY - 1)


async def test_an_empty_anonymous_bucket_does_not_stop_those_with_a_token(api: Api) -> None:
    await empty_bucket(api)
    (await anonymous(api)).expect(429)
    assert tokens((await api.get(api.account)).expect(200)) == (0, CAPACITY)


async def test_an_empty_bucket_comes_before_401_and_after_404_and_405(api: Api) -> None:
    await empty_bucket(api)
    (await api.get(api.account, token="")).expect(429)
    (await api.get(f"/v2/accounts/{UNKNOWN}", token="")).expect(404)
    (await api.patch("/v2/schemas", {}, token="")).expect(405)
    (await api.put(api.account, raw=b"{", token="", headers=JSON)).expect(429)
    (await api.put(api.account, raw=b"{", headers=JSON)).expect(400)
    (await api.request("OPTIONS", api.account, token="", headers={"Origin": "x"})).expect(200)


async def test_each_client_has_its_own_bucket_behind_a_trusted_proxy(api: Api) -> None:
    def behind(*hops: str) -> dict[str, str]:
        return {"X-Forwarded-For": ", ".join(hops)}

    await empty_bucket(api)
    assert tokens(await anonymous(api, headers=behind("192.0.2.1"))) == (1, 19)
    assert tokens(await anonymous(api, headers=behind("192.0.2.2"))) == (1, 19)
    # What a client writes there itself is to the left of what the proxy adds.
    assert tokens(await anonymous(api, headers=behind("198.51.100.7", "192.0.2.1"))) == (1, 18)
    (await anonymous(api, headers=behind("127.0.0.1"))).expect(429)


class TestChargingEverybody:
    """The setting that charges requests with a valid token too."""

    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {
            "limits.enabled": True,
            "limits.capacity": 10,
            "limits.refill": 1,
            "limits.charge_authenticated": True,
        }

    @pytest.fixture(autouse=True)
    def full_bucket(self, api: Api) -> None:
        api.clock.advance(10)

    async def test_a_valid_token_is_charged_in_its_accounts_bucket(self, api: Api) -> None:
        for remaining in range(9, -1, -1):
            assert tokens(await api.get(api.account)) == (1, remaining)
        (await api.get(api.account)).expect(429)
        assert tokens(await anonymous(api)) == (1, 9)


class TestUnlimited:
    """Without limits nothing is refused, and nothing is told."""

    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"limits.enabled": False, "limits.capacity": 1}

    async def test_nobody_is_charged(self, api: Api) -> None:
        for _ in range(5):
            assert "tokens" not in (await anonymous(api)).expect(200).body
