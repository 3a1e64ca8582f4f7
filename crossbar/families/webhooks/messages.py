"""A report as the message that is sent: address, headers, body, signatures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlsplit, urlunsplit

import orjson

from crossbar.clock import GREGORIAN_OFFSET
from crossbar.core.ports import Message
from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.families.webhooks.kinds import OBJECT
from crossbar.families.webhooks.reports import facts_of, full_facts
from crossbar.families.webhooks.signing import body_hmac, key_of, secrets_of, signed_headers
from crossbar.remembering import keep

CHOOSING = ("type", "action")
"""Custom data that choose what is reported, and so are not reported themselves."""

ENVELOPED = 2
"""The version of bodies whose data are in an envelope."""

JSON, FORM = "application/json", "application/x-www-form-urlencoded"

MANY = 2000
"""Webhooks of which it is remembered what all their messages have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What all messages of a webhook have, as it is in one revision."""

    custom: Document
    cluster: Document
    headers: dict[str, str]
    method: str
    is_json: bool
    has_envelope: bool


_remembered: dict[tuple[str, str], Common] = {}


async def _common(services: Services, hook: Document) -> Common:
    name = (hook["_id"], hook["_rev"])
    found = _remembered.get(name)
    if found is None:
        found = await _common_of(services, hook)
        keep(_remembered, name, found, MANY)
    return found


async def _common_of(services: Services, hook: Document) -> Common:
    has_envelope = hook.get("version") == f"v{ENVELOPED}"
    is_json, method = hook.get("format") == "json", hook.get("http_verb", "post").upper()
    headers = {"User-Agent": "crossbar", "Accept-Encoding": "identity"}
    if method != "GET":
        headers["Content-Type"] = JSON if is_json or has_envelope else FORM
    headers |= {
        **(hook.get("custom_request_headers") or {}),
        "X-Hook-ID": hook["_id"],
        "X-Account-ID": hook["pvt_account_id"],
    }
    custom = hook.get("custom_data") or {}
    master = await services.accounts.master()
    return Common(
        custom={name: value for name, value in custom.items() if name not in CHOOSING},
        cluster={"cluster_id": master.account_id} if master else {},
        headers=headers,
        method=method,
        is_json=is_json or has_envelope,
        has_envelope=has_envelope,
    )


async def message_of(
    services: Services, hook: Document, report: Document, message_id: str
) -> Message:
    """The message of a report, signed at one reading of the clock."""
    common, now = await _common(services, hook), services.clock.unix()
    content = await _content(services, common, hook, report, now)
    url, body = hook["uri"], b""
    if common.method == "GET":
        signed = "&".join(_fields(content)).encode()
        url = _with_query(url, signed.decode())
    elif common.is_json:
        signed = body = orjson.dumps(content, option=orjson.OPT_INDENT_2)
    else:
        signed = body = "&".join(_fields(content)).encode()
    signatures = signed_headers(secrets_of(services, hook, now), message_id, now, signed)
    return Message(common.method, url, {**common.headers, **signatures}, body)


async def _content(
    services: Services, common: Common, hook: Document, report: Document, now: int
) -> Document:
    if not common.has_envelope:
        named = {} if report["kind"] == OBJECT else {"hook_event": report["kind"]}
        return {**named, **facts_of(report), **common.cluster, **common.custom}
    data, gregorian = await full_facts(services, report), now + GREGORIAN_OFFSET
    content: Document = {
        "action": report["kind"],
        "name": hook["name"],
        "data": data,
        "timestamp": gregorian,
    }
    if key := key_of(services, hook):
        content["hmac"] = body_hmac(key, gregorian, data)
    return {**common.custom, **content}


def _fields(value: Any, name: str = "") -> Iterator[str]:
    """The fields of a form; what is nested is named in brackets."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _fields(each, f"{name}[{key}]" if name else key)
    elif isinstance(value, list):
        for each in value:
            yield from _fields(each, f"{name}[]")
    elif value is not None:
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        yield f"{quote_plus(name)}={quote_plus(text)}"


def _with_query(url: str, query: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))
