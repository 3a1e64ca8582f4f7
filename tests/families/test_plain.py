"""Menus, temporal rules and their sets: the same for all, and what their lists show."""

from __future__ import annotations

import pytest

from tests.conftest import Api
from tests.families.support import FIELDS, make, refusal, row, shown

ROWS_OF_IDS = ("connectivity", "skels")
WITHOUT_PATCH = ("cccps", "media")
NOT_PLAIN = {"external_numbers", "port_requests"}


@pytest.mark.parametrize("noun", sorted(FIELDS.keys() - NOT_PLAIN))
async def test_a_document_lives_from_its_creation_to_its_deletion(api: Api, noun: str) -> None:
    doc_id = await make(api, noun, ui_metadata={"ui": "mine"})
    path = f"{api.account}/{noun}/{doc_id}"
    listed = await row(api, noun)
    assert (listed if noun in ROWS_OF_IDS else listed["id"]) == doc_id
    assert (await shown(api, noun, doc_id))["ui_metadata"] == {"ui": "mine"}
    replaced = (await api.post(path, {**FIELDS[noun], "id": "other", "mine": 1})).expect(200).data
    assert replaced["mine"] == 1
    assert replaced["id"] == doc_id
    assert "ui_metadata" not in replaced
    if noun in WITHOUT_PATCH:
        (await api.patch(path, {"mine": 2})).expect(405)
    else:
        patched = (await api.patch(path, {"mine": None, "yours": 3})).expect(200).data
        assert "mine" not in patched
        assert patched["yours"] == 3
    gone = (await api.delete(path, data={})).expect(200).data
    assert gone["_read_only"]["deleted"] is True
    for method in ("GET", "POST", "DELETE"):
        assert (await api.request(method, path, {})).expect(404).data["cause"] == doc_id
    left = await api.get(f"{api.account}/{noun}")
    assert doc_id.encode() not in left.expect(200).content


async def test_a_rule_is_listed_with_its_type(api: Api) -> None:
    doc_id = await make(api, "temporal_rules", type="main_weekdays")
    expected = {"id": doc_id, "name": "Weekdays", "type": "main_weekdays", "flags": []}
    assert await row(api, "temporal_rules") == expected


async def test_a_set_is_listed_with_its_rules_under_another_name(api: Api) -> None:
    doc_id = await make(api, "temporal_rules_sets", temporal_rules=["a"])
    expected = {"id": doc_id, "name": "Holidays", "rules": ["a"], "flags": []}
    assert await row(api, "temporal_rules_sets") == expected
    empty = {"name": "None", "temporal_rules": []}
    refusal(
        await api.put(f"{api.account}/temporal_rules_sets", empty), "temporal_rules", "minItems"
    )


async def test_a_menu_is_listed_by_name_and_has_its_defaults(api: Api) -> None:
    doc_id = await make(api, "menus", flags=["a"])
    assert await row(api, "menus") == {"id": doc_id, "name": "Main", "flags": ["a"]}
    menu = await shown(api, "menus", doc_id)
    assert menu["retries"] == 3
    assert menu["max_extension_length"] == 4


async def test_lists_run_by_id_from_high_to_low_unless_told_otherwise(api: Api) -> None:
    ids = [await make(api, "menus", name=str(number)) for number in range(3)]
    path = f"{api.account}/menus"
    listed = [menu["id"] for menu in (await api.get(path)).data]
    assert listed == sorted(ids, reverse=True)
    ascending = [menu["id"] for menu in (await api.get(f"{path}?ascending=true")).data]
    assert ascending == sorted(ids)
