"""Programs that the account has written, which say what is to be done with a call."""

from __future__ import annotations

import structlog

from crossbar.clock import moment
from crossbar.core.ports import Function, FunctionFailed
from crossbar.documents import Document
from crossbar.families.callflows import FUNCTIONS, JAVASCRIPT
from crossbar.switch.executor.actions.pivots import NoFlow, callflow_of, facts_of
from crossbar.switch.executor.step import Branch, Go, Next, Step

log = structlog.get_logger(__name__)

LONGEST_NOTE = 400


async def function(step: Step) -> Next:
    """Runs a function of the account, in JavaScript; the flow that it returns is next."""
    document = await step.book.get(FUNCTIONS.doc_type, step.data.get("id"))
    if document is None:
        return _failed(step, "there is no such function")
    try:
        returned = await _returned(step, document)
    except FunctionFailed as failed:
        if failed.said:
            step.note(failed.said)
        return _failed(step, f"the function has failed: {failed}", document["_id"])
    step.note(f"it returned {returned[:LONGEST_NOTE]}")
    try:
        callflow = await callflow_of(step, returned, "function")
    except NoFlow as error:
        step.note(str(error))
        return _failed(step, "what the function has returned is no flow", document["_id"])
    return Branch(callflow=callflow, why="the function has returned a flow")


async def _returned(step: Step, document: Document) -> str:
    """What the function returns. Raises :class:`~crossbar.core.ports.FunctionFailed`."""
    if document.get("enabled") is False:
        raise FunctionFailed("it is not enabled")
    if document.get("language_pack", JAVASCRIPT) != JAVASCRIPT:
        raise FunctionFailed("it is not in JavaScript")
    book, call = step.book, step.call
    function = Function(
        body=document["function_js"],
        call=facts_of(step) | call.digits | call.variables,
        at=book.clock.precise(),
        zone=str(moment(book.clock.gregorian(), book.zone_of()).tzinfo),
    )
    return await book.actor.services.functions.run(function, book.account_id)


def _failed(step: Step, why: str, function_id: str = "") -> Go:
    """On to the default child. What a function has said is not for the log: it may be anything."""
    log.warning("function_failed", call_id=step.call.call_id, function_id=function_id, reason=why)
    return Go(why=why)
