"""Columns that several components have, and short ways to declare one."""

from __future__ import annotations

from typing import Any

from crossbar.personnel.shapes import Field

HEX_COLOR = {"pattern": "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"}


def must(name: str, about: str, **more: Any) -> Field:
    """A column that is never empty and that a create must set."""
    return Field(name=name, about=about, null=False, required=True, **more)


def may(name: str, about: str, **more: Any) -> Field:
    """A column that may be empty."""
    return Field(name=name, about=about, **more)


def flag(name: str, about: str, *, default: bool = False, **more: Any) -> Field:
    """A column that is true or false."""
    schema = {"default": default}
    return Field(name=name, about=about, kind="boolean", null=False, schema=schema, **more)


def link(name: str, component: str, about: str, **more: Any) -> Field:
    """A column with the id of another component's row."""
    return Field(name=name, about=about, kind="integer", refers=component, **more)


def shown(name: str, about: str, kind: str = "text", **more: Any) -> Field:
    """A value that is shown and never set by a body."""
    return Field(name=name, about=about, kind=kind, write=False, **more)


NAME = must("name", "What it is called.")
DESCRIPTION = may("description", "What it is, in more words.")
ORDER = Field(
    name="order",
    about="Place in listings, lowest first. A new row without one comes last.",
    kind="integer",
    null=False,
)
HIDDEN = flag("hidden", "Whether it is left out of public rosters.")
AUTHOR = link("author_id", "users", "Id of the user who wrote it; the caller when left out.")
DOCUMENT = link("document_id", "documents", "Id of the document that the record fills in.")
OPTIONAL_TEXT = may("text", "Remarks.")
TEXT = must("text", "What is recorded.")
PERSON = link("user_id", "users", "Id of the user whom the record is about.", required=True)
PARSED = shown("document_parsed", "The document with its placeholders filled in, as HTML.")
