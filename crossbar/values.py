"""Values that are made for every request.

To a type checker they are frozen dataclasses. At run time they are ordinary slotted ones: a frozen
dataclass is set up through ``object.__setattr__``, a microsecond for every four fields, and a
request makes half a dozen of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(
    eq_default=False, frozen_default=True, kw_only_default=True, field_specifiers=(field,)
)
def valueclass(cls: type[T]) -> type[T]:
    """A keyword-only value that nobody writes to after it is made; equal only to itself."""
    return dataclass(eq=False, slots=True, kw_only=True)(cls)
