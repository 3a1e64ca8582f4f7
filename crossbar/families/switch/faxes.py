"""What events say of faxes: one came in, or it is known what became of one that was to be sent."""

from __future__ import annotations

import asyncio

from crossbar.core.attachments import ATTACHMENTS
from crossbar.core.shelving import moves_of
from crossbar.documents import Document
from crossbar.families.faxing import (
    FAX_TYPE,
    FAXES,
    Outcome,
    outcome_of_receiving,
    outcome_of_sending,
)
from crossbar.families.switch.board import Board, Told
from crossbar.families.switch.files import decoded, stored_file
from crossbar.storage import Key


async def take_fax(board: Board, told: Told) -> None:
    """A fax was received or sent, or was not."""
    if told.data["direction"] == "inbound":
        files = await _files(board, told, "received_file")
        outcome = await outcome_of_receiving(
            board.services, told.account, told.data, files, told.at
        )
        await _note(board, told, outcome)
        return
    key = Key(told.account_id, FAX_TYPE, str(told.data["fax_id"]))
    fax = await board.document(key)
    if fax is None or fax.get("pvt_deleted"):
        return  # whoever has deleted it does not want to know
    if not fax.get(ATTACHMENTS) and (files := await _files(board, told, "document")):
        fax = {**fax, ATTACHMENTS: files}
    found = await outcome_of_sending(
        board.services,
        key,
        fax,
        told.data["result"],
        attempt=told.data.get("attempt"),
        is_final=told.data.get("is_final", False),
    )
    if found is not None:
        await _note(board, told, found)


async def _files(board: Board, told: Told, name: str) -> Document | None:
    """The file that has come along, as an attachment."""
    file = told.data.get("document")
    if not file:
        return None
    content = await asyncio.to_thread(decoded, "data.document.content", file)
    return await stored_file(board, told, name, file, content) if content else None


async def _note(board: Board, told: Told, outcome: Outcome) -> None:
    if outcome.document is not None:
        await board.put(told, outcome.key, outcome.document, FAXES)
        board.ask(*await moves_of(board.services, outcome.key, outcome.document))
    board.ask(*outcome.asks)
    for kind, facts in outcome.told:
        board.happens(told, kind, facts, outcome.key.doc_id)
