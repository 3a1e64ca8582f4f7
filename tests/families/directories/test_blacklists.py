"""Blacklists: numbers in one spelling."""

from __future__ import annotations

from tests.conftest import Api
from tests.families.support import make, refusal, shown


async def test_full_numbers_of_a_blacklist_become_e164(api: Api) -> None:
    doc_id = await make(api, "blacklists", numbers={"415-555-0100": {"a": 1}, "2001": {}})
    numbers = (await shown(api, "blacklists", doc_id))["numbers"]
    assert numbers == {"+14155550100": {"a": 1}, "2001": {}}
    refusal(
        await api.put(f"{api.account}/blacklists", {"name": "x", "numbers": []}), "numbers", "type"
    )
