"""What of a stored configuration is secret, such as a password: kept apart from the rest, sealed.

A configuration may have any keys, so a secret is known by its name, as it is in logs.
"""

from __future__ import annotations

from typing import Any, Protocol

import orjson

from crossbar.documents import Document, merge, public
from crossbar.logs import names_a_secret

KEPT = "pvt_secrets"
"""The private field that holds what is secret of a document."""

PURPOSE = "configuration"


class Sealing(Protocol):
    """What encrypts with the server's secret (:class:`~crossbar.core.services.Credentials`)."""

    def seal(self, purpose: str, text: str) -> str:
        """``text`` encrypted, to be stored."""
        ...

    def unseal(self, purpose: str, sealed: str) -> str | None:
        """What was sealed for the purpose; ``None`` when the server's secret is another one."""
        ...


def sealed(sealing: Sealing, document: Document) -> Document:
    """The document as it is stored."""
    plain, secret = _apart(document)
    if secret:
        plain[KEPT] = sealing.seal(PURPOSE, orjson.dumps(secret).decode())
    return plain


def unsealed(sealing: Sealing, stored: Document) -> Document:
    """The public fields of a stored document, with what was sealed of them."""
    kept = stored.get(KEPT)
    text = sealing.unseal(PURPOSE, kept) if kept else None
    return merge(public(stored), orjson.loads(text)) if text else public(stored)


def _apart(document: Document) -> tuple[Document, Document]:
    """What anybody may see of a document who sees it, and what not; neither has parts of lists."""
    plain, secret = Document(), Document()
    for name, value in document.items():
        if _is_secret(name, value):
            secret[name] = value
        elif isinstance(value, dict):
            plain[name], inner = _apart(value)
            if inner:
                secret[name] = inner
        else:
            plain[name] = value
    return plain, secret


def _is_secret(name: str, value: Any) -> bool:
    if isinstance(value, bool | int | float | None):
        return False
    if isinstance(value, list) and any(
        isinstance(each, dict) and _apart(each)[1] for each in value
    ):
        return True
    return names_a_secret(name)
