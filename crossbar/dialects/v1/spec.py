"""The OpenAPI 3.0 document of this dialect, computed from the operations and the components."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import orjson

from crossbar import __version__
from crossbar.core.registry import Operation, Registry
from crossbar.core.requests import Action
from crossbar.dialects.examples import in_path
from crossbar.dialects.openapi import Offer, as_asked, from_item, links_to, params
from crossbar.dialects.v1 import _spec_parts as parts
from crossbar.dialects.v1._spec_bodies import body, property_30
from crossbar.personnel import COMPONENTS, TIMES, Component, Endpoint, Field

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
    offers: list[Offer] = [
        (name_of(operation.path[2:], method), operation.path[2:])
        for operation in registry.operations()
        for method in METHODS[operation.action]
    ]
    for operation in registry.operations():
        item = paths.setdefault("/v1/" + "/".join(operation.path[2:]), {})
        for method in METHODS[operation.action]:
            item[method] = _operation(operation, method, offers)
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
            "parameters": {**parts.PARAMETERS, **dict(_in_paths(registry))},
            "responses": parts.refusals(),
            "schemas": {**parts.SCHEMAS, **dict(_schemas())},
        },
    }


def tag_of(operation: Operation) -> str:
    """The heading of an operation: ``Users``, ``Users Award Records``."""
    words = [part for part in operation.path[2:5] if not part.startswith("{")]
    own = [word for word in words if word not in ("batch", "search", "likes")]
    return " ".join(own).replace("-", " ").title()


def name_of(path: tuple[str, ...], method: str) -> str:
    """A name for clients that are generated: ``get_users_user``."""
    return "_".join((method, *(part.strip("{}") for part in path))).replace("-", "_")


def _operation(operation: Operation, method: str, offers: list[Offer]) -> Node:
    made: Node = {
        "operationId": name_of(operation.path[2:], method),
        "tags": [tag_of(operation)],
        "summary": operation.about,
        "parameters": [parts.parameter_ref(name) for name in params(operation.path[2:])],
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
    made["parameters"] += _parameters_of(handler)
    if handler.deed.body:
        made["requestBody"] = body(handler)
    status = "201" if handler.deed.name == "create" else "200"
    done: Node = {
        "description": "Done.",
        "content": {"application/json": {"schema": _answer(handler)}},
    }
    if links := _links(operation.path[2:], handler, offers):
        done["links"] = links
    made["responses"] = {
        status: done,
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


def _in_paths(registry: Registry) -> Iterator[tuple[str, Node]]:
    """The parameters of all paths, by name: ids of rows, and the parts of a picture's address."""
    row = {"schema": {"type": "integer", "minimum": 1}, "example": 1}
    for operation in registry.operations():
        for name in params(operation.path[2:]):
            part = {"schema": {"type": "string"}, "example": in_path(name)}
            of_row = isinstance(operation.handler, Endpoint)
            yield name, {"name": name, "in": "path", "required": True, **(row if of_row else part)}


def _parameters_of(endpoint: Endpoint) -> Iterator[Node]:
    """The parameters of the query string."""
    deed, included = endpoint.deed, endpoint.place.includes
    if deed.verb == "delete":
        yield parts.parameter_ref("force")
    if deed.name in ("list", "search", "show"):
        yield parts.parameter_ref("with_trashed")
        yield parts.parameter_ref("only_trashed")
    if deed.name == "me":
        return
    if deed.answer == "page":
        yield parts.parameter_ref("limit")
        yield parts.parameter_ref("page")
    if deed.answer in ("row", "rows", "page") and included:
        yield {**parts.INCLUDE, "example": included[0]}


def _links(path: tuple[str, ...], endpoint: Endpoint, offers: list[Offer]) -> Node:
    """What can be asked of a new row, and of the first one of a page."""
    deed, param = endpoint.deed, endpoint.place.component.param
    row = (*path, f"{{{param}}}")
    if deed.name == "create":
        known = {**as_asked(path), param: "$response.body#/data/id"}
        return links_to(from_item(offers, row), known)
    if deed.name == "list":
        known = {**as_asked(path), param: "$response.body#/data/0/id"}
        return links_to((each for each in offers if each[0] == name_of(row, "get")), known)
    return {}


def _statuses(operation: Operation) -> tuple[int, ...]:
    writes = (409,) if operation.action not in (Action.LIST, Action.FETCH) else ()
    return tuple(sorted((401, 402, 403, 404, 405, 408, 413, 422, 429, 500, 503, *writes)))


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
        kept = [each for each in component.fields if not each.hidden]
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
