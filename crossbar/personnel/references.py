"""What is judged of a row beyond its schema: what must be there, and what it refers to."""

from __future__ import annotations

from typing import Any

from crossbar.core.change import Change
from crossbar.core.requests import Upload
from crossbar.documents import Document
from crossbar.personnel.components import COMPONENTS
from crossbar.personnel.rows import exists
from crossbar.personnel.shapes import Component
from crossbar.validation import Refusals

SMALLEST_IMAGE, LARGEST_IMAGE = 1024, 10_000 * 1024
"""Bytes."""


async def judge(change: Change, component: Component, values: Document) -> None:
    """Refuse what the schema of the component does not take, and what :func:`check` refuses.

    For columns that are not kept in a document of their own schema.
    """
    sent = {
        name: value
        for name, value in values.items()
        if value is not None and not isinstance(value, Upload)
    }
    judged, errors = await change.actor.services.schemas.judged(component.schema, dict(sent))
    values.update({name: judged[name] for name in sent})
    change.refusals.merge(errors)
    await check(change, component, values)


async def check(change: Change, component: Component, values: Document) -> None:
    """Refuse missing columns, ids of rows that do not exist, and times in the wrong order."""
    refusals = change.refusals
    for field in component.fields:
        value = values.get(field.name)
        if value is None:
            if field.required and change.current is None:
                refusals.add(field.name, "required", "The field is required")
            continue
        is_judged = field.name in refusals or not field.refers
        if not is_judged and not await exists(change.actor, COMPONENTS[field.refers], value):
            message = f"There is no such row in {field.refers}"
            refusals.add(field.name, "exists", message, value=value)
        after = values.get(field.after) or change.document.get(field.after)
        if field.after and isinstance(after, str) and isinstance(value, str) and value <= after:
            refusals.add(field.name, "after", f"The time must be after {field.after}", value=value)


def check_image(refusals: Refusals, name: str, value: Any) -> None:
    """Refuse what is no uploaded picture, and one that is too small or too large."""
    if not isinstance(value, Upload) or not value.content_type.startswith("image/"):
        refusals.add(name, "image", "The field must be an uploaded image")
    elif not SMALLEST_IMAGE <= len(value.content) <= LARGEST_IMAGE:
        refusals.add(name, "size", "The image must have between 1 and 10000 kilobytes")
