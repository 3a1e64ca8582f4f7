"""What other servers are told of a call, and asked about it."""

from __future__ import annotations

from urllib.parse import urlencode

import orjson

from crossbar.core.jobs import Kind
from crossbar.core.ports import Message, NotReached
from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.switch.executor.call import Call

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def message_of(verb: str, url: str, facts: Document, *, form: bool = False) -> Message:
    """Facts as a request: in the query of a GET, else in the body, as JSON or as a form."""
    flat = {
        name: each if isinstance(each, str) else orjson.dumps(each).decode()
        for name, each in facts.items()
    }
    if verb.lower() == "get":
        sign = "&" if "?" in url else "?"
        return Message("GET", f"{url}{sign}{urlencode(flat)}", {}, b"")
    if form:
        return Message("POST", url, FORM, urlencode(flat).encode())
    return Message("POST", url, JSON, orjson.dumps(facts))


def facts_of(call: Call) -> Document:
    """A call as reports show it."""
    return {
        "account_id": call.account_id,
        "authorizing_id": call.device_id,
        "call_id": call.call_id,
        "callee_id_number": call.to_number or call.dialed,
        "caller_id_name": call.from_name,
        "caller_id_number": call.from_number,
        "custom_application_vars": call.variables,
        "direction": "inbound",
        "owner_id": call.owner_id,
        "request": call.dialed,
    }


async def _report(services: Services, about: Document) -> None:
    """Send a report; an answer that refuses it is an answer."""
    settings = services.settings.webhooks
    message = message_of(about["verb"], about["url"], about["facts"])
    for attempt in range(about["retries"] + 1):
        try:
            await services.receivers.send(
                message,
                private=settings.allow_private_addresses,
                seconds=settings.timeout,
                connect=settings.connect_timeout,
            )
        except NotReached:
            if attempt == about["retries"]:
                return
        else:
            return


REPORT = Kind(name="call_report", run=_report)
"""Reports that steps of callflows ask for."""
