"""Transactions, and topping up, as the embedded bookkeeper makes them."""

from __future__ import annotations

import pytest

from crossbar.core.jobs import waiting
from crossbar.core.ports import Outcome, Payment, Standing
from crossbar.core.services import Services
from crossbar.errors import NoSuchDocument
from crossbar.families.billing import LocalBookkeeper
from crossbar.storage import Key
from tests.conftest import Api
from tests.families.billing.support import balance, customer, pay_in
from tests.families.support import refusal


async def test_a_sale_is_taken_out_of_credit_and_a_refund_put_back(api: Api) -> None:
    base = await customer(api)
    await pay_in(api, base, 10)
    sent = {"amount": 4.5, "description": "Setup", "metadata": {"by": "Ann"}, "order_id": "7"}
    sale = (await api.put(f"{base}/transactions/sale", sent)).expect(201).data
    assert (sale["amount"], sale["status"], sale["order_id"]) == (4.5, "completed", "7")
    assert sale["bookkeeper"]["results"] == {"status": "success"}
    assert sale["executor"] == {"trigger": "crossbar", "module": "cb_transactions"}
    assert await balance(api, base) == 5.5
    refund = (await api.put(f"{base}/transactions/refund", {"amount": 1})).expect(201).data
    assert refund["amount"] == -1
    assert await balance(api, base) == 6.5
    rows = (await api.get(f"{base}/transactions")).expect(200).data
    assert {row["amount"] for row in rows} == {4.5, -1}
    assert (await api.get(f"{base}/transactions/{sale['id']}")).expect(200).data == sale
    table = (await api.get(f"{base}/transactions?accept=csv")).expect(200)
    assert "metadata_by" in table.content.decode().splitlines()[0]


async def test_a_sale_beyond_credit_fails_and_is_told(api: Api) -> None:
    base = await customer(api)
    failed = (await api.put(f"{base}/transactions/sale", {"amount": 1})).expect(402)
    assert failed.body["message"] == "insufficient_credit"
    (row,) = (await api.get(f"{base}/transactions")).data
    assert row["status"] == "failed"
    assert row["bookkeeper"]["reason"] == "insufficient_credit"
    assert await balance(api, base) == 0


async def test_an_amount_is_judged(api: Api) -> None:
    base = await customer(api)
    for path in ("transactions/sale", "transactions/refund"):
        refusal(await api.put(f"{base}/{path}", {}), "amount", "required")
        refusal(await api.put(f"{base}/{path}", {"amount": 0}), "amount", "minimum")
        refusal(await api.put(f"{base}/{path}", {"amount": "all"}), "amount", "type")
        refusal(await api.put(f"{base}/{path}", {"amount": 1e300}), "amount", "maximum")
    refusal(await api.post(f"{base}/services/topup", {}), "amount", "required")


async def test_only_the_reseller_and_operators_transact(api: Api) -> None:
    base = await customer(api)
    token = await api.account_token(base.rpartition("/")[2])
    (await api.put(f"{base}/transactions/sale", {"amount": 1}, token=token)).expect(403)


async def test_topping_up_needs_somebody_who_takes_cards(api: Api) -> None:
    base = await customer(api)
    failed = (await api.post(f"{base}/services/topup", {"amount": 5})).expect(402)
    assert failed.body["message"] == "no_payment_token"
    assert await balance(api, base) == 0


class Processor:
    """A bookkeeper who takes cards, and is slow to be asked."""

    name = "cards"

    def __init__(self) -> None:
        self.told: list[str] = []

    async def standing(self, services: Services, account_id: str, units: int) -> Standing:
        return Standing(True)

    async def pay(self, services: Services, payment: Payment) -> Outcome:
        raise TimeoutError

    async def top_up(self, services: Services, payment: Payment) -> Outcome:
        return Outcome(True)

    async def synchronize(self, services: Services, account_id: str) -> None:
        self.told.append(account_id)


