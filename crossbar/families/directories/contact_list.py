"""The contact list: whom one can call, put together from callflows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from crossbar.core.answers import SOME_OBJECT, Answers, some
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Routes, Scope, route
from crossbar.documents import Document, lookup, texts_at
from crossbar.numbers import to_e164
from crossbar.storage import Span

OWNED = ("user", "device")
NAMED = ("menu", "conference", "directory", "receive_fax", "voicemail")
FEATURES = (
    "call_forward",
    "disa",
    "do_not_disturb",
    "dynamic_cid",
    "hotdesk",
    "intercom",
    "manual_presence",
    "park",
    "privacy",
    "record_call",
    "voicemail",
)
"""Modules that make a number with an action a feature code."""


class Contact(NamedTuple):
    """What a callflow reaches. ``kind`` is ``extension``, ``featurecode`` or ``custom``.

    ``doc_id`` is the document behind it, ``module`` the first module, named beside the name.
    """

    kind: str
    numbers: list[str]
    name: str | None = None
    module: str | None = None
    doc_id: str | None = None


def contact_of(callflow: Document) -> Contact | None:
    """What a callflow reaches, if it is a contact."""
    numbers = texts_at(callflow, "numbers")
    if not numbers or lookup(callflow, ("contact_list", "exclude")) is True:
        return None
    module = lookup(callflow, ("flow", "module"))
    data = lookup(callflow, ("flow", "data"), {})
    doc_id = _text(data, "id") or _text(data, "owner_id")
    name, action = _text(callflow, "name"), _text(data, "action")
    if module in OWNED and doc_id and _ends_in_voicemail(callflow):
        return Contact("extension", numbers, doc_id=doc_id)
    if name:
        return Contact("custom", numbers, name=name, module=module)
    if module in NAMED and doc_id:
        return Contact("custom", numbers, module=module, doc_id=doc_id)
    if module in FEATURES and action:
        return Contact("featurecode", numbers, name=module, module=action)
    return None


def _text(document: Any, name: str) -> str | None:
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) and value else None


def _ends_in_voicemail(callflow: Document) -> bool:
    """Whether nothing else happens when nobody answers."""
    child = lookup(callflow, ("flow", "children", "_"))
    return child is None or lookup(child, ("module",)) == "voicemail"


def name_of(document: Document) -> str | None:
    """The name of the document behind a contact."""
    if document["pvt_type"] == "user":
        names = (_text(document, "first_name"), _text(document, "last_name"))
        return " ".join(filter(None, names)) or None
    return _text(document, "name")


def shown(contact: Contact, document: Document | None) -> Document | None:
    """A contact as clients see it; ``None`` when it has no name."""
    name = contact.name or (name_of(document) if document else None)
    if name is None:
        return None
    row: Document = {"name": f"{name} ({contact.module})" if contact.module else name}
    for number in contact.numbers:
        outside = to_e164(number)
        row["external_number" if outside else "internal_number"] = outside or number
    return row


async def fetch(request: Request) -> Result:
    """Every contact whose kind the account wants listed."""
    account = request.require_account().document
    wanted = lookup(account, ("contact_list", "includes"))
    by_default = request.services.settings.accounts.contact_list_includes
    kinds = wanted if isinstance(wanted, list) else by_default
    span = Span(account_id=request.account_id, doc_type="callflow")
    contacts = [
        contact
        async for row in request.services.store.scan(span)
        if (contact := contact_of(row.document)) and (not kinds or contact.kind in kinds)
    ]
    ids = {contact.doc_id for contact in contacts if contact.doc_id}
    documents = await request.services.store.get_many(request.account_id, ids)
    return Result(data=list(_rows(contacts, documents)))


def _rows(contacts: Iterable[Contact], documents: dict[str, Document]) -> Iterator[Document]:
    for contact in contacts:
        document = documents.get(contact.doc_id or "")
        if document and document.get("pvt_deleted"):
            document = None
        if lookup(document or {}, ("contact_list", "exclude")) is True:
            continue
        row = shown(contact, document)
        if row is not None:
            yield row


CONTACT_LIST = Routes(
    noun="contact_list",
    routes=(
        route(
            "", Action.LIST, fetch, "List whom one can call", answers=Answers(some(SOME_OBJECT))
        ),
    ),
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
)
