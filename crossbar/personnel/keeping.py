"""Components as families of documents: the layout of their rows, the stages of their writes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from crossbar.core.shapes import Collection
from crossbar.personnel.components import COMPONENTS
from crossbar.personnel.effects import hooks_of
from crossbar.personnel.layout import layout_of
from crossbar.personnel.links import LINKS
from crossbar.personnel.people import PEOPLE
from crossbar.personnel.shapes import Component


@cache
def family_of(component: Component) -> Collection:
    """The family of documents that the rows of a component are."""
    if component.noun == "users":
        return PEOPLE
    return replace(layout_of(component), hooks=hooks_of(component))


STORED = (*(layout_of(each) for each in COMPONENTS.values() if not each.stored_as), LINKS)
"""The families of documents that personnel management keeps for itself, as the store sees them."""
