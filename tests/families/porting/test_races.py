"""One number, two accounts, two gateways on one store: one of them gets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from crossbar.clock import FixedClock
from crossbar.settings import Settings
from tests.conftest import Api, running_api
from tests.families.porting.support import customer_of, move

ROUNDS = 25


@pytest.fixture
async def second(api: Api, settings: Settings, clock: FixedClock) -> AsyncIterator[Api]:
    """Another gateway on the same store, as another process would have it."""
    async with running_api(settings, clock, api.master) as other:
        yield other


async def test_of_two_who_ask_for_a_number_one_gets_it(api: Api, second: Api) -> None:
    accounts = [await customer_of(api, name) for name in ("One", "Two")]
    for turn in range(ROUNDS):
        number = f"+1415557{turn:04}"
        sent = {"name": "Race", "numbers": {number: {}}}
        answers = await asyncio.gather(
            api.put(f"{accounts[turn % 2].path}/port_requests", sent),
            second.put(f"{accounts[(turn + 1) % 2].path}/port_requests", sent),
        )
        assert sorted(answer.status for answer in answers) == [201, 400]
        (refused,) = (answer for answer in answers if answer.status == 400)
        assert number in refused.data or refused.data["numbers"]["unique"]["cause"] == number


async def test_a_number_comes_to_who_has_ported_it(api: Api, second: Api) -> None:
    porter, taker = [await customer_of(api, name) for name in ("Porter", "Taker")]
    for turn in range(ROUNDS // 5):
        number = f"+1415558{turn:04}"
        made = await api.put(
            f"{porter.path}/port_requests", {"name": "Race", "numbers": {number: {}}}
        )
        path = f"{porter.path}/port_requests/{made.expect(201).data['id']}"
        await move(api, path, "submitted", "pending")
        completed, again, taken = await asyncio.gather(
            api.patch(f"{path}/completed", {}),
            second.patch(f"{path}/completed", {}),
            second.put(f"{taker.path}/phone_numbers/{number}", {}),
        )
        assert sorted((completed.status, again.status)) == [200, 400]
        assert taken.status in (400, 403, 404, 409)
        (await api.get(f"{porter.path}/phone_numbers/{number}")).expect(200)
        (await api.get(f"{taker.path}/phone_numbers/{number}", token=taker.admin)).expect(404)
