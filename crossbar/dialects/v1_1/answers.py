"""The shapes of answers, as JSON Schemas for the OpenAPI document and its tests."""

from __future__ import annotations

from typing import Any

Node = dict[str, Any]


def _object(properties: Node, *, optional: tuple[str, ...] = ()) -> Node:
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


def _list(items: Node) -> Node:
    return {"type": "array", "items": items}


def _nullable(*kinds: str) -> Node:
    return {"type": [*kinds, "null"]}


TEXT: Node = {"type": "string"}
NUMBER: Node = {"type": "integer", "minimum": 0}
TRUTH: Node = {"type": "boolean"}
TIME: Node = {"type": "string", "format": "date-time"}
OK: Node = {"const": "ok"}

DONE = _object({"status": OK})
USAGE = _object(
    {
        "usage": _object(
            {
                "visitors": _object(
                    {"online_now": NUMBER, "last_24_hrs": NUMBER, "last_30_days": NUMBER}
                ),
                "agents": _object({"today": NUMBER, "last_30_days": NUMBER}),
                "session_counts": _object(
                    {"now": NUMBER, "today": NUMBER, "last_30_days": NUMBER}
                ),
                "session_seconds": _object({"today": NUMBER, "last_30_days": NUMBER}),
            }
        )
    }
)
SESSION = _object(
    {
        "_type": {"const": "session"},
        "id": NUMBER,
        "visitor_id": _nullable("string"),
        "team": _object({"_type": {"const": "team"}, "id": NUMBER, "domain": TEXT}),
        "agents": _list(
            _object(
                {
                    "_type": {"const": "external_agent"},
                    "id": NUMBER,
                    "name": TEXT,
                    "agent_identifier": TEXT,
                }
            )
        ),
        "started_at": TIME,
        "ended_at": {**TIME, "type": ["string", "null"]},
        "length_seconds": NUMBER,
        "call_length_seconds": NUMBER,
        "formatted_length": TEXT,
        "formatted_call_length": TEXT,
        "went_live": TRUTH,
        "features_used": _list(TEXT),
    }
)
VISITOR = _object(
    {
        "_type": {"const": "visitor"},
        "api_key": TEXT,
        "browser_name": _nullable("string"),
        "device_name": _nullable("string"),
        "device_type": _nullable("string"),
        "first_seen_at": TIME,
        "identities": {"type": ["array", "null"], "items": TEXT},
        "integration": _nullable("string"),
        "ip_address": TEXT,
        "is_in_session": TRUTH,
        "is_online": TRUTH,
        "js_configuration": TRUTH,
        "last_seen_at": TIME,
        "last_url": _nullable("string"),
        "location_city": _nullable("string"),
        "location_country": _nullable("string"),
        "location_country_name": _nullable("string"),
        "lookup_code": _nullable("string"),
        "sessions": _list(SESSION),
        "short_id": TEXT,
        "tags": _list(TEXT),
        "unique_id": _nullable("string"),
    }
)
PAGE = _object({"url": TEXT, "visited_at": TIME})
ONE_VISITOR = _object({"status": OK, "visitor": VISITOR})
WITH_HISTORY = _object(
    {
        "status": OK,
        "visitor": _object(
            {**VISITOR["properties"], "history": _list(PAGE)}, optional=("history",)
        ),
    }
)
VISITORS = _object({"status": OK, "visitors": _list(VISITOR)})
SESSIONS = _object({"status": OK, "sessions": _list(SESSION)})
WATCH_URL = _object({"watch_url": {"type": "string", "format": "uri"}})
CONNECTED = _object(
    {
        "status": OK,
        "visitor": _object({"short_id": TEXT}),
        "connection_id": TEXT,
        "secret": TEXT,
        "heartbeat_seconds": NUMBER,
    }
)
BEAT = _object(
    {
        "status": OK,
        "session": {
            "type": ["object", "null"],
            "required": ["id", "state"],
            "properties": {"id": NUMBER, "state": {"enum": ["waiting", "running"]}},
        },
    }
)
LOOKUP_CODE = _object({"status": OK, "lookup_code": {"type": "string", "pattern": "^[0-9]{4}$"}})
REFUSAL = _object(
    {
        "status": {"const": "error"},
        "error": TEXT,
        "fields": {"type": "object", "additionalProperties": TEXT},
    },
    optional=("fields",),
)
