"""Which calls by carriers are emergency calls, and by which spelling numbers are judged."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.core.requests import Actor
from crossbar.switch.executor.book import Book
from crossbar.switch.executor.media import ToGateway
from crossbar.switch.executor.routing import Route, gateways_for
from tests.conftest import Api

pytestmark = pytest.mark.any_store


async def carrier(api: Api, **fields: Any) -> None:
    usual = {"name": "any", "rules": [r"^\+?\d+$"], "gateways": [{"server": "any.example"}]}
    (await api.put("/v2/resources", usual | fields)).expect(201)


async def routed(api: Api, number: str) -> list[ToGateway]:
    services = api.gateway.services
    account = await services.accounts.get(api.master.account_id)
    assert account is not None
    actor = Actor(
        services=services, account_id=account.account_id, account=account, request_id="call"
    )
    route = Route(number=number, caller="+14155550100", flags=frozenset())
    return await gateways_for(Book(actor), route)


async def test_the_number_makes_an_emergency_call_and_not_the_carrier(api: Api) -> None:
    await carrier(api, emergency=True)
    [gateway] = await routed(api, "+19005551234")
    assert gateway.shows == "emergency"
    assert not gateway.is_emergency
    [gateway] = await routed(api, "911")
    assert gateway.is_emergency


@pytest.mark.parametrize("number", ["19005551234", "9005551234", "8765551234"])
async def test_a_class_that_is_not_carried_is_known_in_every_spelling(
    api: Api, number: str
) -> None:
    dear = {"toll_us": {"enabled": False}, "caribbean": {"enabled": False}}
    await carrier(api, classifiers=dear)
    [gateway] = await routed(api, "14155550100")
    assert gateway.number == "14155550100"
    assert await routed(api, number) == []
