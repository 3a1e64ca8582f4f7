"""The log of mails: what was sent to whom, or why it was not; one record for each mail."""

from __future__ import annotations

from typing import Any

from crossbar.core.answers import SOME_OBJECT, TEXT, Answers, an_object, rows
from crossbar.core.directory import Account
from crossbar.core.journals import list_records, load_record, new_key, record_put
from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.services import Services
from crossbar.core.shapes import Access, Column, Journal, Route, field_index, renamed
from crossbar.core.stamping import stamped
from crossbar.documents import Document, public
from crossbar.families.notifications.templates import NOUN
from crossbar.storage import Batch, Key

LOG_TYPE = "smtp_log"
UPDATE_TYPE = "customer_update"

KEPT = 10_000
"""Characters of a mail that are kept of it."""


def _first(document: Document) -> Any:
    return next(iter(document.get("emails", {}).get("to", ())), None)


SMTPLOG = Journal(
    noun=NOUN,
    doc_type=LOG_TYPE,
    summary=(
        "template_id",
        renamed("from", "emails.from"),
        Column("to", _first),
        "error",
        "subject",
        renamed("created", "pvt_created"),
        "receipt",
    ),
    retention="notifications.log_retention",
    indexes=(field_index("template_id"),),
    actions=frozenset(),
    scopes=(),
)
"""The records; routes of the templates list and show them."""


CUSTOMER_UPDATES = Journal(
    noun="customer_updates",
    doc_type=UPDATE_TYPE,
    retention="notifications.log_retention",
    actions=frozenset(),
    scopes=(),
)
"""What was sent to customers: each once, however many mails come of it."""


def log_key(services: Services, account_id: str, name: str, asked: int) -> Key:
    """Where the record of a mail is, which was asked for at a time in Gregorian seconds."""
    return new_key(SMTPLOG, account_id, services.clock, seconds=asked, name=name)


async def was_sent(services: Services, key: Key) -> bool:
    """Whether the log says that the mail was taken."""
    record = await services.store.get_record(key)
    return record is not None and "error" not in record


async def keep(
    services: Services, account: Account, key: Key, asked: int, record: Document
) -> None:
    """Write what has become of a mail, instead of what an earlier attempt wrote.

    Raises :class:`~crossbar.errors.NoSuchDocument` where the account is gone.
    """
    actor = Actor(
        services=services,
        account_id=account.account_id,
        account=account,
        request_id="notifications",
    )
    before = await services.store.get_record(key)
    expected = before["_rev"] if before else None
    stored = stamped(actor, key, {**record, "_rev": expected})
    stored["pvt_created"] = asked
    put = record_put(SMTPLOG, key, stored, expected)
    await services.commit(Batch(records=(put,)))


async def list_log(request: Request) -> Result:
    """The mails of a range of time, the newest first."""
    return await list_records(request, SMTPLOG)


async def fetch_log(request: Request) -> Result:
    """One mail: what it said, to whom, and what the mail server answered."""
    stored = await load_record(request.actor, SMTPLOG, request.ids["record_id"])
    data = {**public(stored), "id": stored["_id"], "created": stored["pvt_created"]}
    return Result(data=data, revision=stored["_rev"])


LOG_ROUTES = (
    Route(
        path="smtplog",
        action=Action.LIST,
        handler=list_log,
        about="List mails that were sent, or not",
        access=Access.ADMIN,
        answers=Answers(rows(id=TEXT), is_paged=True),
    ),
    Route(
        path="smtplog/{record_id}",
        action=Action.FETCH,
        handler=fetch_log,
        about="Read what became of a mail",
        access=Access.ADMIN,
        answers=Answers(an_object(id=TEXT, emails=SOME_OBJECT)),
    ),
)
