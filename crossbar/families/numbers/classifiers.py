"""Classes of numbers: what a number costs, and how it is written, depends on its class.

Their regular expressions are shown to browsers, which run them too; here RE2 does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from crossbar.documents import Document
from crossbar.numbers import normalized
from crossbar.settings import Numbers, SettingsError
from crossbar.validation import Expression, Unusable

US_FORMAT = "SS(###) ### - ####"

CARIBBEAN = (
    "684|264|268|242|246|441|284|345|767|809|829|849|473|671|876|664|670|787|939|869|758|784|721"
    "|868|649|340"
)

USUAL: Mapping[str, Document] = {
    "tollfree_us": {
        "regex": r"^\+1((?:800|88\d|877|866|855|844|833|822)\d{7})$",
        "friendly_name": "US TollFree",
        "pretty_print": US_FORMAT,
    },
    "toll_us": {
        "regex": r"^\+1(900\d{7})$",
        "friendly_name": "US Toll",
        "pretty_print": US_FORMAT,
    },
    "emergency": {
        "regex": r"^(911|922|933|833|811|711|999)$",
        "friendly_name": "Emergency Dispatcher",
        "emergency": True,
    },
    "caribbean": {
        "regex": rf"^\+?1((?:{CARIBBEAN})\d{{7}})$",
        "friendly_name": "Caribbean",
        "pretty_print": US_FORMAT,
    },
    "did_us": {
        "regex": r"^(\+?1)?([2-9][0-9]{2}[2-9][0-9]{6})$",
        "friendly_name": "US DID",
        "pretty_print": US_FORMAT,
    },
    "international": {"regex": r"^\+([2-9]\d{7,})$", "friendly_name": "International"},
    "unknown": {"regex": r"^(.*)$", "friendly_name": "Unknown"},
}
"""KAZOO's."""

SHOWN = ("regex", "friendly_name", "pretty_print", "emergency")
"""Beside the name, by which some screens of Monster UI write restrictions of calls."""


class Classifiers:
    """The classes, in the order in which they are tried."""

    def __init__(self, table: Mapping[str, Document]) -> None:
        self.table = {
            name: {"name": name} | {key: value for key, value in entry.items() if key in SHOWN}
            for name, entry in table.items()
        }
        self._expressions = [
            (name, Expression(entry["regex"])) for name, entry in self.table.items()
        ]

    def name_of(self, number: str) -> str | None:
        """The class of a number; ``None`` when it has none."""
        return next((name for name, each in self._expressions if each.finds(number)), None)

    def classified(self, raw: str) -> Document:
        """A number with its class and what belongs to that."""
        number = normalized(raw)
        told: Document = {"number": raw, "e164": number}
        name = self.name_of(number)
        return told if name is None else told | self.table[name]


def classifiers_of(settings: Numbers) -> Classifiers:
    """The classes that the settings name. Raises :class:`SettingsError`."""
    return _read(settings.classifiers)


@cache
def _read(file: str) -> Classifiers:
    if not file:
        return Classifiers(USUAL)
    try:
        table: Any = json.loads(Path(file).read_text())
        return Classifiers({name: {"friendly_name": name, **each} for name, each in table.items()})
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise SettingsError([f"numbers.classifiers: {file}: {_reason(error)}"]) from None


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or "cannot be read"
    return str(error) if isinstance(error, Unusable | ValueError) else "not a table of classes"
