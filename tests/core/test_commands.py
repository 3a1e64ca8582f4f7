"""Where a request says what is to be done, and with what."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from crossbar.core.commands import Asked, asked_of
from crossbar.core.requests import Request


def asked(data: Any, **parameters: Any) -> Asked:
    return asked_of(cast(Request, SimpleNamespace(data=data, controls=parameters)))


@pytest.mark.parametrize(
    ("data", "beside", "expected"),
    [
        ({}, None, Asked(None, {})),
        ([], None, Asked(None, {})),
        ({"action": "play", "media_id": "m"}, None, Asked("play", {"media_id": "m"})),
        (
            {"action": "record", "data": {"action": "stop"}},
            None,
            Asked("record", {"action": "stop"}),
        ),
        ({"action": "stop"}, "record", Asked("record", {"action": "stop"})),
        ({"action": "x", "data": {"event": "y"}}, "notify", Asked("notify", {"event": "y"})),
        ({"action": "play", "data": 5}, None, Asked("play", {"data": 5})),
    ],
)
def test_the_action_stands_beside_the_data_or_in_it(
    data: Any, beside: str | None, expected: Asked
) -> None:
    assert asked(data, **({"action": beside} if beside else {})) == expected
