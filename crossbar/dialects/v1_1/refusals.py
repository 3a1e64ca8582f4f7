"""How errors are worded: ``{"status": "error", "error": <name>}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from crossbar.dialects.v1_1.exchange import Exchange
from crossbar.errors import ApiNotEnabled, CrossbarError, SubscriptionExpired, ValidationFailed

NAMES: Mapping[int, str] = {
    400: "invalid_request",
    401: "invalid_api_key",
    402: "payment_required",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    409: "conflict",
    410: "gone",
    412: "precondition_failed",
    413: "payload_too_large",
    429: "rate_limited",
    500: "internal_error",
    503: "unavailable",
}
"""The error of each status; two more of 401 are told by their classes."""

OWN_NAMES: Mapping[type[CrossbarError], str] = {
    SubscriptionExpired: "subscription_expired",
    ApiNotEnabled: "api_not_enabled",
}


def name_of(error: CrossbarError) -> str:
    """The stable name of an error."""
    return OWN_NAMES.get(type(error), NAMES.get(error.status, NAMES[500]))


def refuse(exchange: Exchange, error: CrossbarError) -> web.Response:
    """The answer to a request that was refused."""
    body: dict[str, Any] = {"status": "error", "error": name_of(error)}
    if error.status == 400:
        body["fields"] = reasons(error)
    exchange.headers.update(error.headers)
    response = exchange.answer(body, error.status)
    if not exchange.request.content.at_eof():
        response.force_close()  # where in the body the next request would begin is not known
    return response


def reasons(error: CrossbarError) -> dict[str, str]:
    """What is wrong with each field."""
    if not isinstance(error, ValidationFailed):
        return {"body": str(error)}
    return {
        name: next((str(rule.get("message", "")) for rule in rules.values()), "")
        for name, rules in error.fields.items()
    }
