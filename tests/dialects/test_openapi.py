"""The OpenAPI document of /v2: valid, complete, and served to everybody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from crossbar.app import REGISTRY
from crossbar.core.registry import Operation
from crossbar.core.requests import Action
from crossbar.core.shapes import Access
from crossbar.dialects.v2 import openapi
from crossbar.dialects.v2.verbs import VERB_OF
from tests.conftest import Api
from tests.described import complaint

DOCUMENT: dict[str, Any] = json.loads(openapi.content(REGISTRY))
OPERATIONS = list(REGISTRY.operations())


def described(operation: Operation) -> Any:
    return DOCUMENT["paths"][operation.template][VERB_OF[operation.action].lower()]


def test_it_is_a_valid_document() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_it_describes_what_the_registry_has_and_nothing_else() -> None:
    served = {(each.template, VERB_OF[each.action].lower()) for each in OPERATIONS}
    shown = {(path, verb) for path, item in DOCUMENT["paths"].items() for verb in item}
    assert shown == served
    names = [described(each)["operationId"] for each in OPERATIONS]
    assert len({*names}) == len(names) >= 460


def test_each_operation_says_whose_and_what_it_is() -> None:
    for operation in OPERATIONS:
        shown = described(operation)
        assert shown["tags"] == [operation.family.noun] == [shown["x-crossbar-family"]]
        assert shown["x-crossbar-action"] == operation.action
        assert shown["summary"] == operation.about
        assert ("security" in shown) == (operation.access is Access.PUBLIC)
        named = [each["$ref"].rpartition("/")[2] for each in shown["parameters"]]
        shown_parameters = [DOCUMENT["components"]["parameters"][name] for name in named]
        params = [each["name"] for each in shown_parameters if each["in"] == "path"]
        assert params == [part[1:-1] for part in operation.path if part.startswith("{")]


def test_a_create_is_answered_with_201() -> None:
    for operation in OPERATIONS:
        is_create = operation.action is Action.CREATE
        assert ("201" in described(operation)["responses"]) == is_create
        assert ("200" in described(operation)["responses"]) != is_create


def test_lists_name_their_columns_and_schema() -> None:
    shown = DOCUMENT["paths"]["/accounts/{account_id}/users"]["get"]
    assert shown["x-crossbar-columns"][:3] == ["id", "features", "username"]
    assert shown["x-crossbar-schema"] == "users"
    names = {each["$ref"].rpartition("/")[2] for each in shown["parameters"]}
    assert {"page_size", "start_key", "full_docs", "filters"} <= names


def test_schemas_refer_to_components_that_there_are() -> None:
    text = json.dumps(DOCUMENT)
    schemas = DOCUMENT["components"]["schemas"]
    assert '"$id"' not in text
    for reference in {part.partition('"')[0] for part in text.split('"$ref": "')[1:]}:
        assert reference.startswith("#/components/"), reference
        kind, name = reference.split("/")[2:4]
        assert name in DOCUMENT["components"][kind], reference
    assert {"users", "users.changes", "users.shown", "Success", "Refusal"} <= schemas.keys()


def test_changes_may_be_partial_and_remove_keys() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert "required" in schemas["users"]
    changes = schemas["users.changes"]
    assert "required" not in changes
    assert changes["properties"]["first_name"]["type"] == ["string", "null"]
    assert changes["properties"]["call_forward"]["type"] == ["object", "null"]


async def test_lists_with_pages_say_so_and_others_do_not(api: Api) -> None:
    tried = 0
    for operation in OPERATIONS:
        if operation.action is Action.LIST and "{" not in "".join(operation.path[2:]):
            path = operation.template.replace("{account_id}", api.master.account_id)
            answer = await api.get(f"/v2{path}?page_size=1")
            refs = [each["$ref"] for each in described(operation)["parameters"]]
            is_said = "#/components/parameters/page_size" in refs
            if answer.status == 200 and "parents" not in path:
                assert ("page_size" in answer.body) == is_said, path
                tried += 1
    assert tried >= 40


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_it_is_served_to_anybody(api: Api, encoding: str) -> None:
    headers = {"Accept-Encoding": encoding}
    async with api.client.get("/v2/openapi.json", headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers.get("Content-Encoding", "identity") == encoding
        assert await answer.json() == DOCUMENT
        known = {"If-None-Match": answer.headers["ETag"]}
    async with api.client.get("/v2/openapi.json", headers=known) as answer:
        assert answer.status == 304
    async with api.client.post("/v2/openapi.json") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("verb", "path", "status", "media_type", "body", "expected"),
    [
        ("GET", "/v2/about", 418, "application/json", {}, "status 418 is not described"),
        ("GET", "/v2/schemas", 200, "text/html", None, "text/html is not described"),
        ("GET", "/v2/schemas", 204, "application/json", {}, "an envelope with status 204"),
        ("GET", "/v2/schemas", 404, "application/json", {}, '"error" is a required property'),
        ("GET", "/v2/schemas", 200, "application/json", {"data": [5]}, "data/0: 5 is not of type"),
        ("GET", "/v2/schemas", 500, "application/json", {}, '"error" is a required'),
        ("GET", "/v2/nothing", 404, "application/json", {}, None),
    ],
)
def test_the_comparison_of_answers_finds_what_is_not_described(
    verb: str, path: str, status: int, media_type: str, body: Any, expected: str | None
) -> None:
    found = complaint(verb, path, status, media_type, body)
    assert (found is None) == (expected is None)
    assert (expected or "") in (found or "")
