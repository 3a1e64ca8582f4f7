"""How the rows of components are laid out in the store: their place in lists, their indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from crossbar.core.shapes import Collection, Index, Unique
from crossbar.documents import Document
from crossbar.personnel.shapes import Component, Field

MIDDLE = 2**63
"""Added to numbers that may be negative, so that their texts sort as they do."""


@cache
def layout_of(component: Component) -> Collection:
    """The family of a component's rows, without what its writes bring about."""
    return Collection(
        noun=component.noun,
        doc_type=component.doc_type,
        schema=component.schema,
        summary=None,
        order=_ORDERS[component.order],
        unique=_UNIQUE.get(component.noun, ()),
        indexes=tuple(
            _index(each) for each in component.fields if each.refers or each.name == "owner"
        ),
    )


def _slug(document: Document) -> Iterable[str]:
    slug = document.get("slug")
    return (slug.lower(),) if isinstance(slug, str) else ()


def _index(field: Field) -> Index:
    def values(document: Document) -> Iterable[str]:
        value = document.get(field.name)
        return () if value is None else (str(value),)

    return Index(name=field.name, values=values)


def _by_id(document: Document) -> str:
    return f"{document['pvt_seq']:020d}"


def _by_order(document: Document) -> str:
    return f"{document['order'] + MIDDLE:020d} {_by_id(document)}"


def _by_time(document: Document) -> str:
    return f"{document['created_at']} {_by_id(document)}"


def _owner(document: Document) -> Iterable[str]:
    return (document["owner"],) if "owner" in document else ()


_UNIQUE = {
    "forms": (Unique(path="slug", values=_slug, message="The slug is taken"),),
    "images": (Unique(path="image", values=_owner, message="There is an image already"),),
}

_ORDERS: dict[str, Callable[[Document], str]] = {
    "id": _by_id,
    "order": _by_order,
    "newest": _by_time,
}
