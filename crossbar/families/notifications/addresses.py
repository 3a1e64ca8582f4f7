"""Whom mails of a template go to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from crossbar.core.directory import Account
from crossbar.core.services import Services
from crossbar.documents import Document, lookup
from crossbar.families.notifications.shipped import ADMINS, ORIGINAL
from crossbar.storage import Span

MOST_ADDRESSES, MOST_USERS = 20, 1000
"""Who is written to at most by one mail; of how many users administrators are looked for."""

_ADDRESS = re.compile(r"[^\s,;:<>()\"\\\x00-\x1f\x7f@]+@[^\s,;:<>()\"\\\x00-\x1f\x7f@]+")


def is_address(value: Any) -> bool:
    """Whether a value can be written to: one address, with nothing that a header could mistake."""
    return isinstance(value, str) and len(value) <= 254 and _ADDRESS.fullmatch(value) is not None


def usable(values: Any) -> list[str]:
    """The addresses among some values, each once, and not too many."""
    listed = values if isinstance(values, list | tuple) else []
    return list(dict.fromkeys(each for each in listed if is_address(each)))[:MOST_ADDRESSES]


async def recipients(
    services: Services, account: Account, wanted: Any, original: Iterable[str]
) -> tuple[str, ...]:
    """Whom a part of a template (``to``, ``cc`` or ``bcc``) means."""
    chosen = wanted if isinstance(wanted, dict) else {}
    kind = chosen.get("type")
    if kind == ORIGINAL:
        return tuple(usable(list(original)))
    if kind == ADMINS:
        return tuple(await administrators(services, account))
    return tuple(usable(chosen.get("email_addresses")))


async def administrators(services: Services, account: Account) -> list[str]:
    """Where an account's administrators are written to; else those of its reseller."""
    found = await _own_administrators(services, account)
    if not found and account.reseller_id != account.account_id:
        reseller = await services.accounts.get(account.reseller_id)
        found = await _own_administrators(services, reseller) if reseller else []
    return found


async def _own_administrators(services: Services, account: Account) -> list[str]:
    found = [lookup(account.document, ("contact", "admin", "email"))]
    span = Span(account_id=account.account_id, doc_type="user")
    looked_at = 0
    async for row in services.store.scan(span):
        looked_at += 1
        if is_administrator(row.document):
            found.append(row.document.get("email"))
        if len(found) > MOST_ADDRESSES or looked_at == MOST_USERS:
            break
    return usable(found)


def is_administrator(user: Document) -> bool:
    """Whether a user is one."""
    return user.get("priv_level") == "admin" and user.get("enabled", True) is not False
