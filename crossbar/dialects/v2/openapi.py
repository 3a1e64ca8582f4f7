"""The OpenAPI 3.1 document of this dialect, computed from the registry and the schemas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import orjson

from crossbar import __version__
from crossbar.core import recipes
from crossbar.core.answers import DOCUMENT, ROWS
from crossbar.core.registry import Operation, Registry, id_param_of
from crossbar.core.requests import EVENT_STREAM, Action
from crossbar.core.shapes import Access, Collection, Column, Singleton
from crossbar.dialects.examples import body, in_path
from crossbar.dialects.openapi import Components, Node, as_asked, from_item, links_to, params
from crossbar.dialects.v2 import _openapi_parts as parts
from crossbar.dialects.v2._openapi_webhooks import webhooks
from crossbar.dialects.v2.verbs import VERB_OF
from crossbar.validation import Schemas

WRITES = (Action.CREATE, Action.REPLACE, Action.PATCH, Action.DELETE)
SENDS = (Action.CREATE, Action.REPLACE, Action.PATCH)


@cache
def content(registry: Registry) -> bytes:
    """The document as JSON; made once in a process."""
    return orjson.dumps(document(registry, Schemas()))


def document(registry: Registry, schemas: Schemas) -> Node:
    """The whole document."""
    maker = _Maker(registry, schemas)
    paths: dict[str, Node] = {}
    for operation in registry.operations():
        item = paths.setdefault(operation.template, {})
        item[VERB_OF[operation.action].lower()] = maker.operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Crossbar",
            "version": __version__,
            "description": parts.DESCRIPTION,
        },
        "servers": [{"url": "/v2"}],
        "security": parts.SECURITY,
        "tags": [{"name": noun} for noun in sorted({each.noun for each in registry.families})],
        "paths": paths,
        "webhooks": webhooks(),
        "components": {
            "securitySchemes": parts.SECURITY_SCHEMES,
            "parameters": {**parts.PARAMETERS, **dict(_in_paths(registry))},
            "headers": parts.HEADERS,
            "responses": parts.refusals(
                {each for operation in registry.operations() for each in statuses(operation)}
            ),
            "schemas": {
                **parts.ENVELOPES,
                **dict(sorted(maker.components.schemas.items())),
            },
        },
    }


class _Maker:
    """Makes the operations, and collects the schemas that they name."""

    def __init__(self, registry: Registry, schemas: Schemas) -> None:
        self.components = Components(schemas)
        self._offers = [(operation_id(each), each.path) for each in registry.operations()]
        self._documents = {name: schemas.document(name) for name in schemas.names()}

    def operation(self, operation: Operation) -> Node:
        """The description of one operation."""
        noun = operation.family.noun
        made: Node = {
            "operationId": operation_id(operation),
            "tags": [noun],
            "summary": operation.about,
            "parameters": parts.parameter_refs(*params(operation.path), *_parameters(operation)),
            "responses": {
                **self._successes(operation),
                **{str(status): parts.refusal_ref(status) for status in statuses(operation)},
            },
            "x-crossbar-family": noun,
            "x-crossbar-action": operation.action.value,
        }
        if operation.access is Access.PUBLIC:
            made["security"] = parts.MAYBE_A_TOKEN if operation.answers.by_caller else []
        if operation.action in SENDS:
            made["requestBody"] = self._body(operation)
        if (schema := schema_of(operation)) is not None:
            made["x-crossbar-schema"] = schema
        if _is_listing(operation):
            made["x-crossbar-columns"] = columns(operation.collection)
        return made

    def _body(self, operation: Operation) -> Node:
        """What is sent: an envelope, or a file where the operation reads some."""
        name = operation.schema
        data: Node = {"type": ["object", "array"]}
        if name is not None and operation.action is Action.PATCH:
            data = self.components.changes(name)
        elif name is not None:
            data = self.components.whole(name)
        envelope: Node = {
            "schema": {"type": "object", "required": ["data"], "properties": {"data": data}}
        }
        if (example := body(operation, self._documents)) is not None:
            envelope["example"] = {"data": example}
        content = {"application/json": envelope, **dict(_any_of(operation.reads))}
        is_needed = name is not None and not operation.reads
        return {"required": is_needed, "content": content}

    def _successes(self, operation: Operation) -> Node:
        status = "201" if operation.action is Action.CREATE else "200"
        reads = VERB_OF[operation.action] == "GET"
        content: Node = {"application/json": {"schema": self._envelope(operation)}}
        if reads:
            content["text/csv"] = {"schema": {"type": "string"}}
        content |= dict(_any_of(operation.produces))
        headers = ("ETag",) if reads else ()
        if operation.action is Action.CREATE:
            headers = ("Location",)
        made: Node = {
            status: {
                "description": "Done." if not reads else "What was asked for.",
                "headers": parts.header_refs(*headers),
                "content": content,
            }
        }
        if links := self._links(operation):
            made[status]["links"] = links
        if operation.produces:
            made["206"] = {
                "description": "The range of bytes that was asked for.",
                "headers": parts.header_refs("Content-Range", "Content-Disposition"),
                "content": dict(_any_of(operation.produces)),
            }
        if reads:
            made["204"] = {"description": "A table without rows."}
            made["304"] = {"description": "The client has this revision."}
        return made

    def _links(self, operation: Operation) -> Node:
        """What can be asked of a document once it is created: its id is in the answer."""
        if operation.action is not Action.CREATE or operation.answers is not DOCUMENT:
            return {}
        id_param = id_param_of(operation.collection)
        item = (*operation.path, f"{{{id_param}}}")
        known = {**as_asked(operation.path), id_param: "$response.body#/data/id"}
        return links_to(from_item(self._offers, item), known)

    def _envelope(self, operation: Operation) -> Node:
        success: Node = {"$ref": "#/components/schemas/Success"}
        data = self._data(operation)
        if not data:
            return success
        return {"allOf": [success, {"required": ["data"], "properties": {"data": data}}]}

    def _data(self, operation: Operation) -> Node:
        """What is under ``data``, as far as the declarations say it; else anything."""
        family, answers = operation.family, operation.answers
        if answers is DOCUMENT and isinstance(family, Collection):
            return self.components.shown(family.schema, dict(family.shown))
        if answers is DOCUMENT and isinstance(family, Singleton):
            return self.components.shown(family.schema, {})
        if answers is ROWS and isinstance(family, Collection):
            return {"type": "array", "items": self._row(family)}
        return dict(answers.data)

    def _row(self, family: Collection) -> Node:
        if family.summary is None:  # whole documents with `full_docs`
            return {"type": ["string", "object"]}
        properties = {
            name: self.components.property_of(family.schema, name)
            for name in family.summary
            if isinstance(name, str)
        }
        own = {"id": {"type": "string"}}
        return {"type": "object", "required": ["id"], "properties": {**own, **properties}}


def _any_of(media_types: Iterable[str]) -> Iterator[tuple[str, Node]]:
    """Contents of media types of which no more is known: bytes."""
    return ((media_type, {}) for media_type in media_types)


def operation_id(operation: Operation) -> str:
    """A name for clients that are generated: ``list_account_users``."""
    path = "_".join(part.strip("{}") for part in operation.path)
    return f"{operation.action}_{path.replace('accounts_account_id_', 'account_')}"


def statuses(operation: Operation) -> Iterator[int]:
    """The refusals that the operation can answer with, in the order of their statuses."""
    writes = operation.action in WRITES
    is_public = operation.access is Access.PUBLIC
    found = {
        400: True,  # a body that is no envelope, also one that nobody wants
        401: True,  # a token that has expired, also where none is needed
        402: writes and operation.in_account,  # where a plan bills what is added
        403: not is_public or operation.in_account or writes,
        404: True,
        405: writes,  # by way of a tunnelled verb
        406: True,
        408: True,
        409: writes,
        410: EVENT_STREAM in operation.produces,  # events that are forgotten
        412: not (writes and is_public),
        413: True,
        415: writes and not is_public,
        416: operation.action is Action.LIST,
        429: True,
        500: True,
        503: True,
    }
    return (status for status, can_be in found.items() if can_be)


def schema_of(operation: Operation) -> str | None:
    """The schema of what an operation sends, or of the documents that it lists."""
    return operation.collection.schema if _is_listing(operation) else operation.schema


def columns(family: Collection) -> list[str]:
    """The keys of list rows, the id first; only that for rows that are bare ids."""
    keys = (each.key if isinstance(each, Column) else each for each in family.summary or ())
    return ["id", *keys]


def _is_listing(operation: Operation) -> bool:
    """Whether it lists the documents of a family."""
    is_list = operation.action is Action.LIST and isinstance(operation.family, Collection)
    return is_list and len(operation.path) == operation.depth


def _in_paths(registry: Registry) -> Iterator[tuple[str, Node]]:
    """The parameters of all paths, by name."""
    for name in sorted({each for found in registry.operations() for each in params(found.path)}):
        yield (
            name,
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "minLength": 1},
                "example": in_path(name),
            },
        )


def _parameters(operation: Operation) -> list[str]:
    """The names of the parameters that are not in the path."""
    names: list[str] = []
    if operation.answers.is_paged:
        names += parts.PAGING
    if operation.answers is ROWS:
        names.append("full_docs")
    if operation.handler is recipes.delete and operation.collection.soft_delete:
        names.append("should_soft_delete")
    if VERB_OF[operation.action] == "GET":
        names += ("accept", "if_none_match")
    elif operation.answers is DOCUMENT:
        names.append("if_match")
    if operation.produces:
        names.append("range")
    return names
