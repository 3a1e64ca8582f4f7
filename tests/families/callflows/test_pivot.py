"""Logs of pivots: one row a call, all logs of one call."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.core.journals import new_key, record_put
from crossbar.families.callflows import PIVOT
from crossbar.storage import Batch
from tests.conftest import NOW, Api
from tests.families.support import refusal

GREGORIAN_NOW = NOW + 62_167_219_200
CALL = "a/b@c"
ESCAPED = "a%2Fb%40c"


async def log(api: Api, iteration: int, call_id: str = CALL, ago: int = 0, **more: Any) -> None:
    created = GREGORIAN_NOW - ago + iteration
    account_id, name = api.master.account_id, f"{call_id}-{iteration}"
    key = new_key(PIVOT, account_id, api.clock, seconds=created, name=name)
    document = {
        "_id": key.doc_id,
        "_rev": "1-a",
        "pvt_created": created,
        "call_id": call_id,
        "created": created,
        "iteration": iteration,
        "uri": "https://example.com",
        "debug_id": f"202701-{call_id}",
        **more,
    }
    record = record_put(PIVOT, key, document)
    await api.gateway.services.store.commit(Batch(records=[record]))


async def test_each_call_is_one_row(api: Api) -> None:
    await log(api, 1, ago=100, resp_status_code=200, node="n", req_body="long")
    await log(api, 2, ago=100, json_errors=["bad"])
    await log(api, 1, "other", ago=200)
    await log(api, 1, "old", ago=40 * 86400)
    path = f"{api.account}/pivot/debug"
    answer = (await api.get(f"{path}?page_size=5&is_chunked=true")).expect(200)
    assert [one["call_id"] for one in answer.data] == [CALL, "other"]
    assert answer.data[0] == {
        "call_id": CALL,
        "created": GREGORIAN_NOW - 99,
        "uri": "https://example.com",
        "status_code": 200,
        "node": "n",
        "iteration": 1,
        "debug_id": f"202701-{CALL}",
        "has_schema_errors": False,
        "has_json_errors": True,
    }
    up = (await api.get(f"{path}?ascending=true&page_size=1")).expect(200)
    assert [one["call_id"] for one in up.data] == ["other"]
    assert "next_start_key" in up.body
    early = f"created_from={GREGORIAN_NOW - 300}&created_to={GREGORIAN_NOW - 150}"
    assert len((await api.get(f"{path}?{early}")).expect(200).data) == 1
    refusal(await api.get(f"{path}?created_from=2&created_to=1"), "created_from", "date_range")
    (await api.get(f"{api.account}/pivot")).expect(404)


async def test_the_logs_of_a_call_are_read_whole(api: Api) -> None:
    for iteration in (1, 2):
        await log(api, iteration, req_body="long")
    await log(api, 1, "other")
    path = f"{api.account}/pivot/debug"
    logs = (await api.get(f"{path}/{ESCAPED}")).expect(200).data
    assert [one["iteration"] for one in logs] == [2, 1]
    assert (logs[0]["id"], logs[0]["req_body"]) == (f"202701-{CALL}-2", "long")
    assert not any(name.startswith(("pvt_", "_")) for name in logs[0])
    # The clock of tests stands in January 2027.
    logs = (await api.get(f"{path}/202701-{ESCAPED}")).expect(200).data
    assert [one["iteration"] for one in logs] == [1, 2]


@pytest.mark.parametrize(
    "call",
    [
        "nobody",
        "202612-" + ESCAPED,
        "202702-" + ESCAPED,
        "299912-x",
        "100001-x",
        "000001-x",
        "%00",
    ],
)
async def test_there_are_no_logs_of_other_calls(api: Api, call: str) -> None:
    await log(api, 1)
    assert (await api.get(f"{api.account}/pivot/debug/{call}")).expect(200).data == []
