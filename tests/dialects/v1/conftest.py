"""A running gateway and a client of v1 with a key that may do everything."""

from __future__ import annotations

import pytest

from tests.conftest import Api
from tests.dialects.v1.support import Client, client_of


@pytest.fixture
async def v1(api: Api) -> Client:
    return await client_of(api)
