"""Fixtures of several families' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.mailbox import Mailbox, mailbox


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    """What is mailed, where the settings are those of :meth:`Mailbox.settings`."""
    async with mailbox() as box:
        yield box
