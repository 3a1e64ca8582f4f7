"""How little reading and writing could cost: an aiohttp server that does what the store has to.

Run as ``python -m tests.bench.floor PORT DATABASE``: answers the benchmark's requests about users
from a file that the gateway has made, by the store's own statements, with group commits and the
schema's verdict, and answers as long as the gateway's. It asks nobody who calls, finds no account,
runs no hook and looks for no precondition. What the gateway takes beyond it is its own doing; what
this takes beyond the bare handler is what durable documents cost on aiohttp and SQLite.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import socket
import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import unquote

import orjson
from aiohttp import web

from crossbar.core.change import put_of
from crossbar.core.summaries import row_of
from crossbar.dialects.whole import WholeResponse, lines_of
from crossbar.documents import Document, new_id, next_revision, public
from crossbar.families.endpoints.users import USERS
from crossbar.server import run_loop
from crossbar.storage import Key
from crossbar.storage.sqlite.batches import ENTER, EXISTS, INSERT, LOG, OTHER_ROW
from crossbar.storage.sqlite.encoding import body_of, decode, encode
from crossbar.storage.sqlite.layout import SETTINGS
from crossbar.validation import Schemas

HEAD = lines_of(
    {"content-type": "application/json", "x-request-id": "0" * 32}
    | {f"x-header-{number}": "as long as others are" for number in range(7)}
)
CLOSING = b',"request_id":"' + b"0" * 900 + b'"}'
"""Most of it stands for the token."""

GET = "SELECT cut, body FROM documents WHERE account_id = ? AND doc_type = ? AND doc_id = ?"
CURRENT = "SELECT body, marks FROM documents WHERE account_id = ? AND doc_type = ? AND doc_id = ?"
PAGE = (
    "SELECT sort, doc_id, row FROM documents WHERE account_id = ? AND doc_type = ?"
    " AND sort IS NOT NULL AND (sort, doc_id) >= (?, '') ORDER BY sort, doc_id LIMIT 51"
)


class Group:
    """Work that waits for a common commit, whose flush is waited for in a thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1)
        self._waiting: list[tuple[Callable[[], None], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def commit(self, work: Callable[[], None]) -> None:
        """Return when the work is on disk."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await done

    async def _write(self) -> None:
        while self._waiting:
            seen = -1
            while seen != len(self._waiting):
                seen = len(self._waiting)
                await asyncio.sleep(0)
            jobs, self._waiting = self._waiting, []
            self._connection.execute("BEGIN IMMEDIATE")
            for work, _ in jobs:
                work()
            commit = partial(self._connection.execute, "COMMIT")
            await asyncio.get_running_loop().run_in_executor(self._thread, commit)
            for _, done in jobs:
                done.set_result(None)
        self._writing = None


class Floor:
    """Answers about the users of one account."""

    def __init__(self, database: str) -> None:
        self._reader, self._writer = (
            sqlite3.connect(database, isolation_level=None, check_same_thread=False)
            for _ in range(2)
        )
        for connection in (self._reader, self._writer):
            for setting in SETTINGS:
                connection.execute(f"PRAGMA {setting}")
        self._group = Group(self._writer)
        self._schemas = Schemas()
        self._recent: dict[str, bytes] = {}

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """What the gateway would answer, more or less."""
        path, _, query = request.raw_path.partition("?")
        _, _, _, account_id, _, *rest = path.split("/")
        if request.method == "GET":
            made = self._one(account_id, rest[0]) if rest else self._page(account_id, query)
            return WholeResponse(status=200, lines=HEAD, body=made + CLOSING)
        sent = orjson.loads(await request.read())["data"]
        if request.method == "PATCH":
            made = await self._patched(account_id, rest[0], sent)
            return WholeResponse(status=200, lines=HEAD, body=made + CLOSING)
        made = await self._created(account_id, sent)
        return WholeResponse(status=201, lines=HEAD, body=made + CLOSING)

    def _one(self, account_id: str, doc_id: str) -> bytes:
        self._reader.execute("PRAGMA data_version").fetchall()
        made = self._recent.get(doc_id)
        if made is None:
            [(cut, body)] = self._reader.execute(GET, (account_id, "user", doc_id)).fetchall()
            made = self._recent[doc_id] = b'{"data":{' + body[cut + 1 :]
        return made

    def _page(self, account_id: str, query: str) -> bytes:
        start = unquote(query.removeprefix("start_key="))
        found = self._reader.execute(PAGE, (account_id, "user", start)).fetchall()
        rows = b",".join([row for _, _, row in found[:50]])
        revision = hashlib.sha1(rows, usedforsecurity=False).hexdigest().encode()
        return b"".join((b'{"data":[', rows, b'],"revision":"', revision, b'"'))

    async def _patched(self, account_id: str, doc_id: str, sent: Document) -> bytes:
        key = Key(account_id, "user", doc_id)
        [(body, marks)] = self._reader.execute(CURRENT, key).fetchall()
        document = decode(body)
        before = document["_rev"]
        document |= sent
        shown = public(document)
        if self._schemas.apply("users", shown)[1]:
            raise web.HTTPBadRequest
        document["_rev"] = revision = next_revision(before)
        row, sort = row_of(USERS, document), f"{document['last_name']} ann".lower()
        cut, stored = body_of(document)

        def work() -> None:
            place = (*key, before, sort, marks)
            self._writer.execute(OTHER_ROW, (revision, stored, cut, row, *place))
            self._writer.execute(LOG, ("changed", *key, revision, 1, encode({"by": account_id})))

        await self._group.commit(work)
        return b'{"data":' + orjson.dumps(shown)

    async def _created(self, account_id: str, sent: Document) -> bytes:
        key = Key(account_id, "user", new_id())
        shown, errors = self._schemas.apply("users", sent)
        if errors:
            raise web.HTTPBadRequest
        revision = next_revision(None)
        document = {**shown, "_id": key.doc_id, "_rev": revision, "pvt_type": "user"}
        put = put_of(USERS, key, document, None)
        cut, stored = body_of(document)
        marks = encode([put.entries, put.claims])

        def work() -> None:
            self._writer.execute(EXISTS, ("system", "account", account_id)).fetchone()
            columns = (revision, put.sort, marks, stored, put.row, cut)
            self._writer.execute(INSERT, (*columns, *key))
            for entry in put.entries:
                self._writer.execute(ENTER, (*key, *entry, put.sort))
            self._writer.execute(LOG, ("created", *key, revision, 1, encode({"by": account_id})))

        await self._group.commit(work)
        return b'{"data":' + orjson.dumps(shown)


async def main(port: int, database: str) -> None:
    """Serve until killed."""
    request = partial(
        web.BaseRequest, loop=asyncio.get_running_loop(), client_max_size=1024 * 1024
    )
    server = web.Server(Floor(database).answer, access_log=None, request_factory=request)
    runner = web.ServerRunner(server)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    await web.SockSite(runner, listener).start()
    gc.collect()
    gc.freeze()
    await asyncio.Event().wait()


if __name__ == "__main__":
    run_loop(main(int(sys.argv[1]), sys.argv[2]))
