"""Fixtures that several modules of storage tests use."""

from __future__ import annotations

from tests.storage.mongo_server import mongo_server, place

__all__ = ["mongo_server", "place"]
