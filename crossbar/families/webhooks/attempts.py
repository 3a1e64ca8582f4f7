"""Attempts: what was sent to whom, how long it took, what was answered. A journal."""

from __future__ import annotations

import time
from typing import Any

from crossbar.clock import GREGORIAN_OFFSET
from crossbar.core.journals import list_records, new_key, record_put
from crossbar.core.ports import NotReached
from crossbar.core.requests import Request, Result
from crossbar.core.services import Services
from crossbar.core.shapes import Access, Bucket, Journal, Nesting, field_index, renamed
from crossbar.core.stamping import stamp
from crossbar.documents import Document
from crossbar.families.webhooks.messages import message_of
from crossbar.storage import Entry, Put

ATTEMPT_TYPE = "webhook_attempt"
SUCCESS, FAILURE = "success", "failure"

BEGINNING = 2000
"""Characters of what was sent that are kept."""

SUMMARY = (
    "hook_id",
    "hook_event",
    "event_id",
    "uri",
    "method",
    "result",
    "reason",
    "client_error",
    "resp_status_code",
    "resp_body",
    "response_code",
    "response_body",
    "try",
    "duration_ms",
    "delay_ms",
    "req_headers",
    "req_body",
    renamed("timestamp", "pvt_created"),
)

ATTEMPTS = Journal(
    noun="attempts",
    doc_type=ATTEMPT_TYPE,
    schema="webhook_attempt",
    summary=SUMMARY,
    bucket=Bucket.DAY,
    retention="webhooks.attempts_kept",
    indexes=(field_index("hook_id"),),
    nested=(Nesting(noun="webhooks", doc_type="webhook", index="hook_id"),),
    scopes=(),
    access=Access.ADMIN,
)
"""All attempts of an account; the ones of a webhook are below it."""


async def list_all(request: Request) -> Result:
    """The attempts at all webhooks of the account, newest first, within a range of time."""
    return await list_records(request, ATTEMPTS)


async def tried(services: Services, hook: Document, report: Document, message_id: str) -> Document:
    """Send a report once, and tell how that went; ``result`` says whether it was taken."""
    settings = services.settings.webhooks
    message = await message_of(services, hook, report, message_id)
    now, began = services.clock.precise(), time.perf_counter()
    outcome: Document = {
        "hook_id": hook["_id"],
        "hook_event": report["kind"],
        "event_id": message_id,
        "custom_data": hook.get("custom_data") or {},
        "uri": message.url,
        "method": message.method.lower(),
        "req_headers": _shown(hook, message.headers),
        "req_body": message.body[:BEGINNING].decode("utf-8", "replace"),
        "pvt_report": report,
        "pvt_created": int(now) + GREGORIAN_OFFSET,
    }
    try:
        reply = await services.receivers.send(
            message,
            private=settings.allow_private_addresses,
            seconds=settings.timeout,
            connect=settings.connect_timeout,
        )
    except NotReached as error:
        answered: dict[str, Any] = {
            "result": FAILURE,
            "reason": "no answer",
            "client_error": str(error),
        }
    else:
        answered = {
            "result": SUCCESS if 200 <= reply.status < 300 else FAILURE,
            "resp_status_code": reply.status,
            "resp_body": reply.body,
            "response_code": str(reply.status),
            "response_body": reply.body,
        }
        if answered["result"] == FAILURE:
            answered["reason"] = "bad response code"
    return {**outcome, **answered, "duration_ms": int((time.perf_counter() - began) * 1000)}


def _shown(hook: Document, headers: Any) -> dict[str, str]:
    """The headers without what clients have put there: it may be a password."""
    own = {name.lower() for name in hook.get("custom_request_headers") or {}}
    return {name: value for name, value in headers.items() if name.lower() not in own}


def attempt_put(services: Services, account_id: str, attempt: Document) -> Put:
    """The write that records an attempt."""
    key = new_key(ATTEMPTS, account_id, services.clock, seconds=attempt["pvt_created"])
    record = stamp(key, attempt, now=attempt["pvt_created"], author=None, request_id=None)
    return record_put(ATTEMPTS, key, record)


def entry_of(hook_id: str) -> Entry:
    """What finds the attempts at a webhook."""
    return Entry("hook_id", hook_id)