async def test_another_bookkeeper_may_take_its_place(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, processor = await customer(api), Processor()
    object.__setattr__(api.gateway.services, "bookkeeper", processor)
    paid = (await api.post(f"{base}/services/topup", {"amount": 5})).expect(200).data
    assert paid["transaction"]["status"] == "completed"
    assert paid["ledger"]["amount"] == 5
    assert await balance(api, base) == 5
    late = (await api.put(f"{base}/transactions/sale", {"amount": 1})).expect(402)
    assert late.body["message"] == "timeout"
    (await api.post(f"{base}/services/synchronization", {})).expect(200)
    assert processor.told == [base.rpartition("/")[2]]


async def test_a_payment_that_is_tried_again_is_made_once(api: Api) -> None:
    base = await customer(api)
    await pay_in(api, base, 10)
    services = api.gateway.services
    payment = Payment(
        account_id=base.rpartition("/")[2],
        transaction_id="202701-once",
        units=40_000,
        is_refund=False,
        description="Setup",
        begun=services.clock.gregorian(),
    )
    for _ in range(2):
        assert (await services.bookkeeper.pay(services, payment)).has_succeeded
        api.clock.advance(90)
        if await balance(api, base) == 6:  # it was paid, though it could not be now
            (await api.put(f"{base}/transactions/sale", {"amount": 6})).expect(201)
    assert await balance(api, base) == 0
    gone = payment._replace(account_id="0" * 32)
    with pytest.raises(NoSuchDocument):
        await services.bookkeeper.pay(services, gone)
    with pytest.raises(NoSuchDocument):
        await services.bookkeeper.standing(services, gone.account_id, 1)


class Slow(LocalBookkeeper):
    """A bookkeeper who does what it is asked, and is asked whether it did."""

    async def pay(self, services: Services, payment: Payment) -> Outcome:
        await super().pay(services, payment)
        raise TimeoutError

    async def top_up(self, services: Services, payment: Payment) -> Outcome:
        raise TimeoutError


@pytest.mark.parametrize(
    ("method", "path", "left"),
    [("PUT", "transactions/sale", 3), ("PUT", "transactions/refund", 17)],
)
async def test_what_is_not_known_of_a_payment_is_asked_again(
    api: Api, method: str, path: str, left: int
) -> None:
    base, services = await customer(api), api.gateway.services
    await pay_in(api, base, 10)
    known = services.bookkeeper
    object.__setattr__(services, "bookkeeper", Slow())
    late = (await api.request(method, f"{base}/{path}", {"amount": 7})).expect(402)
    assert late.body["message"] == "timeout"
    one = f"{base}/transactions/{late.data['id']}"
    assert (await api.get(one)).expect(200).data["status"] == "pending"
    object.__setattr__(services, "bookkeeper", known)
    await services.jobs.idle(services)
    assert (await api.get(one)).data["status"] == "pending"
    api.clock.advance(61)
    await services.jobs.idle(services)
    paid = (await api.get(one)).data
    assert (paid["status"], paid["bookkeeper"]["results"]) == ("completed", {"status": "success"})
    assert await balance(api, base) == left
    stored = await services.store.get_record(
        Key(base.rpartition("/")[2], "transaction", paid["id"])
    )
    assert stored is not None
    assert stored["pvt_auth_account_id"] == api.master.account_id


async def test_credit_that_was_charged_to_a_card_is_booked_in_the_end(api: Api) -> None:
    base, services = await customer(api), api.gateway.services
    object.__setattr__(services, "bookkeeper", Slow())
    (await api.post(f"{base}/services/topup", {"amount": 5})).expect(402)
    object.__setattr__(services, "bookkeeper", Processor())
    api.clock.advance(61)
    await services.jobs.idle(services)
    assert await balance(api, base) == 5
    (row,) = (await api.get(f"{base}/transactions")).expect(200).data
    assert row["status"] == "completed"


async def test_what_is_settled_is_not_asked_again(api: Api) -> None:
    base, services = await customer(api), api.gateway.services
    await pay_in(api, base, 10)
    (await api.put(f"{base}/transactions/sale", {"amount": 7})).expect(201)
    assert [job["kind"] for job in (await waiting(services))[0] if job["kind"] == "payments"] == []


async def test_more_than_can_be_kept_is_not_paid_back(api: Api) -> None:
    base = await customer(api)
    for _ in range(100):
        (await api.put(f"{base}/transactions/refund", {"amount": 1_000_000_000})).expect(201)
    failed = (await api.put(f"{base}/transactions/refund", {"amount": 1})).expect(402)
    assert failed.body["message"] == "balance_too_large"
    rows = (await api.get(f"{base}/transactions?paginate=false")).data
    assert [row["amount"] for row in rows if row["status"] == "failed"] == [-1]


async def test_what_is_said_of_a_transaction_is_judged(api: Api) -> None:
    path = f"{await customer(api)}/transactions/refund"
    for name, value in (("description", {}), ("order_id", 5), ("metadata", [])):
        refusal(await api.put(path, {"amount": 1, name: value}), name, "type")


async def test_there_is_no_card_processor(api: Api) -> None:
    for method, path in (
        ("GET", "customer"),
        ("POST", "customer"),
        ("GET", "client_token"),
        ("GET", "payment_methods"),
        ("GET", "ach"),
        ("PUT", "ach/vault"),
        ("DELETE", "cards/card"),
        ("DELETE", "payment_methods/token"),
        ("POST", "payment_methods/token/default"),
        ("GET", "ach/id"),
        ("PUT", "ach/id/confirm"),
    ):
        (await api.request(method, f"{api.account}/braintree/{path}")).expect(404)
