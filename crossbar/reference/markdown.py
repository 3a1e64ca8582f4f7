"""Markdown for generated pages: tables, values, docstrings."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable
from functools import partial
from typing import Any

_REFERENCE = re.compile(r"\s*\([^()]*(?:§|resources/)[^()]*\)")
_ROLE = re.compile(r":\w+:`~?(?:[\w]+\.)*(\w+)`")


def table(heads: str, lines: Iterable[Iterable[str]]) -> list[str]:
    """The lines of a table; what is in its cells is escaped."""
    made = (" | ".join(map(cell, cells)) for cells in lines)
    rule = "|---" * (heads.count("|") + 1) + "|"
    return [f"| {heads} |", rule, *(f"| {line} |" for line in made)]


def cell(text: str) -> str:
    """A text for a table: what Markdown would take as a mark is escaped outside of code."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([*\\])", r"\\\1", part).replace("<", "&lt;") for part in parts[::2]]
    return "`".join(parts).replace("|", "\\|").replace("\n", " ")


def code(value: Any) -> str:
    """A value as JSON in a code span."""
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def said(thing: Any) -> str:
    """The first paragraph of a docstring, in Markdown, without references to other papers."""
    thing = thing.func if isinstance(thing, partial) else thing
    text = " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
    return _ROLE.sub(r"`\1`", _REFERENCE.sub("", text)).replace("``", "`")
