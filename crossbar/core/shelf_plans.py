"""Which place an attachment belongs in, and what its file is called there.

It is said by the plan of the first storage document that says something of it: of the user whom
its document belongs to, of its account, of that one's reseller, of the system.
"""

from __future__ import annotations

import re

from crossbar.core.services import Services
from crossbar.core.shelved import said_by, storage_key
from crossbar.documents import Document, lookup
from crossbar.storage import SYSTEM, Key
from crossbar.values import valueclass

MONTHLY = frozenset({"call_recording", "fax", "mailbox_message"})
"""Types that KAZOO keeps by the month, for which plans have a part of their own."""

UNSAFE = re.compile(r"[^A-Za-z0-9._@+=-]+")
LONGEST = 800


@valueclass
class Target:
    """A place that an attachment belongs in: of which storage document, and in which folder."""

    holder: str
    handler: str
    entry: Document
    folder: str


async def target_of(services: Services, key: Key, document: Document) -> Target | None:
    """Where the attachments of a document belong; ``None`` for the store."""
    if not services.configuration.has_storage:
        return None
    holders = [storage_key(SYSTEM)]
    account = await services.accounts.get(key.account_id)
    if account is not None:
        if account.reseller_id != account.account_id:
            holders.insert(0, storage_key(account.reseller_id))
        holders.insert(0, storage_key(account.account_id))
        if isinstance(owner := document.get("owner_id"), str):
            holders.insert(0, storage_key(account.account_id, owner))
    levels = [(each.doc_id, said_by(services, await services.store.get(each))) for each in holders]
    for depth, (_, content) in enumerate(levels):
        wanted = planned(content.get("plan", {}), key)
        for holder, above in levels[depth:]:
            entry = above.get("attachments", {}).get(wanted.get("handler"))
            if entry is not None:
                folder = lookup(wanted, ("params", "folder_path")) or ""
                return Target(
                    holder=holder, handler=wanted["handler"], entry=entry, folder=str(folder)
                )
    return None


def planned(plan: Document, key: Key) -> Document:
    """What a plan says of the attachments of documents of a type."""
    part = "modb" if key.doc_type in MONTHLY else "account"
    part = "system" if key.account_id == SYSTEM else part
    found = plan.get(part, {})
    wanted = lookup(found, ("types", key.doc_type, "attachments")) or found.get("attachments")
    return wanted if isinstance(wanted, dict) else {}


def name_at(target: Target, key: Key, document: Document, name: str, attachment_id: str) -> str:
    """What a file is called in its place: as the storage document says, and like no other."""
    settings = target.entry["settings"]
    values = {"account_id": key.account_id, "db": key.account_id, "id": key.doc_id}
    values["attachment"] = name
    fields = settings.get("field_list") or [{"arg": "account_id"}, {"arg": "id"}]
    built = str(settings.get("field_separator", "/")).join(_parts(fields, values, document))
    whole = "/".join((str(settings.get("folder_base_path", "")), target.folder, built))
    clean = (UNSAFE.sub("_", part).strip(".") for part in whole[-LONGEST:].split("/"))
    return "/".join((*filter(None, clean), attachment_id))


def _parts(fields: list[Document], values: Document, document: Document) -> list[str]:
    parts: list[str] = []
    for each in fields:
        if "group" in each:
            parts.append("".join(_parts(each["group"], values, document)))
        elif "arg" in each:
            parts.append(values[each["arg"]])
        elif "const" in each:
            parts.append(each["const"])
        elif isinstance(value := document.get(str(each.get("field"))), str | int):
            parts.append(str(value))
    return parts
