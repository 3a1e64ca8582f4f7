"""Groups of users and devices."""

from __future__ import annotations

from collections.abc import Iterable

from crossbar.core.shapes import FLAGS, Collection, Column, Index, Nesting
from crossbar.documents import Document, lookup
from crossbar.families.endpoints.users import smartpbx_features


def _endpoints(document: Document) -> Document:
    endpoints = document.get("endpoints")
    return endpoints if isinstance(endpoints, dict) else {}


def _users(document: Document) -> Iterable[str]:
    return (
        doc_id
        for doc_id, options in _endpoints(document).items()
        if isinstance(options, dict) and options.get("type") == "user"
    )


def features(document: Document) -> list[str]:
    """The features that a group has switched on, as lists show them."""
    named = smartpbx_features(document)
    has_music = lookup(document, ("music_on_hold", "media_id"))
    return [*named, "music_on_hold"] if has_music else named


GROUPS = Collection(
    noun="groups",
    doc_type="group",
    schema="groups",
    summary=(
        "name",
        Column("features", features),
        Column("endpoints", lambda document: len(_endpoints(document))),
        FLAGS,
    ),
    indexes=(Index(name="member", values=_users),),
    nested=(Nesting(noun="users", doc_type="user", index="member"),),
)
