"""Mails about calls: that nobody took one, and what steps ask for."""

from __future__ import annotations

from typing import Any

import structlog

from crossbar.documents import Document
from crossbar.errors import CrossbarError
from crossbar.switch.executor.book import Book
from crossbar.switch.executor.call import Call
from crossbar.switch.executor.media import CallerId

log = structlog.get_logger(__name__)

MISSED = "missed_call"
EMERGENCY = "emergency_bridge"


async def write_of_missed(book: Book, call: Call) -> None:
    """Have those written to who want to know that nobody took a call."""
    await write(book, call, MISSED, call.missed_call)


async def tell_of_emergency(book: Book, call: Call, number: str, shown: CallerId) -> None:
    """Tell the administrators that an emergency number is called, whatever comes of it."""
    caller = shown.number or call.from_number
    facts: Document = {
        "type": EMERGENCY,
        "call_id": call.call_id,
        "caller_id_name": shown.name or call.from_name,
        "caller_id_number": caller,
        "callee_id_number": number,
        "authorizing_id": call.device_id,
        "timestamp": book.clock.gregorian(),
    }
    try:
        await book.notify_administrators(EMERGENCY, {"emergency": {"from": caller, "to": number}})
        await book.tell("notifications", facts)
    except CrossbarError:
        log.exception("emergency_call_was_not_told", call_id=call.call_id)


async def send_at_end(book: Book, call: Call) -> None:
    """Have the mails written that wait for the end of a call."""
    for notice in call.notices:
        await write(book, call, str(notice["template_id"]), notice["recipients"])


async def write(book: Book, call: Call, template_id: str, recipients: Any) -> None:
    """Have a mail about a call written to each of the recipients, by a template."""
    facts = {
        "caller_id": {"name": call.from_name, "number": call.from_number},
        "call": {"from": call.from_number, "to": call.dialed, "id": call.call_id},
    }
    addresses: list[str] = []
    for each in recipients if isinstance(recipients, list) else ():
        named = each.get("id") if isinstance(each, dict) else None
        for one in named if isinstance(named, list) else [named]:
            user = await _user(book, each, one)
            if user is not None:
                await book.notify(template_id, facts, [str(user.get("email") or "")], user)
            elif isinstance(one, str):
                addresses.append(one)
    await book.notify(template_id, facts, addresses)


async def _user(book: Book, recipient: Any, named: object) -> Document | None:
    is_user = isinstance(recipient, dict) and recipient.get("type") == "user"
    return await book.get("user", named) if is_user else None
