"""One call from its beginning to its end: who may make it, its flow, and what is told after it."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from crossbar.documents import Document, lookup
from crossbar.errors import CrossbarError
from crossbar.switch.executor.actions import ACTIONS
from crossbar.switch.executor.blocking import refusal_of
from crossbar.switch.executor.book import Book
from crossbar.switch.executor.call import Call
from crossbar.switch.executor.callers import (
    authorizing,
    called,
    chain_of,
    last_in,
    why_denied,
    why_groups_are_closed,
)
from crossbar.switch.executor.finding import Found, dialed, find, path_to, root_of
from crossbar.switch.executor.heard import Prompt
from crossbar.switch.executor.media import HungUp, Media, TakenOver
from crossbar.switch.executor.milliwatt import TRIAL, trial_at, trial_for, try_line
from crossbar.switch.executor.notices import send_at_end, write_of_missed
from crossbar.switch.executor.recording import tapings_of_call
from crossbar.switch.executor.step import DEFAULT
from crossbar.switch.executor.tolls import BARRED
from crossbar.switch.executor.trunks import TO_SERVER, from_server, ring_server, to_server
from crossbar.switch.executor.walking import Action, Observer, Unobserved, Walk, enter

log = structlog.get_logger(__name__)

QUEUE_MODULE = "acdc_member"
"""The step at which a call can be taken up again after the switch was replaced."""

LANGUAGE = "en-us"

EVERY_ACTION: Mapping[str, Action] = {**ACTIONS, TO_SERVER: ring_server, TRIAL: try_line}


async def find_flow(book: Book, call: Call) -> Found | None:
    """The callflow that a call leads to; ``None`` when nobody answers it: SIP 404."""
    number = dialed(book, call.dialed)
    if trial := trial_for(book, call):
        return trial
    if call.server_id:
        return await from_server(book, call, number)
    if call.is_external and (found := await to_server(book, number)):
        return found
    own = await find(book, number, is_trusted=call.is_trusted)
    return own if own and not own.is_no_match else trial_at(book, number) or own


async def carry_out(
    book: Book,
    call: Call,
    media: Media,
    found: Found,
    *,
    observer: Observer | None = None,
    actions: Mapping[str, Action] = EVERY_ACTION,
) -> str:
    """Carry out the flow of a call to its end; how that was, in words."""
    await prepare(book, call)
    walk = Walk(
        call=call,
        media=media,
        book=book,
        actions=actions,
        observer=observer or Unobserved(),
    )
    if call.resumed:
        enter(call, found)
        path = path_to(found.callflow, QUEUE_MODULE, str(call.resumed["queue_id"]))
        return await walk.run(found.callflow, path=path)
    try:
        if refusal := await refusal_of(book, call):
            await media.hang_up(refusal.cause, refusal.code, refusal.text)
            return f"the call was refused: {refusal.code} {refusal.text}"
        if reason := await _why_refused(book, call, found):
            call.is_answered = True
            await media.answer()
            await media.play(Prompt(name="cf-unauthorized_call", language=call.language))
            await media.hang_up(BARRED)
            return f"the call was refused: {reason}"
        for taping in await tapings_of_call(book, call):
            await media.tape(taping)
    except HungUp:
        return "the caller hung up"
    except TakenOver:
        return "the call goes on elsewhere"
    try:
        return await walk.run(*await _flows(book, call, found))
    finally:
        await _tell(book, call)


async def prepare(book: Book, call: Call) -> None:
    """Note what the documents say of who calls."""
    device = await authorizing(book, call)
    chain = await chain_of(book, device)
    if not call.owner_id and len(chain) == 3:
        call.owner_id = chain[2]["_id"]
    language = last_in(chain, "language")
    if not isinstance(language, str):
        language = lookup(await book.config("media"), ("default_language",)) or LANGUAGE
    call.language = str(language).lower()
    call.realm = call.realm or book.account.realm


async def _flows(book: Book, call: Call, found: Found) -> list[Document]:
    """The callflow, after the account's own that comes before every other."""
    enter(call, found)
    numbers = found.callflow.get("numbers")
    call.flow_number = str(numbers[0]) if numbers else ""
    always = lookup(book.account.document, ("preflow", "always"))
    before = None if call.is_transfer else await book.get("callflow", always)
    return [found.callflow] if before is None else [before, found.callflow]


async def _why_refused(book: Book, call: Call, found: Found) -> str:
    """Why who calls may not; whoever comes from outside is not asked."""
    device = await book.get("device", call.transferor_id or call.device_id)
    if device is None:
        return ""
    callee = await _extension(book, found.callflow)
    if callee:
        return await why_groups_are_closed(book, call, callee)
    number = await called(book, call, found.capture or call.dialed)
    return await why_denied(book, number, device)


async def _extension(book: Book, callflow: Document) -> list[str]:
    """The device and the users of a flow that is only somebody's extension; none for others."""
    root = root_of(callflow)
    if root.get("module") not in ("user", "device"):
        return []
    child = (root.get("children") or {}).get(DEFAULT) or {}
    if child.get("module") not in (None, "voicemail"):
        return []
    doc_id = lookup(root, ("data", "id"))
    device = await book.get("device", doc_id)
    owners = [str(device["owner_id"])] if device and device.get("owner_id") else []
    return [str(doc_id), *owners]


async def _tell(book: Book, call: Call) -> None:
    """Tell at the end of a call who is to be told."""
    try:
        await send_at_end(book, call)
        await _tell_of_missed(book, call)
    except CrossbarError:
        log.exception("end_of_call_was_not_told", call_id=call.call_id)


async def _tell_of_missed(book: Book, call: Call) -> None:
    if not call.missed_call or call.was_connected or call.left_message:
        return
    facts = {
        "type": "missed_call",
        "call_id": call.call_id,
        "caller_id_name": call.from_name,
        "caller_id_number": call.from_number,
        "callee_id_number": call.dialed,
        "recipients": call.missed_call,
        "timestamp": book.clock.gregorian(),
    }
    await book.tell("notifications", facts)
    await write_of_missed(book, call)
