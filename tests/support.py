"""Gateways for tests that need more than the one of the ``api`` fixture."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from crossbar.bootstrap import Master
from crossbar.clock import FixedClock
from crossbar.settings import Settings
from tests.conftest import NOW, QUICK, Api, running_api


def quick_settings(url: str, **overrides: Any) -> Settings:
    """The settings of the ``api`` fixture, for another store or with something changed."""
    named = {name.replace("__", "."): value for name, value in overrides.items()}
    return Settings.load(None, {}, {**QUICK, "storage.url": url, **named})


def running(settings: Settings, master: Master | None = None) -> AbstractAsyncContextManager[Api]:
    """A gateway as in the ``api`` fixture; with ``master``, on a store that has one already."""
    return running_api(settings, FixedClock(NOW), master)
