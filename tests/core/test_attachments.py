"""Attachments: what only a race can show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossbar.bootstrap import internal_context
from crossbar.core.attachments import ATTACHMENTS, copy_attachments
from crossbar.errors import Conflict
from tests.conftest import Api


async def test_a_copy_of_what_was_dropped_meanwhile_is_a_conflict(api: Api) -> None:
    context = internal_context(api.gateway.services, "test")
    context = replace(context, params={"account_id": api.master.account_id})
    source = {ATTACHMENTS: {"audio.mp3": {"id": "gone", "length": 1}}}
    with pytest.raises(Conflict):
        await copy_attachments(context, source)
    assert await copy_attachments(context, {}) == {}
