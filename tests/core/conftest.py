"""A small tree of accounts, and the parts that recipes work with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from crossbar.app import open_gateway
from crossbar.clock import FixedClock
from crossbar.core.directory import account_key
from crossbar.core.services import Services
from crossbar.settings import Settings
from crossbar.storage import Batch, Put
from tests.conftest import Api

ACCOUNT = "a" * 32


@pytest.fixture
async def family(api: Api) -> dict[str, str]:
    """Master > A > (B > C, D), E: ids by name."""
    ids = {"Master": api.master.account_id}
    for name, parent in (("A", "Master"), ("B", "A"), ("C", "B"), ("D", "A"), ("E", "Master")):
        ids[name] = await api.create_account(name, parent=ids[parent])
    return ids


@pytest.fixture
async def services(settings: Settings, clock: FixedClock) -> AsyncIterator[Services]:
    """The parts of a gateway with one account, which is hardly one."""
    async with open_gateway(settings, clock=clock) as gateway:
        account = Put(account_key(ACCOUNT), {"_id": ACCOUNT, "_rev": "1-a"}, None)
        await gateway.services.store.commit(Batch(puts=[account]))
        yield gateway.services
