"""Who decides about port requests: the port authority of an account.

It is the nearest account above whose white label says that it decides itself
(``port.authority``), else the master account. Its administrators accept, schedule and complete
the requests of everybody below, and see comments that customers do not.
"""

from __future__ import annotations

from crossbar.core.directory import Account
from crossbar.core.requests import Actor
from crossbar.documents import lookup
from crossbar.storage import Key

WHITELABEL = "whitelabel"


async def _is_declared(actor: Actor, account_id: str) -> bool:
    """Whether the account's white label makes it an authority."""
    white_label = await actor.services.store.get(Key(account_id, WHITELABEL, WHITELABEL))
    if white_label is None or white_label.get("pvt_deleted"):
        return False
    return bool(lookup(white_label, ("port", "authority")))


async def authority_of(actor: Actor, account: Account) -> Account:
    """The account that decides about the ports of this one."""
    for account_id in reversed(account.tree):
        above = await actor.services.accounts.get(account_id)
        if above is not None and (not above.tree or await _is_declared(actor, account_id)):
            return above
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
    return caller.is_administrator and await _is_declared(actor, caller.account_id)
