"""What went wrong with the places outside of the store where files are kept: a journal."""

from __future__ import annotations

import structlog

from crossbar.core.answers import ROW, Answers, some
from crossbar.core.journals import list_records, new_key, record_put
from crossbar.core.ports import ShelfFailed
from crossbar.core.requests import Action, Request, Result
from crossbar.core.services import Services
from crossbar.core.shapes import Journal, Route, field_index
from crossbar.core.stamping import stamp
from crossbar.errors import NoSuchDocument
from crossbar.storage import Batch, Entry, Key

log = structlog.get_logger(__name__)


async def list_of_handler(request: Request) -> Result:
    """The failures of one place, the newest first, within a range of time."""
    entry = Entry("handler_id", request.ids["handler"])
    return await list_records(request, HANDLER_ERRORS, entry=entry)


HANDLER_ERRORS = Journal(
    noun="att_handlers_errors",
    doc_type="attachment_handler_error",
    summary=("attachment_name", "resp_code", "reason"),
    retention="storage.handler_errors_kept",
    indexes=(field_index("handler_id"),),
    routes=(
        Route(
            path="handler/{handler}",
            action=Action.LIST,
            handler=list_of_handler,
            about="List failures of one place for files",
            answers=Answers(some(ROW), is_paged=True),
        ),
    ),
)
"""What went wrong with places for files."""


async def note_failure(
    services: Services, key: Key, name: str, handler: str, doing: str, failed: ShelfFailed
) -> None:
    """Record that a place failed with an attachment of a document. No setting of it is told."""
    account_id = key.account_id
    at = new_key(HANDLER_ERRORS, account_id, services.clock)
    document = {
        "attachment_name": name,
        "db_name": account_id,
        "document_id": key.doc_id,
        "handler_id": handler,
        "options": {"doing": doing},
        "resp_code": failed.code,
        "reason": failed.reason,
    }
    now = services.clock.gregorian()
    stamped = stamp(at, document, now=now, author=None, request_id=None)
    try:
        await services.commit(Batch(records=[record_put(HANDLER_ERRORS, at, stamped)]))
    except NoSuchDocument:
        log.info("handler_error_of_no_account")  # it was deleted meanwhile
