"""Port requests: their documents, the way that they take, and who decides."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api
from tests.families.support import refusal

NUMBER, OTHER = "+14155550100", "+14155550101"
PORT: dict[str, Any] = {"name": "Move", "numbers": {"(415) 555-0100": {}}}


async def make_port(api: Api, base: str, **fields: Any) -> str:
    """A new port request; its id."""
    made: str = (await api.put(f"{base}/port_requests", {**PORT, **fields})).expect(201).data["id"]
    return made


@pytest.fixture
async def child(api: Api) -> str:
    """The path of an account below the master account."""
    return f"/v2/accounts/{await api.create_account('Child')}"


async def move(api: Api, path: str, *states: str, **data: Any) -> Any:
    """Take a request through states; as it is shown at the end."""
    shown = None
    for state in states:
        sent = {"scheduled_date": 63_967_219_200, **data} if state == "scheduled" else data
        shown = (await api.patch(f"{path}/{state}", sent)).expect(200).data
    return shown


async def test_a_request_is_made_and_read(api: Api, child: str) -> None:
    port_id = await make_port(api, child, created=5, port_state="completed", sent=True)
    shown = (await api.get(f"{child}/port_requests/{port_id}")).expect(200).data
    assert shown["numbers"] == {NUMBER: {}}
    assert (shown["port_state"], shown["sent"], shown["uploads"]) == ("unconfirmed", False, {})
    assert shown["created"] == shown["updated"] > 5
    account_id = child.rpartition("/")[2]
    assert shown["_read_only"] == {
        "account_id": account_id,
        "account_name": "Child",
        "port_authority": api.master.account_id,
        "port_authority_name": "Master",
    }
    [group] = (await api.get(f"{child}/port_requests")).expect(200).data
    assert (group["account_id"], group["account_name"]) == (account_id, "Child")
    assert [one["id"] for one in group["port_requests"]] == [port_id]


async def test_a_request_goes_its_way_to_the_end(api: Api, child: str) -> None:
    path = f"{child}/port_requests/{await make_port(api, child)}"
    shown = await move(api, path, "submitted", "pending", "scheduled", "completed")
    assert shown["port_state"] == "completed"
    assert shown["numbers"] == {}
    assert shown["_read_only"]["ported_numbers"] == {NUMBER: {}}
    timeline = (await api.get(f"{path}/timeline")).expect(200).data
    steps = [entry["transition"]["new"] for entry in timeline]
    assert steps == ["unconfirmed", "submitted", "pending", "scheduled", "completed"]
    refusal(await api.patch(f"{path}/canceled", {}), "port_state", "enum")
