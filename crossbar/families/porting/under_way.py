"""What the family of numbers is told of port requests: which numbers are on their way here."""

from __future__ import annotations

from collections.abc import Mapping

from crossbar.core.change import claim_of
from crossbar.core.requests import Actor
from crossbar.documents import Document
from crossbar.families.porting.judging import ACTIVE_NUMBERS
from crossbar.families.porting.listing import PORT_TYPE, ports_of
from crossbar.families.porting.states import FINISHED, STATES, state_of
from crossbar.storage import Key

UNDER_WAY = tuple(state for state in STATES if state not in FINISHED)


class PortRequests:
    """The port requests that are under way."""

    async def numbers_of(self, actor: Actor, account_id: str) -> Mapping[str, Document]:
        """The numbers that an account is porting in, with what lists show of them."""
        found: dict[str, Document] = {}
        async for port in ports_of(actor, account_id, *UNDER_WAY):
            for number, facts in port["numbers"].items():
                found[number] = {
                    "created": port["pvt_created"],
                    "updated": port["pvt_modified"],
                    "port_id": port["_id"],
                    "port_state": state_of(port),
                    **({"used_by": facts["used_by"]} if "used_by" in facts else {}),
                }
        return found

    async def account_porting(self, actor: Actor, number: str) -> str | None:
        """The account that has a port request under way for the number."""
        claim = claim_of(ACTIVE_NUMBERS, Key("", PORT_TYPE, ""), number)
        holders = await actor.services.store.holders([claim])
        return holders[claim].account_id if holders else None
