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

SOURCE_TYPE = "switch_source"
"""Says how far a switch has told what happens."""

TYPES = (
    OWNER_TYPE,
    LINK_TYPE,
    NUMBER_TYPE,
    PORT_PLACE_TYPE,
    SOCKET_TYPE,
    HOOK_PLACE_TYPE,
    SOURCE_TYPE,
    *(live.doc_type for live in LIVE),
)

OWN_NUMBERS = ("knm_local", "knm_mdn")
"""Whom a number is from that is of no use to anybody else."""


async def remove_belongings(change: Change) -> None:
    """Have them go in the commit that deletes the account.

    What it keeps outside of the store takes longer, and goes by a job.
    """
    async for write in _writes(change):
        if isinstance(write, Put):
            change.more.append(write)
        else:
            change.removes.append(write)
    services, account_id = change.actor.services, change.key.doc_id
    if await has_shelved(services, account_id):
        change.ask(CLEAR, {"account": account_id})


async def remove_late_belongings(change: Change) -> None:
    """Remove what was written while the account was deleted."""
    if not change.purge:
        return

    async def attempt() -> None:
        late = [write async for write in _writes(change)]
        if late:
            puts = [write for write in late if isinstance(write, Put)]
            removes = [write for write in late if isinstance(write, Remove)]
            await change.actor.services.commit(Batch(puts=puts, removes=removes))

    await persistently(attempt)


async def _writes(change: Change) -> AsyncIterator[Put | Remove]:
    services, entry = change.actor.services, Entry(OWNER, change.key.doc_id)
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
