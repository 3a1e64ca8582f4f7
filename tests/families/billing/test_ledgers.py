"""Ledgers: entries that are never changed, and a balance that is exactly their sum."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from operator import itemgetter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from crossbar.app import Gateway, open_gateway
from crossbar.bootstrap import create_master
from crossbar.clock import FixedClock
from crossbar.core.directory import Account
from crossbar.core.journals import stretch_of
from crossbar.core.requests import Actor
from crossbar.errors import Conflict, ValidationFailed
from crossbar.families.billing.booking import (
    AFTER,
    ENTRIES,
    ENTRIES_OF,
    UNITS,
    Booking,
    balance_of,
    book,
)
from crossbar.families.billing.money import LARGEST
from crossbar.settings import Settings
from tests.conftest import NOW, PASSWORD, QUICK, Api, running_api
from tests.contract.conftest import on_every_store
from tests.families.billing.support import balance, entry, pay_in
from tests.families.support import refusal

GREGORIAN_NOW = NOW + 62_167_219_200


async def test_an_entry_is_read_back_with_its_amount_and_sign(api: Api) -> None:
    path = f"{api.account}/ledgers"
    credited = (await api.put(f"{path}/credit", entry(10.1, description="Cash"))).expect(201).data
    assert credited["amount"] == 10.1
    assert credited["account"] == {"id": api.master.account_id, "name": api.master.account_name}
    assert credited["period"] == {"start": GREGORIAN_NOW}
    assert credited["executor"] == {"trigger": "crossbar", "module": "cb_ledgers"}
    assert (await api.get(f"{path}/payments/{credited['id']}")).expect(200).data == credited
    (await api.get(f"{path}/services/{credited['id']}")).expect(404)
    debited = (await api.put(f"{path}/debit", entry(2.0001))).expect(201).data
    assert debited["amount"] == -2.0001
    assert (await api.get(f"{path}/total")).data == {"amount": 8.0999}
    totals = (await api.get(path)).expect(200).data
    usage = {"type": "cash", "quantity": 2, "unit": "payment"}
    assert totals == {"payments": {"amount": 8.0999, "usage": usage}}


async def test_amounts_never_drift(api: Api) -> None:
    for number in range(10):
        await pay_in(api, api.account, 1.1, f"tenth-{number}")
    assert await balance(api, api.account) == 11


async def test_the_same_entry_is_booked_once(api: Api, clock: FixedClock) -> None:
    sent = entry(10, period={"start": GREGORIAN_NOW})
    path = f"{api.account}/ledgers/credit"
    (await api.put(path, sent)).expect(201)
    again = (await api.put(path, {**sent, "amount": 20})).expect(409)
    assert again.body["message"] == "datastore_conflict"
    clock.advance(31 * 86_400)
    api.token = ""
    api.token = await api.login(api.master.username, PASSWORD, api.master.account_name)
    (await api.put(path, sent)).expect(409)
    (await api.put(path, {**sent, "source": {"service": "payments", "id": "other"}})).expect(201)
    (await api.put(f"{api.account}/ledgers/debit", sent)).expect(201)
    assert await balance(api, api.account) == 10


async def test_an_entry_is_judged(api: Api) -> None:
    path = f"{api.account}/ledgers/credit"
    refusal(await api.put(path, {}), "source", "required")
    refusal(await api.put(path, entry(0.5)), "amount", "minimum")
    refusal(await api.put(path, entry(1e300)), "amount", "maximum")
    huge = entry(1, usage={"type": "x", "unit": "y", "quantity": 10**15})
    refusal(await api.put(path, huge), "usage.quantity", "maximum")
    refusal(await api.put(path, entry(1, period={"start": -1})), "period.start", "maximum")
    assert await balance(api, api.account) == 0


async def test_a_balance_has_bounds(api: Api) -> None:
    account = await api.gateway.services.accounts.get(api.master.account_id)
    assert account is not None
    books = await Booking.begun(actor_of(api.gateway, account), account)
    assert books.records == []
    await books.add(entry(0), LARGEST)
    with pytest.raises(ValidationFailed):
        await books.add(entry(0, "more"), 1)


async def test_an_operator_may_book_to_the_masters_own_books_alone(api: Api) -> None:
    path = f"{api.account}/ledgers/credit"
    booked = (await api.put(path, entry(1), impact_reseller=True)).expect(201).data
    assert booked["amount"] == 1  # it is its own reseller


async def test_only_the_reseller_and_operators_book(api: Api) -> None:
    reseller = await api.create_account("Reseller")
    (await api.put(f"/v2/accounts/{reseller}/reseller")).expect(201)
    customer = await api.create_account("Customer", reseller)
    seller, buyer = await api.account_token(reseller), await api.account_token(customer)
    path = f"/v2/accounts/{customer}/ledgers/credit"
    (await api.put(path, entry(1), token=buyer)).expect(403)
    (await api.put(path, entry(1), token=seller)).expect(201)
    (await api.put(path, entry(1, "b"))).expect(201)
    own = f"/v2/accounts/{reseller}/ledgers/credit"
    (await api.put(own, entry(1), token=seller)).expect(403)
    (await api.put(own, entry(1))).expect(201)


async def test_a_reseller_is_charged_too_where_that_is_asked(api: Api) -> None:
    reseller = await api.create_account("Reseller")
    (await api.put(f"/v2/accounts/{reseller}/reseller")).expect(201)
    customer = await api.create_account("Customer", reseller)
    path = f"/v2/accounts/{customer}"
    both = (await api.put(f"{path}/ledgers/debit", entry(3), impact_reseller=True)).expect(201)
    assert set(both.data) == {reseller, customer}
    assert both.data[customer]["ledger"]["amount"] == -3
    assert both.data[customer]["available_dollars"] == -3
    assert both.data[reseller]["is_reseller"] is True
    assert await balance(api, f"/v2/accounts/{reseller}") == -3
    month = f"/v2/accounts/{reseller}/ledgers/summary/202701"
    (part,) = (await api.get(month)).expect(200).data["breakdown"]
    assert part["account"] == {"id": customer, "name": "Customer"}
    assert part["total"] == -3


async def test_a_repeat_changes_neither_of_two_balances(api: Api) -> None:
    reseller = await api.create_account("Reseller")
    (await api.put(f"/v2/accounts/{reseller}/reseller")).expect(201)
    path = f"/v2/accounts/{await api.create_account('Customer', reseller)}"
    sent = entry(3, period={"start": GREGORIAN_NOW})
    (await api.put(f"{path}/ledgers/debit", sent)).expect(201)
    (await api.put(f"{path}/ledgers/debit", sent, impact_reseller=True)).expect(409)
    assert await balance(api, f"/v2/accounts/{reseller}") == 0
    assert await balance(api, path) == -3


async def test_months_are_summed_up_and_others_are_not_there(api: Api) -> None:
    await pay_in(api, api.account, 5)
    path = f"{api.account}/ledgers/summary"
    month = (await api.get(f"{path}/202701")).expect(200).data
    assert month["summary"]["payments"]["amount"] == 5
    assert (await api.get(f"{path}/202612")).expect(200).data == {"summary": {}, "breakdown": []}
    for wrong in ("202713", "2027", "month"):
        (await api.get(f"{path}/{wrong}")).expect(404)


async def test_entries_of_a_service_have_pages_and_filters(api: Api, clock: FixedClock) -> None:
    for number in range(5):
        clock.advance(1)
        sent = entry(number + 1, f"cause-{number}", metadata={"is_odd": str(number % 2)})
        (await api.put(f"{api.account}/ledgers/credit", sent)).expect(201)
    path = f"{api.account}/ledgers/payments"
    first = (await api.get(f"{path}?page_size=3")).expect(200)
    key = first.body["next_start_key"]
    rest = (await api.get(f"{path}?page_size=3&start_key={key}")).expect(200)
    assert [row["amount"] for row in (*first.data, *rest.data)] == [5, 4, 3, 2, 1]
    odd = (await api.get(f"{path}?filter_metadata.is_odd=1")).expect(200).data
    assert [row["amount"] for row in odd] == [4, 2]
    chunked = (await api.get(f"{path}?is_chunked=true&created_from=1")).expect(400)
    assert "created_from" in chunked.data
    assert len((await api.get(f"{path}?is_chunked=true")).expect(200).data) == 5


async def test_known_services_are_listed(api: Api) -> None:
    rows = (await api.get(f"{api.account}/ledgers/available")).expect(200).data
    assert [row["name"] for row in rows] == [
        "per-minute-voip",
        "services",
        "payments",
        "rollovers",
    ]


@on_every_store
async def test_entries_of_two_processes_add_up(
    api: Api, settings: Settings, clock: FixedClock
) -> None:
    async with running_api(settings, clock, api.master) as other:
        bookings = (
            client.put(f"{api.account}/ledgers/{kind}", entry(number + 1, f"cause-{number % 20}"))
            for number in range(24)
            for client, kind in [((api, other)[number % 2], ("credit", "debit")[number % 3 == 0])]
        )
        answers = await asyncio.gather(*bookings)
        assert {answer.status for answer in answers} <= {201, 409}
        booked = [answer.data["amount"] for answer in answers if answer.status == 201]
        assert len(booked) >= 20
        assert await balance(other, api.account) == sum(booked)
    rows = (await api.get(f"{api.account}/ledgers/payments?paginate=false")).expect(200).data
    assert sorted(row["amount"] for row in rows) == sorted(booked)


@asynccontextmanager
async def two_gateways(folder: Path) -> AsyncIterator[list[Gateway]]:
    """Two gateways over one store, as two processes would be."""
    options = {**QUICK, "storage.url": f"sqlite:///{folder / 'crossbar.db'}"}
    chosen = Settings.load(None, {}, options)
    clock = FixedClock(NOW)
    async with open_gateway(chosen, clock=clock) as one:
        await create_master(one.services, password=PASSWORD)
        async with open_gateway(chosen, clock=clock) as two:
            yield [one, two]


def actor_of(gateway: Gateway, account: Account) -> Actor:
    return Actor(
        services=gateway.services,
        account_id=account.account_id,
        account=account,
        request_id="test",
    )


MOVES = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 12), st.integers(-(10**9), 10**9)))
"""Entries: which gateway books it, which cause it has (some come twice), how many units."""


@bounded(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(moves=MOVES)
def test_a_ledger_replays_to_its_balance_whoever_writes(
    moves: list[tuple[int, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    asyncio.run(replay(moves, tmp_path_factory.mktemp("books")))


async def replay(moves: list[tuple[int, int, int]], folder: Path) -> None:
    async with two_gateways(folder) as gateways:
        master = await gateways[0].services.accounts.master()
        assert master is not None

        async def write(which: int, cause: int, units: int) -> int:
            sent = entry(0, f"cause-{cause}", period={"start": 1})

            async def build(books: list[Booking]) -> None:
                await books[0].add(sent, units)

            try:
                await book(actor_of(gateways[which], master), [master], build)
            except Conflict:
                return 0
            return units

        booked = await asyncio.gather(*(write(*move) for move in moves))
        store = gateways[0].services.store
        span = stretch_of(ENTRIES_OF, master.account_id)
        entries = [row.document async for row in store.scan(span)]
        assert sum(each[UNITS] for each in entries) == sum(booked)
        assert await balance_of(store, master.account_id) == sum(booked)
        replayed = 0
        for place, each in enumerate(sorted(entries, key=itemgetter(ENTRIES))):
            replayed += each[UNITS]
            assert (each[ENTRIES], each[AFTER]) == (place + 1, replayed)
