"""What a body says of a component's columns: taken, converted, and complained of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from crossbar.clock import instant_of
from crossbar.documents import Document
from crossbar.personnel.shapes import Component, Field
from crossbar.validation import Refusals

JSON_TYPES = {
    "text": "string",
    "integer": "integer",
    "boolean": "boolean",
    "time": "string",
    "array": "array",
    "object": "object",
}

BOOLEANS: Mapping[Any, bool] = {"1": True, "0": False, "true": True, "false": False}

TIMES = (
    Field(name="created_at", about="When the row was made.", kind="time"),
    Field(name="updated_at", about="When the row was last changed.", kind="time"),
)
"""Columns that every component has."""


LONGEST_TIME = 64
"""Characters of a time in any form."""


def instant(text: str) -> str | None:
    """A time that somebody wrote, as ISO 8601 in UTC to the microsecond; ``None`` for no time.

    ISO 8601 and RFC 5322 are understood, and dates with slashes. Without an offset it is UTC.
    """
    if len(text) > LONGEST_TIME:
        return None
    for read in (datetime.fromisoformat, parsedate_to_datetime, _american):
        try:
            moment = read(text)
            return instant_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
    return None


def _american(text: str) -> datetime:
    return datetime.strptime(text, "%m/%d/%Y").replace(tzinfo=UTC)


def columns_of(component: Component) -> dict[str, Field]:
    """The columns that a body may set, by name."""
    writable = {each.name: each for each in component.fields if each.write}
    return writable | {each.name: each for each in TIMES}


def taken(component: Component, body: Document) -> tuple[Document, Refusals]:
    """The columns that a body sets, converted, and what is wrong with them.

    ``None`` empties a column, but leaves the times that every row has to the server. Keys that
    are no columns are left out.
    """
    values: Document = {}
    refusals = Refusals()
    for name, field in columns_of(component).items():
        if name not in body:
            continue
        value = body[name]
        if value is None and field in TIMES:
            continue
        if value is None and not field.null:
            refusals.add(name, "required", "The field must not be empty", value=None)
        else:
            values[name] = converted(field, value, refusals)
    return values, refusals


def converted(field: Field, value: Any, refusals: Refusals) -> Any:
    """A value in the form in which its column keeps it; what it is not stays for the schema."""
    if field.kind == "boolean" and type(value) in (int, str):
        return BOOLEANS.get(str(value).lower(), value)
    if field.kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if field.kind == "time" and isinstance(value, str):
        moment = instant(value)
        if moment is None:
            refusals.add(field.name, "date", "The field must be a date or time", value=value)
        return moment
    return value


def schema_of(component: Component) -> Document:
    """The JSON schema of a component's stored columns; what a create requires is no part of it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": component.schema,
        "title": component.model,
        "description": component.about,
        "type": "object",
        "properties": {each.name: property_of(each) for each in (*component.fields, *TIMES)},
    }


def property_of(field: Field) -> Document:
    """The schema of one column."""
    return {"description": field.about, "type": JSON_TYPES[field.kind], **field.schema}
