"""The command ``crossbar``."""

from __future__ import annotations

from crossbar.cli.program import main

__all__ = [
    "main",
]
