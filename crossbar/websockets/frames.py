"""Frames: what clients send, made sense of, and what they are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from crossbar.abridging import abridged
from crossbar.dialects.parsing import parse_json
from crossbar.documents import Document
from crossbar.errors import TooManyMembers, ValidationFailed
from crossbar.values import valueclass

DEPTH, MEMBERS = 20, 1000
"""How deeply the JSON of a frame may be nested, and how much may be in it."""

LONGEST_NAME = 128
LARGEST_METADATA = 2048
"""Bytes of JSON that a client may say of itself."""

NO_TOKEN = "authentication token required"  # noqa: S105 - words, not a secret
BAD_TOKEN = "failed to authenticate token"  # noqa: S105 - words, not a secret


class Refused(Exception):
    """What is wrong with a frame, in the words of the protocol."""


@valueclass
class Frame:
    """What a client asks for. ``bindings`` are as they were written."""

    action: str
    request_id: str
    token: str
    account_id: str
    bindings: list[str]
    name: str
    metadata: Document


def parsed(text: str) -> tuple[str, Document]:
    """What the answer to a frame is called, and the frame's object. Raises :class:`Refused`."""
    try:
        sent = parse_json(text.encode("utf-8", "surrogatepass"), DEPTH, MEMBERS)
    except TooManyMembers:
        raise Refused(f"a frame has at most {MEMBERS} values") from None
    except ValidationFailed as error:
        reason = error.data["json"]["invalid"]["message"]
        raise Refused(f"a frame has to be a JSON object: {reason}") from None
    if not isinstance(sent, dict):
        raise Refused("a frame has to be a JSON object")
    request_id = sent.get("request_id", "")
    return (abridged(request_id) if isinstance(request_id, str) else ""), sent


def frame_of(request_id: str, sent: Document) -> Frame:
    """The frame. Raises :class:`Refused`."""
    data = sent.get("data", {})
    if not isinstance(data, dict):
        raise Refused("data has to be an object")
    action = _text(sent, "action", "noop")
    bindings = data.get("bindings", [])
    if "binding" in data:
        bindings = [data["binding"]]
    if not isinstance(bindings, list) or not all(isinstance(each, str) for each in bindings):
        raise Refused("a binding has to be a text, bindings a list of texts")
    metadata = sent.get("metadata", {})
    if not isinstance(metadata, dict) or len(orjson.dumps(metadata)) > LARGEST_METADATA:
        raise Refused(f"metadata has to be an object of at most {LARGEST_METADATA} bytes")
    return Frame(
        action=action,
        request_id=request_id,
        token=_text(sent, "auth_token"),
        account_id=_text(data, "account_id"),
        bindings=bindings,
        name=_text(sent, "name")[:LONGEST_NAME],
        metadata=metadata,
    )


def _text(sent: Document, name: str, default: str = "") -> str:
    value = sent.get(name, default)
    if not isinstance(value, str):
        raise Refused(f"{name} has to be a text")
    return value


def reply(request_id: str, data: Document) -> str:
    """The frame that says that something was done."""
    return _written(
        {"action": "reply", "request_id": request_id, "status": "success", "data": data}
    )


def refusal(request_id: str, errors: Sequence[str], **more: Any) -> str:
    """The frame that says why something was not done."""
    data = {"errors": list(map(abridged, errors)), **more}
    return _written({"action": "reply", "request_id": request_id, "status": "error", "data": data})


def event(binding: str, key: str, name: str, seq: int, data: Document) -> str:
    """The frame that tells an event."""
    return _written(
        {
            "action": "event",
            "subscribed_key": binding,
            "subscription_key": key,
            "routing_key": key,
            "name": name,
            "seq": seq,
            "data": data,
        }
    )


def _written(frame: Document) -> str:
    return orjson.dumps(frame).decode()
