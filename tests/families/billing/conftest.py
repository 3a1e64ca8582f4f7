"""Fixtures of the tests of billing: the stores on which races are run."""

from __future__ import annotations

from tests.contract.conftest import mongo_server, mongodb_url, place

__all__ = ["mongo_server", "mongodb_url", "place"]
