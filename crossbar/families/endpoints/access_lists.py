"""Access lists: which networks and phones may register.

A sub-object of the account and of each device; the switch is told to forget what it knew.
"""

from __future__ import annotations

from crossbar.core.ports import Command
from crossbar.core.requests import Actor
from crossbar.core.shapes import Access, Nesting, Routes, Scope
from crossbar.core.subobjects import SubObject
from crossbar.storage import Key


async def flush(actor: Actor, holder: Key) -> None:
    """Tell the switch whose access list is another now."""
    facts = {"id": holder.doc_id, "type": holder.doc_type}
    await actor.services.switch.tell(Command("access_lists.flush", actor.account_id, facts))


ACCESS_LISTS = Routes(
    noun="access_lists",
    routes=SubObject(
        noun="access_lists", schema="access_lists", changed=flush, access=Access.ADMIN
    ).routes(),
    scopes=(Scope.ACCOUNT,),
    nested=(Nesting(noun="devices", doc_type="device"),),
    access=Access.ACCOUNT,
)
