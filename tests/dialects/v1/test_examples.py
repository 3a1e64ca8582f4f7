"""The examples of the OpenAPI document are accepted, and its links lead to what there is."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from crossbar.app import PERSONNEL
from crossbar.dialects.v1.spec import Node, document
from crossbar.personnel.relations import RELATIONS, Kind
from tests.dialects.v1.support import Client, Reply
from tests.dialects.v1.walk import (
    FORM,
    FORM_TYPE,
    example_of,
    first_rows,
    takes_only_files,
)

ORDER = ("post", "get", "put", "patch", "delete")

CURRENT = {
    f"/v1/users/{{user}}/{each.name}": each for each in RELATIONS if each.kind is Kind.BELONGS_TO
}
"""The rows that a user's columns name; a new user has none."""

NEVER = {
    ("delete", "/v1/forms/{form}/submissions/{submission}/dissociate"),
    ("post", "/v1/events/{event}/images/batch"),
}
"""What is always refused: a submission without a form, and pictures without their files."""


@cache
def described() -> Node:
    return document(PERSONNEL)


@cache
def places() -> dict[str, tuple[str, str]]:
    """Method and path of each operation, by its name."""
    return {
        operation["operationId"]: (method, path)
        for path, item in described()["paths"].items()
        for method, operation in item.items()
    }


def _unused(body: Any, number: int) -> Any:
    """The body with what no two rows may have in common preceded by a number."""
    if isinstance(body, list):
        return [_unused(each, number) for each in body]
    if not isinstance(body, dict):
        return body
    return {
        name: f"{number}-{value}" if name in ("email", "slug") else _unused(value, number)
        for name, value in body.items()
    }


@dataclass
class Walk:
    """Asks with examples, and remembers what was asked."""

    client: Client
    reached: set[tuple[str, str]] = field(default_factory=set)

    async def ask(self, method: str, path: str, params: dict[str, Any]) -> Reply:
        """Ask for an operation, which succeeds."""
        operation = described()["paths"][path][method]
        at = path.removeprefix("/v1").format_map(params)
        if takes_only_files(operation):
            reply = await self.client.request(method.upper(), at, data=FORM, **FORM_TYPE)
        else:
            body = _unused(example_of(described(), method, path), len(self.reached))
            reply = await self.client.request(method.upper(), at, body)
        assert reply.status in (200, 201), (method, path, reply.status, reply.content)
        assert str(reply.status) in operation["responses"]
        self.reached.add((method, path))
        return reply

    async def follow(self, path: str) -> None:
        """Make a row and do with it what the links of the answer offer; remove it in the end."""
        here = dict.fromkeys(_params(path), 1)
        links = described()["paths"][path]["post"]["responses"]["201"]["links"]
        made = await self.ask("post", path, here)
        for name in sorted(links, key=lambda name: _constructive_first(places()[name])):
            method, target = places()[name]
            if target in CURRENT or (method, target) in NEVER:
                continue
            told = {
                param: here[param] if expression.startswith("$request") else made.data["id"]
                for param, expression in links[name]["parameters"].items()
            }
            await self.ask(method, target, told)
            if target.endswith("/dissociate"):
                made = await self.ask("post", path, here)

    async def change_current(self, path: str, method: str) -> None:
        """Ask about the row that a user's column names, after making one."""
        base = next(each for each in CURRENT if path.startswith(each))
        relation = CURRENT[base]
        component = relation.place.component
        row = await self.ask("post", f"/v1/{component.noun}", {})
        number = row.data["id"]
        (await self.client.patch("/users/1", {relation.place.column: number})).expect(200)
        await self.ask(method, path, {"user": 1, component.param: number})


def _params(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _constructive_first(place: tuple[str, str]) -> tuple[int, bool, int, str]:
    method, path = place
    return ORDER.index(method), path.endswith("/batch"), -path.count("/"), path


async def test_every_operation_succeeds_with_its_example(v1: Client) -> None:
    for method, path, body in first_rows(described()):
        reply = await v1.request(method, path.removeprefix("/v1"), body)
        assert reply.status in (200, 201), (method, path, reply.content)
    spare = await v1.make("/awards", name="With the first picture")
    at = f"/awards/{spare['id']}/image"
    made = (await v1.request("POST", at, data=FORM, **FORM_TYPE)).expect(201)
    names = ("owner_id", "doc_type", "doc_id", "file_id")
    picture = dict(zip(names, made.data["image_url"].split("/")[-4:], strict=True))
    walk = Walk(v1)
    for path, item in described()["paths"].items():
        if "201" in item.get("post", {}).get("responses", {}):
            await walk.follow(path)
    every = {*places().values()} - NEVER
    left = every - walk.reached
    for method, path in sorted(left, key=_constructive_first):
        if path.startswith(tuple(CURRENT)):
            await walk.change_current(path, method)
        else:
            params = dict.fromkeys(_params(path), 1)
            await walk.ask(method, path, picture if path.startswith("/v1/files") else params)
    assert walk.reached == every
