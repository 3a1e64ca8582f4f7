"""Which template an account's mails are made of: its own, or the nearest above.

What an account says of a template goes before what the accounts above it say, up to its reseller;
then comes the system, and at last what the server is shipped with, in the account's language. A
template that says nothing of one of its parts, the HTML say, has that of the next.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from email.utils import parseaddr
from typing import Any

from crossbar.core.change import Change, Note
from crossbar.core.directory import Account
from crossbar.core.services import Services
from crossbar.core.shapes import Collection, Hooks
from crossbar.documents import Document, public
from crossbar.errors import NoSuchDocument
from crossbar.families.notifications.shipped import (
    ENGLISH,
    SHIPPED,
    SPECIFIED,
    TYPES,
    macros_of,
    texts_of,
)
from crossbar.storage import SYSTEM, Key
from crossbar.values import valueclass

NOUN = "notifications"
NOTIFICATION_TYPE = "notification"

TEXTS = "pvt_templates"
"""The field of a document that holds its own texts, by media type."""

NEW_TEXTS: Note[Mapping[str, str | None]] = Note({})
"""Note of a change: texts that are to be written, or with ``None`` removed."""

OF_THE_SYSTEM = ("macros", "templates")
"""What is told of a template and never taken from clients."""

ID = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
TAKEN = ("smtplog",)
"""Ids that no template can have: their paths mean something else."""


def template_key(account_id: str, template_id: str) -> Key:
    """Where an account, or the system, says something of a template."""
    return Key(account_id, NOTIFICATION_TYPE, template_id)


async def normalize(change: Change) -> None:
    """What the system tells of a template is not the client's to say."""
    for name in OF_THE_SYSTEM:
        change.document.pop(name, None)


async def write_texts(change: Change) -> None:
    """Put the texts into the document."""
    change.document.pop("macros", None)  # which the schema has a default for
    texts = {**change.document.get(TEXTS, {}), **NEW_TEXTS.found(change)}
    change.document[TEXTS] = {each: text for each, text in texts.items() if text is not None}


NOTIFICATIONS = Collection(
    noun=NOUN,
    doc_type=NOTIFICATION_TYPE,
    schema=NOUN,
    summary=(),
    actions=frozenset(),
    hooks=Hooks(normalize=(normalize,), prepare=(write_texts,)),
    scopes=(),
)
"""What accounts and the system say of templates; the operations are routes."""


@valueclass
class Template:
    """A template as it holds for an account, or for the system.

    ``subject`` and ``bodies``, by media type, are templates; ``origin`` is the account that says
    most of it, the system or, where nobody says anything, empty. ``own`` is what is stored for
    the account itself.
    """

    template_id: str
    document: Document
    subject: str
    bodies: Mapping[str, str]
    origin: str
    own: Document | None


async def find_template(services: Services, account: Account | None, template_id: str) -> Template:
    """The template for an account, or for the system. Raises :class:`NoSuchDocument`."""
    account_id = account.account_id if account else SYSTEM
    found = []
    for place in places_of(account):
        stored = await services.store.get(template_key(place, template_id))
        if stored is not None:
            found.append((place, stored))
    if not found and template_id not in SHIPPED:
        raise NoSuchDocument(template_id)
    language = account.document.get("language") if account else None
    documents = [stored for _, stored in found]
    own = found[0][1] if found and found[0][0] == account_id else None
    merged = merged_template(services, template_id, documents, language)
    return Template(
        template_id=template_id,
        document=merged,
        subject=merged["subject"],
        bodies=bodies_of(template_id, documents, language),
        origin=found[0][0] if found else "",
        own=own,
    )


def places_of(account: Account | None) -> list[str]:
    """Where templates are looked for, the nearest first."""
    if account is None:
        return [SYSTEM]
    places = [account.account_id]
    if account.reseller_id in account.tree:
        above = account.tree[account.tree.index(account.reseller_id) :]
        places += reversed(above)
    return [*places, SYSTEM]


def merged_template(
    services: Services, template_id: str, documents: Sequence[Document], language: Any = None
) -> Document:
    """What holds of a template, of what the nearest document says and of what is shipped."""
    stored = public(documents[0]) if documents else {}
    return {**_shipped_document(services, template_id, language), **stored}


def _shipped_document(services: Services, template_id: str, language: Any) -> Document:
    shipped = SHIPPED.get(template_id)
    if shipped is None:
        return {"enabled": True, "template_charset": "utf-8"}
    sender = services.settings.mail.sender
    nobody: Document = {"type": SPECIFIED, "email_addresses": []}
    return {
        "category": shipped.category,
        "friendly_name": shipped.friendly_name,
        "enabled": True,
        "from": parseaddr(sender)[1] or sender,
        "subject": texts_of(template_id, _named(language)).subject,
        "to": {"type": shipped.to, "email_addresses": []},
        "cc": nobody,
        "bcc": nobody,
        "template_charset": "utf-8",
    }


def bodies_of(
    template_id: str, documents: Sequence[Document], language: Any = None
) -> dict[str, str]:
    """The texts by media type, each of the nearest document that has one, else as shipped."""
    bodies = dict(texts_of(template_id, _named(language)).bodies)
    for document in reversed(documents):
        bodies |= document.get(TEXTS, {})
    return bodies


def _named(language: Any) -> str:
    return language if isinstance(language, str) else ENGLISH


def shown(template: Template) -> Document:
    """A template as clients are told of it."""
    return {
        **template.document,
        "id": template.template_id,
        "macros": macros_of(template.template_id),
        "templates": {
            each: {"length": len(template.bodies[each].encode())}
            for each in TYPES
            if each in template.bodies
        },
    }
