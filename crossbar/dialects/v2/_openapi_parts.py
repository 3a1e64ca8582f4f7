"""The parts of this dialect's OpenAPI document that are the same for every operation."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from crossbar.dialects.openapi import Node, error_classes, homes
from crossbar.errors import CrossbarError, ValidationFailed

DESCRIPTION = """\
Telephony-style accounts, users, devices and call flows, compatible on the wire with KAZOO's
Crossbar.

Every body is an envelope: what is meant is under `data`. A PUT creates, a POST replaces, a PATCH
merges. The control parameters of a query string may also be keys of the envelope, or of `data`.

A client that cannot send a verb sends POST with the verb as `verb` in the envelope or the query
string. `jsonp=name` in the query string wraps the answer in a call of `name`, and
`pretty_print=true` indents it. `account` at the beginning of a path stands for
`accounts/{account_id}` with the caller's own account.
"""

TOKEN = {"type": "string"}
MAYBE_TEXT = "In a list that was sent chunk by chunk (`is_chunked`) it is text."

COMMON: Node = {
    "request_id": {"type": "string", "description": "Finds the request in the server's log."},
    "node": {"type": "string", "description": "Which server answered."},
    "timestamp": {"type": "string"},
    "version": {"type": "string", "description": "The server's, for callers who are known."},
    "auth_token": {"type": "string", "description": "The caller's token, or a new one."},
    "tokens": {
        "type": "object",
        "description": "What the request took out of the client's bucket, and what is left.",
        "properties": {"consumed": {"type": "integer"}, "remaining": {"type": "integer"}},
    },
}

ENVELOPES: Node = {
    "Success": {
        "type": "object",
        "required": ["status", "revision", "request_id", "node", "timestamp"],
        "properties": {
            "data": {},
            "status": {"const": "success"},
            "revision": {
                "type": "string",
                "description": "For `If-Match`; also the `ETag`. Of what has none, the request's.",
            },
            "metadata": {
                "type": "object",
                "description": "When it was made and changed; of an account, its private facts.",
            },
            "page_size": {
                "type": ["integer", "string"],
                "description": f"How many rows this page has. {MAYBE_TEXT}",
            },
            "start_key": {"type": "string", "description": "What this page was asked with."},
            "next_start_key": {
                "type": "string",
                "description": "`start_key` of the next page; missing on the last.",
            },
            **COMMON,
        },
    },
    "Refusal": {
        "type": "object",
        "required": ["data", "error", "message", "status", "request_id", "node", "timestamp"],
        "properties": {
            "data": {"description": "What is wrong, in more words or by field."},
            "error": {"type": "string", "pattern": "^[45][0-9]{2}$"},
            "message": {"type": "string", "description": "A stable code."},
            "status": {"const": "error"},
            **COMMON,
        },
    },
}

SECURITY_SCHEMES: Node = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Auth-Token",
        "description": "`auth_token` of an answer to `PUT /user_auth` or `PUT /api_auth`.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same token."},
    "query": {
        "type": "apiKey",
        "in": "query",
        "name": "auth_token",
        "description": "The same token, where headers cannot be set. Addresses end up in logs.",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "The account id, and the md5 of `user:password` or the password of a user.",
    },
}

SECURITY: list[Node] = [{name: []} for name in SECURITY_SCHEMES]

MAYBE_A_TOKEN: list[Node] = [{}, *({name: []} for name in SECURITY_SCHEMES if name != "basic")]
"""Of what anybody may ask, and means the caller where there is one."""


def _query(name: str, about: str, schema: Node, **more: Any) -> Node:
    return {"name": name, "in": "query", "description": about, "schema": schema, **more}


def _header(name: str, about: str) -> Node:
    return {"name": name, "in": "header", "description": about, "schema": {"type": "string"}}


TEXT = {"type": "string"}
SWITCH = {"type": "boolean"}
SECONDS = {"type": "integer", "minimum": 0}
GREGORIAN = "Gregorian seconds: those since the year 0."

PARAMETERS: Node = {
    "page_size": _query(
        "page_size", "The most rows that a page has.", {"type": "integer", "minimum": 1}
    ),
    "start_key": _query(
        "start_key",
        "`next_start_key` of the page before, or a value of what the list is sorted by.",
        TEXT,
    ),
    "end_key": _query("end_key", "Where to end, the same way.", TEXT),
    "paginate": _query("paginate", "`false`: everything at once.", {**SWITCH, "default": True}),
    "ascending": _query("ascending", "`true`: the other way round.", {**SWITCH, "default": False}),
    "full_docs": _query("full_docs", "`true`: whole documents.", {**SWITCH, "default": False}),
    "fields": _query(
        "fields",
        'A JSON array of the keys that rows have: `["name"]`; `id` stays.',
        TEXT,
    ),
    "is_chunked": _query(
        "is_chunked", "`true`: sent as it is read, for long lists.", {**SWITCH, "default": False}
    ),
    "chunk_size": _query("chunk_size", "Rows to read at once.", {"type": "integer", "minimum": 1}),
    "created_from": _query("created_from", f"Created then or later. {GREGORIAN}", SECONDS),
    "created_to": _query("created_to", f"Created then or before. {GREGORIAN}", SECONDS),
    "modified_from": _query("modified_from", f"Changed then or later. {GREGORIAN}", SECONDS),
    "modified_to": _query("modified_to", f"Changed then or before. {GREGORIAN}", SECONDS),
    "filters": _query(
        "filters",
        "Any number of filters, all of which must hold. `filter_NAME=VALUE` and"
        " `filter_not_NAME=VALUE` compare the field at a dotted path, `VALUE` may be a JSON array"
        " of alternatives. `filter_any_NAME` and `filter_none_NAME` want a JSON array, and so do"
        " `filter_array_intersect_any_NAME`, `…_all_NAME` and `…_none_NAME`, which compare it with"
        " the elements of a field. The others name a field that there is (`has_key`), that there"
        " is not (`key_missing`), that is empty (`value_missing`) or is not (`has_value`). An"
        " index serves those that the page of the family names (`docs/families/`).",
        {
            "type": "object",
            "properties": {
                "has_key": TEXT,
                "key_missing": TEXT,
                "has_value": TEXT,
                "value_missing": TEXT,
            },
            "patternProperties": {"^filter_.+$": TEXT},
            "additionalProperties": False,
        },
        style="form",
        explode=True,
        example={"filter_name": "Example"},
    ),
    "should_soft_delete": _query(
        "should_soft_delete", "`false`: nothing is kept.", {**SWITCH, "default": True}
    ),
    "accept": _query("accept", "Stands for the header: `csv`, `json` or a media type.", TEXT),
    "if_match": _header("If-Match", "Only if the document has this revision; 412 otherwise."),
    "if_none_match": _header("If-None-Match", "A revision that the client has; 304 if it holds."),
    "range": _header("Range", "One range of bytes, `bytes=0-999`."),
}

PAGING = (
    *("page_size", "start_key", "end_key", "paginate", "ascending", "is_chunked", "chunk_size"),
    *("created_from", "created_to", "modified_from", "modified_to", "filters", "fields"),
)
"""The parameters of lists that have pages."""

HEADERS: Node = {
    "X-Request-ID": {
        "description": "The request's id, or the client's.",
        "schema": TEXT,
    },
    "ETag": {"description": "The revision, in quotes.", "schema": TEXT},
    "Location": {"description": "The path of the new document.", "schema": TEXT},
    "Retry-After": {
        "description": "Seconds to wait.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Allow": {"description": "The verbs that the path offers.", "schema": TEXT},
    "Content-Range": {"description": "Which bytes these are.", "schema": TEXT},
    "Content-Disposition": {"description": "A name for the file.", "schema": TEXT},
}

FAULT = "Fault"
"""The response to what should never happen."""

OF_ERROR = {405: ("Allow",), 429: ("Retry-After",), 503: ("Retry-After",)}


def header_refs(*names: str) -> Node:
    """The headers of a response, by reference."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-ID", *names)}


