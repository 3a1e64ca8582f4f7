"""A carrier beside the inventory, and how the inventory is filled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from crossbar.core.ports import Offer
from crossbar.errors import CarrierUnavailable
from crossbar.families.numbers import RELEASE, BadRow, Imported, import_numbers, numbers_of
from crossbar.storage import SYSTEM, Batch, Key, Remove
from tests.conftest import Api
from tests.families.numbers.support import M, N, connect, path, state_of, stock, tenant, told

CARRIERS = [f"+1415777{at:04}" for at in range(5)]


class Telco:
    """A carrier that has five numbers, and remembers what it was told."""

    name = "knm_telco"

    def __init__(self) -> None:
        self.acquired: list[tuple[str, str]] = []
        self.released: asyncio.Queue[str] = asyncio.Queue()
        self.is_well = True
        self.pause = 0.0

    async def search(self, prefix: str, quantity: int, offset: int) -> Sequence[Offer]:
        await asyncio.sleep(self.pause)
        if not self.is_well:
            raise CarrierUnavailable
        found = [number for number in CARRIERS if number.startswith(prefix)]
        return [Offer(number, "discovery") for number in found[offset : offset + quantity]]

    async def check(self, numbers: Sequence[str]) -> Mapping[str, str]:
        return {each: "available" for each in numbers if each in CARRIERS}

    async def acquire(self, number: str, account_id: str) -> None:
        if not self.is_well:
            raise CarrierUnavailable
        self.acquired.append((number, account_id))

    async def release(self, number: str) -> None:
        self.released.put_nowait(number)

    async def next_released(self) -> str:
        """The number that is given back next."""
        return await asyncio.wait_for(self.released.get(), 20)


@pytest.fixture
def telco(api: Api) -> Telco:
    carrier = Telco()
    connect(api, carrier=carrier)
    return carrier


async def test_a_number_of_a_carrier_is_bought_and_given_back(api: Api, telco: Telco) -> None:
    account, token = await tenant(api)
    number = path(account, f"/{CARRIERS[0]}")
    bought = (await api.put(f"{number}/activate", token=token)).expect(201).data
    assert bought["_read_only"]["carrier_module"] == "knm_telco"
    assert telco.acquired == [(CARRIERS[0], account)]
    (await api.put(f"{number}/activate", token=token)).expect(201)
    (await api.delete(number, token=token)).expect(200)
    assert await telco.next_released() == CARRIERS[0]
    (await api.put(f"{number}/reserve", token=token)).expect(201)
    assert len(telco.acquired) == 2
    (await api.delete(f"{number}?hard=true")).expect(200)
    assert await telco.next_released() == CARRIERS[0]


async def test_a_carrier_that_does_not_answer_is_told(api: Api, telco: Telco) -> None:
    telco.is_well = False
    account = api.master.account_id
    answer = await api.put(path(account, f"/{CARRIERS[0]}/activate"))
    told(answer, 503, "by_carrier")
    assert await state_of(api, account, CARRIERS[0]) is None
    await stock(api, N)
    sent = {"numbers": [CARRIERS[0], N]}
    many = (await api.put(path(account, "/collection/activate"), sent)).expect(201).data
    assert set(many["success"]) == {N}
    assert many["error"][CARRIERS[0]]["error"] == "by_carrier"


async def test_the_inventory_is_searched_before_the_carrier(api: Api, telco: Telco) -> None:
    await stock(api, N, M)

    async def search(query: str) -> list[str]:
        answer = await api.get(path(api.master.account_id, f"?prefix=415&{query}"))
        return [row["number"] for row in answer.expect(200).data]

    assert await search("quantity=4") == [N, M, *CARRIERS[:2]]
    assert await search("quantity=2&offset=1") == [M, CARRIERS[0]]
    assert await search("quantity=3&offset=4") == CARRIERS[2:5]
    telco.is_well = False
    assert await search("quantity=4") == [N, M]


@pytest.mark.parametrize("overrides", [{"numbers.search_timeout": 0.1}])
async def test_a_search_does_not_wait_long_for_a_carrier(api: Api, telco: Telco) -> None:
    await stock(api, N)
    telco.pause = 3600
    answer = await api.get(path(api.master.account_id, "?prefix=415&quantity=4"))
    assert [row["number"] for row in answer.expect(200).data] == [N]


async def test_a_number_that_is_taken_again_is_not_given_back(api: Api, telco: Telco) -> None:
    """The job comes late, when somebody has it already."""
    account = api.master.account_id
    number = path(account, f"/{CARRIERS[1]}")
    (await api.put(f"{number}/activate")).expect(201)
    await RELEASE.run(api.gateway.services, {"number": CARRIERS[1]})
    assert telco.released.empty()


def test_a_file_has_numbers_and_blocks() -> None:
    lines = ["number,last\n", "415-555-0100,\n", "+14155550110,+14155550112\n"]
    assert list(numbers_of(lines)) == [N, "+14155550110", "+14155550111", "+14155550112"]
    assert list(numbers_of(["number\n", f"{N}\n"])) == [N]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "line 1: expected the columns"),
        (["a,b\n"], "line 1: expected the columns"),
        (["number\n", "2001\n"], "line 2: no telephone number: 2001"),
        (["number,last\n", f"{N},x\n"], "line 2: no telephone number: x"),
        (["number,last\n", f"{M},{N}\n"], "line 2: no block of at most"),
        (["number,last\n", "+14155550000,+14165550000\n"], "line 2: no block of at most"),
        (["number,last\n", "+14155550000,+442071838750\n"], "line 2: no block of at most"),
    ],
)
def test_a_file_that_is_wrong_is_told_where(lines: list[str], reason: str) -> None:
    with pytest.raises(BadRow, match=reason):
        list(numbers_of(lines))


async def test_what_is_there_or_carried_is_left_as_it_is(api: Api) -> None:
    (await api.put(path(api.master.account_id, f"/{N}"), {"name": "x"})).expect(201)
    (await api.put(f"{api.account}/callflows", {"numbers": [M]})).expect(201)
    done = await import_numbers(api.gateway.services, [N, M, CARRIERS[0], CARRIERS[0]])
    assert done == Imported(added=1, known=1, carried=1)
    assert await state_of(api, api.master.account_id, N) == "in_service"
    assert await state_of(api, api.master.account_id, M) is None


async def test_an_import_meets_callflows_of_an_earlier_version(api: Api) -> None:
    """Those are found by their numbers, and have not written a document for each."""
    (await api.put(f"{api.account}/callflows", {"numbers": [M]})).expect(201)
    store, key = api.gateway.services.store, Key(SYSTEM, "phone_number", M)
    await store.commit(Batch(removes=[Remove(key)]))
    done = await import_numbers(api.gateway.services, [M])
    assert done == Imported(carried=1)
    account, _ = await tenant(api)
    told(await api.put(path(account, f"/{M}")), 409, "number_exists")
