"""External numbers: whose they are is proven by a code, which is good for a while only."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.clock import GREGORIAN_OFFSET
from crossbar.core.ports.switch import Switch
from crossbar.families.external_numbers import ATTEMPTS, CODE_LIFETIME, CODES_A_DAY
from tests.conftest import NOW, PASSWORD, Api
from tests.families.support import ReadySwitch, make, refusal, row, stored

NUMBER = "+14155550100"


async def make_number(api: Api, **more: Any) -> str:
    """The path of a new external number."""
    return f"{api.account}/external_numbers/{await make(api, 'external_numbers', **more)}"


@pytest.fixture
def switch() -> Switch:
    return ReadySwitch({"answered": True, "verified": True})


def last_code(api: Api) -> str:
    """The code that the switch was last asked to tell."""
    told = api.gateway.services.switch
    assert isinstance(told, ReadySwitch)
    code: str = told.asked[-1].data["code"]
    return code


def other_than(code: str) -> str:
    return "0000" if code != "0000" else "0001"


async def test_a_number_is_listed_as_what_it_is(api: Api) -> None:
    path = await make_number(api, verified=True, attestation={"date": 1})
    listed = await row(api, "external_numbers")
    assert listed == {
        "id": path.rpartition("/")[2],
        "name": "Mobile",
        "number": NUMBER,
        "verified": False,
    }
    shown = (await api.get(path)).expect(200).data
    assert (shown["number"], shown["attestation"]) == (NUMBER, {})
    (await api.post(path, {})).expect(405)
    (await api.delete(path)).expect(200)
    (await api.get(path)).expect(404)


async def test_a_number_is_a_full_one_and_there_once(api: Api) -> None:
    await make_number(api)
    path = f"{api.account}/external_numbers"
    told = refusal(await api.put(path, {"number": NUMBER}), "number", "unique")
    assert told["message"] == "number is already assigned as an external number"
    refusal(await api.put(path, {"number": "1000"}), "number", "invalid")
    (await api.put(f"{api.account}/phone_numbers/+14155550199", {})).expect(201)
    told = refusal(await api.put(path, {"number": "4155550199"}), "number", "unique")
    assert told["message"] == "number is already assigned as a phone number"
    other = f"/v2/accounts/{await api.create_account('Other')}/external_numbers"
    (await api.put(other, {"number": NUMBER})).expect(201)


async def test_the_code_verifies_the_number(api: Api) -> None:
    path = await make_number(api)
    told = await api.put(f"{path}/verify", {"method": "sms", "message": "It is {{verify.code}}"})
    assert told.expect(201).data == {"answered": True, "verified": True}
    code = last_code(api)
    assert code.encode() not in told.content
    document = await stored(api, "external_number", path.rpartition("/")[2])
    assert code not in str(document)
    shown = (await api.post(f"{path}/verify", {"code": code})).expect(200).data
    assert shown["verified"] is True
    attestation = shown["attestation"]
    assert attestation["date"] == NOW + GREGORIAN_OFFSET
    assert attestation["token"] == {"method": "sms", "source": "127.0.0.1"}
    assert attestation["account"] == {"id": api.master.account_id, "name": "Master"}
    assert attestation["user"] == {"id": api.master.user_id}
    answer = await api.post(f"{path}/verify", {"code": code})
    refusal(answer, "code", "invalid")
    (await api.put(f"{path}/verify", {})).expect(201)
    assert (await api.get(path)).data["verified"] is False


async def test_a_code_is_good_for_a_few_attempts(api: Api) -> None:
    path = await make_number(api)
    refusal(await api.post(f"{path}/verify", {"code": "1234"}), "code", "invalid")
    (await api.put(f"{path}/verify", {})).expect(201)
    code = last_code(api)
    for _ in range(ATTEMPTS):
        answer = await api.post(f"{path}/verify", {"code": other_than(code)})
        refusal(answer, "code", "invalid")
    refusal(await api.post(f"{path}/verify", {"code": code}), "code", "invalid")


async def test_a_number_gets_a_few_codes_a_day(api: Api) -> None:
    """Four digits are found out by who has new ones made and guesses on."""
    path = await make_number(api)
    for _ in range(CODES_A_DAY):
        (await api.put(f"{path}/verify", {})).expect(201)
    refused = (await api.put(f"{path}/verify", {})).expect(429)
    assert refused.headers["Retry-After"] == "86400"
    (await api.delete(path)).expect(200)
    path = await make_number(api)
    (await api.put(f"{path}/verify", {})).expect(429)
    api.clock.advance(86400)
    api.token = ""
    api.token = await api.login(api.master.username, PASSWORD, api.master.account_name)
    (await api.put(f"{path}/verify", {})).expect(201)


async def test_a_code_is_good_for_some_minutes(api: Api) -> None:
    path = await make_number(api)
    (await api.put(f"{path}/verify", {})).expect(201)
    code = last_code(api)
    api.clock.advance(CODE_LIFETIME)
    refusal(await api.post(f"{path}/verify", {"code": code}), "code", "invalid")


async def test_who_presses_a_key_has_verified_the_number(api: Api) -> None:
    path = await make_number(api)
    shown = (await api.put(f"{path}/verify", {"method": "ivr"})).expect(201).data
    assert shown["verified"] is True
    switch = api.gateway.services.switch
    assert isinstance(switch, ReadySwitch)
    switch.answers = [{"verified": False}]
    shown = (await api.put(f"{path}/verify", {"method": "ivr"})).expect(201).data
    assert shown["verified"] is False


async def test_an_operator_vouches_for_a_number(api: Api) -> None:
    account_id = await api.create_account("Other")
    base, token = (
        f"/v2/accounts/{account_id}/external_numbers",
        await api.account_token(account_id),
    )
    made = (await api.put(base, {"number": NUMBER}, token=token)).expect(201).data["id"]
    answer = await api.post(f"{base}/{made}/verify", {}, token=token)
    refusal(answer, "code", "required")
    assert (await api.post(f"{base}/{made}/verify", {})).expect(200).data["verified"] is True


async def test_a_code_has_four_digits_and_a_way(api: Api) -> None:
    path = await make_number(api)
    refusal(await api.post(f"{path}/verify", {"code": "12345"}), "code", "maxLength")
    refusal(await api.put(f"{path}/verify", {"method": "pigeon"}), "method", "enum")


class TestWithoutSwitch:
    """What is so while no switch is connected."""

    @pytest.fixture
    def switch(self) -> None:
        return None

    @pytest.mark.parametrize("method", ["voice", "sms", "ivr"])
    async def test_nobody_tells_a_code(self, api: Api, method: str) -> None:
        path = await make_number(api)
        answer = await api.put(f"{path}/verify", {"method": method})
        assert answer.expect(503).body["message"] == "switch_unavailable"
        assert (await api.get(path)).data["verified"] is False
        document = await stored(api, "external_number", path.rpartition("/")[2])
        assert "pvt_code" not in document  # nobody knows it, and nobody is to guess it
