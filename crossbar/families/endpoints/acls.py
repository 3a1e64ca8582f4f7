"""System ACLs: the networks that the switches trust, for operators to read."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.shapes import Access, Routes, Scope, route
from crossbar.documents import lookup
from crossbar.storage import SYSTEM, Key

SWITCH_CONFIG = Key(SYSTEM, "system_config", "ecallmgr")
"""Where the configuration of the switches is kept."""


async def acls(actor: Actor) -> dict[str, Any]:
    """Every entry by name; nothing while none is configured."""
    config = await actor.services.store.get(SWITCH_CONFIG)
    found: dict[str, Any] = lookup(config or {}, ("default", "acls"), {})
    return found


async def fetch(request: Request) -> Result:
    """Every entry by name."""
    return Result(data=await acls(request.actor))


async def is_listed(actor: Actor, address: IPv4Address, doc_id: str) -> bool:
    """Whether a network of the system has the address, other than by the document itself."""
    for entry in (await acls(actor)).values():
        if lookup(entry, ("authorizing_id",)) != doc_id:
            with suppress(ValueError):
                if address in IPv4Network(str(lookup(entry, ("cidr",))), strict=False):
                    return True
    return False


ACLS = Routes(
    noun="acls",
    routes=(route("", Action.FETCH, fetch, "Read the system's ACLs"),),
    scopes=(Scope.SYSTEM, Scope.ACCOUNT),
    access=Access.SUPERDUPER,
)
