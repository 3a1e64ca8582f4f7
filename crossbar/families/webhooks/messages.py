"""A report as the message that is sent: address, headers, body, signatures."""

from __future__ import annotations

from collections.abc import Iterator
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

CHOOSING = ("type", "action")
"""Custom data that choose what is reported, and so are not reported themselves."""

ENVELOPED = 2
"""The version of bodies whose data are in an envelope."""

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


async def message_of(
    services: Services, hook: Document, report: Document, message_id: str
) -> Message:
    """The message of a report, signed at one reading of the clock."""
    now = services.clock.unix()
    content = await _content(services, hook, report, now)
    method = hook.get("http_verb", "post").upper()
    url, body = hook["uri"], b""
    headers = {"User-Agent": "crossbar", "Accept-Encoding": "identity"}
    if method == "GET":
        signed = "&".join(_fields(content)).encode()
        url = _with_query(url, signed.decode())
    elif hook.get("format") == "json" or _has_envelope(hook):
        signed = body = orjson.dumps(content, option=orjson.OPT_INDENT_2)
        headers["Content-Type"] = JSON
    else:
        signed = body = "&".join(_fields(content)).encode()
        headers["Content-Type"] = FORM
    headers |= {
        **(hook.get("custom_request_headers") or {}),
        "X-Hook-ID": hook["_id"],
        "X-Account-ID": hook["pvt_account_id"],
        **signed_headers(secrets_of(services, hook, now), message_id, now, signed),
    }
    return Message(method, url, headers, body)


def _has_envelope(hook: Document) -> bool:
    """Whether the body is of the second version."""
    return hook.get("version") == f"v{ENVELOPED}"


async def _content(services: Services, hook: Document, report: Document, now: int) -> Document:
    custom = {
        name: value
        for name, value in (hook.get("custom_data") or {}).items()
        if name not in CHOOSING
    }
    if not _has_envelope(hook):
        master = await services.accounts.master()
        named = {} if report["kind"] == OBJECT else {"hook_event": report["kind"]}
        cluster = {"cluster_id": master.account_id} if master else {}
        return {**named, **facts_of(report), **cluster, **custom}
    data, gregorian = await full_facts(services, report), now + GREGORIAN_OFFSET
    content: Document = {
        "action": report["kind"],
        "name": hook["name"],
        "data": data,
        "timestamp": gregorian,
    }
    if key := key_of(services, hook):
        content["hmac"] = body_hmac(key, gregorian, data)
    return {**custom, **content}


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
