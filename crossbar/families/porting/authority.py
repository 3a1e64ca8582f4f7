"""Who decides about port requests: the port authority of an account.

It is whom the white label of the nearest account above names (``port.authority``): that account,
or one above it; else the master account. Its administrators accept, schedule and complete
the requests of everybody below, and see comments that customers do not.
"""

from __future__ import annotations

from crossbar.core.directory import Account
from crossbar.core.requests import Actor
from crossbar.documents import lookup
from crossbar.storage import Key

WHITELABEL = "whitelabel"


async def _declared(actor: Actor, account_id: str) -> list[str]:
    """The accounts that the account's white label makes authorities: itself, or some above."""
    white_label = await actor.services.store.get(Key(account_id, WHITELABEL, WHITELABEL))
    if white_label is None or white_label.get("pvt_deleted"):
        return []
    named = lookup(white_label, ("port", "authority"))
    return named if isinstance(named, list) else [named]


async def authority_of(actor: Actor, account: Account) -> Account:
    """The account that decides about the ports of this one."""
    accounts = actor.services.accounts
    for account_id in reversed(account.tree):
        above = await accounts.get(account_id)
        if above is None:
            continue
        if not above.tree:
            return above
        for named in await _declared(actor, account_id):
            found = await accounts.get(named) if named in (account_id, *above.tree) else None
            if found is not None:
                return found
    return account


async def decides(actor: Actor, account: Account) -> bool:
    """Whether the caller decides about the ports of an account: for its authority, or for all."""
    caller = actor.require_caller()
    if caller.is_operator:
        return True
    if not caller.is_administrator or caller.account_id == account.account_id:
        return False
    return (await authority_of(actor, account)).account_id == caller.account_id


async def is_authority(actor: Actor) -> bool:
    """Whether the caller decides about the ports of anybody at all."""
    caller = actor.require_caller()
    if caller.is_operator:
        return True
    is_declared = caller.account_id in await _declared(actor, caller.account_id)
    return caller.is_administrator and is_declared
