"""Groups: who is in them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api
from tests.families.support import ANN, BOB, make, row, shown


async def test_a_group_may_leave_out_its_endpoints(api: Api) -> None:
    doc_id = await make(api, "groups")
    assert (await shown(api, "groups", doc_id))["endpoints"] == {}


async def test_groups_are_listed_with_features_and_number_of_endpoints(api: Api) -> None:
    doc_id = await make(
        api,
        "groups",
        endpoints={"a": {"type": "user"}, "b": {"type": "device"}},
        smartpbx={"ring": {"enabled": True}, "call_recording": {"enabled": False}},
        music_on_hold={"media_id": "m"},
    )
    assert await row(api, "groups") == {
        "id": doc_id,
        "name": "Sales",
        "features": ["ring", "music_on_hold"],
        "endpoints": 2,
        "flags": [],
    }


@pytest.mark.parametrize("odd", ["yes", 5, [1], {"a": "b"}])
async def test_a_list_bears_any_value_in_a_field_that_no_schema_knows(api: Api, odd: Any) -> None:
    await make(api, "groups", smartpbx=odd, endpoints={"a": odd})
    assert (await row(api, "groups"))["features"] == []


async def test_a_users_groups_are_those_that_list_it_as_a_user(api: Api) -> None:
    ann, bob = await make(api, "users", **ANN), await make(api, "users", **BOB)
    group = await make(api, "groups", endpoints={ann: {"type": "user"}, bob: {"type": "device"}})
    listed = (await api.get(f"{api.account}/users/{ann}/groups")).data
    assert [row["id"] for row in listed] == [group]
    assert (await api.get(f"{api.account}/users/{bob}/groups")).data == []
    (await api.patch(f"{api.account}/groups/{group}", {"endpoints": {}})).expect(200)
    assert (await api.get(f"{api.account}/users/{ann}/groups")).data == []
