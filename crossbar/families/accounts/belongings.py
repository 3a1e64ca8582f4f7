"""Documents of the system that belong to an account, and go with it.

They are found by the entry :data:`~crossbar.core.directory.OWNER` and written only while their
account exists. What is written between the search and the commit that deletes the account is found
by another search afterwards, when nothing can be added any more.
"""

from __future__ import annotations

from crossbar.core.change import Change
from crossbar.core.directory import OWNER
from crossbar.core.shelved import CLEAR, has_shelved
from crossbar.storage import SYSTEM, Batch, Entry, Key, Remove, Span

OWNER_TYPE = "number_owner"
"""Says which account a telephone number leads to."""

LINK_TYPE = "auth_link"
"""Says whom an identity of another service logs in as."""

TYPES = (OWNER_TYPE, LINK_TYPE)


async def remove_belongings(change: Change) -> None:
    """Have them go in the commit that deletes the account.

    What it keeps outside of the store takes longer, and goes by a job.
    """
    change.removes += await _removes(change)
    services, account_id = change.actor.services, change.key.doc_id
    if await has_shelved(services, account_id):
        change.ask(CLEAR, {"account": account_id})


async def remove_late_belongings(change: Change) -> None:
    """Remove what was written while the account was deleted."""
    if change.purge and (late := await _removes(change)):
        await change.actor.services.commit(Batch(removes=late))


async def _removes(change: Change) -> list[Remove]:
    store, entry = change.actor.services.store, Entry(OWNER, change.key.doc_id)
    return [
        Remove(Key(SYSTEM, doc_type, row.position.doc_id))
        for doc_type in TYPES
        async for row in store.scan(Span(account_id=SYSTEM, doc_type=doc_type, entry=entry))
    ]
