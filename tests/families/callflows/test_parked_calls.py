"""Parked calls: what the callflow has parked."""

from __future__ import annotations

from crossbar.families.callflows.parked_calls import DOC_TYPE
from crossbar.storage import Batch, Key, Put
from tests.conftest import Api


async def park(api: Api, slot: str, **facts: object) -> None:
    """Park a call as the callflow does."""
    doc_id = f"parking-slot-{slot}"
    document = {"_id": doc_id, "_rev": "1-0", "pvt_type": DOC_TYPE, "slot": facts}
    key = Key(api.master.account_id, DOC_TYPE, doc_id)
    await api.gateway.services.store.commit(Batch(puts=[Put(key, document, None)]))


async def test_slots_are_shown_as_one_object(api: Api) -> None:
    path = f"{api.account}/parked_calls"
    assert (await api.get(path)).expect(200).data == {"slots": {}}
    await park(api, "101", **{"Call-ID": "c1", "CID-Number": "2001", "attended": True})
    await park(api, "102", **{"Call-ID": "c2"})
    slots = {
        "101": {"call_id": "c1", "cid_number": "2001", "attended": True},
        "102": {"call_id": "c2"},
    }
    assert (await api.get(path)).expect(200).data == {"slots": slots}
    assert (await api.get(f"{path}?is_chunked=true")).expect(200).data == {"slots": slots}
    page = (await api.get(f"{path}?page_size=1")).expect(200)
    assert page.data == {"slots": {"102": slots["102"]}}
    rest = await api.get(f"{path}?page_size=1&start_key={page.body['next_start_key']}")
    assert rest.data == {"slots": {"101": slots["101"]}}
