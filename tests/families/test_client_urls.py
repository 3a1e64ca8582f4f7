"""Web addresses that a switch fetches, in the documents of several families."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.validation.checks import BAD_CLIENT_URL
from tests.conftest import Api
from tests.families.support import FIELDS, refusal

PLACES: dict[str, tuple[str, str, str]] = {
    "accounts": ("", "call_recording.account.any.any.url", ""),
    "users": ("users", "call_recording.inbound.offnet.url", ""),
    "devices": ("devices", "call_recording.outbound.onnet.url", ""),
    "inbound faxes": ("faxboxes", "notifications.inbound.callback.url", ""),
    "outbound faxes": ("faxboxes", "notifications.outbound.callback.url", ""),
    "pivot": ("callflows", "flow.data.voice_url", "pivot"),
    "webhook": ("callflows", "flow.data.uri", "webhook"),
    "record_call": ("callflows", "flow.data.url", "record_call"),
    "record_caller": ("callflows", "flow.data.url", "record_caller"),
    "metaflows": ("users", "metaflows.numbers.1.data.url", "record_call"),
    "metaflows of a device": ("devices", "metaflows.patterns.^2.data.voice_url", "pivot"),
}
"""Where such an address is: the noun, the dotted path, and the module of a node with data."""


def document(place: str, url: str) -> dict[str, Any]:
    noun, path, module = PLACES[place]
    *parts, last = path.split(".")
    value: Any = {last: url}
    for part in reversed(parts):
        is_data = part == "data"
        value = (
            {"module": module, "data": {"action": "start", **value}} if is_data else {part: value}
        )
    return {**FIELDS.get(noun, {"name": place}), **value}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("bad", ["ftp://example.org/a", "http://localhost/a"])
async def test_an_address_is_of_the_web_and_not_of_a_private_host(
    api: Api, place: str, bad: str
) -> None:
    noun, path, _ = PLACES[place]
    answer = await api.put(f"{api.account}/{noun}", document(place, bad))
    assert refusal(answer, path, "error") == {**BAD_CLIENT_URL, "value": bad}
    good = document(place, "https://example.org/a")
    (await api.put(f"{api.account}/{noun}", good)).expect(201)


@pytest.mark.parametrize("overrides", [{"schemas.blocked_hosts": ["example.org"]}])
async def test_which_hosts_are_blocked_is_a_setting(api: Api) -> None:
    path = f"{api.account}/faxboxes"
    refused = await api.put(path, document("inbound faxes", "https://example.org/a"))
    refusal(refused, "notifications.inbound.callback.url", "error")
    (await api.put(path, document("inbound faxes", "http://localhost/a"))).expect(201)
