"""Asking for what the OpenAPI document of v1 describes, with the examples that it gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crossbar.dialects.v1.spec import Node
from crossbar.personnel.components import COLLECTIONS
from crossbar.personnel.relations import RELATIONS, Kind
from crossbar.personnel.shapes import Component

LEFT_FREE = {"forms": {"slug": "first"}}
"""Columns that are unlike those of the examples, which nobody may have used."""

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(2048)
"""As large as a picture must be."""

FORM = (
    b'--part\r\nContent-Disposition: form-data; name="name"\r\n\r\nExample\r\n'
    b'--part\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n'
    b"Content-Type: image/png\r\n\r\n" + PICTURE + b"\r\n--part--\r\n"
)
"""A picture, and what it is called."""

FORM_TYPE = {"Content-Type": "multipart/form-data; boundary=part"}


def example_of(described: Node, method: str, path: str) -> Any:
    """The JSON body that the document shows for an operation; ``None`` where there is none."""
    operation = described["paths"][path][method]
    content = operation.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("example")


def takes_only_files(operation: Node) -> bool:
    """Whether an operation is sent a form with a picture and nothing else."""
    return [*operation.get("requestBody", {}).get("content", {})] == ["multipart/form-data"]


def first_rows(described: Node) -> Iterator[tuple[str, str, Any]]:
    """Requests that make row 1 of everything but pictures, and join what can be joined."""
    yield "GET", "/v1/users", None
    made = [each for each in COLLECTIONS if each.noun != "users"]
    for component in sorted(made, key=_needs_others):
        path = f"/v1/{component.noun}"
        example = example_of(described, "post", path)
        yield "POST", path, {**example, **LEFT_FREE.get(component.noun, {})}
    current = [each.place.column for each in RELATIONS if each.kind is Kind.BELONGS_TO]
    yield "PATCH", "/v1/users/1", dict.fromkeys(current, 1)
    for relation in RELATIONS:
        if relation.kind in (Kind.MANY_TO_MANY, Kind.LIKES):
            path = f"/v1/{relation.parent.noun}/1/{relation.name}/attach"
            yield "POST", path, {"resources": [1]}


def _needs_others(component: Component) -> bool:
    return any(each.required and each.refers for each in component.fields)


def first_pictures() -> Iterator[str]:
    """Where the rows that have pictures get their first."""
    for relation in RELATIONS:
        if relation.place.component.noun == "images":
            yield f"/v1/{relation.parent.noun}/1/{relation.name}"
