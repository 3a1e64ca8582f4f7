"""What keeps a store in order: index entries after an upgrade, attachments that nobody names.

All of it is safe while servers run: documents are written only in the revision that was read, and
in batches that hold nobody up.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from crossbar.bootstrap import note_indexes
from crossbar.cli.journal_upkeep import index_anew, take_in
from crossbar.cli.placing import GROUP, UNFIT, Reindexed, Report, is_in_place
from crossbar.core.attachments import attachment_ids
from crossbar.core.change import Change, put_of
from crossbar.core.directory import ACCOUNT_TYPE
from crossbar.core.finding import index_names
from crossbar.core.journals import stretch_of
from crossbar.core.paging import in_groups
from crossbar.core.requests import Actor
from crossbar.core.services import Services
from crossbar.core.shapes import Collection
from crossbar.core.shelved import kept_here, shelved_before
from crossbar.core.writing import persistently
from crossbar.documents import Document
from crossbar.errors import Conflict, NoSuchDocument
from crossbar.storage import SYSTEM, Batch, Claim, ClaimTaken, Key, Put

PORTION = 100_000
"""Names of attachments that are looked for in one walk through an account."""

DAY = 24 * 3600
"""Seconds for which an attachment may be without a document: one is written before the other."""


async def reindex(
    services: Services, collections: Iterable[Collection], report: Report
) -> Reindexed:
    """Make listing places, index entries and claims those of today's declarations.

    That is done to the documents of ``collections`` and to the records of all journals; what an
    older version kept as documents and is a journal today is moved there. What is in its place
    is not written. What is kept for one purpose beside them, as a session is, has its places from
    the code that writes it, and is left alone.

    Documents and their revisions stay as they are. A value that two documents claim stays with
    the one that has it; that, and a document that cannot be indexed, is reported as a line of
    text, and the rest goes on.
    """
    done = Reindexed(report=report)
    families = {family.doc_type: family for family in collections}
    accounts = [SYSTEM]
    for account_id in accounts:
        async for group in in_groups(services.store.walk(account_id), GROUP):
            if account_id == SYSTEM:
                accounts += (put.key.doc_id for put in group if put.key.doc_type == ACCOUNT_TYPE)
            known = [each for each in group if each.key.doc_type in families]
            done.looked_at += len(known)
            await _reindex_group(services, families, known, done)
            for each in known:
                await _catch_up(services, families[each.key.doc_type], each.key, done)
        for journal in services.registry.journals():
            await index_anew(services, journal, account_id, done)
            await take_in(services, journal, account_id, done)
    if not done.faults:
        await note_indexes(services.store, index_names(families.values()))
    return done


async def _reindex_group(
    services: Services, families: Mapping[str, Collection], group: Iterable[Put], done: Reindexed
) -> None:
    """Write those documents anew that are not in their places."""
    puts: list[Put] = []
    for stored in group:
        try:
            put = _as_declared(families, stored.key, stored.document)
        except UNFIT as error:
            done.fault(f"{_named(stored.key)} cannot be indexed: {error!r}")
        else:
            if not is_in_place(stored, put):
                puts.append(put)
    if not puts:
        return
    try:
        await services.commit(Batch(puts=puts))
    except (Conflict, ClaimTaken, NoSuchDocument):
        await _write_each(services, families, puts, done)
    else:
        done.written += len(puts)


async def _write_each(
    services: Services, families: Mapping[str, Collection], puts: Sequence[Put], done: Reindexed
) -> None:
    for put in puts:
        held = await _write_alone(services, families, put.key)
        done.written += held is not None
        for claim, holder in (held or {}).items():
            wanted = f"{claim.space} {claim.value!r} of {_named(holder)}"
            done.fault(f"{_named(put.key)} wants {wanted}")


async def _write_alone(
    services: Services, families: Mapping[str, Collection], key: Key
) -> dict[Claim, Key] | None:
    """Write one document anew, without the claims that others hold; those, with their holders.

    ``None`` when it went meanwhile, or its account did.
    """
    store = services.store

    async def attempt() -> dict[Claim, Key] | None:
        document = await store.get(key)
        if document is None:
            return None
        put = _as_declared(families, key, document)
        held = await store.holders(put.claims)
        others = {claim: holder for claim, holder in held.items() if holder != key}
        free = [claim for claim in put.claims if claim not in others]
        try:
            await services.commit(Batch(puts=(put._replace(claims=free),)))
        except ClaimTaken:
            raise Conflict from None
        except NoSuchDocument:
            return None
        return others

    return await persistently(attempt)


async def _catch_up(services: Services, family: Collection, key: Key, done: Reindexed) -> None:
    """Write beside a document what an earlier version did not."""

    async def attempt() -> Change | None:
        document = await services.store.get(key)
        if document is None or document.get("pvt_deleted"):
            return None
        actor = Actor(services=services, account_id=key.account_id, request_id="reindex")
        change = Change(actor=actor, family=family, key=key, document=document, current=document)
        for stage in family.hooks.reindexed:
            await stage(change)
        if change.more or change.removes:
            # Only as long as the document is what it was.
            same = put_of(family, key, document, document["_rev"])
            batch = Batch(puts=[same, *change.more], removes=change.removes, events=change.events)
            await services.commit(batch)
        return change

    if not family.hooks.reindexed:
        return
    try:
        change = await persistently(attempt)
    except (*UNFIT, ClaimTaken, NoSuchDocument) as error:
        done.fault(f"{_named(key)} cannot be indexed: {error!r}")
        return
    if change is not None:
        done.written += bool(change.more or change.removes)
        for rules in change.refusals.values():
            for each in rules.values():
                done.fault(f"{_named(key)}: {each['message']}")


def _as_declared(families: Mapping[str, Collection], key: Key, document: Document) -> Put:
    """The write that changes nothing of a document but where it is found."""
    return put_of(families[key.doc_type], key, document, document["_rev"])


def _named(key: Key) -> str:
    return f"{key.doc_type} {key.doc_id} of account {key.account_id}"


async def sweep(services: Services) -> int:
    """Remove attachments that are a day old and that nothing names; how many there were.

    They are left behind by requests that stored bytes and were then refused or interrupted.
    """
    store, removed = services.store, 0
    old = _old_attachments(services)
    async for account_id, names in _by_account(old):
        names.difference_update(await kept_here(services, account_id))
        # What is moved from one document to another meanwhile is met the second time.
        for _ in range(2):
            if names:
                async for put in store.walk(account_id):
                    names.difference_update(attachment_ids(put.document))
                await _keep_named_in_journals(services, account_id, names)
        removed += len(names)
        doomed = sorted(names)
        for start in range(0, len(doomed), GROUP):
            drops = [(account_id, name) for name in doomed[start : start + GROUP]]
            await services.commit(Batch(drop_attachments=drops))
    return removed


async def _old_attachments(services: Services) -> AsyncIterator[tuple[str, str]]:
    """Those in the store, then those outside of it."""
    async for each in services.store.attachments(services.clock.unix() - DAY):
        yield each
    async for each in shelved_before(services, services.clock.gregorian() - DAY):
        yield each


async def _keep_named_in_journals(services: Services, account_id: str, names: set[str]) -> None:
    for journal in services.registry.journals():
        if names:
            async for row in services.store.scan(stretch_of(journal, account_id)):
                names.difference_update(attachment_ids(row.document))


async def _by_account(
    attachments: AsyncIterator[tuple[str, str]],
) -> AsyncIterator[tuple[str, set[str]]]:
    """The attachments of one account after the other, in portions that fit in memory."""
    current, names = "", set[str]()
    async for account_id, name in attachments:
        if names and (account_id != current or len(names) == PORTION):
            yield current, names
            names = set()
        current = account_id
        names.add(name)
    if names:
        yield current, names
