"""Which callers from outside an account does not want to hear from."""

from __future__ import annotations

import re
from typing import NamedTuple

from crossbar.documents import lookup, texts_at
from crossbar.numbers import normalized
from crossbar.switch.executor.book import Book
from crossbar.switch.executor.call import Call

_ZEROS = re.compile(r"\+?00+", re.ASCII)

ANONYMOUS_NAMES = ("anonymous", "restricted", "0000000000")


class Refusal(NamedTuple):
    """How a call is refused: the SIP status, its text and the cause."""

    code: int
    text: str
    cause: str = "CALL_REJECTED"


ANONYMITY = Refusal(433, "Anonymity Disallowed")
DECLINE = Refusal(603, "Decline")


async def refusal_of(book: Book, call: Call) -> Refusal | None:
    """How a call from outside is refused; ``None`` when it is not."""
    if not call.is_external or call.device_id:
        return None
    lists = [
        each
        for doc_id in texts_at(book.account.document, "blacklists")
        if (each := await book.get("blacklist", doc_id)) and each.get("enabled") is not False
    ]
    if await _is_anonymous(book, call):
        privacy = await book.config("privacy")
        unwanted = privacy.get("block_anonymous_caller_id") is True
        if unwanted or any(each.get("should_block_anonymous") is True for each in lists):
            return ANONYMITY
    number = normalized(call.from_number)
    listed = any(number in (lookup(each, ("numbers",)) or ()) for each in lists)
    return DECLINE if number and listed else None


async def _is_anonymous(book: Book, call: Call) -> bool:
    """Whether the caller hides; names and numbers that say so count where that is asked for."""
    if call.is_anonymous or _ZEROS.fullmatch(call.from_number):
        return True
    privacy = await book.config("privacy")
    for part, shown in (("names", call.from_name), ("numbers", call.from_number)):
        if privacy.get(f"check_additional_anonymous_cid_{part}") is not True:
            continue
        told = privacy.get(f"anonymous_cid_{part}")
        known = told if isinstance(told, list) else ANONYMOUS_NAMES
        if shown.lower() in [str(each).lower() for each in known]:
            return True
    return False
