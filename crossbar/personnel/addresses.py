"""Addresses in answers: paths below the interface's root, which the dialect makes whole."""

from __future__ import annotations

from crossbar.core.attachments import ATTACHMENTS
from crossbar.documents import Document


class Address(str):
    """A path of this interface, from its root, that clients are shown as a whole URL."""

    __slots__ = ()


def file_address(stored: Document, name: str) -> Address | None:
    """Where an attachment of a row can be fetched, by whoever knows the address."""
    facts = stored.get(ATTACHMENTS, {}).get(name)
    if facts is None:
        return None
    account_id, doc_id = stored["pvt_account_id"], stored["_id"]
    return Address(f"/files/{account_id}/{stored['pvt_type']}/{doc_id}/{facts['id']}")
