"""Bodies to send: the least that a row of each component needs."""

from __future__ import annotations

from typing import Any

from crossbar.app import PERSONNEL
from crossbar.core.registry import Operation
from crossbar.core.requests import Action
from crossbar.personnel.components import COLLECTIONS, COMPONENTS
from crossbar.personnel.endpoints import Endpoint
from crossbar.personnel.shapes import Component, Field
from tests.dialects.v1.support import Client

WRITABLE = tuple(each for each in COLLECTIONS if each.noun != "newsfeed")
"""The components whose rows have something to write."""

VERBS = {
    Action.LIST: "GET",
    Action.FETCH: "GET",
    Action.CREATE: "POST",
    Action.PATCH: "PATCH",
    Action.DELETE: "DELETE",
}

SPECIAL: dict[str, Any] = {
    "color": "info",
    "slug": "a-form",
    "text_color": "#fff",
    "bg_color": "#001122",
    "email": "ann@example.org",
    "name": "Ann Lee",
    "start": "2027-03-01T10:00:00.000000Z",
    "end": "2027-03-01T12:00:00.000000Z",
}
KINDS: dict[str, Any] = {
    "text": "some text",
    "integer": 1,
    "boolean": True,
    "time": "2027-02-01T10:00:00.000000Z",
    "array": ["MO"],
    "object": {"a": "b"},
}

USER = 1
"""The number that the only user of a new account gets."""


def value_of(field: Field) -> Any:
    """A value that the column takes."""
    if "enum" in field.schema:
        return field.schema["enum"][0]
    return SPECIAL.get(field.name, KINDS[field.kind])


def written(component: Component) -> list[Field]:
    """The columns that a JSON body may set."""
    return [
        each
        for each in component.fields
        if each.write and each.name not in ("profile_photo", "cover_photo")
    ]


async def full_body(
    client: Client, component: Component, *, least: bool = False
) -> dict[str, Any]:
    """A body that sets every column, or those that it must; what it refers to is made first."""
    body: dict[str, Any] = {}
    for field in written(component):
        if least and not field.required:
            continue
        if field.refers == "users":
            await client.get("/users")
            body[field.name] = USER
        elif field.refers:
            body[field.name] = await row_of(client, COMPONENTS[field.refers])
        else:
            body[field.name] = value_of(field)
    return body


async def row_of(client: Client, component: Component) -> int:
    """The id of a row: the first one, or a new one."""
    rows = (await client.get(f"/{component.noun}?limit=1")).expect(200).data
    if rows:
        return int(rows[0]["id"])
    body = await full_body(client, component, least=True)
    return int((await client.post(f"/{component.noun}", body)).expect(201).data["id"])


def operations() -> list[Operation]:
    """Every operation of v1."""
    return list(PERSONNEL.operations())


def endpoint_of(operation: Operation) -> Endpoint:
    """The endpoint of an operation that has rows."""
    assert isinstance(operation.handler, Endpoint)
    return operation.handler


def path_of(operation: Operation, number: int = 999) -> str:
    """The path of an operation, with one id in all places."""
    return "/" + "/".join(
        str(number) if part.startswith("{") else part for part in operation.path[2:]
    )


def label(operation: Operation) -> str:
    """An operation in the name of a test."""
    return f"{VERBS[operation.action]} /{'/'.join(operation.path[2:])}"
