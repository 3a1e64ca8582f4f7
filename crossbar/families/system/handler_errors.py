"""What went wrong with the places outside of the store where files are kept."""

from __future__ import annotations

from crossbar.core.answers import ROW, Answers, some
from crossbar.core.journals import list_records
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Journal, Route, field_index
from crossbar.core.shelf_errors import HANDLER_ERROR
from crossbar.storage import Entry


async def list_of_handler(request: Request) -> Result:
    """The failures of one place, the newest first, within a range of time."""
    entry = Entry("handler_id", request.ids["handler"])
    return await list_records(request, HANDLER_ERRORS, entry=entry)


HANDLER_ERRORS = Journal(
    noun="att_handlers_errors",
    doc_type=HANDLER_ERROR,
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
