"""Memories with room for so many: what was read or made, so that it need not be again."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def keep(memory: dict[K, V], key: K, value: V, most: int) -> None:
    """Remember something. A memory that has ``most`` already forgets them all first.

    That costs next to nothing as long as there is room, which there nearly always is.
    """
    if len(memory) >= most:
        memory.clear()
    memory[key] = value
