"""Messages of a reseller to its customers: mails to the users of the accounts below.

The message is kept once, beside the log. A job goes through the accounts, one more for each of
them through its users; each asks for some mails in a commit, and in the same for what is left.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from crossbar.core.directory import ACCOUNT_TYPE, is_at_or_below
from crossbar.core.jobs import Kind, asked
from crossbar.core.journals import new_key, record_put
from crossbar.core.reading import load_document
from crossbar.core.requests import Request, Result
from crossbar.core.services import Services
from crossbar.core.stamping import stamped
from crossbar.documents import Document
from crossbar.errors import MailUnavailable, ValidationFailed
from crossbar.families.notifications.addresses import is_address, is_administrator
from crossbar.families.notifications.sending import NOTIFICATION, about_mail
from crossbar.families.notifications.shipped import CUSTOMER_UPDATE
from crossbar.families.notifications.smtplog import CUSTOMER_UPDATES, UPDATE_TYPE
from crossbar.families.notifications.trying import proposed
from crossbar.storage import SYSTEM, Batch, Entry, Key, Position, Put, Span

PORTION = 50
"""Accounts, or users, that are dealt with in a commit."""

ALL_USERS, ADMINS_ONLY = "all_users", "admins_only"

OK = "success"


async def send_message(request: Request) -> Result:
    """Write to users of the accounts below, or of one of them."""
    services, actor = request.services, request.actor
    data = request.data if isinstance(request.data, dict) else {}
    template = await proposed(request, CUSTOMER_UPDATE, data)
    recipient_id = data.get("recipient_id")
    if recipient_id is not None:
        await _require_below(request, recipient_id)
    user_type = data.get("user_type", ADMINS_ONLY)
    if not isinstance(user_type, str):
        message = "Value did not match type(s): string"
        raise ValidationFailed.of("user_type", "type", message, target="string", value=user_type)
    if recipient_id and user_type not in (ALL_USERS, ADMINS_ONLY):
        await load_document(actor, Key(recipient_id, "user", user_type))
    if not services.mail.is_available:
        raise MailUnavailable
    key = new_key(CUSTOMER_UPDATES, request.account_id, services.clock)
    content = {"document": template.document, "bodies": dict(template.bodies)}
    record = record_put(CUSTOMER_UPDATES, key, stamped(actor, key, content))
    about = {"account_id": request.account_id, "update_id": key.doc_id, "user_type": user_type}
    first = (
        asked(services.clock, TO_ACCOUNT, {**about, "to": recipient_id})
        if recipient_id
        else asked(services.clock, TO_ALL, about)
    )
    await services.commit(Batch(puts=(first,), records=(record,)))
    return Result(data=OK)


async def _require_below(request: Request, recipient_id: Any) -> None:
    """Refuse who is no customer of the account."""
    found = None
    if isinstance(recipient_id, str):
        found = await request.services.accounts.get(recipient_id)
    if found is None or not found.is_below(request.account_id):
        message = "The recipient has to be an account below this one"
        raise ValidationFailed.of("recipient_id", "not_found", message, cause=recipient_id)


async def _through_accounts(services: Services, about: Document) -> None:
    """Have the users of some accounts gone through, and then those of the rest."""
    entry = Entry("ancestor", about["account_id"])
    span = Span(account_id=SYSTEM, doc_type=ACCOUNT_TYPE, entry=entry, portion=PORTION + 1)
    puts: list[Put] = []
    async for position, _ in _from(services, span, about):
        if len(puts) == PORTION:
            puts.append(asked(services.clock, TO_ALL, {**about, "at": list(position)}))
            break
        one = {name: value for name, value in about.items() if name != "at"}
        puts.append(asked(services.clock, TO_ACCOUNT, {**one, "to": position.doc_id}))
    await services.commit(Batch(puts=puts))


async def _through_users(services: Services, about: Document) -> None:
    """Have some users of an account written to, and then the rest."""
    account = await services.accounts.get(about["to"])
    message_key = Key(about["account_id"], UPDATE_TYPE, about["update_id"])
    message = await services.store.get_record(message_key)
    if account is None or message is None or not is_at_or_below(account, about["account_id"]):
        return
    span = Span(account_id=account.account_id, doc_type="user", portion=PORTION + 1)
    puts: list[Put] = []
    async for position, user in _from(services, span, about):
        if len(puts) == PORTION:
            puts.append(asked(services.clock, TO_ACCOUNT, {**about, "at": list(position)}))
            break
        if _is_meant(user, about["user_type"]):
            facts = {"user": user_facts(user)}
            mail = about_mail(
                services, CUSTOMER_UPDATE, account.account_id, facts, to=(user["email"],)
            )
            mail["update"] = [about["account_id"], about["update_id"]]
            puts.append(asked(services.clock, NOTIFICATION, mail))
    await services.commit(Batch(puts=puts))


async def _from(
    services: Services, span: Span, about: Document
) -> AsyncIterator[tuple[Position, Document]]:
    """The rows of a span, from where the last job has stopped."""
    if at := about.get("at"):
        span = replace(span, start=Position(*at))
    async for row in services.store.scan(span):
        yield row.position, row.document


def _is_meant(user: Document, user_type: str) -> bool:
    if not is_address(user.get("email")) or user.get("enabled", True) is False:
        return False
    if user_type == ADMINS_ONLY:
        return is_administrator(user)
    return user_type in (ALL_USERS, user["_id"])


def user_facts(user: Document) -> Document:
    """What templates are told of a user."""
    names = ("first_name", "last_name", "username", "email")
    return {name: user[name] for name in names if isinstance(user.get(name), str)}


TO_ALL = Kind(name="customer_update", run=_through_accounts)
TO_ACCOUNT = Kind(name="customer_update_account", run=_through_users)
