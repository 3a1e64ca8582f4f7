"""Tools of the contract tests: documents to send, paths to fill in, bytes to send unasked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from crossbar.app import REGISTRY
from crossbar.core.registry import Operation
from crossbar.core.requests import Action
from crossbar.core.shapes import Collection, Singleton
from crossbar.dialects.v2.verbs import VERB_OF
from crossbar.validation import Schemas
from tests.conftest import Answer, Api
from tests.schemas.violations import minimal

UNKNOWN = "0123456789abcdef" * 2
"""An id of the right form that nothing has."""

GARBAGE = "eyJhbGciOiJub25lIn0.e30.AAAA"
"""A token that nobody issued."""

_SCHEMAS = Schemas()
SCHEMAS = {name: _SCHEMAS.document(name) for name in _SCHEMAS.names()}
"""Every schema by name."""


def _is_listed_and_written(family: Collection) -> bool:
    """Whether the family's own path offers it all; some are reached below others' paths only."""
    actions = {
        (operation.action, len(operation.path))
        for operation in REGISTRY.operations()
        if operation.family is family
    }
    return actions >= {(Action.LIST, 3), (Action.CREATE, 3), (Action.REPLACE, 4)}


COLLECTIONS = tuple(
    family
    for family in REGISTRY.families
    if isinstance(family, Collection) and family.noun != "accounts"
    if _is_listed_and_written(family)
)
"""The families of documents below an account that can be listed, created and replaced."""

SINGLETONS = tuple(family for family in REGISTRY.families if isinstance(family, Singleton))


def verb_of(operation: Operation) -> str:
    """The verb that asks for an operation."""
    return VERB_OF[operation.action]


def label(operation: Operation) -> str:
    """An operation in a failure's message."""
    return f"{verb_of(operation)} {operation.template}"


def path_of(operation: Operation, **params: str) -> str:
    """The operation's path. Ids that are not given are unknown ones."""
    tokens = [
        params.get(part[1:-1], UNKNOWN) if part.startswith("{") else part
        for part in operation.path
    ]
    return "/".join(("/v2", *tokens))


OF_APPS = "/accounts/{account_id}/apps_store/{app}"


def decides_of_app(operation: Operation) -> bool:
    """Whether it decides of an app. An app that is not there is forbidden, whoever asks."""
    is_override = operation.path[-1] == "override"
    is_change = verb_of(operation) != "GET" or is_override
    return operation.template.startswith(OF_APPS) and is_change


def is_scoped(operation: Operation) -> bool:
    """Whether the operation's path names an account."""
    return operation.path[:2] == ("accounts", "{account_id}")


def verbs_at(operation: Operation) -> list[str]:
    """The verbs that the operation's path offers, in order."""
    siblings = (other for other in REGISTRY.operations() if other.path == operation.path)
    ordered = sorted(siblings, key=lambda other: list(Action).index(other.action))
    return [verb_of(other) for other in ordered]


def document(family: Collection | Singleton, number: int = 0) -> dict[str, Any]:
    """The smallest document of the family that the gateway takes; another for every number."""
    made: dict[str, Any] = {**minimal(SCHEMAS[family.schema], SCHEMAS)}
    if family.noun == "api_keys":
        made["scopes"] = ["*"]
    if family.noun == "callflows":
        made["numbers"] = [str(2000 + number)]
    if family.noun == "external_numbers":
        made["number"] = f"+1415555{number:04}"
    if family.noun == "vmboxes":
        made["mailbox"] = str(100 + number)
    return made


def action_of(operation: Operation) -> str:
    """The ``action`` for the envelope, where an operation does nothing without one."""
    actions = {"user_auth": "impersonate_user", "auth": "reset_signature_secret"}
    return actions.get(operation.path[-1], "") if is_scoped(operation) else ""


def refusal(answer: Answer, status: int, message: str, data: Any = None) -> str | None:
    """What is wrong with an answer that should be this refusal; ``None`` if nothing."""
    wanted = (status, message)
    found = (answer.status, (answer.body or {}).get("message"))
    if found != wanted:
        return f"{found} instead of {wanted}: {answer.content[:200]!r}"
    if data is not None and answer.data != data:
        return f"data {answer.data} instead of {data}"
    return None


def ids(answer: Answer) -> list[str]:
    """The ids of a list, in order."""
    rows = answer.expect(200).data
    if isinstance(rows, dict):
        rows = rows["configured"]  # second factors are listed beside those of the system
    return [row if isinstance(row, str) else row["id"] for row in rows]


async def everything(api: Api, path: str) -> list[Any]:
    """Every document of a collection, whole."""
    whole: list[Any] = (await api.get(f"{path}?paginate=false&full_docs=true")).expect(200).data
    return whole


async def create_all(api: Api, path: str, documents: Iterable[Any]) -> list[str]:
    """Create documents one after the other; their ids."""
    return [(await api.put(path, sent)).expect(201).data["id"] for sent in documents]


async def bare_exchange(api: Api, request: bytes) -> Answer:
    """Send bytes to the server as they are, and read until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.client.port)
    try:
        writer.write(request)
        await writer.drain()
        received = await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()
    return _parsed(received)


def http(
    method: str, target: str | bytes, *headers: str | bytes, body: bytes = b"", length: bool = True
) -> bytes:
    """The bytes of a request whose connection is closed after the answer."""
    lines: list[str | bytes] = ["Host: x", "Connection: close", *headers]
    if body and length:
        lines.append(f"Content-Length: {len(body)}")
    head = [b" ".join((method.encode(), _encoded(target), b"HTTP/1.1")), *map(_encoded, lines)]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def _encoded(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _parsed(received: bytes) -> Answer:
    head, _, content = received.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    is_json = headers.get("content-type") == "application/json" and content[:1] == b"{"
    body = orjson.loads(content) if is_json else None
    return Answer(int(status.split(" ")[1]), headers, content, body)


def chunked(*pieces: bytes) -> bytes:
    """A body in HTTP chunks."""
    framed = (b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"".join(framed) + b"0\r\n\r\n"


def multipart(*parts: tuple[str, bytes], boundary: str = "XX") -> bytes:
    """A multipart body; each part is its header lines and its content."""
    made = (
        f"--{boundary}\r\n{headers}\r\n\r\n".encode() + content + b"\r\n"
        for headers, content in parts
    )
    return b"".join(made) + f"--{boundary}--\r\n".encode()


def operations() -> Iterator[Operation]:
    """Every operation that the gateway has."""
    return REGISTRY.operations()
