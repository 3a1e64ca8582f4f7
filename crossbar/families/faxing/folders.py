"""Where faxes are: on their way, sent, received."""

from __future__ import annotations

from crossbar.documents import Document

OUTGOING, INBOX, OUTBOX = "outgoing", "inbox", "outbox"


def folder_of(document: Document) -> str:
    """Where a fax has got to."""
    folder = document.get("folder")
    return folder if folder in (INBOX, OUTBOX) else OUTGOING
