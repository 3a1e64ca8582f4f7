"""The fixed parts of the OpenAPI document: parameters, searches, pages, errors."""

from __future__ import annotations

from typing import Any

from crossbar.dialects.openapi import homes
from crossbar.dialects.v1.answers import UNPROCESSABLE, type_of
from crossbar.errors import BadRequest, CrossbarError, Forbidden, NotFound, Unauthenticated
from crossbar.personnel import LARGEST_PAGE, OPERATORS, PAGE_SIZE

Node = dict[str, Any]

DESCRIPTION = f"""\
Rows of personnel management, for holders of API keys.

A key is sent as `Authorization: Bearer`, and carries the scopes that it was given. `X-Perscom-Id`
names the organisation, by its number or its account id; without it, the key's own is meant.

Refusals come in this order: unknown path (404), method (405), organisation (401), key (401), too
many requests (429), plan (402), scope (403), body (422), row (404). So a scope is missed before a
body is read and before a row is looked for.

Batches are done as a whole or not at all. A page has at most {LARGEST_PAGE} rows. PUT changes what
is sent and keeps the rest, as PATCH does. Where a path ends in the id of the only row that there
can be, the id may be left out. A POST of a form with a field `_method` counts as that method.
"""

SECURITY_SCHEMES: Node = {
    "ApiKey": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "PerscomId": {"type": "apiKey", "in": "header", "name": "X-Perscom-Id"},
}


def _query(name: str, about: str, schema: Node) -> Node:
    return {"name": name, "in": "query", "description": about, "schema": schema}


PARAMETERS: Node = {
    "limit": _query(
        "limit",
        f"Rows of a page; more than {LARGEST_PAGE} are refused.",
        {"type": "integer", "default": PAGE_SIZE, "maximum": LARGEST_PAGE, "minimum": 1},
    ),
    "page": _query("page", "Which page.", {"type": "integer", "default": 1, "minimum": 1}),
    "with_trashed": _query(
        "with_trashed", "Rows that were deleted and kept, too.", {"type": "boolean"}
    ),
    "only_trashed": _query(
        "only_trashed", "Only rows that were deleted and kept.", {"type": "boolean"}
    ),
    "force": _query(
        "force", "Remove for good, instead of keeping what was deleted.", {"type": "boolean"}
    ),
}

INCLUDE = _query("include", "Relations to add to the rows, joined by commas.", {"type": "string"})
"""Told for each operation, with a relation that its rows have."""


def parameter_ref(name: str) -> Node:
    """A reference to a parameter."""
    return {"$ref": f"#/components/parameters/{name}"}


LINKED = {
    "attach": ("attached",),
    "detach": ("detached",),
    "sync": ("attached", "detached", "updated"),
    "toggle": ("attached", "detached"),
    "pivot": ("updated",),
}
"""The keys of what linking answers: lists of ids."""

URL: Node = {"type": "string", "nullable": True}
COUNT: Node = {"type": "integer", "minimum": 0}
POSITION: Node = {"type": "integer", "nullable": True}


def _object(**properties: Node) -> Node:
    return {"type": "object", "properties": properties}


def _list(items: Node) -> Node:
    return {"type": "array", "items": items}


FILTER = _object(
    type={"type": "string", "enum": ["and", "or"], "default": "and"},
    field={"type": "string"},
    operator={"type": "string", "enum": list(OPERATORS), "default": "="},
    value={},
)

SCHEMAS: Node = {
    "Filter": FILTER,
    "Search": {
        "description": "What to search for; everything is found without it.",
        **_object(
            search=_object(value=URL, case_sensitive={"type": "boolean"}),
            filters=_list(
                {
                    **FILTER,
                    "properties": {
                        **FILTER["properties"],
                        "nested": _list({"$ref": "#/components/schemas/Filter"}),
                    },
                }
            ),
            sort=_list(
                _object(
                    field={"type": "string"},
                    direction={"type": "string", "enum": ["asc", "desc"], "default": "asc"},
                )
            ),
            scopes=_list(_object(name={"type": "string"}, parameters=_list({}))),
            includes=_list(
                _object(
                    relation={"type": "string"},
                    filters=_list({"$ref": "#/components/schemas/Filter"}),
                    limit={"type": "integer", "minimum": 1},
                )
            ),
        ),
    },
    "Links": {
        "description": "Ids of rows, or columns of links by the id of the row.",
        "required": ["resources"],
        **_object(
            resources={
                "nullable": True,
                "oneOf": [
                    _list({"type": "integer"}),
                    {"type": "object", "additionalProperties": {}},
                ],
            },
            duplicates={"type": "boolean", "default": False},
            detaching={"type": "boolean", "default": True},
        ),
    },
    "ResourceLinks": _object(first=URL, last=URL, prev=URL, next=URL),
    "ResourceMeta": _object(
        **{"from": POSITION},
        current_page=COUNT,
        last_page=COUNT,
        links=_list(_object(url=URL, label={"type": "string"}, active={"type": "boolean"})),
        path={"type": "string"},
        per_page=COUNT,
        to=POSITION,
        total=COUNT,
    ),
    "Error": {
        "required": ["error"],
        **_object(
            error={
                "required": ["message", "type", "request_id"],
                **_object(
                    message={"type": "string"},
                    type={"type": "string"},
                    request_id={"type": "string"},
                    errors={
                        "type": "object",
                        "additionalProperties": _list({"type": "string"}),
                    },
                ),
            }
        ),
    },
}

SAID = {
    Unauthenticated.status: "The organisation is unknown, or the key is none of its valid ones.",
    Forbidden.status: "The key lacks a scope.",
    NotFound.status: "No such path, or no such row in this organisation.",
    UNPROCESSABLE: "The body, or a parameter, is not right; `errors` says why, by field.",
}


def refusals() -> Node:
    """The answers to what is refused, by status."""
    classes: dict[int, type[CrossbarError]] = {
        **homes(),
        UNPROCESSABLE: BadRequest,
        CrossbarError.status: CrossbarError,
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {
        f"Refused{status}": {
            "description": SAID.get(status, f"`{type_of(found)}`: {found.phrase}."),
            "content": content,
        }
        for status, found in sorted(classes.items())
        if status in STATUSES
    }


STATUSES = (401, 402, 403, 404, 405, 408, 409, 413, UNPROCESSABLE, 429, 500, 503)
"""The statuses of refusals that this dialect knows."""


def refusal_ref(status: int) -> Node:
    """A reference to the answer of a status."""
    return {"$ref": f"#/components/responses/Refused{status}"}
