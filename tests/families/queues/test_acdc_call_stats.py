"""Archived calls of queues: a list by time."""

from __future__ import annotations

from crossbar.core.journals import new_key, record_put
from crossbar.documents import Document
from crossbar.families.queues import ACDC_CALL_STATS
from crossbar.storage import Batch
from tests.conftest import NOW, Api
from tests.families.support import refusal

GREGORIAN_NOW = NOW + 62_167_219_200


async def record(api: Api, doc_id: str, entered: int) -> None:
    document = {
        "_rev": "1-a",
        "pvt_type": "call_stat",
        "pvt_created": GREGORIAN_NOW,
        "entered_timestamp": entered,
        "status": "handled",
        "secret": 1,
    }
    account_id, clock = api.master.account_id, api.clock
    key = new_key(ACDC_CALL_STATS, account_id, clock, seconds=entered, name=doc_id)
    record = record_put(ACDC_CALL_STATS, key, {**document, "_id": key.doc_id})
    await api.gateway.services.store.commit(Batch(records=[record]))


def names(rows: list[Document]) -> list[str]:
    """The ids without their months."""
    return [row["id"].partition("-")[2] for row in rows]


async def test_calls_are_listed_by_when_they_entered(api: Api) -> None:
    path = f"{api.account}/acdc_call_stats"
    for doc_id, ago in (("x", 100), ("a", 10), ("m", 50), ("old", 40 * 86400)):
        await record(api, doc_id, GREGORIAN_NOW - ago)
    rows = (await api.get(path)).expect(200).data
    assert names(rows) == ["a", "m", "x"]
    assert rows[0] == {
        "id": "202701-a",
        "handled_timestamp": "",
        "caller_id_number": "",
        "caller_id_name": "",
        "entered_position": "",
        "status": "handled",
        "agent_id": "",
        "wait_time": "",
        "talk_time": "",
        "queue_id": "",
    }
    some = f"{path}?created_from={GREGORIAN_NOW - 100}&created_to={GREGORIAN_NOW - 50}"
    rows = (await api.get(f"{some}&ascending=true")).expect(200).data
    assert names(rows) == ["x", "m"]
    first = (await api.get(f"{path}?page_size=2")).expect(200).body
    second = (await api.get(f"{path}?page_size=2&start_key={first['next_start_key']}")).body
    assert names(second["data"]) == ["x"]
    table = await api.get(f"{path}?accept=csv")
    assert table.expect(200).content.startswith(b"ID,handled_timestamp,caller_id_number,")
    (await api.get(f"{path}?accept=csv&filter_status=x")).expect(204)


async def test_a_range_is_neither_reversed_nor_too_long(api: Api) -> None:
    path = f"{api.account}/acdc_call_stats"
    answer = await api.get(f"{path}?created_from=20&created_to=10")
    assert refusal(answer, "created_from", "date_range") == {
        "message": "created_to 10 is prior to created_from 20",
        "cause": 20,
    }
    answer = await api.get(f"{path}?created_from=1&created_to=2682002")
    assert refusal(answer, "created_from", "date_range") == {
        "message": "created_to 2682002 is more than 2682000 seconds from created_from 1",
        "cause": 2682002,
    }
    for odd in ("x", "-1", "0", "9" * 30, "%C2%B2"):
        (await api.get(f"{path}?created_from={odd}&created_to={odd}")).expect(200)
