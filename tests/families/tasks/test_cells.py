"""Documents as rows: what the schema names comes back as it was."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.core.tables import cells_of, encoded
from crossbar.documents import Document
from crossbar.families.tasks.cells import columns_of, document_of, row_of
from crossbar.validation import Schemas

SCHEMAS = Schemas()
DEVICES = columns_of(SCHEMAS, "devices")

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8)
NUMBERS = st.integers(-(10**17), 10**17)
JSON = st.recursive(
    st.one_of(TEXT, NUMBERS, st.booleans()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
OPTIONAL: dict[str, Any] = {
    "name": TEXT,
    "enabled": st.booleans(),
    "flags": st.lists(TEXT, max_size=3),
    "sip": st.fixed_dictionaries(
        {},
        optional={
            "username": TEXT,
            "expire_seconds": NUMBERS,
            "custom_sip_headers": st.fixed_dictionaries(
                {}, optional={"in": st.dictionaries(TEXT, TEXT, min_size=1, max_size=3)}
            ),
        },
    ),
    "provision": st.fixed_dictionaries({}, optional={"combo_keys": st.dictionaries(TEXT, JSON)}),
    "media": st.fixed_dictionaries(
        {},
        optional={
            "audio": st.fixed_dictionaries({}, optional={"codecs": st.lists(TEXT, max_size=3)})
        },
    ),
    "unknown_list": st.lists(JSON, max_size=3),
}


def test_columns_are_the_leaves_of_a_schema() -> None:
    assert DEVICES["name"] == {"string"}
    assert DEVICES["sip.expire_seconds"] == {"integer"}
    assert DEVICES["call_forward.enabled"] == {"boolean"}  # of another schema
    assert DEVICES["media.audio.codecs"] == {"array"}
    assert "sip" not in DEVICES
    callflows = columns_of(SCHEMAS, "callflows")
    assert any(path.startswith("flow") for path in callflows), "which contains itself"


@given(st.fixed_dictionaries({}, optional=OPTIONAL))
@settings(max_examples=150, deadline=None)
def test_a_document_becomes_cells_and_a_document_again(document: Document) -> None:
    row = row_of(DEVICES, document)
    columns = [*row]
    line = encoded([[row[name] for name in columns]]).decode()
    cells = dict(zip(columns, cells_of(line), strict=True)) if columns else {}
    assert document_of(DEVICES, {name: cell for name, cell in cells.items() if cell}) == document


def test_what_a_cell_cannot_be_is_left_for_the_schema_to_judge() -> None:
    document = document_of(
        DEVICES,
        {
            "enabled": "perhaps",
            "sip.expire_seconds": "soon",
            "flags": "[a",
            "own": "{a",
            "name.first": "x",
            "name": "y",
        },
    )
    assert document == {
        "enabled": "perhaps",
        "sip": {"expire_seconds": "soon"},
        "flags": "[a",
        "own": "{a",
        "name": {"first": "x"},
    }


def test_a_switch_that_may_be_text_comes_back_as_it_was() -> None:
    menus = columns_of(SCHEMAS, "menus")
    for value in (False, True, "abc"):
        document = {"media": {"invalid_media": value}}
        assert document_of(menus, row_of(menus, document)) == document
