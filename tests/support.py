"""Gateways for tests that need more than the one of the ``api`` fixture."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from crossbar.app import GATEWAY, build_app
from crossbar.bootstrap import Master, create_master
from crossbar.clock import FixedClock
from crossbar.settings import Settings
from tests.conftest import NOW, PASSWORD, QUICK, Api


def quick_settings(url: str, **overrides: Any) -> Settings:
    """The settings of the ``api`` fixture, for another store or with something changed."""
    named = {name.replace("__", "."): value for name, value in overrides.items()}
    return Settings.load(None, {}, {**QUICK, "storage.url": url, **named})


@asynccontextmanager
async def running(settings: Settings, master: Master | None = None) -> AsyncIterator[Api]:
    """A gateway as in the ``api`` fixture; with ``master``, on a store that has one already."""
    clock = FixedClock(NOW)
    app = build_app(settings, clock=clock)
    async with TestClient(TestServer(app)) as client:
        gateway = app[GATEWAY]
        master = master or await create_master(gateway.services, password=PASSWORD)
        api = Api(client, gateway, clock, master)
        api.token = await api.login(master.username, PASSWORD, master.account_name)
        yield api
