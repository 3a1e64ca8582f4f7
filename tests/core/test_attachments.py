"""Attachments: what only a race can show."""

from __future__ import annotations

import pytest

from crossbar.core.attachments import ATTACHMENTS, copy_attachments
from crossbar.core.requests import Actor
from crossbar.errors import Conflict
from tests.conftest import Api


async def test_a_copy_of_what_was_dropped_meanwhile_is_a_conflict(api: Api) -> None:
    actor = Actor(
        services=api.gateway.services, account_id=api.master.account_id, request_id="test"
    )
    source = {ATTACHMENTS: {"audio.mp3": {"id": "gone", "length": 1}}}
    with pytest.raises(Conflict):
        await copy_attachments(actor, source)
    assert await copy_attachments(actor, {}) == {}
