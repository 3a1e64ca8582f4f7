"""What the MongoDB store does when the server, the network or a competitor gets in its way."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import gridfs.asynchronous.grid_file
import gridfs.synchronous.grid_file
import pytest

from crossbar.clock import FixedClock
from crossbar.storage import Batch, DocumentTooBig, RevisionConflict, Store, Unreachable
from crossbar.storage.mongodb import MongoStore, commits
from crossbar.storage.mongodb.driver import DRIVERS, Refused, check_uri
from crossbar.storage.mongodb.files import LONGEST_UPLOAD
from tests.storage.builders import (
    ACCOUNT,
    attach,
    claim,
    content,
    event,
    ids,
    key,
    put,
    rows,
    span,
    stream,
    write,
)
from tests.storage.mongo_proxy import forgetful_server
from tests.storage.mongo_server import Place, own_server

WRITE_CONFLICT: dict[str, Any] = {
    "errorCode": 112,
    "errorLabels": ["TransientTransactionError"],
}
UNKNOWN_OUTCOME: dict[str, Any] = {
    "errorCode": 50,
    "errorLabels": ["UnknownTransactionCommitResult"],
}


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def store(place: Place, driver: str) -> AsyncIterator[Store]:
    store = MongoStore(place.uri, driver=driver)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "PATIENCE", 0.3)


async def _logged(store: Store) -> list[str]:
    return [numbered.event.key.doc_id for numbered in await store.events(0)]


class TestUri:
    @pytest.mark.parametrize(
        "options",
        [
            "w=1",
            "w=0",
            "W=2",
            "j=false",
            "journal=false",
            "retryWrites=true&w=1",
            "retryWrites=true;w=1",
            "readPreference=secondary",
            "readPreference=primaryPreferred",
            "readConcernLevel=local",
            "w=",
        ],
    )
    def test_a_promise_cannot_be_weakened(self, options: str) -> None:
        with pytest.raises(ValueError, match=r"leave \w+ out") as caught:
            MongoStore(f"mongodb://ann:secret@localhost/crossbar?{options}")
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize(
        "uri",
        [
            "mongodb://localhost",
            "mongodb://localhost/?w=majority&j=true&journal=TRUE",
            "mongodb+srv://cluster.example/x?retryWrites=true&readPreference=primary",
            "mongodb://a,b,c/?replicaSet=rs0&readConcernLevel=majority&wtimeoutMS=100",
        ],
    )
    def test_what_weakens_nothing_is_accepted(self, uri: str) -> None:
        check_uri(uri)

    def test_an_unknown_driver(self) -> None:
        with pytest.raises(ValueError, match="choose from motor, pymongo"):
            MongoStore("mongodb://localhost", driver="mongoose")

    @pytest.mark.parametrize("uri", ["http://localhost", "mongodb://", "mongodb://a:b:c@d/"])
    async def test_a_malformed_uri(self, uri: str, driver: str) -> None:
        with pytest.raises(ValueError, match="not usable"):
            await MongoStore(uri, driver=driver).open()


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
class TestUnreachable:
    @pytest.fixture(autouse=True)
    def _forgive_the_driver(self) -> Iterator[None]:
        """PyMongo leaves a socket open when it is closed while its monitor is connecting.

        So where servers die that warning is ignored, and provoked here, not in a later test.
        """
        yield
        gc.collect()

    async def test_nobody_listens(self, driver: str) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            host = f"127.0.0.1:{unused.getsockname()[1]}"
            options = "serverSelectionTimeoutMS=300&authSource=admin"
            store = MongoStore(f"mongodb://ann:secret@{host}/x?{options}", driver=driver)
            began = time.monotonic()
            with pytest.raises(Unreachable) as caught:
                await store.open()
        assert time.monotonic() - began < 20  # the driver's own patience is 30 seconds
        # On a slow machine the time is over before the driver has tried at all.
        known = (f"MongoDB: {host}: [Errno 111] Connect", "MongoDB: No servers found yet")
        assert str(caught.value).startswith(known)
        assert "Topology" not in str(caught.value)

    async def test_there_was_no_time_to_try(self, driver: str) -> None:
        uri = "mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=0"
        with pytest.raises(Unreachable) as caught:
            await MongoStore(uri, driver=driver).open()
        assert "Topology" not in str(caught.value)

    async def test_the_server_dies_and_comes_back(self, tmp_path: Path, driver: str) -> None:
        with own_server(tmp_path) as server:
            uri = f"{server.uri}?serverSelectionTimeoutMS=300"
            store = MongoStore(uri, driver=driver)
            await store.open()
            picture = await attach(store, b"bytes" * 100_000)
            await store.commit(
                Batch(
                    puts=[put(f"{number}", claims=[claim(f"{number}")]) for number in range(50)],
                    events=[event("x")],
                )
            )
            server.kill()
            with pytest.raises(Unreachable):
                await store.ping()
            with pytest.raises(Unreachable):
                await store.get(key("1"))
            server.start()
            for _ in range(50):
                try:
                    await store.ping()
                except Unreachable:
                    await asyncio.sleep(0.1)
                else:
                    break
            assert len(await ids(store)) == 50
            assert len(await store.holders([claim(f"{number}") for number in range(50)])) == 50
            assert await store.last_event() == 1
            assert await content(store, picture.attachment_id) == b"bytes" * 100_000
            await write(store, put("new"))
            await store.close()

    async def test_a_crash_under_load_loses_nothing_and_halves_nothing(
        self, tmp_path: Path, driver: str
    ) -> None:
        acknowledged, tried, enough = set(), set(), asyncio.Event()

        async def writer(store: Store, name: int) -> None:
            for turn in itertools.count():
                doc_id = f"{name}-{turn}"
                tried.add(doc_id)
                pair = [put(doc_id, claims=[claim(doc_id)]), put(f"{doc_id}-twin")]
                await store.commit(Batch(puts=pair, events=[event(doc_id)]))
                acknowledged.add(doc_id)
                if len(acknowledged) == 50:
                    enough.set()

        with own_server(tmp_path) as server:
            store = MongoStore(f"{server.uri}?serverSelectionTimeoutMS=300", driver=driver)
            await store.open()
            writers = [asyncio.ensure_future(writer(store, name)) for name in range(8)]
            await enough.wait()
            server.kill()
            for each in writers:
                each.cancel()
            server.start()
            await store.close()
            fresh = MongoStore(server.uri, driver=driver)
            await fresh.open()
            found = set(await ids(fresh))
            whole = {doc_id for doc_id in found if not doc_id.endswith("-twin")}
            assert acknowledged <= whole <= tried
            assert found == whole | {f"{doc_id}-twin" for doc_id in whole}
            assert len(await fresh.holders([claim(doc_id) for doc_id in tried])) == len(whole)
            logged = await fresh.events(0, limit=100_000)
            assert {numbered.event.key.doc_id for numbered in logged} == whole
            assert len(logged) == len(whole) == await fresh.last_event()
            await fresh.close()

    async def test_a_commit_gives_up(self, tmp_path: Path, driver: str, impatient: None) -> None:
        with own_server(tmp_path) as server:
            store = MongoStore(f"{server.uri}?serverSelectionTimeoutMS=300", driver=driver)
            await store.open()
            await write(store, put("one"))
            server.kill()
            outcomes = await asyncio.gather(
                *(write(store, put(f"{number}")) for number in range(3)), return_exceptions=True
            )
            assert [type(outcome) for outcome in outcomes] == [Unreachable] * 3
            await store.close()

    async def test_a_lost_connection_is_retried_by_a_read(
        self, store: Store, place: Place
    ) -> None:
        await write(store, put("one"))
        with place.failing("find", closeConnection=True):
            assert await store.get(key("one")) is not None

    async def test_an_error_of_the_server_is_translated(self, store: Store, place: Place) -> None:
        with place.failing("find", "aggregate", times=None, errorCode=13):
            for question in (
                store.get(key("one")),
                store.get_many(ACCOUNT, ["one"]),
                rows(store, span()),
                store.count(span()),
                store.holders([claim("ann")]),
                store.events(0),
                store.last_event(),
                content(store, "x"),
            ):
                with pytest.raises(Unreachable):
                    await question

    async def test_a_closed_store(self, place: Place, driver: str) -> None:
        store = MongoStore(place.uri, driver=driver)
        await store.open()
        await store.close()
        await store.close()
        with pytest.raises(Unreachable):
            await write(store, put("one"))


class TestTransactions:
    async def test_a_standalone_server_is_refused(self, place: Place, driver: str) -> None:
        store = MongoStore(place.uri, driver=driver)
        refused = pytest.raises(Refused, match="--replSet rs0")
        with place.failing("insert", times=None, errorCode=20), refused:
            await store.open()

    async def test_a_server_that_only_pretends_is_refused(self, place: Place, driver: str) -> None:
        async with forgetful_server(place.uri) as uri:
            with pytest.raises(Refused, match="is no real MongoDB"):
                await MongoStore(uri, driver=driver).open()

    async def test_opening_leaves_nothing_to_be_created_by_a_transaction(
        self, store: Store, place: Place
    ) -> None:
        names = set(place.raw.list_collection_names())
        assert names >= {"documents", "claims", "events", "counters", "fs.files", "litter"}
        assert place.raw["counters"].count_documents({}) == 1

    async def test_another_error_while_opening(self, place: Place, driver: str) -> None:
        store = MongoStore(place.uri, driver=driver)
        with place.failing("insert", errorCode=13), pytest.raises(Unreachable):
            await store.open()

    @pytest.mark.parametrize("command", ["findAndModify", "find", "insert", "commitTransaction"])
    async def test_a_conflict_is_tried_again(
        self, store: Store, place: Place, command: str
    ) -> None:
        with place.failing(command, times=3, **WRITE_CONFLICT):
            await store.commit(Batch(puts=[put("one")], events=[event("one")]))
        assert await ids(store) == await _logged(store) == ["one"]

    async def test_a_lost_connection_is_tried_again(self, store: Store, place: Place) -> None:
        with place.failing("insert", "commitTransaction", times=3, closeConnection=True):
            await store.commit(Batch(puts=[put("one")], events=[event("one")]))
        assert await ids(store) == await _logged(store) == ["one"]

    async def test_a_duplicate_key_is_tried_again(self, store: Store, place: Place) -> None:
        place.raw["events"].insert_one({"_id": 1})
        writing = asyncio.ensure_future(
            store.commit(Batch(puts=[put("one")], events=[event("one")]))
        )
        await asyncio.sleep(0.1)
        assert not writing.done()
        place.raw["events"].delete_one({"_id": 1})
        await writing
        assert await ids(store) == await _logged(store) == ["one"]

    async def test_an_unknown_outcome_is_asked_for_again(self, store: Store, place: Place) -> None:
        with place.failing("commitTransaction", times=2, **UNKNOWN_OUTCOME):
            await store.commit(Batch(puts=[put("one")], events=[event("one")]))
        assert await ids(store) == await _logged(store) == ["one"]

    @pytest.mark.parametrize("how", [WRITE_CONFLICT, UNKNOWN_OUTCOME, {"errorCode": 100}])
    async def test_it_ends_in_unreachable(
        self, store: Store, place: Place, impatient: None, how: dict[str, Any]
    ) -> None:
        with place.failing("commitTransaction", times=None, **how):
            outcomes = await asyncio.gather(
                *(write(store, put(f"{number}")) for number in range(3)), return_exceptions=True
            )
        assert [type(outcome) for outcome in outcomes] == [Unreachable] * 3

    async def test_what_keeps_colliding_ends_in_unreachable(
        self, store: Store, place: Place, impatient: None
    ) -> None:
        place.raw["events"].insert_one({"_id": 1})
        with pytest.raises(Unreachable):
            await store.commit(Batch(puts=[put("one")], events=[event("one")]))
        assert await ids(store) == []

    @pytest.mark.parametrize("mebibytes", [17, 49], ids=["for the server", "for the driver"])
    async def test_what_is_too_big_does_not_stop_its_neighbours(
        self, store: Store, mebibytes: int
    ) -> None:
        too_big = put("big", text="x" * (mebibytes << 20))
        outcomes = await asyncio.gather(
            *(write(store, each) for each in (put("one"), too_big, put("two"))),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), DocumentTooBig, type(None)]
        assert await ids(store) == ["one", "two"]

    async def test_a_fault_in_a_batch_is_its_callers(self, store: Store) -> None:
        faulty = put("faulty")._replace(document={"no": "revision"})
        outcomes = await asyncio.gather(
            write(store, put("one")), write(store, faulty), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), KeyError]

    async def test_an_error_without_a_label_is_a_refusal(self, store: Store, place: Place) -> None:
        with place.failing("update", errorCode=121), pytest.raises(Refused):
            await store.commit(Batch(puts=[put("one")], drop_attachments=[(ACCOUNT, "unknown")]))
        assert await ids(store) == []

    async def test_a_caller_that_goes_away_stops_nobody(self, store: Store) -> None:
        gone = asyncio.ensure_future(write(store, put("gone")))
        stays = asyncio.ensure_future(write(store, put("stays")))
        await asyncio.sleep(0)
        gone.cancel()
        await stays
        assert gone.cancelled()
        assert "stays" in await ids(store)

    async def test_refused_batches_leave_no_gap_in_the_numbers(self, store: Store) -> None:
        await write(store, put("held"))
        batches = [
            Batch(puts=[put("held" if at % 2 else f"{at}")], events=[event(f"{at}")])
            for at in range(10)
        ]
        outcomes = await asyncio.gather(
            *(store.commit(batch) for batch in batches), return_exceptions=True
        )
        refused = [isinstance(outcome, RevisionConflict) for outcome in outcomes]
        assert refused == [False, True] * 5
        logged = await store.events(0)
        assert [numbered.number for numbered in logged] == [1, 2, 3, 4, 5]
        assert [numbered.event.key.doc_id for numbered in logged] == ["0", "2", "4", "6", "8"]


class TestProcesses:
    async def test_processes_race_for_claims(self, place: Place) -> None:
        store = MongoStore(place.uri)
        await store.open()
        racers = [
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.storage.mongo_racer",
                place.uri,
                driver,
                name,
                stdout=asyncio.subprocess.PIPE,
            )
            for name, driver in (("a", "motor"), ("b", "pymongo"), ("c", "pymongo"))
        ]
        answers = [(await racer.communicate())[0] for racer in racers]
        won = [json.loads(answer) for answer in answers]
        assert sorted(value for values in won for value in values) == list(range(30))
        held = await store.holders([claim(f"{value}") for value in range(30)])
        by_name = zip("abc", won, strict=True)
        assert {owner.doc_id for owner in held.values()} == {
            f"{name}{value}" for name, values in by_name for value in values
        }
        numbers = [numbered.number for numbered in await store.events(0)]
        assert numbers == list(range(1, 31))
        await store.close()


class TestAttachments:
    async def test_a_half_upload_leaves_no_chunk(
        self, store: Store, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Else a driver writes nothing before it has 48 MB.
        for module in (gridfs.synchronous.grid_file, gridfs.asynchronous.grid_file):
            monkeypatch.setattr(module, "_UPLOAD_BUFFER_SIZE", 300_000)
        chunks = place.raw["fs.chunks"]
        met = []

        async def failing() -> AsyncIterator[bytes]:
            yield b"x" * (1 << 20)
            met.append(chunks.count_documents({}))
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await store.put_attachment(ACCOUNT, failing())
        assert met[0] > 1
        assert chunks.count_documents({}) == 0
        assert place.raw["litter"].count_documents({}) == 0

    async def test_what_a_dead_process_left_is_swept_a_day_later(
        self, store: Store, place: Place, driver: str
    ) -> None:
        # All is there but the acknowledgement, and it cannot clean up after itself.
        with place.failing("delete", times=None, errorCode=13), pytest.raises(Unreachable):
            await attach(store, b"abandoned")
        kept = await attach(store, b"kept")
        chunks = place.raw["fs.chunks"]
        [abandoned] = place.raw["litter"].find({})
        for moment, left in ((abandoned["due"] - LONGEST_UPLOAD, 2), (abandoned["due"], 1)):
            later = MongoStore(place.uri, driver=driver, clock=FixedClock(moment))
            await later.open()
            await later.close()
            assert len(chunks.distinct("files_id")) == left
        assert place.raw["litter"].count_documents({}) == 0
        assert await content(store, kept.attachment_id) == b"kept"

    async def test_the_bytes_of_a_dropped_attachment_go(self, place: Place, driver: str) -> None:
        store = MongoStore(place.uri, driver=driver)
        await store.open()
        for size in (0, 1, 600_000):
            stored = await attach(store, b"x" * size)
            await store.commit(Batch(drop_attachments=[(ACCOUNT, stored.attachment_id)]))
        await attach(store, b"y")
        await store.commit(Batch(purge=[ACCOUNT]))
        await store.close()
        assert place.raw["fs.chunks"].count_documents({}) == 0
        assert place.raw["litter"].count_documents({}) == 0

    async def test_an_upload_that_fails_is_unreachable(self, store: Store, place: Place) -> None:
        with place.failing("insert", times=None, errorCode=13), pytest.raises(Unreachable):
            await store.put_attachment(ACCOUNT, stream(b"x"))

    async def test_an_attachment_says_whose_it_is(self, store: Store, place: Place) -> None:
        stored = await attach(store, b"bytes")
        [file] = place.raw["fs.files"].find({})
        assert file["metadata"] == {"account_id": ACCOUNT, "md5": stored.md5}
        assert file["filename"] == stored.attachment_id
