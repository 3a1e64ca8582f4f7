"""Whether answers are as the OpenAPI document says: status, media type, body.

Every answer that a test gets from :class:`tests.conftest.Api` is held against it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from jsonschema_rs import Draft202012Validator, Registry

from crossbar.app import REGISTRY
from crossbar.dialects.targets import path_tokens
from crossbar.dialects.v2 import openapi
from crossbar.dialects.v2.verbs import VERBS
from crossbar.errors import NoSuchPath

DOCUMENT: dict[str, Any] = orjson.loads(openapi.content(REGISTRY))

_PLACE = "https://document.example/v2"
_REGISTRY = Registry([(_PLACE, DOCUMENT)])


def complaint(verb: str, path: str, status: int, content_type: str, body: Any) -> str | None:
    """What the document does not say of an answer; ``None`` when it says all of it.

    ``body`` is the envelope, ``None`` for answers that have none.
    """
    place = _operation_at(verb, path)
    if place is None:
        return None
    pointer, responses = place
    response = responses.get(str(status))
    if response is None:
        return f"status {status} is not described"
    pointer = f"{pointer}/responses/{status}"
    if "$ref" in response:
        pointer = response["$ref"].removeprefix("#")
        response = _at(pointer)
    content = response.get("content", {})
    if body is None:
        media_type = content_type.partition(";")[0]
        known = {"", "application/javascript", *content}
        return (
            None if media_type in known or "*/*" in content else f"{media_type} is not described"
        )
    if "application/json" not in content:
        return f"an envelope with status {status} is not described"
    return _fault_in(f"{pointer}/content/application~1json/schema", body)


def _operation_at(verb: str, path: str) -> tuple[str, Any] | None:
    """Where the document describes an operation, and its responses."""
    try:
        version, *tokens = path_tokens(path)
        if version != "v2" or tokens[:1] == ["account"]:
            return None
        operations, _ = REGISTRY.match(tokens)
    except NoSuchPath:
        return None
    for action in VERBS.get(verb, ()):
        if action in operations:
            template = operations[action].template
            found = DOCUMENT["paths"][template][verb.lower()]["responses"]
            return f"/paths/{template.replace('/', '~1')}/{verb.lower()}", found
    return None


def _at(pointer: str) -> Any:
    node: Any = DOCUMENT
    for part in pointer.split("/")[1:]:
        node = node[part]
    return node


def _fault_in(pointer: str, body: Any) -> str | None:
    validator = _validator(pointer)
    if validator.is_valid(body):
        return None
    return "; ".join(
        f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}"
        for error in validator.iter_errors(body)
    )


@cache
def _validator(pointer: str) -> Draft202012Validator:
    escaped = pointer.replace("{", "%7B").replace("}", "%7D")
    return Draft202012Validator({"$ref": f"{_PLACE}#{escaped}"}, registry=_REGISTRY)
