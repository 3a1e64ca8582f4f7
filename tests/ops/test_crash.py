"""A server killed under load: what was acknowledged is there, and nothing is half there."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from crossbar.storage import Numbered
from crossbar.storage.sqlite import SQLiteStore
from crossbar.validation import Schemas
from tests.ops.conftest import Installation, Record
from tests.ops.processes import PATIENCE, Client, Server

ROUNDS = 5
WRITERS = 4
RECREATED = 40
"""How many users of a round are tried to be created again."""

LOAD_SECONDS = (0.3, 0.9)

State = dict[str, Any] | None
"""A user's fields as far as the test sets them; ``None`` is deleted."""


@dataclass
class User:
    """What is known of one user. ``asked`` is a write that was sent and not acknowledged."""

    username: str
    doc_id: str = ""
    state: State = None
    revisions: list[str] = field(default_factory=list)
    asked: list[State] = field(default_factory=list)
    is_deleted: bool = False

    @property
    def possible(self) -> list[State]:
        """The states that may be found: the acknowledged one, or that of the last attempt."""
        return [self.state, *self.asked]


class Writer:
    """One client that creates, changes and deletes users of its own until the server is gone."""

    def __init__(self, client: Client, path: str, names: Iterator[str], users: list[User]) -> None:
        self._client = client
        self._path = path
        self._names = names
        self._users = users
        self._random = random.Random(next(names))
        self.refused: list[Any] = []

    def work(self) -> None:
        """Write until the connection breaks."""
        mine: list[User] = []
        try:
            while not self.refused:
                living = [user for user in mine if not user.is_deleted]
                choice = self._random.random()
                if choice < 0.4 or not living:
                    self._create(mine)
                elif choice < 0.85:
                    self._patch(self._random.choice(living))
                else:
                    self._delete(self._random.choice(living))
        except (OSError, http.client.HTTPException):
            pass
        finally:
            self._client.close()

    def _create(self, mine: list[User]) -> None:
        user = User(next(self._names))
        self._users.append(user)
        mine.append(user)
        state = {"username": user.username, "first_name": "A", "last_name": "0"}
        self._write(user, "PUT", "", state, {**state, "password": "x"})

    def _patch(self, user: User) -> None:
        assert user.state is not None
        change = {"last_name": str(int(user.state["last_name"]) + 1)}
        self._write(user, "PATCH", f"/{user.doc_id}", {**user.state, **change}, change)

    def _delete(self, user: User) -> None:
        self._write(user, "DELETE", f"/{user.doc_id}", None, None)

    def _write(self, user: User, method: str, rest: str, state: State, data: Any) -> None:
        user.asked = [state]
        reply = self._client.request(method, self._path + rest, data)
        if reply.status not in (200, 201):
            self.refused.append(reply)
            return
        user.doc_id = reply.data["id"]
        user.revisions.append(reply.body["revision"])
        user.state, user.asked, user.is_deleted = state, [], state is None


def _load(server: Server, installation: Installation, names: Iterator[str]) -> list[User]:
    """Write from several clients and kill the server meanwhile. The users they wrote."""
    users: list[User] = []
    path = installation.path("/users")
    writers = [Writer(installation.login(server), path, names, users) for _ in range(WRITERS)]
    threads = [threading.Thread(target=writer.work) for writer in writers]
    for thread in threads:
        thread.start()
    time.sleep(random.uniform(*LOAD_SECONDS))
    server.process.kill()
    for thread in threads:
        thread.join(PATIENCE)
    assert [writer.refused for writer in writers] == [[]] * WRITERS
    return users


def test_no_acknowledged_write_is_lost_when_the_server_is_killed_again_and_again(
    installation: Installation, record: Record
) -> None:
    names = (f"user{number}" for number in itertools.count())
    users: list[User] = []
    for _ in range(ROUNDS):
        with Server(installation.folder) as server:
            users += _load(server, installation, names)
        with Server(installation.folder) as server:
            client = installation.login(server)
            _judge_documents(client, installation, users)
            users = [user for user in users if user.doc_id]  # others were never created
            users += _judge_claims(client, installation, users[-RECREATED:])
            client.close()
            server.stop()
        _judge_events(installation, users)
    acknowledged = sum(len(user.revisions) for user in users)
    record("acknowledged_writes", acknowledged)
    assert acknowledged > ROUNDS * WRITERS  # otherwise nothing was tried


def _judge_documents(client: Client, installation: Installation, users: list[User]) -> None:
    """Every user is as acknowledged or as last asked, whole, and listed exactly when alive."""
    path = installation.path("/users")
    listed = client.request("GET", f"{path}?paginate=false").data
    rows = {row["id"]: row for row in listed}
    assert len(rows) == len(listed)
    by_name = {row["username"]: row["id"] for row in listed}
    expected = {by_name["admin"]}
    schemas = Schemas()
    for user in users:
        user.doc_id = user.doc_id or by_name.get(user.username, "")
        reply = client.request("GET", f"{path}/{user.doc_id}") if user.doc_id else None
        found = reply.data if reply and reply.status == 200 else None
        assert _of_interest(found) in user.possible, user
        user.state, user.asked = _of_interest(found), []
        row = rows.get(user.doc_id)
        assert (row is None) == (found is None), user
        if row is not None and found is not None:
            expected.add(user.doc_id)
            assert row["last_name"] == found["last_name"]
            assert schemas.apply("users", found)[1] == {}
    assert rows.keys() == expected


def _of_interest(document: dict[str, Any] | None) -> State:
    if document is None:
        return None
    return {name: document[name] for name in ("username", "first_name", "last_name")}


def _judge_claims(client: Client, installation: Installation, users: list[User]) -> list[User]:
    """The name of a living user is taken, that of a deleted one is free: who has it now."""
    successors = []
    taken = {user.username for user in users if user.state is not None}
    for user in users:
        state: dict[str, Any] = {"username": user.username, "first_name": "A", "last_name": "0"}
        data = {**state, "password": "x"}
        reply = client.request("PUT", installation.path("/users"), data)
        if user.username in taken:
            assert reply.status == 400
            assert "unique" in reply.data["username"], (user, reply)
        else:
            assert reply.status == 201, (user, reply)
            taken.add(user.username)
            revisions = [reply.body["revision"]]
            successors.append(User(user.username, reply.data["id"], state, revisions))
    return successors


def _judge_events(installation: Installation, users: list[User]) -> None:
    """Each acknowledged write has exactly one event."""
    events = asyncio.run(_events(installation))
    logged = [(event.key.doc_id, event.revision) for _, event in events]
    assert len(logged) == len(set(logged))
    written = {(user.doc_id, revision) for user in users for revision in user.revisions}
    assert written <= set(logged)
    numbers = [number for number, _ in events]
    assert numbers == sorted(numbers)


async def _events(installation: Installation) -> list[Numbered]:
    store = SQLiteStore(str(installation.folder / "var/crossbar.db"))
    await store.open()
    try:
        return await store.events(0, 1_000_000)
    finally:
        await store.close()
