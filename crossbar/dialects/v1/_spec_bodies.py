"""What operations of this dialect are sent: the schemas of bodies, and an example of each."""

from __future__ import annotations

from typing import Any

from crossbar.dialects.examples import a_change, smallest
from crossbar.personnel import (
    PHOTOS,
    Component,
    Endpoint,
    Field,
    HasMany,
    Linked,
    columns_of,
    property_of,
)

Node = dict[str, Any]

ROW = 1
"""The id of a row in examples."""

ALSO_SENT: dict[str, Node] = {
    "categories": {"resource": "awards"},
    "events": {"end": "2024-02-29T13:00:00Z"},
    "newsfeed": {"headline": "Example"},
}
"""By noun, what an example says beyond, or other than, the least that the columns take."""

SEARCH: Node = {
    "filters": [{"field": "id", "operator": ">=", "value": ROW}],
    "sort": [{"field": "created_at", "direction": "desc"}],
}


def body(endpoint: Endpoint) -> Node:
    """The body that an operation reads."""
    component, form = endpoint.place.component, endpoint.deed.body
    schema = _schema(endpoint)
    content: Node = {"application/json": {"schema": schema, "example": _example(endpoint)}}
    if form in ("row", "changes") and (files := _files_of(component)):
        with_files: Node = {"type": "object", "allOf": [schema], "properties": files}
        if component.noun == "images" and form == "row":
            with_files["required"] = list(files)
            del content["application/json"]
        content["multipart/form-data"] = {
            "schema": with_files,
            "encoding": {name: {"contentType": "image/*"} for name in files},
        }
    return {"required": form in ("row", "rows", "rows by id", "pivot"), "content": content}


def _schema(endpoint: Endpoint) -> Node:
    changes = {"$ref": f"#/components/schemas/{endpoint.place.component.model}"}
    required = _required(endpoint)
    row: Node = {"allOf": [changes, {"required": required}]} if required else changes
    schemas: dict[str, Node] = {
        "row": row,
        "changes": changes,
        "rows": _resources({"type": "array", "items": row, "minItems": 1}),
        "rows by id": _resources(
            {"type": "object", "additionalProperties": changes, "minProperties": 1}
        ),
        "ids": _resources({"type": "array", "items": {"type": "integer"}}),
        "search": {"$ref": "#/components/schemas/Search"},
        "links": {"$ref": "#/components/schemas/Links"},
        "pivot": {
            "type": "object",
            "required": ["pivot"],
            "properties": {"pivot": _pivot(endpoint)},
        },
        "related key": {
            "type": "object",
            "required": ["related_key"],
            "properties": {"related_key": {"type": "integer"}},
        },
    }
    return schemas[endpoint.deed.body]


def _example(endpoint: Endpoint) -> Node:
    """A body that is accepted where the rows are that it speaks of."""
    component = endpoint.place.component
    columns = {name: property_30(each) for name, each in columns_of(component).items()}
    required = {"properties": columns, "required": _required(endpoint)}
    row = {**smallest(required, {}), **ALSO_SENT.get(component.noun, {})}
    change = a_change(required) or row
    pivot = _pivot(endpoint)["properties"]
    examples: dict[str, Node] = {
        "row": row,
        "changes": change,
        "rows": {"resources": [row]},
        "rows by id": {"resources": {str(ROW): change}},
        "ids": {"resources": [ROW]},
        "search": {} if endpoint.place.columns is None else SEARCH,
        "links": {"resources": [ROW]},
        "pivot": {"pivot": {name: smallest(pivot[name], {}) for name in [*pivot][-1:]}},
        "related key": {"related_key": ROW},
    }
    return examples[endpoint.deed.body]


def _required(endpoint: Endpoint) -> list[str]:
    """The columns that a create must set; the path sets some of them."""
    relation = endpoint.place.relation
    fixed = relation.column if isinstance(relation, HasMany) else ""
    return [
        each.name
        for each in endpoint.place.component.fields
        if each.required and each.name != fixed
    ]


def _files_of(component: Component) -> Node:
    names = {"users": PHOTOS, "images": ("image",)}.get(component.noun, ())
    return {name: {"type": "string", "format": "binary"} for name in names}


def _resources(schema: Node) -> Node:
    return {"type": "object", "required": ["resources"], "properties": {"resources": schema}}


def _pivot(endpoint: Endpoint) -> Node:
    """The columns of the links by which the rows are reached."""
    relation = endpoint.place.relation
    columns = relation.pivot if isinstance(relation, Linked) else {}
    fields = [
        Field(name=name, about=f"{name} of the link.", kind=columns[name]) for name in columns
    ]
    return {"type": "object", "properties": {each.name: property_30(each) for each in fields}}


def property_30(field: Field) -> Node:
    """The schema of a column in the words of OpenAPI 3.0."""
    schema: Node = dict(property_of(field))
    if field.kind == "time":
        schema["format"] = "date-time"
    if field.kind == "array":
        schema["items"] = {}
    if field.refers:
        schema["minimum"] = ROW
    if field.null:
        schema["nullable"] = True
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema
