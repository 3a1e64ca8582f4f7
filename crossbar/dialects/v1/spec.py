"""The OpenAPI 3.0 document of this dialect, computed from the operations and the components."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import orjson

from crossbar import __version__
from crossbar.core.actions import Action
from crossbar.core.registry import Operation, Registry
from crossbar.dialects.v1 import _spec_parts as parts
from crossbar.families.perscom.components import COMPONENTS
from crossbar.families.perscom.endpoints import Endpoint
from crossbar.families.perscom.people_columns import PHOTOS
from crossbar.families.perscom.shapes import Component, Field, HasMany, Linked
from crossbar.families.perscom.values import TIMES, property_of

Node = dict[str, Any]

METHODS: dict[Action, tuple[str, ...]] = {
    Action.LIST: ("get",),
    Action.FETCH: ("get",),
    Action.CREATE: ("post",),
    Action.PATCH: ("put", "patch"),
    Action.DELETE: ("delete",),
}


@cache
def content(registry: Registry) -> bytes:
    """The document as YAML; made once in a process."""
    return "".join(_yaml(document(registry), "")).encode()


def document(registry: Registry) -> Node:
    """The whole document."""
    paths: dict[str, Node] = {}
    for operation in registry.operations():
        item = paths.setdefault("/v1/" + "/".join(operation.path[2:]), {})
        for method in METHODS[operation.action]:
            item[method] = _operation(operation, method)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Personnel management",
            "version": "v1",
            "description": parts.DESCRIPTION,
            "x-server-version": __version__,
        },
        "servers": [{"url": "/"}],
        "security": [{"ApiKey": [], "PerscomId": []}, {"ApiKey": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(map(tag_of, registry.operations()))],
        "paths": paths,
        "components": {
            "securitySchemes": parts.SECURITY_SCHEMES,
            "parameters": parts.PARAMETERS,
            "responses": parts.refusals(),
            "schemas": {**parts.SCHEMAS, **dict(_schemas())},
        },
    }


def tag_of(operation: Operation) -> str:
    """The heading of an operation: ``Users``, ``Users Award Records``."""
    words = [part for part in operation.path[2:5] if not part.startswith("{")]
    own = [word for word in words if word not in ("batch", "search", "likes")]
    return " ".join(own).replace("-", " ").title()


def _operation(operation: Operation, method: str) -> Node:
    name = "_".join(part.strip("{}") for part in operation.path[2:])
    made: Node = {
        "operationId": f"{method}_{name}".replace("-", "_"),
        "tags": [tag_of(operation)],
        "summary": operation.about,
        "parameters": [*_path_parameters(operation)],
    }
    handler = operation.handler
    if not isinstance(handler, Endpoint):
        binary = {"schema": {"type": "string", "format": "binary"}}
        return made | {
            "security": [],
            "responses": {
                "200": {"description": "The picture.", "content": {"*/*": binary}},
                **{str(status): parts.refusal_ref(status) for status in (404, 405, 500, 503)},
            },
        }
    made["description"] = _description(handler)
    made["parameters"] += [
        {"$ref": f"#/components/parameters/{name}"} for name in _parameters_of(handler)
    ]
    if handler.deed.body:
        made["requestBody"] = _body(handler)
    status = "201" if handler.deed.name == "create" else "200"
    schema = _answer(handler)
    made["responses"] = {
        status: {"description": "Done.", "content": {"application/json": {"schema": schema}}},
        **{str(each): parts.refusal_ref(each) for each in _statuses(operation)},
    }
    return made


def _description(endpoint: Endpoint) -> str:
    scopes = " and ".join(f"`{need}`" for need in endpoint.needs)
    said = [
        f"Needs {scopes}." if scopes else "Needs no scope; what is not the caller's is hidden."
    ]
    if endpoint.place.includes and endpoint.deed.answer in ("row", "rows", "page"):
        names = ", ".join(f"`{name}`" for name in endpoint.place.includes)
        said.append(f"May include {names}.")
    if endpoint.place.column and endpoint.deed.verb == "delete":
        said.append(
            "It removes the row itself, for everybody. To unset it, update the user with null."
        )
    if endpoint.place.component.scopes and endpoint.deed.name == "search":
        names = ", ".join(f"`{name}`" for name in endpoint.place.component.scopes)
        said.append(f"Named searches: {names}.")
    return " ".join(said)


def _path_parameters(operation: Operation) -> Iterator[Node]:
    is_row = isinstance(operation.handler, Endpoint)
    schema: Node = {"type": "integer", "minimum": 1} if is_row else {"type": "string"}
    for part in operation.path[2:]:
        if part.startswith("{"):
            yield {"name": part[1:-1], "in": "path", "required": True, "schema": schema}


def _parameters_of(endpoint: Endpoint) -> tuple[str, ...]:
    names: tuple[str, ...] = ()
    if endpoint.deed.answer in ("row", "rows", "page") and endpoint.deed.name != "me":
        names = ("include",)
    if endpoint.deed.answer == "page" and endpoint.deed.name != "me":
        names = ("limit", "page", *names)
    if endpoint.deed.name in ("list", "search", "show"):
        names = (*names, "with_trashed", "only_trashed")
    if endpoint.deed.verb == "delete":
        names = ("force", *names)
    return names


def _statuses(operation: Operation) -> tuple[int, ...]:
    writes = (409,) if operation.action not in (Action.LIST, Action.FETCH) else ()
    return tuple(sorted((401, 402, 403, 404, 405, 408, 413, 422, 429, 500, 503, *writes)))


def _body(endpoint: Endpoint) -> Node:
    component, form = endpoint.place.component, endpoint.deed.body
    model = {"$ref": f"#/components/schemas/{component.model}"}
    rows: Node = {"type": "array", "items": model, "minItems": 1}
    by_id: Node = {"type": "object", "additionalProperties": model, "minProperties": 1}
    schemas: dict[str, Node] = {
        "row": {"allOf": [model, {"required": required}]}
        if (required := _required(endpoint))
        else model,
        "changes": model,
        "rows": _resources(rows),
        "rows by id": _resources(by_id),
        "ids": _resources({"type": "array", "items": {"type": "integer"}}),
        "search": {"$ref": "#/components/schemas/Search"},
        "links": {"$ref": "#/components/schemas/Links"},
        "pivot": _pivot(endpoint),
        "related key": {
            "type": "object",
            "required": ["related_key"],
            "properties": {"related_key": {"type": "integer"}},
        },
    }
    content: Node = {"application/json": {"schema": schemas[form]}}
    if form in ("row", "changes") and (files := _files_of(component)):
        with_files = {"type": "object", "properties": files}
        content["multipart/form-data"] = {"schema": {"allOf": [schemas[form], with_files]}}
        if component.noun == "images" and form == "row":
            del content["application/json"]
    return {"required": form in ("row", "rows", "rows by id", "pivot"), "content": content}


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
    relation = endpoint.place.relation
    columns = relation.pivot if isinstance(relation, Linked) else {}
    fields = [
        Field(name=name, about=f"{name} of the link.", kind=columns[name]) for name in columns
    ]
    pivot = {"type": "object", "properties": {each.name: property_30(each) for each in fields}}
    return {"type": "object", "required": ["pivot"], "properties": {"pivot": pivot}}


def _answer(endpoint: Endpoint) -> Node:
    resource = {"$ref": f"#/components/schemas/{endpoint.place.component.model}Resource"}
    rows: Node = {"type": "array", "items": resource}
    ids: Node = {"type": "array", "items": {"type": "integer"}}
    match endpoint.deed.answer:
        case "page":
            page = {
                "data": rows,
                "links": {"$ref": "#/components/schemas/ResourceLinks"},
                "meta": {"$ref": "#/components/schemas/ResourceMeta"},
            }
            return {"type": "object", "required": list(page), "properties": page}
        case "rows" | "row" as form:
            data = rows if form == "rows" else resource
            return {"type": "object", "required": ["data"], "properties": {"data": data}}
    keys = parts.LINKED[endpoint.deed.answer]
    return {"type": "object", "required": list(keys), "properties": dict.fromkeys(keys, ids)}


def _schemas() -> Iterator[tuple[str, Node]]:
    """What is sent and what is shown of each component."""
    for component in COMPONENTS.values():
        sent = [each for each in (*component.fields, *TIMES) if each.write]
        yield (
            component.model,
            {
                "type": "object",
                "description": component.about,
                "properties": {each.name: property_30(each) for each in sent},
            },
        )
        number = Field(name="id", about="Number of the row.", kind="integer", null=False)
        kept = [
            each
            for each in component.fields
            if not each.hidden and not (each.name in PHOTOS and component.noun == "users")
        ]
        shown = [number, *kept, *TIMES, *component.computed]
        resource: Node = {
            "type": "object",
            "description": component.about,
            "required": ["id", "created_at", "updated_at"],
            "properties": {each.name: _shown(component, each) for each in shown},
        }
        if component.is_open:
            resource["additionalProperties"] = True
        yield f"{component.model}Resource", resource


def _shown(component: Component, field: Field) -> Node:
    if (component.noun, field.name) == ("forms", "is_public"):
        return {"description": field.about, "type": "integer", "enum": [0, 1]}
    may_be_absent = field.null or field.name == "email"
    schema = property_30(field)
    schema.pop("nullable", None)
    for keyword in ("pattern", "minLength", "maxLength", "format", "enum", "default"):
        if field.kind != "time":
            schema.pop(keyword, None)
    return {**schema, "nullable": True} if may_be_absent else schema


def property_30(field: Field) -> Node:
    """The schema of a column in the words of OpenAPI 3.0."""
    schema: Node = dict(property_of(field))
    if field.kind == "time":
        schema["format"] = "date-time"
    if field.kind == "array":
        schema["items"] = {}
    if field.null:
        schema["nullable"] = True
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema


def _yaml(node: Any, indent: str) -> Iterator[str]:
    """A value in YAML's block style; keys and scalars are written as JSON, which YAML includes."""
    inner = indent + "  "
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield f"{indent}{orjson.dumps(key).decode()}:"
            yield from _nested(value, inner)
    elif isinstance(node, list) and node:
        for value in node:
            yield f"{indent}-"
            yield from _nested(value, inner)
    else:
        yield f"{indent}{orjson.dumps(node).decode()}\n"


def _nested(value: Any, indent: str) -> Iterator[str]:
    is_block = isinstance(value, dict | list) and bool(value)
    yield "\n" if is_block else " "
    yield from _yaml(value, indent if is_block else "")
