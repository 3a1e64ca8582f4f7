"""The OpenAPI document of ``/v1.1``, computed from the table that routes its requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from crossbar import __version__
from crossbar.dialects.examples import in_path, smallest
from crossbar.dialects.openapi import links_to, params
from crossbar.dialects.v1_1.answers import REFUSAL
from crossbar.dialects.v1_1.endpoints import SUFFIX, Endpoint, Need, Table
from crossbar.dialects.v1_1.exchange import JSON
from crossbar.dialects.v1_1.refusals import NAMES
from crossbar.dialects.v1_1.table import TABLE
from crossbar.validation import Schemas

Node = dict[str, Any]

PREFIX = "/v1.1"
ABOUT = (
    "Visitors of web sites, links to watch them, and how much of it is used. The suffix `.json`"
    " may be left out."
)

SCHEMES: Node = {
    "secret_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "The account's secret key; never in a page.",
    },
    "public_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Public-Key",
        "description": "Names the account to its pages; also `api_key` in the body.",
    },
    "connection_secret": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Connection-Secret",
        "description": "Proves which visitor a page has; also `secret` in the body.",
    },
    "watch_token": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Watch-Token",
        "description": "The text of a watch link that was opened.",
    },
}

ALSO_SENT: Mapping[str, Node] = {
    "visitor_feed": {"location_city": "Paris", "tags": ["#vip"]},
    "visitor_report": {"url": "https://example.org/cart"},
}
"""By schema, what an example says beyond the least that has to be said."""

ALWAYS = (405, 429, 500, 503)
OF_KEYS = (401, 403)
OF_BODIES = (400, 408, 413)


def content() -> bytes:
    """The document as it is served."""
    return orjson.dumps(document_of(TABLE, Schemas()))


def document_of(table: Table, schemas: Schemas) -> Node:
    """The document, OpenAPI 3.1."""
    paths: Node = {}
    bodies = {
        each.body: _schema(schemas, each.body) for each in table.endpoints if each.body is not None
    }
    for endpoint in table.endpoints:
        at = paths.setdefault(template_of(endpoint), {})
        at[endpoint.method.lower()] = _operation(endpoint, bodies)
        for status in endpoint.answers if endpoint.tells else ():
            links = _links(endpoint, table)
            at[endpoint.method.lower()]["responses"][str(status)]["links"] = links
    return {
        "openapi": "3.1.0",
        "info": {"title": "Crossbar v1.1", "version": __version__, "description": ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {
                "refusal": REFUSAL,
                **dict(sorted(bodies.items())),
            },
            "securitySchemes": SCHEMES,
        },
    }


def template_of(endpoint: Endpoint) -> str:
    """The whole path, with the suffix where there is one."""
    return PREFIX + endpoint.path + ("" if endpoint.is_page else SUFFIX)


def statuses_of(endpoint: Endpoint) -> tuple[int, ...]:
    """Every status that the endpoint may answer with, refusals last."""
    refusals = {*ALWAYS, *endpoint.refusals}
    if endpoint.need is not Need.NOTHING:
        refusals |= {*OF_KEYS}
    if endpoint.body:
        refusals |= {*OF_BODIES}
    return (*endpoint.answers, *sorted(refusals))


def _operation(endpoint: Endpoint, bodies: Node) -> Node:
    node: Node = {
        "summary": endpoint.about,
        "operationId": endpoint.handler.__name__,
        "security": _security(endpoint),
        "parameters": _parameters(endpoint),
        "responses": {str(status): _answer(endpoint, status) for status in statuses_of(endpoint)},
    }
    if endpoint.body:
        least = smallest(bodies[endpoint.body], {})
        content = {
            "schema": {"$ref": f"#/components/schemas/{endpoint.body}"},
            "example": {**least, **ALSO_SENT.get(endpoint.body, {})},
        }
        node["requestBody"] = {"content": {"application/json": content}}
    return node


def _links(endpoint: Endpoint, table: Table) -> Node:
    """What can be asked with the ids that are in an answer, by whoever may have got it."""
    known = {name: f"$response.body#{pointer}" for name, pointer in endpoint.tells.items()}
    offers = (
        (each.handler.__name__, each.tokens)
        for each in table.endpoints
        if params(each.tokens) and each.need in (endpoint.need, Need.SECRET, Need.SESSION)
    )
    return links_to(offers, known)


def _security(endpoint: Endpoint) -> list[Node]:
    if endpoint.need is Need.NOTHING:
        return []
    if endpoint.need is Need.SECRET:
        return [{"secret_key": []}]
    if endpoint.path == "/ext/visitors":
        return [{"public_key": []}]
    both: Node = {"public_key": [], "connection_secret": []}
    return [both, {"watch_token": []}] if endpoint.need is Need.SESSION else [both]


def _parameters(endpoint: Endpoint) -> list[Node]:
    of_path = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            "example": in_path(name),
        }
        for name in params(endpoint.tokens)
    ]
    in_query = [
        {"name": each.name, "in": "query", "description": each.about, "schema": each.schema}
        for each in endpoint.parameters
    ]
    return [*of_path, *in_query]


def _answer(endpoint: Endpoint, status: int) -> Node:
    if status in endpoint.answers:
        schema = endpoint.answers[status]
        if schema is None:
            return {"description": "A page.", "content": {"text/html": {}}}
        return {"description": "Done.", "content": {JSON: {"schema": schema}}}
    if endpoint.is_page and status == 410:
        return {"description": "A page that says so.", "content": {"text/html": {}}}
    refusal = {"$ref": "#/components/schemas/refusal"}
    return {"description": NAMES[status], "content": {JSON: {"schema": refusal}}}


def _schema(schemas: Schemas, name: str) -> Node:
    return {
        keyword: value
        for keyword, value in schemas.document(name).items()
        if keyword not in ("$schema", "$id")
    }
