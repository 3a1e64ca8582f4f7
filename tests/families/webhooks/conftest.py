"""A gateway that delivers to loopback, and a receiver there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.families.webhooks.receiver import Receiver, receiving


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {
        "webhooks.deliver": True,
        "webhooks.allow_private_addresses": True,
        "schemas.blocked_hosts": [],
    }


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver
