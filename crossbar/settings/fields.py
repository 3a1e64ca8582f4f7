"""How a setting is declared: a field with a default and an explanation."""

from __future__ import annotations

import dataclasses
from typing import Any


def setting(
    default: Any,
    explanation: str,
    *,
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    secret: bool = False,
) -> Any:
    """A field with its default. A ``secret`` one is shown neither by ``repr`` nor in errors."""
    metadata = {
        "help": explanation,
        "choices": choices,
        "minimum": minimum,
        "maximum": maximum,
        "secret": secret,
    }
    return dataclasses.field(default=default, repr=not secret, metadata=metadata)