def parameter_refs(*names: str) -> list[Node]:
    """Parameters, by reference."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def refusal_ref(status: int) -> Node:
    """The response of a status, by reference."""
    name = FAULT if status == CrossbarError.status else homes()[status].__name__
    return {"$ref": f"#/components/responses/{name}"}


def refusals(statuses: Container[int]) -> Node:
    """The response of each of these statuses, by the name of its error."""
    found = sorted(homes().items())
    return {
        **{home.__name__: _refusal(home) for status, home in found if status in statuses},
        FAULT: _fault(),
    }


def _fault() -> Node:
    """What is answered when the server itself is at fault, whatever was asked."""
    error = {"properties": {"error": {"const": str(CrossbarError.status)}}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Refusal"}, error]}
    return {
        "description": "A fault of the server. Its log has the reason under the request id.",
        "headers": header_refs(),
        "content": {"application/json": {"schema": schema}},
    }


def _refusal(home: type[CrossbarError]) -> Node:
    error = {"properties": {"error": {"const": str(home.status)}}}
    return {
        "description": _said(home),
        "headers": header_refs(*OF_ERROR.get(home.status, ())),
        "content": {
            "application/json": {
                "schema": {"allOf": [{"$ref": "#/components/schemas/Refusal"}, error]},
                "examples": {each.__name__: _example(each) for each in error_classes(home.status)},
            }
        },
    }


def _said(error: type[CrossbarError]) -> str:
    return " ".join((error.__doc__ or "").partition("\n\n")[0].split()).replace("``", "`")


def _example(error: type[CrossbarError]) -> Node:
    data: Node = {"message": error.phrase}
    if issubclass(error, ValidationFailed):
        data = {"name": {"required": {"message": "Field is required but missing"}}}
    return {
        "summary": _said(error),
        "value": {
            "data": data,
            "error": str(error.status),
            "message": error.code,
            "status": "error",
            "request_id": "0123456789abcdef0123456789abcdef",
            "node": "GoWJ3tVO3Qpl8pVmV7L9xA",
            "timestamp": "2024-02-29T12:00:00Z",
        },
    }
