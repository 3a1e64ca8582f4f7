"""The store of a cluster: a MongoDB replica set."""

from __future__ import annotations

from crossbar.storage.mongodb.store import MongoStore

__all__ = [
    "MongoStore",
]
