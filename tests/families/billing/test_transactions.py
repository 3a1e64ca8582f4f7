"""Transactions, and topping up, as the embedded bookkeeper makes them."""

from __future__ import annotations

import pytest

from crossbar.core.ports import Outcome, Payment, Standing
from crossbar.core.services import Services
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
