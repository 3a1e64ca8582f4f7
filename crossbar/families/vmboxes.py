"""Voicemail boxes (resources/vmboxes.md): the boxes themselves, not yet their messages."""

from __future__ import annotations

from collections.abc import Iterable

from crossbar.core.change import Change
from crossbar.core.shapes import FLAGS, Collection, Hooks, Nesting, Unique, defaulted, field_index
from crossbar.documents import Document

COUNTS = ("messages", "folders")
BAD_MAILBOX = "Invalid mailbox number or already exists"


def _is_number(mailbox: object) -> bool:
    return isinstance(mailbox, str) and mailbox.isascii() and mailbox.isdigit()


def _mailboxes(document: Document) -> Iterable[str]:
    """Box numbers are compared as integers: ``012`` is ``12``."""
    mailbox = document.get("mailbox")
    return (str(mailbox).lstrip("0") or "0",) if _is_number(mailbox) else ()


async def normalize(change: Change) -> None:
    """A box number sent as an integer is its text; counts that lists show are not stored."""
    for name in COUNTS:
        change.document.pop(name, None)
    mailbox = change.value("mailbox")
    if isinstance(mailbox, int) and not isinstance(mailbox, bool):
        change.document["mailbox"] = str(mailbox)


async def check_mailbox(change: Change) -> None:
    """Callers type the box number, so it must be one."""
    mailbox = change.value("mailbox")
    if isinstance(mailbox, str) and mailbox and not _is_number(mailbox):
        change.refusals.add("mailbox", "unique", BAD_MAILBOX, cause=mailbox)


VMBOXES = Collection(
    noun="vmboxes",
    doc_type="vmbox",
    schema="vmboxes",
    summary=("name", "mailbox", "owner_id", defaulted("messages", 0), FLAGS),
    order=lambda document: str(document.get("name", "")).lower(),
    unique=(Unique(path="mailbox", values=_mailboxes, message=BAD_MAILBOX),),
    indexes=(field_index("owner_id"),),
    nested=(Nesting(noun="users", doc_type="user", index="owner_id"),),
    hooks=Hooks(normalize=(normalize,), check=(check_mailbox,)),
)
