"""What receivers of webhooks are sent, as the ``webhooks`` of the OpenAPI document."""

from __future__ import annotations

from crossbar.dialects.openapi import Node
from crossbar.families.webhooks import HOOK_KINDS, HOOK_SAMPLES, HookKind

HEADERS = {
    "X-Hook-ID": "Id of the webhook.",
    "X-Account-ID": "Id of the account that has the webhook.",
    "webhook-id": "What the event is known by, however often it is sent.",
    "webhook-timestamp": "When it was sent, in Unix seconds.",
    "webhook-signature": "Signatures by Standard Webhooks, one for each secret.",
}

ENVELOPE: Node = {
    "type": "object",
    "required": ["action", "name", "data", "timestamp"],
    "properties": {
        "action": {"type": "string", "description": "The kind of the event."},
        "name": {"type": "string", "description": "The webhook's name."},
        "data": {"type": "object"},
        "timestamp": {"type": "integer", "description": "Gregorian seconds."},
        "hmac": {"type": "string", "description": "HMAC-SHA256 of time and data, in base64."},
    },
}


def webhooks() -> Node:
    """Each kind of reports."""
    return {kind.name: {"post": _report(kind)} for kind in HOOK_KINDS.values()}


def _report(kind: HookKind) -> Node:
    samples = HOOK_SAMPLES.get(f"webhooks_{kind.name}", [])
    names = dict.fromkeys(name for sample in samples for name in sample)
    plain: Node = {"type": "object", "properties": {name: {} for name in names}}
    content: Node = {"schema": {"anyOf": [plain, ENVELOPE]}}
    if samples:
        content["example"] = samples[0]
    return {
        "operationId": f"report_{kind.name}",
        "tags": ["webhooks"],
        "summary": kind.about,
        "parameters": [
            {"name": name, "in": "header", "description": about, "schema": {"type": "string"}}
            for name, about in HEADERS.items()
        ],
        "requestBody": {"content": {"application/json": content}},
        "responses": {"2XX": {"description": "Taken; anything else is tried again."}},
    }
