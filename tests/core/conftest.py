"""A small tree of accounts."""

from __future__ import annotations

import pytest

from tests.conftest import Api


@pytest.fixture
async def family(api: Api) -> dict[str, str]:
    """Master > A > (B > C, D), E: ids by name."""
    ids = {"Master": api.master.account_id}
    for name, parent in (("A", "Master"), ("B", "A"), ("C", "B"), ("D", "A"), ("E", "Master")):
        ids[name] = await api.create_account(name, parent=ids[parent])
    return ids
