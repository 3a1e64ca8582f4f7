"""Faxes: those that wait to be sent, those that were sent or received."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from crossbar.clock import moment
from crossbar.core.answers import ROW, SOME_OBJECT, Answers, some
from crossbar.core.attachments import ATTACHMENTS, attach, download, drop_all
from crossbar.core.change import Change
from crossbar.core.journals import list_records, load_record
from crossbar.core.ranges import list_in_range, time_key
from crossbar.core.reading import key_of, list_span, load, parent_entry, require_parents
from crossbar.core.recipes import answer, delete, sent
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import (
    Collection,
    Column,
    Hooks,
    Index,
    Journal,
    Nesting,
    Route,
    field_index,
    renamed,
)
from crossbar.core.summaries import summarizer
from crossbar.core.writing import commit_private
from crossbar.documents import Document, merge, public
from crossbar.errors import FaultyRequest, NoSuchDocument
from crossbar.families.faxing.folders import INBOX, OUTBOX, OUTGOING, folder_of
from crossbar.families.faxing.jobs import (
    FAX_TYPE,
    FAX_TYPES,
    OF_RECEIVING,
    RESULTS,
    SOURCE,
    STATUS,
    ask_to_send,
    attach_copy,
    check,
    create_job,
    normalize,
    queue,
    queue_job,
    require_own,
    status_of,
)
from crossbar.storage import Entry, Span

EXTENSIONS = {"image/tiff": "tiff", "application/pdf": "pdf", "application/x-pdf": "pdf"}

CREATED = renamed("created", "pvt_created")
FACTS = (
    renamed("status", STATUS),
    renamed("to", "to_number"),
    renamed("from", "from_number"),
    CREATED,
)
"""What lists say of every fax."""


def _created(document: Document) -> str:
    return time_key(document["pvt_created"])


def _owned_index(name: str) -> Index:
    """Faxes by folder and by a field that holds an id."""

    def values(document: Document) -> Iterable[str]:
        owner = document.get(name)
        return (f"{owner}/{folder_of(document)}",) if isinstance(owner, str) else ()

    return Index(name=name, values=values)


def _span(request: Request, folder: str) -> Span:
    """The faxes in a folder: of the account, or of the box or user in the path."""
    parent = parent_entry(request)
    entry = Entry(parent.name, f"{parent.value}/{folder}") if parent else Entry("folder", folder)
    return Span(account_id=request.account_id, doc_type=FAX_TYPE, entry=entry)


_job_row = summarizer(("faxbox_id", "attempts", *FACTS))
_facts = summarizer(FACTS)


def first_error(entry: Document) -> Any:
    """What went wrong first with a fax that came by mail."""
    errors = entry.get("errors")
    return errors[0] if isinstance(errors, list) and errors else None


def _finished_row(document: Document) -> Document:
    return {**public(document), **_facts(document)}


async def list_jobs(request: Request) -> Result:
    """The faxes that wait, newest first."""
    await require_parents(request)
    return await list_span(request, _span(request, OUTGOING), _job_row)


async def list_folder(request: Request, folder: str) -> Result:
    """The faxes that were sent or received in a range of time, newest first."""
    await require_parents(request)
    return await list_in_range(request, _span(request, folder), _finished_row)


async def load_from(request: Request, folder: str) -> Document:
    """The fax that the URL names. Raises 404 when it is in another folder."""
    await require_parents(request)
    stored = await load(request)
    require_own(request, stored)
    if folder_of(stored) != folder:
        raise NoSuchDocument(stored["_id"])
    return stored


async def fetch_fax(request: Request, folder: str) -> Result:
    """One fax with what came of it."""
    stored = await load_from(request, folder)
    status = await status_of(request.actor, stored)
    is_completed = stored.get(STATUS) == "completed"
    facts = {
        "created": stored["pvt_created"],
        "delivered": stored.get("pvt_delivered_date")
        or (stored["pvt_modified"] if is_completed else None),
        "status": status,
    }
    known = {name: value for name, value in facts.items() if value is not None}
    data = {**public(stored), "id": stored["_id"], **known}
    return Result(data=data, revision=stored["_rev"])


async def delete_fax(request: Request, folder: str) -> Result:
    """Delete a fax that was sent or received, with its document."""
    await load_from(request, folder)
    return await delete(request)


async def send_again(request: Request, folder: str, action: str) -> Result:
    """Queue a copy of a fax, with what the client wants to be different about it."""
    stored = await load_from(request, folder)
    wanted = request.control("action")
    if wanted != action:
        raise FaultyRequest("invalid action" if wanted else "action required")
    changes = sent(request)
    changes.pop("action", None)
    before = public(stored)
    if action == "forward":
        before.pop("to_number", None)  # it was sent to us; forwarding says where to
    # What is the system's is not held against the client; what tells of the call is not copied.
    for name in (*RESULTS, *OF_RECEIVING, "attempts"):
        before.pop(name, None)
    job = await queue_job(request, merge(before, changes), {SOURCE: stored})
    return await answer(request, job)


async def download_document(request: Request, folder: str) -> Result:
    """The document of a fax, as it was stored."""
    stored = await load_from(request, folder)
    document = download(request.actor, stored)
    zone = stored.get("fax_timezone") or request.require_account().document.get("timezone")
    made = moment(stored["pvt_created"], zone)
    end = EXTENSIONS.get(document.content_type, "bin")
    name = f"fax_document_{made:%Y-%m-%d_%H-%M-%S}.{end}"
    return Result(download=replace(document, filename=name), revision=stored["_rev"])


async def delete_document(request: Request, folder: str) -> Result:
    """Remove the document of a fax and keep the record."""
    key = key_of(request)
    async with request.services.turns.of(key):
        stored = await load_from(request, folder)
        download(request.actor, stored)
        document = {name: value for name, value in stored.items() if name != ATTACHMENTS}
        change = Change(
            actor=request.actor,
            request=request,
            family=FAXES,
            key=key,
            document=document,
            current=stored,
        )
        await drop_all(change)
        await commit_private(change)
    return Result(data={})


async def list_log(request: Request) -> Result:
    """Attempts to send faxes by mail, newest first."""
    await require_parents(request)
    return await list_records(request, FAX_SMTP_LOG, entry=parent_entry(request))


async def fetch_log(request: Request) -> Result:
    """One attempt to send a fax by mail."""
    await require_parents(request)
    stored = await load_record(request.actor, FAX_SMTP_LOG, request.ids["attempt_id"])
    require_own(request, stored)
    return Result(data={**public(stored), "id": stored["_id"]}, revision=stored["_rev"])


def _reading(name: str, folder: str) -> Iterator[Route]:
    """The folder under one of its names, to be read."""
    listing = list_jobs if folder == OUTGOING else partial(list_folder, folder=folder)
    one = partial(fetch_fax, folder=folder)
    yield Route(
        path=name,
        action=Action.LIST,
        handler=listing,
        about=f"List faxes in {name}",
        answers=Answers(some(ROW), is_paged=True),
    )
    yield Route(
        path=f"{name}/{{fax_id}}",
        action=Action.FETCH,
        handler=one,
        about=f"Read a fax in {name}",
        answers=Answers(ROW),
    )


def _keeping(folder: str, action: str) -> Iterator[Route]:
    """What can be done to the faxes in a folder beyond reading them."""
    one, document = f"{folder}/{{fax_id}}", f"{folder}/{{fax_id}}/attachment"
    yield Route(
        path=one,
        action=Action.DELETE,
        handler=partial(delete_fax, folder=folder),
        about=f"Delete a fax in {folder}",
        answers=Answers(ROW),
    )
    yield Route(
        path=one,
        action=Action.CREATE,
        handler=partial(send_again, folder=folder, action=action),
        about=f"{action.capitalize()} a fax in {folder}",
        answers=Answers(ROW),
    )
    yield Route(
        path=document,
        action=Action.FETCH,
        handler=partial(download_document, folder=folder),
        about=f"Download the document of a fax in {folder}",
        produces=("*/*",),
    )
    yield Route(
        path=document,
        action=Action.DELETE,
        handler=partial(delete_document, folder=folder),
        about=f"Remove the document of a fax in {folder}",
        answers=Answers(SOME_OBJECT),
    )


FAXES = Collection(
    noun="faxes",
    doc_type=FAX_TYPE,
    schema="faxes",
    actions=frozenset(),
    summary=(),
    order=_created,
    indexes=(
        Index(name="folder", values=lambda document: (folder_of(document),)),
        _owned_index("faxbox_id"),
        _owned_index("owner_id"),
    ),
    nested=(
        Nesting(noun="faxboxes", doc_type="faxbox", index="faxbox_id"),
        Nesting(noun="users", doc_type="user", index="owner_id"),
    ),
    hooks=Hooks(
        normalize=(normalize,),
        check=(check,),
        prepare=(queue, attach, attach_copy, ask_to_send),
        deleting=(drop_all,),
    ),
    routes=(
        *(
            Route(
                path=path,
                action=Action.CREATE,
                handler=create_job,
                about="Queue a fax",
                schema="faxes",
                reads=FAX_TYPES,
            )
            for path in ("", OUTGOING)
        ),
        *_reading(OUTGOING, OUTGOING),
        *_reading(OUTBOX, OUTBOX),
        *_reading(INBOX, INBOX),
        *_reading("incoming", INBOX),
        *_keeping(OUTBOX, "resubmit"),
        *_keeping(INBOX, "forward"),
        Route(
            path="smtplog",
            action=Action.LIST,
            handler=list_log,
            about="List faxes by mail",
            answers=Answers(some(ROW), is_paged=True),
        ),
        Route(
            path="smtplog/{attempt_id}",
            action=Action.FETCH,
            handler=fetch_log,
            about="Read an attempt to fax by mail",
            answers=Answers(ROW),
        ),
    ),
)

FAX_SMTP_LOG = Journal(
    noun="smtplog",
    doc_type="fax_smtp_log",
    summary=("from", "to", Column("error", first_error), CREATED),
    indexes=(field_index("faxbox_id"), field_index("owner_id")),
    actions=frozenset(),
    scopes=(),
)
"""The entry of the log's records. Whoever takes faxes by mail appends them; clients never do."""
