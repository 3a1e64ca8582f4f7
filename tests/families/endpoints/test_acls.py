"""System ACLs: operators read them."""

from __future__ import annotations

from crossbar.families.endpoints.acls import SWITCH_CONFIG
from crossbar.storage import Batch, Put
from tests.conftest import Api

ENTRY = {"cidr": "192.0.2.0/24", "type": "allow", "network-list-name": "trusted"}


async def test_operators_read_the_networks_that_switches_trust(api: Api) -> None:
    for path in ("/v2/acls", f"{api.account}/acls"):
        assert (await api.get(path)).expect(200).data == {}
    config = {"_rev": "1-0", "default": {"acls": {"carrier": ENTRY}}}
    await api.gateway.services.store.commit(Batch(puts=[Put(SWITCH_CONFIG, config, None)]))
    for path in ("/v2/acls", f"{api.account}/acls"):
        assert (await api.get(path)).expect(200).data == {"carrier": ENTRY}


async def test_others_do_not(api: Api) -> None:
    child = await api.create_account("Child")
    token = await api.account_token(child)
    for path in ("/v2/acls", f"/v2/accounts/{child}/acls"):
        (await api.get(path, token=token)).expect(403)
