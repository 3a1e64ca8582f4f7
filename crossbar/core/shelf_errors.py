"""Recording what went wrong with the places outside of the store where files are kept."""

from __future__ import annotations

import structlog

from crossbar.core.journals import new_key, record_put
from crossbar.core.ports import ShelfFailed
from crossbar.core.services import Services
from crossbar.core.stamping import stamp
from crossbar.errors import NoSuchDocument
from crossbar.storage import Batch, Key

log = structlog.get_logger(__name__)


HANDLER_ERROR = "attachment_handler_error"
"""The type of the records."""


async def note_failure(
    services: Services, key: Key, name: str, handler: str, doing: str, failed: ShelfFailed
) -> None:
    """Record that a place failed with an attachment of a document. No setting of it is told."""
    account_id = key.account_id
    journal = next(each for each in services.registry.journals() if each.doc_type == HANDLER_ERROR)
    at = new_key(journal, account_id, services.clock)
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
        await services.commit(Batch(records=[record_put(journal, at, stamped)]))
    except NoSuchDocument:
        log.info("handler_error_of_no_account")  # it was deleted meanwhile
