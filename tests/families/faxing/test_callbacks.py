"""The servers that fax boxes name, and what they are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from crossbar.core.jobs import JOB_TYPE
from crossbar.storage import SYSTEM, Span
from tests.conftest import Api
from tests.families.faxing.test_receiving import CAME
from tests.families.support import make
from tests.families.switch.support import TIME, teller
from tests.families.webhooks.receiver import Receiver, receiving

NOTHING = {"success": False, "error_message": "no carrier", "result_code": 12}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def private() -> bool:
    """Whether servers of this machine may be told."""
    return True


@pytest.fixture
def overrides(private: bool) -> dict[str, Any]:
    return {"webhooks.allow_private_addresses": private, "schemas.blocked_hosts": []}


async def box_that_calls(api: Api, url: str, direction: str = "inbound", **how: str) -> str:
    wanted = {direction: {"callback": {"url": url, **how}}}
    return await make(api, "faxboxes", name="Sales", notifications=wanted)


async def jobs_done(api: Api, seconds: float = 0) -> None:
    api.clock.advance(seconds)
    await api.gateway.services.jobs.idle(api.gateway.services)


async def waiting(api: Api) -> list[str]:
    """The kinds of the jobs of faxes that wait."""
    span = Span(account_id=SYSTEM, doc_type=JOB_TYPE)
    kinds = [row.document["kind"] async for row in api.gateway.services.store.scan(span)]
    return [kind for kind in kinds if kind == "fax_callback"]


async def test_a_server_is_told_of_a_fax_that_came_in(api: Api, receiver: Receiver) -> None:
    box = await box_that_calls(api, f"{receiver.url}/in")
    await (await teller(api)).tell("fax", {**CAME, "faxbox_id": box}, at=TIME)
    await jobs_done(api)
    [got] = await receiver.until(1)
    assert (got.method, got.path) == ("POST", "/in")
    [fax] = (await api.get(f"{api.account}/faxes/inbox")).expect(200).data
    assert got.json == {
        "type": "fax_inbound",
        "fax_id": fax["id"],
        "success": True,
        "pages": 3,
        "from_number": "+14155550101",
        "from_name": "Ann",
        "to_number": "+14155550100",
        "faxbox_id": box,
        "account_id": api.master.account_id,
        "timestamp": TIME,
    }
    assert not await waiting(api)


async def test_a_server_is_told_of_a_fax_that_did_not_arrive(api: Api, receiver: Receiver) -> None:
    form = {"method": "put", "type": "www-url-form-encoded"}
    box = await box_that_calls(api, receiver.url, **form)
    await (await teller(api)).tell("fax", {**CAME, "faxbox_id": box, "result": NOTHING})
    await jobs_done(api)
    [got] = await receiver.until(1)
    assert got.method == "PUT"
    assert got.headers["content-type"] == "application/x-www-form-urlencoded"
    told = {name: values[0] for name, values in parse_qs(got.body.decode()).items()}
    assert (told["success"], told["error_message"]) == ("false", "no carrier")
    assert "fax_id" not in told


async def test_a_server_is_told_of_a_fax_that_was_sent(api: Api, receiver: Receiver) -> None:
    box = await box_that_calls(api, receiver.url, "outbound")
    asked = {
        "to_number": "+14155550100",
        "from_number": "+14155550101",
        "document": {"url": "http://any.example/a.pdf"},
    }
    path = f"{api.account}/faxes/outgoing"
    fax_id = (await api.put(path, {**asked, "faxbox_id": box})).expect(201).data["id"]
    result = {"success": True, "pages": 2}
    facts = {"direction": "outbound", "fax_id": fax_id, "result": result, "attempt": 0}
    there = await teller(api)
    await there.tell("fax", facts)
    await there.tell("fax", facts)  # told again, it is known already
    await jobs_done(api)
    [got] = await receiver.until(1)
    told = got.json
    assert (told["type"], told["fax_id"], told["pages"]) == ("fax_outbound", fax_id, 2)
    assert not await waiting(api)


async def test_a_server_that_does_not_take_it_is_told_again(api: Api, receiver: Receiver) -> None:
    statuses = [503, 302, 200]
    receiver.answer = lambda got: web.Response(status=statuses.pop(0))
    box = await box_that_calls(api, receiver.url)
    await (await teller(api)).tell("fax", {**CAME, "faxbox_id": box})
    await jobs_done(api)
    for count in (1, 2):
        assert len(receiver.got) == count
        assert await waiting(api)
        await jobs_done(api, 60)
    assert len(receiver.got) == 3
    assert not await waiting(api)
    assert len({got.body for got in receiver.got}) == 1


async def test_who_was_taken_out_of_the_box_is_told_nothing(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda got: web.Response(status=503)
    box = await box_that_calls(api, receiver.url)
    await (await teller(api)).tell("fax", {**CAME, "faxbox_id": box})
    await jobs_done(api)
    assert len(receiver.got) == 1
    (await api.delete(f"{api.account}/faxboxes/{box}")).expect(200)
    await jobs_done(api, 60)
    assert len(receiver.got) == 1
    assert not await waiting(api)


@pytest.mark.parametrize("private", [False])
async def test_nothing_inside_is_told(api: Api, receiver: Receiver) -> None:
    box = await box_that_calls(api, receiver.url)
    await (await teller(api)).tell("fax", {**CAME, "faxbox_id": box})
    await jobs_done(api)
    assert not receiver.got
    assert await waiting(api)
