"""Documents of the system that belong to an account, and go with it.

They are found by the entry :data:`~crossbar.core.directory.OWNER` and written only while their
account exists. What is written between the search and the commit that deletes the account is found
by another search afterwards, when nothing can be added any more.

Telephone numbers go back to who had reserved them before; others that are not the account's own
but somebody's inventory are offered again. What another writer has changed meanwhile, such as a
number that has gone to another account, is looked at again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from crossbar.core.change import Change, put_of
from crossbar.core.directory import OWNER
from crossbar.core.live import LIVE
from crossbar.core.services import Services
from crossbar.core.shelved import CLEAR, has_shelved
from crossbar.core.writing import persistently
from crossbar.documents import Document, next_revision
from crossbar.storage import SYSTEM, Batch, Entry, Key, Put, Remove, Span

OWNER_TYPE = "number_owner"
"""Says which document of an account carries a telephone number."""

LINK_TYPE = "auth_link"
"""Says whom an identity of another service logs in as."""

PORT_PLACE_TYPE = "port_place"
"""Says where a port request is."""

NUMBER_TYPE = "phone_number"
"""A telephone number."""

SOCKET_TYPE = "websocket"
"""Who is connected to the socket."""

HOOK_PLACE_TYPE = "webhook_place"
"""Says where a webhook is."""

CARRIER_PLACE_TYPE = "carrier_place"
"""Says where a carrier of an account is."""

DEVICE_PLACE_TYPE = "device_place"
"""Says where a device is that is known by its address."""
TRUNK_PLACE_TYPE = "trunk_place"
"""Says where the trunks of an account are."""

SOURCE_TYPE = "switch_source"
"""Says how far a switch has told what happens."""

CALL_TALLY_TYPE = "call_tally"
"""Says how many calls of an account run in each switch."""

AGENT_HOLD_TYPE = "agent_hold"
"""Says which switch rings an agent of queues."""

TYPES = (
    OWNER_TYPE,
    LINK_TYPE,
    NUMBER_TYPE,
    PORT_PLACE_TYPE,
    SOCKET_TYPE,
    HOOK_PLACE_TYPE,
    CARRIER_PLACE_TYPE,
    DEVICE_PLACE_TYPE,
    TRUNK_PLACE_TYPE,
    SOURCE_TYPE,
    CALL_TALLY_TYPE,
    AGENT_HOLD_TYPE,
    *(live.doc_type for live in LIVE),
)

AT_ONCE = 200
"""How many of them one commit removes."""

OWN_NUMBERS = ("knm_local", "knm_mdn")
"""Whom a number is from that is of no use to anybody else."""


async def remove_belongings(change: Change) -> None:
    """Have them go in the commit that deletes the account, as many as one commit takes.

    What it keeps outside of the store takes longer, and goes by a job.
    """
    services, account_id = change.actor.services, change.key.doc_id
    puts, removes = await some_writes(services, account_id)
    change.more += puts
    change.removes += removes
    if await has_shelved(services, account_id):
        change.ask(CLEAR, {"account": account_id})


async def remove_late_belongings(change: Change) -> None:
    """Remove what was written while the account was deleted."""
    if change.purge:  # otherwise it was not deleted, or a job does it
        await remove_rest(change.actor.services, change.key.doc_id)


async def remove_rest(services: Services, account_id: str) -> None:
    """Remove them all, some at a time."""

    async def attempt() -> bool:
        puts, removes = await some_writes(services, account_id)
        if puts or removes:
            await services.commit(Batch(puts=puts, removes=removes))
        return bool(puts or removes)

    while await persistently(attempt):
        pass


async def some_writes(services: Services, account_id: str) -> tuple[list[Put], list[Remove]]:
    """What makes some of them go, no more than :data:`AT_ONCE`."""
    puts: list[Put] = []
    removes: list[Remove] = []
    async for write in _writes(services, account_id):
        if isinstance(write, Put):
            puts.append(write)
        else:
            removes.append(write)
        if len(puts) + len(removes) == AT_ONCE:
            break
    return puts, removes


async def _writes(services: Services, account_id: str) -> AsyncIterator[Put | Remove]:
    entry = Entry(OWNER, account_id)
    for doc_type in TYPES:
        span = Span(account_id=SYSTEM, doc_type=doc_type, entry=entry)
        async for row in services.store.scan(span):
            key, stored = Key(SYSTEM, doc_type, row.position.doc_id), row.document
            left = await _left(services, stored) if doc_type == NUMBER_TYPE else None
            if left is None:
                yield Remove(key, stored["_rev"])
            else:
                yield put_of(services.registry.collection(NUMBER_TYPE), key, left, stored["_rev"])


async def _left(services: Services, number: Document) -> Document | None:
    """What a number is when its account goes; ``None`` for one that goes, too."""
    kept = ("_id", "pvt_type", "pvt_account_id", "pvt_created", "pvt_modified", "pvt_module_name")
    left = {name: number[name] for name in kept if name in number}
    left["_rev"] = next_revision(number["_rev"])
    gone, history = number.get("pvt_assigned_to"), list[str]()
    for account_id in number.get("pvt_reserve_history", ()):
        if account_id != gone and await services.accounts.get(account_id):
            history.append(account_id)
    if history:
        facts = {"pvt_assigned_to": history[-1], "pvt_reserve_history": history}
        return {**left, **facts, "pvt_state": "reserved"}
    if "pvt_state" in number and number.get("pvt_module_name") not in OWN_NUMBERS:
        return {**left, "pvt_state": "available"}
    return None
