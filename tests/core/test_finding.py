"""Filters find the same with an index and without one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.bootstrap import indexes_of, note_indexes
from crossbar.core import recipes
from crossbar.core.change import put_of
from crossbar.core.finding import MANY_TEXTS, entries_for, hints_of, index_names
from crossbar.core.requests import Action, Query
from crossbar.core.services import Services
from crossbar.core.shapes import LONGEST_ENTRY, field_index
from crossbar.errors import TooMuchToSearch
from crossbar.filtering import parse_filters
from crossbar.storage import Batch, Entry, Hint, Key
from tests.core.test_service import cats, request

FAMILY = cats(indexes=(field_index("name"), field_index("owner.id", name="owned")))
READY = index_names([FAMILY])

TEXT = st.sampled_from(["", "a", "b", "ab", "5", "true", "1.5", "null", "é", "[]", '"a"', '["a"]'])
LONG = st.sampled_from(["x" * LONGEST_ENTRY, "x" * LONGEST_ENTRY + "y", "x" * LONGEST_ENTRY + "z"])
VALUE = st.one_of(
    TEXT,
    LONG,
    st.sampled_from(
        [5, 0, True, False, None, 1.5, 2**63, [], ["a"], ["a", "b"], [5], {}, {"a": 1}]
    ),
)
FIELDS = st.fixed_dictionaries(
    {}, optional={"name": VALUE, "owner": st.fixed_dictionaries({"id": VALUE})}
)
WANTED = st.one_of(TEXT, LONG, st.sampled_from(["0", "false", '{"a":1}', "9223372036854775808"]))


@given(
    documents=st.lists(FIELDS, max_size=8),
    asked=st.lists(
        st.tuples(
            st.sampled_from(["filter_name", "filter_owner.id", "filter_not_name", "has_key"]),
            st.one_of(WANTED, st.just("name")),
        ),
        min_size=1,
        max_size=3,
    ),
)
@settings(max_examples=200, deadline=None)
def test_an_index_holds_all_that_a_filter_keeps(
    documents: list[dict[str, Any]], asked: list[tuple[str, str]]
) -> None:
    filters = parse_filters(asked)
    entries = set(entries_for(FAMILY, filters, READY))
    for document in documents:
        stored = {**document, "_id": "c", "_rev": "1-a"}
        if all(each(stored) for each in filters):
            assert entries <= set(put_of(FAMILY, Key("a", "cat", "c"), stored, None).entries)


def test_only_an_index_that_holds_everything_is_used() -> None:
    filters = parse_filters([("filter_colour", "red"), ("filter_owner.id", "o")])
    assert entries_for(FAMILY, filters, READY) == [Entry("owned", "o")]
    assert entries_for(FAMILY, filters, frozenset()) == []
    both = parse_filters(
        [("filter_name", "Tom"), ("filter_owner.id", "o"), ("filter_name", "Tim")]
    )
    assert entries_for(FAMILY, both, READY) == [Entry("name", "Tim"), Entry("owned", "o")]
    several = parse_filters([("filter_name", '["Tom","Tim"]')])
    assert entries_for(FAMILY, several, READY) == []
    assert entries_for(FAMILY, parse_filters([("filter_name", "")]), READY) == []


class TestLimited:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"lists.scan_limit": 5}

    async def test_what_no_index_narrows_is_searched_only_so_far(self, services: Services) -> None:
        for number in range(6):
            made = request(services, Action.CREATE, FAMILY, data={"name": f"Tom{number}"})
            await recipes.create(made)
        unindexed = Query(filters=parse_filters([("filter_name", "Tom5"), ("has_key", "x")]))
        listed = request(services, Action.LIST, FAMILY, query=unindexed)
        with pytest.raises(TooMuchToSearch) as refused:
            await recipes.list_documents(listed)
        assert refused.value.data["filters"] == ["filter_name", "has_key"]
        assert refused.value.data["indexed"] == []
        whole = replace(listed, query=replace(unindexed, paginate=False))
        with pytest.raises(TooMuchToSearch):
            await recipes.list_documents(whole)
        ready = replace(services, indexed=READY)
        found = request(
            ready,
            Action.LIST,
            FAMILY,
            query=Query(filters=parse_filters([("filter_name", "Tom5")])),
        )
        assert [row["name"] for row in (await recipes.list_documents(found)).data] == ["Tom5"]
        unserved = Query(filters=parse_filters([("has_key", "x")]))
        with pytest.raises(TooMuchToSearch) as refused:
            await recipes.list_documents(replace(found, query=unserved))
        assert refused.value.data["indexed"] == ["filter_name", "filter_owner.id"]

    async def test_of_several_indexes_the_narrowest_is_walked(self, services: Services) -> None:
        for number in range(8):
            data = {"name": f"Tom{number}", "owner": {"id": "o"}}
            await recipes.create(request(services, Action.CREATE, FAMILY, data=data))
        ready = replace(services, indexed=READY)
        for order in (1, -1):
            asked = parse_filters([("filter_owner.id", "o"), ("filter_name", "Tom5")][::order])
            listed = request(ready, Action.LIST, FAMILY, query=Query(filters=asked))
            found = (await recipes.list_documents(listed)).data
            assert [row["name"] for row in found] == ["Tom5"]


async def test_what_a_store_has_is_noted(services: Services) -> None:
    assert await indexes_of(services.store) >= {"user username", "callflow numbers"}
    assert services.indexed == await indexes_of(services.store)
    await note_indexes(services.store, READY)
    await note_indexes(services.store, READY)
    assert await indexes_of(services.store) == READY


async def test_a_store_that_nobody_has_used_has_no_indexes(services: Services) -> None:
    await services.store.commit(Batch(purge=("system",)))
    await note_indexes(services.store, READY)
    assert await indexes_of(services.store) == frozenset()


def test_a_store_is_told_what_all_wanted_documents_have() -> None:
    asked = {"filter_a.b": "x", "filter_c": "", "filter_not_d": "x", "filter_e.1": "x"}
    asked |= {"filter_any_f": '["x","y"]', "filter_id": "z", "has_key": "g", "created_from": "5"}
    many = str([f"{at}" for at in range(MANY_TEXTS + 1)]).replace("'", '"')
    filters = parse_filters([*asked.items(), ("filter_any_h", many)])
    assert hints_of(filters) == (
        Hint(("a", "b"), frozenset({"x"})),
        Hint(("f",), frozenset({"x", "y"})),
        Hint(("_id",), frozenset({"z"})),
        Hint(("g",)),
        Hint(("h",)),
    )


@pytest.mark.parametrize(
    "path", ["sip.password", "sip", "sip.password.a", "password", "pin", "sip.username"]
)
def test_of_secrets_a_store_is_told_nothing(path: str) -> None:
    filters = parse_filters([(f"filter_{path}", "x")])
    assert bool(hints_of(filters, ["sip.password", "pin"])) is (path == "sip.username")
    assert hints_of(filters)
