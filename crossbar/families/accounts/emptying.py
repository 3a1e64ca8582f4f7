"""Accounts that are gone and have more than one commit removes without holding others up.

The commit that deletes such an account removes its own document, so that nobody finds anything in
it from then on, and nothing new is written in it. It leaves a mark, and a job that removes the
rest step by step, the mark at last. While the mark is there unique values of documents that wait
to be removed are anybody's (``core.writing``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from crossbar.core.change import Change
from crossbar.core.directory import account_key, gone_key
from crossbar.core.jobs import Kind, asked
from crossbar.core.services import Services
from crossbar.documents import Document, next_revision
from crossbar.families.accounts import belongings as belonging
from crossbar.families.accounts.belongings import remove_rest, some_writes
from crossbar.storage import Batch, Put, Remove

AT_ONCE = 100
"""Documents that one commit of the job removes, which takes some milliseconds."""

FEW = 200
"""Documents that go in the commit that deletes the account."""

STEPS = 2_000
"""Commits after which a job asks for another that does the rest."""

PAUSE = 0.005
"""Seconds between two commits, for others to write."""


async def leave_or_purge(change: Change) -> None:
    """Have what an account has go with it: in the same commit, or by a job if it is much."""
    services, account_id = change.actor.services, change.key.doc_id
    puts, removes = await some_writes(services, account_id)
    belongings = len(puts) + len(removes)
    documents = len(await _first(services, account_id, FEW + 1))
    if documents <= FEW and belongings < belonging.AT_ONCE:
        change.purge.append(account_id)
        return
    key = gone_key(account_id)
    mark = {"_id": key.doc_id, "_rev": next_revision(None), "pvt_type": key.doc_type}
    change.more.append(Put(key, mark, None))
    change.ask(EMPTY, {"account": account_id})


async def _empty(services: Services, about: Document) -> None:
    account_id = about["account"]
    if await services.store.get(account_key(account_id)) is not None:
        return  # an operator has brought it back
    await remove_rest(services, account_id)
    for _ in range(STEPS):
        found = await _first(services, account_id, AT_ONCE)
        if not found:
            # What is left are records, attachments that no document names, and the mark.
            mark = Remove(gone_key(account_id))
            await services.commit(Batch(purge=[account_id], removes=[mark]))
            return
        await services.commit(_removal(found))
        await asyncio.sleep(PAUSE)
    await services.commit(Batch(puts=[asked(services.clock, EMPTY, about)]))


EMPTY = Kind(name="empty_account", run=_empty)
"""Asked for by who deletes an account that has much."""


async def _first(services: Services, account_id: str, most: int) -> list[Put]:
    found = []
    async for put in services.store.walk(account_id):
        found.append(put)
        if len(found) == most:
            break
    return found


def _removal(puts: Iterable[Put]) -> Batch:
    """Remove documents as they are now, with the files that they name."""
    return Batch(
        removes=[Remove(put.key) for put in puts],
        drop_attachments=[
            (put.key.account_id, facts["id"])
            for put in puts
            for facts in put.document.get("pvt_attachments", {}).values()
        ],
    )
