"""A write on its way: what it claims, where it is listed, what it announces."""

from __future__ import annotations

from typing import Any

from crossbar.core.change import claims_of, put_of
from crossbar.core.shapes import (
    Collection,
    Index,
    Scope,
    Singleton,
    Unique,
    defaulted,
    field_index,
    renamed,
)
from crossbar.storage import SYSTEM, Claim, Entry, Key

KEY = Key("a" * 32, "cat", "c" * 32)


def collection(**more: Any) -> Collection:
    return Collection(noun="cats", doc_type="cat", schema="cats", summary=(), **more)


def test_a_claim_is_the_accounts_or_the_systems() -> None:
    names = Unique(path="name", values=lambda document: [document["name"]], message="taken")
    chips = Unique(
        path="chip",
        values=lambda document: [document["chip"], document["chip"]],
        message="taken",
        within=Scope.SYSTEM,
        space="chips",
    )
    family = collection(unique=(names, chips))
    document = {"_id": KEY.doc_id, "name": "Tom", "chip": "1", "_rev": "1-x"}
    name, chip = Claim("cat.name", KEY.account_id, "Tom"), Claim("chips", SYSTEM, "1")
    assert list(claims_of(family, KEY, document)) == [name, chip, chip]
    assert put_of(family, KEY, document, None).claims == [name, chip]


def test_a_document_is_listed_and_found_as_its_family_says() -> None:
    family = collection(
        order=lambda document: str(document["name"]),
        indexes=(field_index("owner.id"), Index(name="tag", values=lambda _: ("x", "x"))),
    )
    tom = {"_id": KEY.doc_id, "name": "Tom"}
    put = put_of(family, KEY, {**tom, "owner": {"id": "o"}}, "1-x")
    assert put.sort == "Tom"
    assert put.entries == [Entry("owner.id", "o"), Entry("tag", "x")]
    assert put.expected == "1-x"
    number = put_of(family, KEY, {**tom, "owner": {"id": 5}}, None)
    assert number.entries == [Entry("owner.id", "5"), Entry("tag", "x")]


def test_a_deleted_document_is_not_listed_and_claims_nothing() -> None:
    names = Unique(path="name", values=lambda _: ["Tom"], message="taken")
    family = collection(unique=(names,), indexes=(field_index("name"),))
    put = put_of(family, KEY, {"name": "Tom", "pvt_deleted": True}, "1-x")
    assert put.sort is None
    assert not put.entries
    assert not put.claims


def test_a_singleton_claims_nothing() -> None:
    family = Singleton(noun="limits", doc_type="limits", schema="limits")
    put = put_of(family, KEY, {}, None)
    assert (put.sort, list(put.entries), list(put.claims)) == ("", [], [])


def test_columns_show_a_value_from_elsewhere_or_a_default() -> None:
    column = renamed("owner", "owner.id", "nobody")
    assert column.value({"owner": {"id": "o"}}) == "o"
    assert column.value({}) == "nobody"
    assert defaulted("legs", 4).value({}) == 4
