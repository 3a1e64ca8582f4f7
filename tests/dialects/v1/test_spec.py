"""The OpenAPI document of v1: valid, complete, and true of what is answered."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import yaml
from openapi_spec_validator import validate

from crossbar.app import PERSONNEL
from crossbar.dialects.v1.spec import METHODS, document
from crossbar.personnel.endpoints import MAY_LEAVE_OUT_ID
from crossbar.personnel.relations import RELATIONS
from tests.conftest import Api
from tests.dialects.v1.kit import operations
from tests.dialects.v1.support import Client


@cache
def described() -> Any:
    return document(PERSONNEL)


def test_it_is_a_valid_openapi_document() -> None:
    validate(described())
    assert described()["openapi"] == "3.0.3"


def test_it_describes_every_operation_and_no_other() -> None:
    offered = {
        (method, "/v1/" + "/".join(operation.path[2:]))
        for operation in operations()
        for method in METHODS[operation.action]
    }
    paths = described()["paths"]
    assert {(method, path) for path, item in paths.items() for method in item} == offered


def test_there_are_as_many_operations_as_published() -> None:
    """472 on 246 paths, where a path whose last id may be left out counts as one (section 7)."""
    bases = {
        (path.parent.noun, f"{{{path.parent.param}}}", path.name)
        for path in RELATIONS
        if path.kind in MAY_LEAVE_OUT_ID
    }
    found = [operation for operation in operations() if operation.family.noun != "files"]
    counted = [
        operation
        for operation in found
        if operation.path[2:] not in bases or operation.action.value == "create"
    ]
    assert len(counted) == 472
    assert len({operation.path for operation in counted}) == 246
    assert (len(found), len({operation.path for operation in found})) == (496, 251)


def test_operations_have_names_of_their_own() -> None:
    names = Counter(
        operation["operationId"]
        for item in described()["paths"].values()
        for operation in item.values()
    )
    assert [name for name, times in names.items() if times > 1] == []


def test_every_column_is_described() -> None:
    schemas = described()["components"]["schemas"]
    nameless = [
        (model, name)
        for model, schema in schemas.items()
        if model.endswith("Resource")
        for name, column in schema["properties"].items()
        if not column.get("description")
    ]
    assert nameless == []


async def test_it_is_served_as_yaml_to_anybody(api: Api) -> None:
    async with api.client.get("/v1/spec.yaml") as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/yaml")
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        content = await response.read()
    assert yaml.load(content, Loader=yaml.CSafeLoader) == described()


async def test_its_page_is_where_the_original_has_it(api: Api) -> None:
    async with api.client.get("/documentation/api") as response, api.client.get("/docs/v1") as own:
        assert await response.read() == await own.read()
        assert 'data-document="/v1/spec.yaml"' in await response.text()


async def test_what_is_answered_is_as_described(v1: Client) -> None:
    """The keys of a row are those of its schema."""
    schemas = described()["components"]["schemas"]
    rank = await v1.make("/ranks", name="Private")
    assert rank.keys() == schemas["RankResource"]["properties"].keys()
    (user,) = (await v1.get("/users")).data
    assert user.keys() == schemas["UserResource"]["properties"].keys()
    page = (await v1.get("/ranks")).body
    assert page["meta"].keys() == schemas["ResourceMeta"]["properties"].keys()
    error = (await v1.get("/ranks/9")).body["error"]
    assert error.keys() <= schemas["Error"]["properties"]["error"]["properties"].keys()
