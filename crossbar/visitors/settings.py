"""Visitor settings: whether pages of an account may report visitors, and which pages.

The public key names the account to pages. It is no secret: whoever looks at a page has it. What it
admits is what this document says, and nothing while there is no document.
"""

from __future__ import annotations

import re

from crossbar.core.change import Change
from crossbar.core.requests import Action, Request
from crossbar.core.services import Services
from crossbar.core.shapes import Hooks, Powers, Singleton
from crossbar.documents import Document
from crossbar.storage import Key

PUBLIC_KEY = re.compile(r"pk_([0-9a-f]{32})")


def public_key_of(account_id: str) -> str:
    """How pages name the account."""
    return f"pk_{account_id}"


def account_id_of(public_key: object) -> str | None:
    """The account that a public key names."""
    found = PUBLIC_KEY.fullmatch(public_key) if isinstance(public_key, str) else None
    return found[1] if found else None


async def visitor_settings(services: Services, account_id: str) -> Document | None:
    """The account's settings; ``None`` while it lets nobody report visitors."""
    noun = VISITOR_SETTINGS.noun
    stored = await services.store.get(Key(account_id, VISITOR_SETTINGS.doc_type, noun))
    return stored if stored and stored["enabled"] else None


async def drop_key(change: Change) -> None:
    """The key is computed, so what a client sends back of it is nothing to keep."""
    change.document.pop("public_key", None)


async def add_key(request: Request, shown: Document, stored: Document) -> None:
    """Show the public key."""
    shown["public_key"] = public_key_of(request.account_id)


VISITOR_SETTINGS = Singleton(
    noun="visitor_settings",
    doc_type="visitor_settings",
    schema="visitor_settings",
    actions=frozenset({Action.FETCH, Action.REPLACE, Action.PATCH}),
    powers=Powers(actions=frozenset({Action.REPLACE, Action.PATCH})),
    hooks=Hooks(prepare=(drop_key,), present=(add_key,)),
)
