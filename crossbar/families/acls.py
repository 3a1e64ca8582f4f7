"""System ACLs: the networks that the switches trust (resources/acls.md), for operators to read."""

from __future__ import annotations

from crossbar.core.actions import Action, Context, Result
from crossbar.core.shapes import Access, Route, Routes, Scope
from crossbar.documents import lookup
from crossbar.storage import SYSTEM, Key

SWITCH_CONFIG = Key(SYSTEM, "system_config", "ecallmgr")
"""Where the configuration of the switches is kept."""


async def fetch(context: Context) -> Result:
    """Every entry by name; nothing while none is configured."""
    config = await context.services.store.get(SWITCH_CONFIG)
    return Result(data=lookup(config or {}, ("default", "acls"), {}))


ACLS = Routes(
    noun="acls",
    routes=(Route(path="", action=Action.FETCH, handler=fetch, about="Read the system's ACLs"),),
    scopes=(Scope.SYSTEM, Scope.ACCOUNT),
    access=Access.SUPERDUPER,
)
