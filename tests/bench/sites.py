"""What every benchmark begins with: a master account, and a token of it."""

from __future__ import annotations

from crossbar.app import Gateway
from crossbar.bootstrap import create_master
from crossbar.core.directory import Account

PASSWORD = "bench-password"


async def master_of(gateway: Gateway) -> tuple[Account, str]:
    """A new master account, and a token that may do anything in it."""
    master = await create_master(gateway.services, password=PASSWORD)
    account = await gateway.services.accounts.get(master.account_id)
    if account is None:
        raise RuntimeError("no account")
    token = await gateway.identity.issue_token(account, user=None, method="cb_api_auth")
    return account, token
