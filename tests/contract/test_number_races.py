"""Two accounts, two servers on one store, one number: one wins, the other is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from crossbar.clock import FixedClock
from crossbar.settings import Settings
from crossbar.storage import SYSTEM, Entry, Key, Span
from tests.conftest import Answer, Api, running_api
from tests.contract.conftest import on_every_store
from tests.families.numbers.support import path, stock, tenant

pytestmark = [on_every_store, pytest.mark.thorough]

ROUNDS = 100
AT_ONCE = 10
"""Rounds that are on at the same time: they are about different numbers, and cost half as much."""

FIRST = 14155550000


@pytest.fixture
async def apis(settings: Settings, clock: FixedClock) -> AsyncIterator[tuple[Api, Api]]:
    """Two servers on one store."""
    async with (
        running_api(settings, clock) as one,
        running_api(settings, clock, one.master) as two,
    ):
        yield one, two


def number(at: int) -> str:
    return f"+{FIRST + at}"


async def at_once(*requests: Any) -> list[Answer]:
    answers: list[Answer] = await asyncio.gather(*requests)
    return answers


async def each_round(play: Callable[[int], Awaitable[None]]) -> None:
    """Play all rounds, some of them at once."""
    for first in range(0, ROUNDS, AT_ONCE):
        await asyncio.gather(*map(play, range(first, first + AT_ONCE)))


def outcome(answers: list[Answer]) -> tuple[int, ...]:
    return tuple(answer.status for answer in answers)


async def owner_of(api: Api, wanted: str) -> str:
    found = await api.gateway.services.store.get(Key(SYSTEM, "phone_number", wanted))
    return str((found or {}).get("pvt_assigned_to"))


async def test_one_number_of_the_inventory_is_bought_once(apis: tuple[Api, Api]) -> None:
    one, two = apis
    (first, theirs), (second, others) = await tenant(one, "First"), await tenant(one, "Second")
    await stock(one, *map(number, range(ROUNDS)))
    outcomes: Counter[tuple[int, ...]] = Counter()

    async def play(at: int) -> None:
        tail = f"/{number(at)}/activate"
        answers = await at_once(
            one.put(path(first, tail), token=theirs),
            two.put(path(second, tail), token=others),
        )
        outcomes[outcome(answers)] += 1
        winner = (first, second)[[answer.status for answer in answers].index(201)]
        assert await owner_of(one, number(at)) == winner
        [loser] = [answer for answer in answers if answer.status != 201]
        assert loser.body["message"] == "forbidden"

    await each_round(play)
    assert outcomes.total() == ROUNDS
    assert outcomes.keys() <= {(201, 403), (403, 201)}


async def test_one_number_is_made_once(apis: tuple[Api, Api]) -> None:
    one, two = apis
    first, second = await one.create_account("First"), await one.create_account("Second")

    async def play(at: int) -> None:
        tail = f"/{number(at)}"
        answers = await at_once(one.put(path(first, tail)), two.put(path(second, tail)))
        assert sorted(outcome(answers)) == [201, 409]
        [loser] = [answer for answer in answers if answer.status == 409]
        assert loser.body["message"] == "number_exists"

    await each_round(play)


@pytest.mark.parametrize(
    ("noun", "carry"),
    [
        ("callflows", lambda each: {"numbers": [each]}),
        ("connectivity", lambda each: {"servers": [{"auth": {}, "DIDs": {each: {}}}]}),
        (
            "devices",
            lambda each: {"name": "Cell", "device_type": "mobile", "mobile": {"mdn": each}},
        ),
    ],
    ids=["callflows", "connectivity", "devices"],
)
async def test_a_number_is_taken_by_one_account_or_carried_by_another(
    apis: tuple[Api, Api], noun: str, carry: Any
) -> None:
    one, two = apis
    first, second = await one.create_account("First"), await one.create_account("Second")

    async def play(at: int) -> None:
        wanted = number(at)
        takes = one.put(path(first, f"/{wanted}"))
        carries = two.put(f"/v2/accounts/{second}/{noun}", carry(wanted))
        if at % 2:
            answers = await at_once(takes, carries)
        else:
            answers = (await at_once(carries, takes))[::-1]
        assert outcome(answers) in {(201, 403), (409, 201)}, [each.data for each in answers]
        found = Span(account_id=SYSTEM, doc_type="number_owner", entry=Entry("number", wanted))
        carried = await one.gateway.services.store.count(found)
        is_firsts = await owner_of(one, wanted) == first
        assert (is_firsts, carried) in {(True, 0), (False, 1)}

    await each_round(play)


async def test_callflows_of_two_accounts_may_carry_an_unknown_number_at_once(
    apis: tuple[Api, Api],
) -> None:
    """They meet at the number, and neither is told of a conflict."""
    one, two = apis
    first, second = await one.create_account("First"), await one.create_account("Second")
    for at in range(20):
        sent = {"numbers": [number(at)]}
        answers = await at_once(
            one.put(f"/v2/accounts/{first}/callflows", sent),
            two.put(f"/v2/accounts/{second}/callflows", sent),
        )
        assert outcome(answers) == (201, 201)
        gone = await at_once(
            one.delete(f"/v2/accounts/{first}/callflows/{answers[0].data['id']}"),
            two.delete(f"/v2/accounts/{second}/callflows/{answers[1].data['id']}"),
        )
        assert outcome(gone) == (200, 200)
        assert await owner_of(one, number(at)) == "None"
