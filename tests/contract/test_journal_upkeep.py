"""Upkeep of journals: documents of an older version become records; records are indexed anew."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.app import COLLECTIONS
from crossbar.cli.journal_upkeep import take_in
from crossbar.cli.placing import Reindexed
from crossbar.cli.upkeep import reindex, sweep
from crossbar.clock import GREGORIAN_OFFSET
from crossbar.core.journals import record_put, stretch_of
from crossbar.core.ranges import time_key
from crossbar.documents import Document
from crossbar.families.callflows import CLICKTOCALL_HISTORY
from crossbar.families.callflows.clicktocall_calls import BUTTON
from crossbar.families.faxing import FAX_SMTP_LOG
from crossbar.families.logins import LOGIN_ATTEMPTS
from crossbar.storage import Batch, Entry, Event, Key, Put
from tests.conftest import NOW, Api
from tests.contract.conftest import on_every_store
from tests.families.support import make

pytestmark = on_every_store

TIME = NOW + GREGORIAN_OFFSET


async def keep(api: Api, key: Key, document: Document, *entries: Entry) -> None:
    """Leave a document as a version did that had no journals."""
    put = Put(key, {"_id": key.doc_id, "_rev": "1-a", **document}, None, "1", list(entries))
    await api.gateway.services.store.commit(Batch(puts=[put]))


async def reindexed(api: Api) -> list[str]:
    lines: list[str] = []
    await reindex(api.gateway.services, COLLECTIONS, lines.append)
    return lines


async def test_documents_of_an_older_version_are_moved(api: Api) -> None:
    account, store = api.master.account_id, api.gateway.services.store
    button = await make(api, "clicktocall")
    attempt = {"auth_type": "user_auth", "timestamp": TIME - 9, "status": "failed"}
    for at in range(120):
        await keep(api, Key(account, "login_attempt", f"202701-{at:03}"), attempt)
    call = {"timestamp": TIME - 5, "contact": "1", "result": "error"}
    entry = Entry("clicktocall", button)
    await keep(api, Key(account, "c2c_history", "b" * 32), call, entry)
    assert await reindexed(api) == []
    left = [put.key.doc_type async for put in store.walk(account)]
    assert not {"login_attempt", "c2c_history"} & set(left)
    path = f"{api.account}/security/attempts?filter_status=failed&paginate=false"
    rows = (await api.get(path)).expect(200).data
    assert [row["id"] for row in rows] == [f"202701-{at:03}" for at in reversed(range(120))]
    one = (await api.get(f"{api.account}/security/attempts/202701-007")).expect(200)
    assert one.body["revision"] == "1-a"
    [row] = (await api.get(f"{api.account}/clicktocall/{button}/history")).expect(200).data
    assert row == {"id": f"202701-{'b' * 32}", **call}
    assert await reindexed(api) == []


async def test_calls_of_buttons_that_were_deleted_are_moved(api: Api) -> None:
    account, store = api.master.account_id, api.gateway.services.store
    buttons = [await make(api, "clicktocall") for _ in range(2)]
    call = {"timestamp": TIME - 5, "contact": "1", "result": "error"}
    for number, button in enumerate(buttons):
        key = Key(account, "c2c_history", f"{number}" * 32)
        await keep(api, key, call, Entry("clicktocall", button))
        softly = "false" if number else "true"
        path = f"{api.account}/clicktocall/{button}?should_soft_delete={softly}"
        (await api.delete(path)).expect(200)
    await keep(api, Key(account, "c2c_history", "2" * 32), call)
    assert await reindexed(api) == [
        f"c2c_history {'2' * 32} of account {account} cannot be moved: KeyError('{BUTTON}')"
    ]
    left = [put.key async for put in store.walk(account) if put.key.doc_type == "c2c_history"]
    assert [key.doc_id for key in left] == ["2" * 32]
    for number, button in enumerate(buttons):
        span = stretch_of(CLICKTOCALL_HISTORY, account, entry=Entry("clicktocall", button))
        [row] = [row async for row in store.scan(span)]
        assert row.position.doc_id == f"202701-{f'{number}' * 32}"


async def test_records_in_their_places_are_not_written_again(api: Api) -> None:
    services, account = api.gateway.services, api.master.account_id
    puts = []
    for number in range(120):
        key = Key(account, "fax_smtp_log", f"202701-{number:03}")
        document = {"_id": key.doc_id, "_rev": "1-a", "pvt_created": TIME, "owner_id": "u"}
        puts.append(Put(key, document, None, time_key(TIME)))
    await services.store.commit(Batch(records=puts))
    first, second = [await reindex(services, COLLECTIONS, print) for _ in range(2)]
    assert (first.written, second.written) == (120, 0)
    assert first.looked_at == second.looked_at >= 120


async def test_what_cannot_be_moved_is_reported(api: Api) -> None:
    account = api.master.account_id
    untimed, twice = (Key(account, "login_attempt", f"202701-{name}") for name in "uv")
    await keep(api, untimed, {"status": "failed"})
    await keep(api, twice, {"timestamp": TIME, "auth_type": "x"})
    await keep(api, Key(account, "login_attempt", "202701-w"), {"timestamp": TIME})
    there = {"_id": twice.doc_id, "_rev": "1-b", "timestamp": TIME}
    record = record_put(LOGIN_ATTEMPTS, twice, there)
    await api.gateway.services.store.commit(Batch(records=[record]))
    assert await reindexed(api) == [
        f"login_attempt 202701-u of account {account} cannot be moved:"
        " TypeError('a login_attempt needs a time as timestamp')",
        f"login_attempt 202701-v of account {account} is there already, or was written",
    ]
    path = f"{api.account}/security/attempts"
    (await api.get(f"{path}/202701-w")).expect(200)


async def test_nothing_is_moved_for_an_account_that_was_deleted_meanwhile(api: Api) -> None:
    services, gone = api.gateway.services, "f" * 32
    await keep(api, Key(gone, "login_attempt", "202701-a"), {"timestamp": TIME})
    done = Reindexed()
    await take_in(services, LOGIN_ATTEMPTS, gone, done)
    assert done == Reindexed(looked_at=1)
    assert await services.store.count(stretch_of(LOGIN_ATTEMPTS, gone)) == 0


async def test_records_are_indexed_anew(api: Api) -> None:
    account, store = api.master.account_id, api.gateway.services.store
    key = Key(account, "fax_smtp_log", "202701-a")
    document = {"_id": key.doc_id, "_rev": "1-a", "pvt_created": TIME, "owner_id": "u"}
    bare = Put(key, document, None, time_key(TIME))
    broken = Put(key._replace(doc_id="202701-b"), {"_rev": "1-a"}, None, time_key(TIME))
    await store.commit(Batch(records=[bare, broken]))
    owned = stretch_of(FAX_SMTP_LOG, account, entry=Entry("owner_id", "u"))
    assert await store.count(owned) == 0
    assert await reindexed(api) == [
        f"fax_smtp_log None of account {account} cannot be indexed:"
        " TypeError('a fax_smtp_log needs a time as pvt_created')"
    ]
    assert await store.count(owned) == 1
    assert await store.get_record(key) == document


async def test_who_writes_meanwhile_is_not_overwritten(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, store = api.master.account_id, api.gateway.services.store
    key = Key(account, "fax_smtp_log", "202701-a")
    document = {"_id": key.doc_id, "_rev": "1-a", "pvt_created": TIME}
    await store.commit(Batch(records=[Put(key, document, None)]))
    changed = {**document, "_rev": "2-b", "new": True}
    commit = store.commit
    overtaken: list[bool] = []

    async def overtake(batch: Batch) -> int:
        if batch.records and not overtaken:
            overtaken.append(True)
            await commit(Batch(records=[record_put(FAX_SMTP_LOG, key, changed, "1-a")]))
        return await commit(batch)

    monkeypatch.setattr(store, "commit", overtake)
    assert await reindexed(api) == []
    assert overtaken
    assert await store.get_record(key) == changed


async def test_bytes_that_records_name_stay(api: Api) -> None:
    services, account = api.gateway.services, api.master.account_id

    async def content() -> Any:
        yield b"bytes"

    kept, left = [
        (await services.store.put_attachment(account, content())).attachment_id for _ in range(2)
    ]
    facts = {"a": {"id": kept, "length": 5, "md5": "", "content_type": "a/b"}}
    key = Key(account, "fax_smtp_log", "202701-a")
    document = {"_id": key.doc_id, "_rev": "1-a", "pvt_created": TIME}
    record = record_put(FAX_SMTP_LOG, key, {**document, "pvt_attachments": facts})
    event = Event("created", key, "1-a", TIME, {})
    await services.store.commit(Batch(records=[record], events=[event]))
    assert await sweep(services) == 1
    found = [name async for _, name in services.store.attachments(NOW * 2)]
    assert (found, left in found) == ([kept], False)
