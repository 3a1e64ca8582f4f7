"""Filters of lists (docs/protocol.md §8.4)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from crossbar.app import COLLECTIONS
from crossbar.core.change import put_of
from crossbar.core.shapes import Collection, FieldIndex
from crossbar.storage import Batch, Key
from tests.conftest import NOW, Api
from tests.contract.conftest import on_every_store
from tests.contract.kit import create_all, ids

pytestmark = on_every_store

GREGORIAN = NOW + 62_167_219_200

DOCUMENTS: tuple[dict[str, Any], ...] = (
    {"name": "plain"},
    {"name": "text", "x": "one"},
    {"name": "empty text", "x": ""},
    {"name": "number", "x": 5},
    {"name": "fraction", "x": 2.5},
    {"name": "zero", "x": 0},
    {"name": "zero text", "x": "0"},
    {"name": "yes", "x": True},
    {"name": "no", "x": False},
    {"name": "null", "x": None},
    {"name": "texts", "x": ["one", "two"]},
    {"name": "single", "x": ["one"]},
    {"name": "no texts", "x": []},
    {"name": "object", "x": {"a": 1}},
    {"name": "no object", "x": {}},
    {"name": "objects", "x": [{"a": "b"}]},
    {"name": "undefined", "x": "undefined"},
    {"name": "NULL", "x": "NULL"},
    {"name": "deep", "y": {"z": [{"w": "found"}, "second"]}},
    {"name": "dollar", "$where": "1", "a.b": "dotted"},
)
NAMES = [sent["name"] for sent in DOCUMENTS]
EMPTY = (
    *("plain", "empty text", "zero", "zero text", "null", "no texts", "no object"),
    *("undefined", "NULL", "deep", "dollar"),
)

CASES: list[tuple[str, list[str]]] = [
    ("filter_x=one", ["text", "single"]),
    ("filter_x=5", ["number"]),
    ("filter_x=2.5", ["fraction"]),
    ("filter_x=0", ["zero", "zero text"]),
    ("filter_x=true", ["yes"]),
    ("filter_x=false", ["no"]),
    ("filter_x=null", ["null"]),
    ("filter_x=onetwo", ["texts"]),
    ('filter_x={"a":1}', ["object"]),
    ("filter_x={}", ["no object"]),
    ('filter_x="one"', ["text", "single"]),
    ('filter_x=["one","true","5"]', ["text", "number", "yes", "single"]),
    ("filter_x=[]", []),
    ("filter_x=[5]", []),
    ("filter_x=", ["plain", "empty text", "no texts", "objects", "deep", "dollar"]),
    ("filter_x", ["yes"]),
    ("filter_x=one&filter_x=two", []),
    ("filter_x=one&filter_name=text", ["text"]),
    ("filter_x.1=one", ["texts", "single"]),
    ("filter_x.2=two", ["texts"]),
    ("filter_x.0=one", []),
    ("filter_x.1.a=b", ["objects"]),
    ("filter_x.a=1", ["object"]),
    ("filter_y.z.1.w=found", ["deep"]),
    ("filter_y.z.2=second", ["deep"]),
    ("filter_$where=1", ["dollar"]),
    ("filter_not_x=one", [name for name in NAMES if name not in ("text", "single")]),
    ('filter_not_name=["plain"]', NAMES[1:]),
    (
        "filter_not_x=",
        [
            name
            for name in NAMES
            if name not in ("plain", "empty text", "no texts", "objects", "deep", "dollar")
        ],
    ),
    ('filter_any_name=["plain","text","none"]', ["plain", "text"]),
    ('filter_any_x=["one",5]', ["text", "number", "single"]),
    ('filter_none_name=["plain"]', NAMES[1:]),
    ('filter_array_intersect_all_x=["one","two"]', ["texts"]),
    ('filter_array_intersect_any_x=["one","two"]', ["texts", "single"]),
    ("has_key=x", [name for name in NAMES if name not in ("plain", "deep", "dollar")]),
    ("key_missing=x", ["plain", "deep", "dollar"]),
    ("has_key=x&has_key=y", []),
    ("has_key=y.z.1.w", ["deep"]),
    ("has_key=y.z.3", []),
    ("has_key=x.a", ["object"]),
    ("has_value=x", [name for name in NAMES if name not in EMPTY]),
    ("value_missing=x", list(EMPTY)),
    ("missing_value=x", NAMES),
    (f"created_from={GREGORIAN}", NAMES),
    (f"created_from={GREGORIAN + 1}", []),
    (f"created_to={GREGORIAN}", NAMES),
    (f"created_to={GREGORIAN - 1}", []),
    (f"modified_from={GREGORIAN}&modified_to={GREGORIAN}", NAMES),
    ("created_from=x", []),
    ("created_to=x", []),
    ("nonsense=1&_=123&filters_x=1", NAMES),
]


async def test_each_filter_keeps_just_what_it_should(api: Api) -> None:
    path = f"{api.account}/menus"
    await create_all(api, path, DOCUMENTS)
    failures = []
    for query, expected in CASES:
        target = f"{path}?paginate=false&{quote(query, safe='=&.')}"
        found = [row["name"] for row in (await api.get(target)).expect(200).data]
        if sorted(found) != sorted(expected):
            failures.append(f"{query}: {sorted(found)} instead of {sorted(expected)}")
    assert failures == []


async def test_a_filter_reads_the_stored_document_and_not_the_summary(api: Api) -> None:
    path = f"{api.account}/devices"
    phone, _ = await create_all(
        api, path, [{"name": "a", "sip": {"username": "ann"}}, {"name": "b"}]
    )
    assert ids(await api.get(f"{path}?filter_sip.username=ann")) == [phone]
    assert ids(await api.get(f"{path}?filter_id={phone}")) == [phone]
    assert len(ids(await api.get(f"{path}?filter_sip.method=password"))) == 2


async def test_what_a_user_interface_asks_for(api: Api) -> None:
    path = f"{api.account}/callflows"
    default, other = await create_all(
        api, path, [{"numbers": ["no_match"]}, {"numbers": ["2001", "2002"], "owner_id": "x"}]
    )
    assert ids(await api.get(f"{path}?filter_numbers=no_match")) == [default]
    assert ids(await api.get(f"{path}?filter_numbers.2=2002")) == [other]
    assert ids(await api.get(f"{path}?filter_owner_id=x&has_key=owner_id")) == [other]


async def test_a_filter_applies_to_children_and_nested_lists(api: Api) -> None:
    child = await api.create_account("Child")
    await api.create_account("Other")
    assert ids(await api.get(f"{api.account}/children?filter_name=Child")) == [child]
    assert ids(await api.get(f"{api.account}/descendants?filter_not_name=Other")) == [child]


PRIVATE = (
    *("pvt_type", "pvt_account_id", "pvt_created", "pvt_auth_account_id", "pvt_md5_auth"),
    *("pvt_login_marks", "pvt_login_marks.1", "pvt_signature_secret", "pvt_request_id"),
    *("pvt_api_key_sealed", "pvt_api_key_marks.1", "pvt_tree", "_rev", "_id", "pvt_", "_"),
)


@pytest.mark.parametrize("field", PRIVATE)
async def test_private_fields_can_be_neither_read_nor_tested(api: Api, field: str) -> None:
    await api.create_account("Child")
    store, services = api.gateway.services.store, api.gateway.services
    account = await services.accounts.get(api.master.account_id)
    assert account is not None
    assert store is services.store
    for path in (f"{api.account}/users", f"{api.account}/children"):
        everything = ids(await api.get(path))
        assert everything
        for query, expected in (
            (f"has_key={field}", []),
            (f"has_value={field}", []),
            (f"key_missing={field}", everything),
            (f"value_missing={field}", everything),
            (f"filter_{field}=", everything),
            (f"filter_not_{field}=", []),
            (f"filter_{field}={api.master.account_id}", []),
            (f"filter_{field}=user", []),
            (f"filter_not_{field}=user", everything),
        ):
            assert ids(await api.get(f"{path}?{query}")) == expected, query


async def test_a_public_field_within_an_object_may_be_called_private(api: Api) -> None:
    path = f"{api.account}/menus"
    [one] = await create_all(api, path, [{"name": "x", "mine": {"pvt_x": "1", "_y": "2"}}])
    assert ids(await api.get(f"{path}?filter_mine.pvt_x=1&filter_mine._y=2")) == [one]


USER = {"first_name": "Ann", "last_name": "Lee"}

SERVED = {
    f"{family.noun}-{index.path}": (family, index)
    for family in COLLECTIONS
    if family.scopes
    for index in family.indexes
    if isinstance(index, FieldIndex)
}


class TestLimited:
    """Lists that may look at few documents in vain."""

    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"lists.scan_limit": 4}

    @pytest.mark.parametrize(("family", "index"), SERVED.values(), ids=SERVED)
    async def test_a_declared_index_serves_the_list(
        self, api: Api, family: Collection, index: FieldIndex
    ) -> None:
        account_id, kind = api.master.account_id, family.doc_type
        keys = [Key(account_id, kind, f"{number:032x}") for number in range(6)]
        puts = [put_of(family, key, _stored(key, index.path), None) for key in keys]
        wanted = _value(keys[5], index.path)
        await api.gateway.services.store.commit(Batch(puts=tuple(puts)))
        listed = f"{api.account}/{family.noun}"
        assert ids(await api.get(f"{listed}?filter_{index.path}=other")) == []
        found = await api.get(f"{listed}?filter_{index.path}={wanted}")
        assert ids(found) == [keys[5].doc_id]
        refused = (await api.get(f"{listed}?filter_colour=red")).expect(416)
        assert f"filter_{index.path}" in refused.data["indexed"]

    async def test_a_list_of_its_own_kind_names_no_index(self, api: Api) -> None:
        for number in range(5):
            await api.create_account(f"Below {number}")
        listed = f"{api.account}/descendants"
        refused = (await api.get(f"{listed}?filter_name=nobody")).expect(416)
        assert refused.data["filters"] == ["filter_name"]
        assert refused.data["indexed"] == []

    async def test_a_list_below_a_document_names_no_index(self, api: Api) -> None:
        owner = (await api.put(f"{api.account}/users", USER)).expect(201).data["id"]
        for number in range(5):
            device = {"name": f"Phone {number}", "owner_id": owner}
            (await api.put(f"{api.account}/devices", device)).expect(201)
        listed = f"{api.account}/users/{owner}/devices"
        refused = (await api.get(f"{listed}?filter_device_type=fax")).expect(416)
        assert refused.data["indexed"] == []


def _value(key: Key, path: str) -> str:
    """What only the document with this key has at a path: ids are long, boxes' numbers short."""
    return key.doc_id if path.endswith("_id") else key.doc_id[-4:]


def _stored(key: Key, path: str) -> dict[str, Any]:
    """A live document that has only what a list is filtered by."""
    text = _value(key, path)
    value: Any = [text] if path == "numbers" else text
    for name in reversed(path.split(".")):
        value = {name: value}
    private = {"pvt_type": key.doc_type, "pvt_account_id": key.account_id}
    return {"_id": key.doc_id, "_rev": "1-a", **private, **value}
