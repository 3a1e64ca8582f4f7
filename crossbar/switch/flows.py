"""Where calls of a switch meet the flows of documents."""

from __future__ import annotations

from crossbar.core.services import Services
from crossbar.switch.executor import Book, Call, Found, Media, carry_out, find_flow


class Flows:
    """Runs the flows of calls."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def run(self, call: Call, media: Media) -> None:
        """Do what the flow of the number says, to its end; refuse a number that has none."""
        book = await Book.of(self._services, call.account_id, call.call_id)
        if book is None:
            await media.hang_up("CALL_REJECTED", 403)
            return
        if call.steps:
            given = {"_id": "", "flow": call.steps}
            found: Found | None = Found(callflow=given, how="given")
        elif call.flow_id:
            callflow = await book.get("callflow", call.flow_id)
            found = Found(callflow=callflow, how="number") if callflow else None
        else:
            found = await find_flow(book, call)
        if found is None:
            await media.hang_up("UNALLOCATED_NUMBER", 404)
        else:
            await carry_out(book, call, media, found)
