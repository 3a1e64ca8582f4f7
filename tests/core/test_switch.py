"""What stands in while no telephone switch is connected."""

from __future__ import annotations

import pytest

from crossbar.core.ports.switch import REMEMBERED, Command, NoSwitch
from crossbar.errors import SwitchUnavailable

SYNC = Command("devices.sync", "a" * 32, {"device_id": "d"})


async def test_it_remembers_what_it_was_told_and_not_too_much() -> None:
    switch = NoSwitch()
    for _ in range(REMEMBERED + 1):
        await switch.tell(SYNC)
    assert len(switch.told) == REMEMBERED
    assert switch.told[-1] == SYNC


async def test_it_knows_nothing_and_does_nothing() -> None:
    switch = NoSwitch()
    assert await switch.ask(SYNC) == []
    with pytest.raises(SwitchUnavailable):
        await switch.order(SYNC, 1)
