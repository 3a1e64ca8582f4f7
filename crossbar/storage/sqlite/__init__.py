"""The embedded store: one SQLite file."""

from __future__ import annotations

from crossbar.storage.sqlite.store import SQLiteStore

__all__ = [
    "SQLiteStore",
]
