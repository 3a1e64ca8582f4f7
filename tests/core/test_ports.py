"""What is told of those outside."""

from __future__ import annotations

import pytest

from crossbar.core.ports import place_of


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://ann:secret@example.com/flow?token=secret#x", "example.com/flow"),
        ("/flow", "/flow"),
        ("http://[::1", "the address"),
        ("https://example.com/" + "x" * 1000, "example.com/" + "x" * 188),
    ],
)
def test_addresses_are_logged_without_what_may_be_secret(url: str, place: str) -> None:
    assert place_of(url) == place
