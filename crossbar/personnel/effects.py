"""What a write of a row brings about: what is filled in, and what else is written with it."""

from __future__ import annotations

from dataclasses import replace

from crossbar.core.attachments import drop_all, store_upload
from crossbar.core.change import Change
from crossbar.core.shapes import Hooks, Stage
from crossbar.core.writing import Work
from crossbar.documents import Document
from crossbar.personnel import links, people, references
from crossbar.personnel.components import (
    COMPONENTS,
    IMAGES,
    NEWSFEED,
    STATUSES_OF_SUBMISSION,
    STATUSES_OF_USER,
    SUBMISSIONS,
)
from crossbar.personnel.layout import layout_of
from crossbar.personnel.records import RECORDS
from crossbar.personnel.rows import every, find, key_of, span_of
from crossbar.personnel.shapes import Component
from crossbar.personnel.values import columns_of
from crossbar.personnel.work import BODY, VALUES, sequence_of, work_of

CASTS = {
    "boolean": "boolean",
    "date": "date",
    "datetime-local": "datetime",
    "number": "integer",
}


def hooks_of(component: Component) -> Hooks:
    """The stages of a component's family."""

    async def check(change: Change) -> None:
        await references.check(change, component, change.document)

    async def complete(change: Change) -> None:
        await _stamp(change, component)

    async def unlink(change: Change) -> None:
        number = (change.current or {})["pvt_seq"]
        await links.remove_all(work_of(change), component, number)
        async for image in every(change.actor, IMAGES, ("owner", f"{component.noun}:{number}")):
            change.also_remove(key_of(change.key.account_id, IMAGES, image["pvt_seq"]), image)

    return Hooks(
        check=(check, *_CHECKS.get(component.noun, ())),
        prepare=(complete, *_PREPARES.get(component.noun, ())),
        deleting=(unlink, drop_all),
    )


async def _stamp(change: Change, component: Component) -> None:
    """Fill in number, times, author and place."""
    document, work, values = change.document, work_of(change), VALUES.found(change)
    now = change.actor.services.clock.instant()
    document["updated_at"] = values.get("updated_at") or now
    if change.current is not None:
        return
    document["pvt_seq"] = int(change.key.doc_id.rpartition("-")[2])
    document.setdefault("created_at", now)
    if "author_id" in component.by_name and document.get("author_id") is None:
        author = await people.caller_number(work)
        if author is not None:
            document["author_id"] = author
    if component.order == "order" and document.get("order") is None:
        document["order"] = await _next_order(work, component)


async def _next_order(work: Work, component: Component) -> int:
    """The place after every other row, those of this work included."""
    last = work.places.get(component.noun)
    if last is None:
        span = replace(span_of(work.actor, component), descending=True)
        rows = work.actor.services.store.scan(span)
        async for row in rows:
            last = row.document["order"]
            break
        last = last or 0
    work.places[component.noun] = last + 1
    return last + 1


async def _follow_rank(change: Change) -> None:
    """A new rank record gives the user its rank."""
    if change.current is None:
        document = change.document
        await people.set_columns(work_of(change), document["user_id"], rank_id=document["rank_id"])


async def _follow_assignment(change: Change) -> None:
    """A new primary assignment gives the user what it names, and a status record."""
    document, work, values = change.document, work_of(change), VALUES.found(change)
    if change.current is not None or document.get("type") != "primary":
        return
    named = {
        name: document[name]
        for name in ("position_id", "specialty_id", "unit_id")
        if document.get(name) is not None
    }
    await people.set_columns(work, document["user_id"], **named)
    if document.get("status_id") is not None:
        await add_status(work, document["user_id"], document["status_id"], {})
    elif "status_id" in values:
        await people.set_columns(work, document["user_id"], status_id=None)


async def add_status(
    work: Work, number: int, status: int, pivot: Document, *, again: bool = True
) -> Document | None:
    """A new status record: the user has that status from now on."""
    link = await links.add(work, STATUSES_OF_USER, number, status, pivot, again=again)
    if link is not None:
        await people.set_columns(work, number, status_id=status)
    return link


async def _answer_form(change: Change) -> None:
    """Keep the answers of a submission; a new one is the caller's and gets the form's status."""
    document, work, body = change.document, work_of(change), BODY.found(change)
    columns = {"id", "user_id", "form_id", "data", *columns_of(SUBMISSIONS)}
    answers = {name: value for name, value in body.items() if name not in columns}
    document["data"] = {**document.get("data", {}), **answers}
    if change.current is not None:
        return
    if document.get("user_id") is None and "user_id" not in body:
        caller = await people.caller_number(work)
        if caller is not None:
            document["user_id"] = caller
    form = await find(change.actor, COMPONENTS["forms"], document["form_id"])
    if form.get("submission_status_id") is not None:
        number = int(change.key.doc_id.rpartition("-")[2])
        await links.add(work, STATUSES_OF_SUBMISSION, number, form["submission_status_id"], {})


async def _check_image(change: Change) -> None:
    """A new image needs a file; a changed one may bring another."""
    upload = BODY.found(change).get("image")
    if upload is None and change.current is None:
        change.refusals.add("image", "required", "The field is required")
    elif upload is not None:
        references.check_image(change.refusals, "image", upload)


async def _keep_image(change: Change) -> None:
    """Keep the file that came with an image; its name is the file's."""
    upload = BODY.found(change).get("image")
    if upload is not None:
        await store_upload(change, "image", upload)
        change.document["filename"] = upload.name
        facts = change.document["pvt_attachments"]["image"]
        change.document["path"] = f"{facts['id']}/{upload.name}"


async def _cast(change: Change) -> None:
    """The type of a field's answers follows from its kind of input."""
    change.document["cast"] = CASTS.get(change.document.get("type", ""), "string")


async def _compose(change: Change) -> None:
    """An item that somebody writes is a message."""
    change.document.setdefault("type", "message")


async def _tell(change: Change) -> None:
    """A new record is news."""
    if change.current is not None:
        return
    document, work, family = change.document, work_of(change), change.family
    noun = family.noun.removesuffix("s").replace("-", " ")
    item: Document = {
        "event": "created",
        "description": "created",
        "headline": f"A new {noun} was added",
        "type": noun,
        "text": document.get("text"),
        "author_id": document.get("author_id"),
        "recipient_id": document["user_id"],
        "subject_noun": family.noun,
        "subject_id": int(change.key.doc_id.rpartition("-")[2]),
    }
    await add_news(work, {name: value for name, value in item.items() if value is not None})


async def add_news(work: Work, item: Document) -> None:
    """Write an item of the newsfeed."""
    number = await work.number(sequence_of(work.actor, NEWSFEED.scope))
    now = work.actor.services.clock.instant()
    key = key_of(work.actor.account_id, NEWSFEED, number)
    times = {"created_at": now, "updated_at": now}
    work.put(layout_of(NEWSFEED), key, {**item, **times, "pvt_seq": number})


_CHECKS: dict[str, tuple[Stage, ...]] = {"images": (_check_image,)}

_PREPARES: dict[str, tuple[Stage, ...]] = {
    **{record.noun: (_tell,) for record in RECORDS},
    "assignment-records": (_follow_assignment, _tell),
    "fields": (_cast,),
    "images": (_keep_image,),
    "newsfeed": (_compose,),
    "rank-records": (_follow_rank, _tell),
    "submissions": (_answer_form,),
}
