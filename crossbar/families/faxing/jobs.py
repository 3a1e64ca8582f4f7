"""Fax jobs: how a fax is queued, anew or once more, and what is checked then.

A fax without a folder is a job. The switch is ordered to send it (:mod:`.sending`); until there is
one, it stays pending.
"""

from __future__ import annotations

from typing import Any

from crossbar.core.attachments import ATTACHMENTS, UPLOAD, copy_attachments, only_file
from crossbar.core.change import Change, Note
from crossbar.core.jobs import asked
from crossbar.core.ports import Command
from crossbar.core.reading import load_document, parent_entry, require_parents
from crossbar.core.recipes import answer, chosen_id, sent
from crossbar.core.requests import Actor, Request, Result
from crossbar.core.shelving import ask_to_move
from crossbar.core.stamping import fresh_id
from crossbar.core.writing import save
from crossbar.documents import Document
from crossbar.errors import NoSuchDocument
from crossbar.families.faxing.faxboxes import BOX_TYPE
from crossbar.numbers import to_e164
from crossbar.storage import Entry, Key

FAX_TYPE = "fax"
STATUS = "pvt_job_status"
PENDING, PROCESSING = "pending", "processing"

SENDING = "fax_sending"
"""The name of the job that has a fax sent."""

FAX_TYPES = ("image/tiff", "application/pdf", "application/x-pdf")
"""Bodies that are the document to be sent, beside those with envelopes."""

SOURCE: Note[Document] = Note({})
"""Note of a change: the fax whose document is sent again."""

RESULTS = ("tx_result", "rx_result")
"""What came of sending and receiving."""

OF_RECEIVING = ("name", "description", "source_type", "timestamp", "media_type", "call_id")
"""What is noted of a fax when it comes in."""

NUMBERS = ("from_number", "from_name", "to_number", "to_name")

FROM_BOX = {
    "from_name": "caller_name",
    "fax_identity_name": "fax_header",
    "from_number": "caller_id",
    "fax_identity_number": "fax_identity",
    "fax_timezone": "fax_timezone",
    "retries": "retries",
}
"""What a fax takes from its box where it does not say so itself."""


async def normalize(change: Change) -> None:
    """Write the number to dial as E.164; the folder of a fax is where it has got to."""
    change.document.pop("folder", None)
    number = change.value("to_number")
    if isinstance(number, str):
        change.document["to_number"] = to_e164(number) or number


async def check(change: Change) -> None:
    """There must be something to send, and a telephone number to send it to."""
    number = change.value("to_number")
    if isinstance(number, str) and to_e164(number) is None:
        message = "The number to send the fax to is no telephone number"
        change.refusals.add("document.to_number", "required", message, value=number)
    has_file = UPLOAD.found(change) or SOURCE.found(change).get(ATTACHMENTS)
    if "document" not in change.document and not has_file:
        message = "Field is required but missing"
        change.refusals.add("document.url", "required", message, value="url")


async def queue(change: Change) -> None:
    """A new job has neither attempts nor results, whatever was sent."""
    document, actor = change.document, change.actor
    for name in RESULTS:
        document.pop(name, None)
    document["attempts"] = 0
    document[STATUS] = PENDING
    zone = document.get("fax_timezone") or document.get("timezone") or await _own_zone(actor)
    if zone:
        document["fax_timezone"] = zone


async def _own_zone(actor: Actor) -> Any:
    """The time zone of the user who calls."""
    caller = actor.caller
    if caller is None or caller.user_id is None:
        return None
    user = await actor.services.store.get(Key(caller.account_id, "user", caller.user_id))
    return (user or {}).get("timezone")


async def attach_copy(change: Change) -> None:
    """Of what is sent again, the document is copied."""
    if copied := await copy_attachments(change.actor, SOURCE.found(change)):
        change.document[ATTACHMENTS] = copied
        await ask_to_move(change)


async def ask_to_send(change: Change) -> None:
    """Have a new fax sent as soon as there is a switch."""
    about = {"account_id": change.key.account_id, "fax_id": change.key.doc_id, "attempt": 0}
    change.more.append(asked(change.actor.services.clock, SENDING, about))


async def create_job(request: Request) -> Result:
    """Queue a fax: a document from the web, or the file that came along."""
    await require_parents(request)
    document = sent(request)
    if not document:  # a file alone leaves the query string to say where it goes
        document = {name: request.controls[name] for name in NUMBERS if name in request.controls}
    notes = {UPLOAD: only_file(request)} if request.files else {}
    parent = parent_entry(request)
    if parent is not None:
        document = await _from_box(request.actor, parent) | document | {parent.name: parent.value}
    stored = await queue_job(request, document, notes, chosen_id(request))
    # Only below ``outgoing`` is there an address that the job can be read at.
    has_place = request.operation.path[-1] != "faxes"
    return await answer(request, stored, created_id=stored["_id"] if has_place else None)


async def _from_box(actor: Actor, parent: Entry) -> Document:
    """What the document in the path says about a fax, if it is a box."""
    if parent.name != "faxbox_id":
        return {}
    box = await load_document(actor, Key(actor.account_id, BOX_TYPE, parent.value))
    return {name: box[source] for name, source in FROM_BOX.items() if source in box}


async def queue_job(
    request: Request, document: Document, notes: dict[Note[Any], Any], doc_id: str | None = None
) -> Document:
    """Save a new job; the job."""
    key = Key(request.account_id, FAX_TYPE, doc_id or fresh_id(request.services.clock))
    change = Change(
        actor=request.actor,
        request=request,
        family=request.operation.collection,
        key=key,
        document=document,
        notes=notes,
    )
    return await save(change, "created")


async def status_of(actor: Actor, job: Document) -> Any:
    """How far a job has got; of one that is being sent only the sender knows."""
    status = job.get(STATUS)
    if status != PROCESSING:
        return status
    command = Command("faxes.status", actor.account_id, {"fax_id": job["_id"]})
    answers = await actor.services.switch.ask(command)
    return next((known["status"] for known in answers if "status" in known), "not available")


def require_own(request: Request, stored: Document) -> None:
    """Raises 404 when the fax is not of the box or the user in the path."""
    parent = parent_entry(request)
    if parent is not None and stored.get(parent.name) != parent.value:
        raise NoSuchDocument(stored["_id"])
