"""What names an account in a request for a login (docs/protocol.md §5.2)."""

from __future__ import annotations

from crossbar.core import recipes
from crossbar.core.directory import Account
from crossbar.core.requests import Actor, Request
from crossbar.documents import Document
from crossbar.families.accounts import normalized_name
from crossbar.families.logins.second_factor import RESPONSE
from crossbar.families.numbers import account_with_number
from crossbar.numbers import to_e164

NAMED_BY = ("phone_number", "account_realm", "realm", "account_name")
"""The fields that may name the account; ``realm`` is an old name of ``account_realm``."""


async def validated(request: Request, schema: str) -> Document:
    """What was sent, as the schema wants it; second factors and sessions are not its matter."""
    order = recipes.sent(request)
    for name in (RESPONSE, "refresh"):
        order.pop(name, None)
    return await recipes.valid(request.actor, schema, order)


def names_sent(sent: Document) -> tuple[str, ...]:
    """What names an account, normalised: failed logins are counted by each of them.

    Whether there is such an account makes no difference: else one could learn which there are.
    """
    number = sent.get("phone_number")
    realm = sent.get("account_realm") or sent.get("realm")
    name = sent.get("account_name")
    named = {
        "number": to_e164(number) or number if isinstance(number, str) else None,
        "realm": realm.lower() if isinstance(realm, str) else None,
        "name": normalized_name(name) if isinstance(name, str) else None,
    }
    return tuple(f"{kind}:{text}" for kind, text in named.items() if text) or ("",)


async def accounts_named(actor: Actor, sent: Document) -> list[Account]:
    """The accounts that may be meant: by number, else by realm, else by name."""
    accounts = actor.services.accounts
    number = sent.get("phone_number")
    if number is not None and (owner := await account_with_number(actor, number)):
        return [owner]
    realm = sent.get("account_realm") or sent.get("realm")
    if isinstance(realm, str) and (found := await accounts.find("realm", realm.lower())):
        return found
    name = sent.get("account_name")
    return await accounts.find("name", normalized_name(name)) if isinstance(name, str) else []
