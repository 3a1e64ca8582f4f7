"""Which numbers an account may call by carriers: what is not allowed is refused."""

from __future__ import annotations

from crossbar.documents import texts_at
from crossbar.families.billing import limits_of
from crossbar.switch.executor.book import Book
from crossbar.switch.executor.call import Call

BARRED = "OUTGOING_CALL_BARRED"
EMERGENCY = "emergency"
REFUSED = "call_refused"
"""The notification of a call that was not let out, or in."""


async def why_barred(book: Book, number: str) -> str:
    """Why an account may not call a number by carriers; "" when it may.

    What everybody may call is a setting; what else an account may, its limits say, and those of
    each reseller above it.
    """
    name = book.class_of(number)
    services = book.actor.services
    if name in (EMERGENCY, *services.settings.switch.outbound_classes):
        return ""
    for account_id in await _who_decides(book):
        if name not in texts_at(await limits_of(services, account_id), "outbound_classes"):
            whose = "the account" if account_id == book.account_id else "its reseller"
            return f"{whose} may not call numbers of the class {name} by carriers"
    return ""


async def _who_decides(book: Book) -> list[str]:
    """The account, and the resellers between it and the operator."""
    found = [book.account_id]
    for account_id in book.account.tree[1:]:
        above = await book.actor.services.accounts.get(account_id)
        if above is not None and above.is_reseller:
            found.append(account_id)
    return found


async def tell_of_barred(book: Book, call: Call, number: str, reason: str) -> None:
    """Tell that a call was not let out."""
    facts = {
        "type": REFUSED,
        "call_id": call.call_id,
        "call_direction": "outbound",
        "caller_id_number": call.from_number,
        "callee_id_number": number,
        "authorizing_id": call.device_id,
        "reason": "barred_class",
        "message": reason,
        "timestamp": book.clock.gregorian(),
    }
    await book.tell("notifications", facts)
