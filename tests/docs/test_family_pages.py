"""The pages of families: what they say of fields, operations and rules, and their examples."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from crossbar.core.registry import Operation, Registry
from crossbar.core.requests import Action
from crossbar.core.shapes import Access, Collection, Family, Hooks, Nesting, Route, Routes
from crossbar.dialects.examples import a_change, body, smallest
from crossbar.dialects.v2.verbs import VERB_OF
from crossbar.reference import family_pages as _family_pages
from crossbar.reference.family_examples import curl
from crossbar.reference.family_pages import SCHEMAS, nouns, pages, write
from crossbar.reference.markdown import cell
from crossbar.reference.schema_tables import field_table, rows
from crossbar.validation import Schemas
from tests.conftest import Api
from tests.each import for_each

ROOT = Path(__file__).parents[2]
MADE = pages(ROOT)
OPERATIONS = [operation for found in nouns().values() for operation in found]
SENT = [each for each in OPERATIONS if body(each, SCHEMAS) is not None]
CREATED = [
    each
    for each in SENT
    if isinstance(each.family, Collection)
    and each.action is Action.CREATE
    and each.path == ("accounts", "{account_id}", each.family.noun)
]


def label(operation: Operation) -> str:
    return f"{VERB_OF[operation.action]} {operation.template}"


def row_of(schema: dict[str, Any]) -> Any:
    (found,) = rows({"properties": {"a": schema}})
    return found


def test_every_noun_has_a_page_and_a_row_in_the_index() -> None:
    assert MADE.keys() == {"README.md", *(f"{noun}.md" for noun in nouns())}
    for noun, found in nouns().items():
        row = next(line for line in MADE["README.md"].splitlines() if f"({noun}.md)" in line)
        assert row.endswith(f" | {len(found)} |")
        assert len(row) > len(f"| [{noun}]({noun}.md) |  | 1 |") + 5, "no description"


@for_each(OPERATIONS, label)
def test_every_operation_is_on_its_page(operation: Operation) -> None:
    page = MADE[f"{operation.family.noun}.md"]
    if f"| {VERB_OF[operation.action]} | `/v2{operation.template}` |" not in page:
        below = f"`{'/'.join(operation.path[2 : operation.depth - 1])}`"
        assert re.search(rf"^Also below [^:]*{re.escape(below)}", page, re.MULTILINE)


@for_each(sorted(MADE))
def test_tables_have_as_many_cells_in_every_row(name: str) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", MADE[name], re.MULTILINE):
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(counts) == 1


@for_each(sorted(MADE))
def test_pages_refer_to_no_other_papers(name: str) -> None:
    assert not re.search(r"§|resources/\w+\.md|:\w+:`|``", MADE[name].replace("```", ""))


@pytest.mark.parametrize(
    ("schema", "type_", "bounds"),
    [
        ({"type": "string", "minLength": 1, "maxLength": 8}, "string", "1 to 8 characters"),
        ({"type": "string", "maxLength": 1}, "string", "at most 1 character"),
        ({"type": "string", "minLength": 4, "maxLength": 4}, "string", "4 characters"),
        ({"type": "integer", "minimum": 0}, "integer", "at least 0"),
        ({"type": "array", "minItems": 2, "uniqueItems": True}, "array", "at least 2 items; no"),
        ({"enum": ["a", 1]}, "any", 'one of `"a"`, `1`'),
        ({"enum": list(range(99))}, "any", "one of 99 values; the schema lists them"),
        ({"type": "object", "additionalProperties": False}, "object", "no other keys"),
        ({"type": ["string", "null"]}, "string or null", ""),
        ({"$ref": "caller_id"}, "[caller_id](../../schemas/caller_id.json)", ""),
        (
            {"oneOf": [{"type": "integer"}, {"type": "string", "maxLength": 3}]},
            "integer or string",
            "string: at most 3 characters",
        ),
    ],
)
def test_a_field_in_words(schema: dict[str, Any], type_: str, bounds: str) -> None:
    row = row_of(schema)
    assert row.type == type_
    assert row.bounds.startswith(bounds)
    assert bool(row.bounds) == bool(bounds)


def test_fields_are_found_at_every_depth() -> None:
    inner = {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]}
    schema = {
        "properties": {"list": {"type": "array", "items": inner}, "map": {}},
        "patternProperties": {"^x": inner},
        "additionalProperties": {"type": "integer"},
        "anyOf": [{"properties": {"other": {"default": None}, "map": {"type": "null"}}}],
    }
    found = {row.path: row for row in rows(schema)}
    assert list(found) == ["list", "list[]", "list[].b", "map", "/^x/", "/^x/.b", "*", "other"]
    assert found["list[].b"].is_required
    assert not found["list[]"].is_required
    assert found["other"].default == "`null`"


def test_marks_are_escaped_in_tables() -> None:
    assert cell("a|b *97 <x> `*|<`\n") == "a\\|b \\*97 &lt;x> `*\\|<` "
    table = field_table({"properties": {"a": {"pattern": "^(a|b)*$"}}})
    assert table[-1] == "| `a` | any |  |  | matches `^(a\\|b)*$` |  |"


@for_each(SENT, label)
def test_schemas_accept_the_examples(operation: Operation) -> None:
    sent = body(operation, SCHEMAS)
    assert sent is not None
    if operation.action is Action.PATCH:
        sent = {**smallest(SCHEMAS[str(operation.schema)], SCHEMAS), **sent}
    _, errors = Schemas(strict=True).apply(str(operation.schema), sent)
    assert errors == {}


EMPTY_IS_AMBIGUOUS = {"storage.attachments.field"}
"""Nothing is required of any alternative, and no two may fit."""


@for_each(sorted(SCHEMAS.keys() - EMPTY_IS_AMBIGUOUS))
def test_the_smallest_document_of_a_schema_is_valid(name: str) -> None:
    _, errors = Schemas(strict=True).apply(name, smallest(SCHEMAS[name], SCHEMAS))
    assert errors == {}


@pytest.mark.parametrize("operation", CREATED, ids=label)
async def test_the_gateway_takes_the_examples(api: Api, operation: Operation) -> None:
    """One that is refused may need a row in ``crossbar.dialects.examples.ALSO_SENT``."""
    path = f"{api.account}/{operation.family.noun}"
    made = await api.put(path, body(operation, SCHEMAS))
    made.expect(201)
    patches = (each for each in SENT if each.action is Action.PATCH)
    patch = next((each for each in patches if each.path[:-1] == operation.path), None)
    if patch is not None:
        changed = await api.patch(f"{path}/{made.data['id']}", body(patch, SCHEMAS))
        changed.expect(200)


def test_commands_send_json_and_name_what_is_to_be_filled_in() -> None:
    commands = list(curl(nouns()["users"], SCHEMAS))
    verbs = [found[1] if (found := re.search("-X ([A-Z]+)", each)) else "GET" for each in commands]
    assert verbs == ["PUT", "GET", "GET", "PATCH", "DELETE"]
    assert "$U/v2/accounts/$A/users/$USER_ID" in commands[-1]
    data = re.search(r"-d '(.*)'", commands[0])
    assert data is not None
    assert json.loads(data[1]) == {"data": {"first_name": "Ann", "last_name": "Lee"}}
    login, *_ = curl(nouns()["user_auth"], SCHEMAS)
    assert "X-Auth-Token" not in login


def test_what_is_merged_turns_a_switch() -> None:
    schema = {"properties": {"a": {}, "b": {"type": "boolean", "default": True}}}
    assert a_change(schema) == {"b": False}
    assert a_change({}) is None


def test_every_stage_has_words() -> None:
    assert _family_pages.STAGES.keys() == {stage.name for stage in fields(Hooks)}
    assert _family_pages.MAY.keys() == set(Access)


async def _silent(_: Any) -> Any:
    raise NotImplementedError


async def _documented(_: int, __: Any) -> Any:
    """Takes the :class:`~crossbar.core.change.Change` along (§1, resources/odd.md)."""


ODD: tuple[Family, ...] = (
    Collection(
        noun="boxes",
        doc_type="box",
        schema="menus",
        summary=("name",),
        actions=frozenset({Action.FETCH}),
        nested=(Nesting(noun="users", doc_type="user", index="owner_id"),),
        hooks=Hooks(normalize=(_silent,), check=(partial(_documented, 1),)),
        routes=(
            Route(path="{box_id}/ring", action=Action.REPLACE, handler=_silent, about="Ring"),
        ),
    ),
    Routes(
        noun="odd", routes=(Route(path="", action=Action.LIST, handler=_silent, about="List"),)
    ),
)


def test_a_page_tells_only_what_is_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_family_pages, "REGISTRY", Registry(ODD))
    made = pages(tmp_path)
    assert made.keys() == {"README.md", "boxes.md", "odd.md"}
    assert "Also below `users/{user_id}`: all of these" in made["boxes.md"]
    assert "## Rules\n\n- Beyond the schema: Takes the `Change` along.\n\n" in made["boxes.md"]
    assert not re.search("## Documents|## In detail|A list shows|Deleted", made["boxes.md"])
    assert made["odd.md"].startswith("# odd\n\nWhat exists: the one explicit list of families.\n")


def test_what_is_the_same_below_many_documents_is_told_once() -> None:
    page = MADE["comments.md"]
    assert page.count("Also below ") == 1
    assert "`callflows/{callflow_id}`, `cccps/{cccp_id}`" in page
    told = "- GET `/v2/accounts/{account_id}/comments`, also below the nouns above: All comments."
    assert told in page
    assert max(map(len, page.split("## In detail")[1].splitlines())) < 500


def test_schemas_of_single_routes_do_not_describe_a_page() -> None:
    assert MADE["auth.md"].startswith("# auth\n\nTokens: ")
    assert MADE["user_auth.md"].startswith("# user_auth\n\nRequest for a token ")


def test_writing_removes_pages_of_families_that_are_gone(tmp_path: Path) -> None:
    folder = tmp_path / _family_pages.FOLDER
    (folder / "notes").mkdir(parents=True)
    (folder / "gone.md").write_text("old")
    (folder / "notes" / "menus.md").write_text("- A note.\n")
    write(tmp_path)
    assert {page.name for page in folder.glob("*.md")} == MADE.keys()
    assert (folder / "menus.md").read_text().endswith("\n## Notes\n\n- A note.\n")
