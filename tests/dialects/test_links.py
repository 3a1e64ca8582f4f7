"""Links and examples of the OpenAPI documents of all dialects: they name what there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from crossbar.app import PERSONNEL, REGISTRY
from crossbar.dialects.v1 import spec
from crossbar.dialects.v1_1 import openapi as v1_1
from crossbar.dialects.v2 import openapi as v2
from tests.conftest import Api

DOCUMENTS: dict[str, Any] = {
    "v1": spec.document(PERSONNEL),
    "v1.1": json.loads(v1_1.content()),
    "v2": json.loads(v2.content(REGISTRY)),
}


@pytest.fixture(params=DOCUMENTS)
def document(request: pytest.FixtureRequest) -> Any:
    return DOCUMENTS[request.param]


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def links(operation: Any) -> dict[str, Any]:
    """The links of every answer of an operation."""
    found: dict[str, Any] = {}
    for response in operation["responses"].values():
        found |= response.get("links", {})
    return found


def in_path(path: str) -> set[str]:
    parts = path.replace(".json", "").split("/")
    return {part[1:-1] for part in parts if part.startswith("{")}


def test_links_fill_the_paths_of_operations_that_there_are(document: Any) -> None:
    paths = {each["operationId"]: path for _, path, each in operations(document)}
    for method, path, operation in operations(document):
        for link in links(operation).values():
            target = paths[link["operationId"]]
            assert link["parameters"].keys() == in_path(target), (method, path, target)
            told = {*link["parameters"].values()}
            asked = {each for each in told if each.startswith("$request.path.")}
            assert {each.rpartition(".")[2] for each in asked} <= in_path(path)
            assert all(each.startswith("$response.body#/") for each in told - asked)
            assert told - asked, (method, path, target)


def test_parameters_of_paths_have_examples(document: Any) -> None:
    shared = document["components"].get("parameters", {})
    for method, path, operation in operations(document):
        named = [
            shared[each["$ref"].rpartition("/")[2]] if "$ref" in each else each
            for each in operation["parameters"]
        ]
        shown = {each["name"] for each in named if each["in"] == "path" and "example" in each}
        assert shown == in_path(path), (method, path)


def test_bodies_have_examples(document: Any) -> None:
    """Wherever the document says what is sent as JSON."""
    nameless = [
        (method, path)
        for method, path, operation in operations(document)
        if "application/json" in operation.get("requestBody", {}).get("content", {})
        and "example" not in operation["requestBody"]["content"]["application/json"]
        and "x-crossbar-family" not in operation
    ]
    assert nameless == []


CREATING = [
    (path, operation)
    for method, path, operation in operations(DOCUMENTS["v2"])
    if method == "put" and links(operation) and in_path(path) <= {"account_id"}
]


@pytest.mark.parametrize(("path", "operation"), CREATING, ids=[path for path, _ in CREATING])
async def test_links_of_v2_lead_to_what_was_created(api: Api, path: str, operation: Any) -> None:
    account_id = api.master.account_id
    example = operation["requestBody"]["content"]["application/json"]["example"]["data"]
    made = await api.put(f"/v2{path}".format(account_id=account_id), example)
    made.expect(201)
    paths = {each["operationId"]: (way, at) for way, at, each in operations(DOCUMENTS["v2"])}
    followed = 0
    for link in links(operation).values():
        method, target = paths[link["operationId"]]
        params = {
            name: account_id if expression.startswith("$request") else made.data["id"]
            for name, expression in link["parameters"].items()
        }
        if method == "get" and target.count("/") == path.count("/") + 1:
            (await api.get(f"/v2{target}".format(**params))).expect(200)
            followed += 1
    assert followed == 1
