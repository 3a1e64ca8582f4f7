"""What the API can show and not write: units of groups, tags, fields of forms."""

from __future__ import annotations

import pytest

from crossbar.core.change import put_of
from crossbar.documents import Document, next_revision
from crossbar.personnel.components import COMPONENTS
from crossbar.personnel.layout import layout_of
from crossbar.personnel.links import LINKS, key_of
from crossbar.personnel.rows import key_of as row_key
from crossbar.storage import Batch
from tests.dialects.v1.support import Client

NOW = "2027-01-01T00:00:00.000000Z"


async def link(client: Client, kind: str, left: int, right: int) -> None:
    """A link that no operation makes."""
    key = key_of(client.account_id, kind, left, right)
    document: Document = {
        "_id": key.doc_id,
        "_rev": next_revision(None),
        "pvt_seq": left * 100 + right,
        "pvt_left": f"{kind}:{left}",
        "pvt_right": f"{kind}:{right}",
        "created_at": NOW,
    }
    store = client.api.gateway.services.store
    await store.commit(Batch(puts=(put_of(LINKS, key, document, None),)))


async def tag(client: Client, number: int, name: str) -> None:
    """A tag, which no operation makes."""
    key = row_key(client.account_id, COMPONENTS["tags"], number)
    document = {"_id": key.doc_id, "_rev": next_revision(None), "pvt_seq": number, "name": name}
    store = client.api.gateway.services.store
    put = put_of(layout_of(COMPONENTS["tags"]), key, document, None)
    await store.commit(Batch(puts=(put,)))


async def test_a_roster_has_units_with_people_in_order(v1: Client) -> None:
    for order in (2, 1):
        await v1.make("/ranks", name=f"Rank {order}", order=order)
    for noun in ("groups", "units"):
        await v1.make(f"/{noun}", name="First")
    await link(v1, "group-unit", 1, 1)
    for number, (name, rank) in enumerate((("Cy", None), ("Bo", 1), ("Al", 2), ("Ab", 2))):
        email = f"{number}@x.org"
        await v1.make("/users", name=name, email=email, unit_id=1, rank_id=rank)
    scopes = [{"name": "orderForRoster", "parameters": [1]}]
    (group,) = (await v1.post("/groups/search", {"scopes": scopes})).expect(200).data
    people = group["units"][0]["users"]
    assert [each["name"] for each in people] == ["Ab", "Al", "Bo", "Cy"]
    assert people[0]["rank"]["name"] == "Rank 1"
    (unit,) = (await v1.get("/units?include=groups,users")).data
    assert [each["name"] for each in unit["groups"]] == ["First"]
    assert len(unit["users"]) == 4


@pytest.mark.parametrize(("wanted", "found"), [(["red"], [1]), (["blue", "red"], [1]), ([], [])])
async def test_tags_are_shown_and_searched(
    v1: Client, wanted: list[str], found: list[int]
) -> None:
    for _ in range(2):
        await v1.make("/calendars", name="C")
    await tag(v1, 1, "red")
    await link(v1, "calendar-tag", 1, 1)
    scopes = [{"name": "tags", "parameters": wanted}]
    answer = await v1.post("/calendars/search?include=tags", {"scopes": scopes})
    assert [each["id"] for each in answer.expect(200).data] == found
    assert [each["tags"][0]["name"] for each in answer.data] == ["red"] * len(found)


async def test_fields_of_a_form_are_included(v1: Client) -> None:
    await v1.get("/users")
    await v1.make("/users/1/fields", name="Shoe size", type="number")
    await v1.make("/forms", name="F", slug="f", is_public=True)
    await link(v1, "form-field", 1, 1)
    (form,) = (await v1.get("/forms?include=fields")).data
    assert [each["name"] for each in form["fields"]] == ["Shoe size"]
