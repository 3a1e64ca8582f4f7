"""Lists of numbers and their entries, which are documents of their own."""

from __future__ import annotations

from typing import Any

from crossbar.core.attachments import drop_all
from crossbar.core.change import Change
from crossbar.core.presenting import row_maker
from crossbar.core.reading import load, load_document
from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.shapes import Collection, Column, Hooks, Nesting, Route, field_index, route
from crossbar.core.writing import commit_private
from crossbar.documents import Document
from crossbar.families.endpoints import CARD_TYPES, UPLOADED_AS, card_of, upload_photo
from crossbar.storage import Entry, Key, Row, Span

ENTRY_TYPE = "list_entry"

ROW_FIELDS = (
    "capture_group_key",
    "capture_group_length",
    "name",
    "number",
    "pattern",
    "prefix",
    "regexp",
    "type",
)
CARD_FIELDS = {"firstname": "first_name", "lastname": "last_name", "middlename": "middle_name"}


async def _entries(actor: Actor, list_id: str) -> list[Row]:
    entry = Entry("list_id", list_id)
    span = Span(account_id=actor.account_id, doc_type=ENTRY_TYPE, entry=entry, descending=True)
    return [row async for row in actor.services.store.scan(span)]


async def remove_entries(change: Change) -> None:
    """A list goes with its entries, which are removed for good."""
    for row in await _entries(change.actor, change.key.doc_id):
        key = Key(change.key.account_id, ENTRY_TYPE, row.position.doc_id)
        change.also_remove(key, row.document)


async def set_list(change: Change) -> None:
    """An entry belongs to the list in the path, whatever the body says."""
    if change.request is not None:
        change.document["list_id"] = change.request.ids["list_id"]


async def delete_all(request: Request) -> Result:
    """Remove every entry for good, in one commit of the list; answers the rows that went."""
    key = Key(request.account_id, "list", request.ids["list_id"])
    current = await load_document(request.actor, key)
    change = Change(
        actor=request.actor,
        request=request,
        family=LISTS,
        key=key,
        document=dict(current),
        current=current,
    )
    rows = await _entries(request.actor, key.doc_id)
    for row in rows:
        change.also_remove(Key(key.account_id, ENTRY_TYPE, row.position.doc_id), row.document)
    await commit_private(change)
    show = await row_maker(request)
    return Result(data=[show(row.document) for row in rows])


async def send_card(request: Request) -> Result:
    """The entry as a vCard, with the organisation of its list."""
    stored = await load(request)
    key = Key(request.account_id, "list", request.ids["list_id"])
    organisation = (await load_document(request.actor, key)).get("org")
    return await card_of(request, _person(stored, organisation), stored)


def _person(entry: Document, organisation: str | None) -> Document:
    """The facts of an entry under the names that a card knows them by."""
    profile = entry.get("profile")
    person = {"org": organisation, **(profile if isinstance(profile, dict) else {})}
    person |= {to: entry[name] for name, to in CARD_FIELDS.items() if name in entry}
    if CARD_FIELDS.keys().isdisjoint(entry):
        person["first_name"] = entry.get("name")
    if "displayname" in entry:
        person["nicknames"] = [entry["displayname"]]
    return {**person, "caller_id": {"external": {"number": entry.get("number")}}}


def _value(document: Document) -> dict[str, Any]:
    return {name: document[name] for name in ROW_FIELDS if name in document}


LISTS = Collection(
    noun="lists",
    doc_type="list",
    schema="lists",
    summary=("name", "description", "list_type"),
    hooks=Hooks(deleting=(remove_entries,)),
)

LIST_ENTRIES = Collection(
    noun="entries",
    doc_type=ENTRY_TYPE,
    schema="list_entries",
    summary=(Column("key", lambda document: document["list_id"]), Column("value", _value)),
    indexes=(field_index("list_id"),),
    scopes=(),
    nested=(Nesting(noun="lists", doc_type="list", index="list_id"),),
    hooks=Hooks(normalize=(set_list,), deleting=(drop_all,)),
    routes=(
        route("", Action.DELETE, delete_all, "Delete all entries"),
        Route(
            path="{list_entry_id}/vcard",
            action=Action.FETCH,
            handler=send_card,
            about="Read the entry as a vCard",
            produces=CARD_TYPES,
        ),
        Route(
            path="{list_entry_id}/photo",
            action=Action.REPLACE,
            handler=upload_photo,
            about="Upload the entry's photo",
            reads=UPLOADED_AS,
        ),
    ),
)
