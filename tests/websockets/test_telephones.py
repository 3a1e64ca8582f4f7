"""The way of telephones in browsers to the switch: who is let in, and told so by 503 as none runs.

With a switch: ``tests/switch/asterisk/test_telephone_socket.py``.
"""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import WSServerHandshakeError

from tests.conftest import Api
from tests.families.porting.support import Customer, customer_of

NO_SWITCH = 503


async def answered(api: Api, token: str, **options: Any) -> int:
    """The status of the refusal."""
    offered = ["sip", f"bearer.{token}"]
    with pytest.raises(WSServerHandshakeError) as refusal:
        async with api.client.ws_connect("/telephone", protocols=offered, **options):
            pass
    return refusal.value.status


async def key(api: Api, customer: Customer, *scopes: str, **more: Any) -> str:
    asked = {"name": "Robot", "scopes": scopes, **more}
    made = (await api.put(f"{customer.path}/api_keys", asked)).expect(201).data
    text: str = made["_read_only"]["key"]
    return text


async def test_a_key_lets_in_that_may_read_devices(api: Api) -> None:
    customer = await customer_of(api)
    assert await answered(api, customer.user) == NO_SWITCH
    assert await answered(api, await key(api, customer, "*")) == NO_SWITCH
    assert await answered(api, await key(api, customer, "view:device")) == NO_SWITCH
    assert await answered(api, await key(api, customer, "view:menu")) == 403
    assert await answered(api, await key(api, customer, "create:device")) == 403
    assert await answered(api, await key(api, customer, "switch", dialect="switch")) == 403


@pytest.mark.parametrize("origin", ["http://[x", "http://[::1", "null", "", "https://elsewhere"])
async def test_a_page_of_elsewhere_is_refused_however_it_is_called(api: Api, origin: str) -> None:
    assert await answered(api, api.token, headers={"Origin": origin}) == 403
