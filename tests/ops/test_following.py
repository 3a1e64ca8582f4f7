"""Following an account through servers that are killed, and sockets of several processes."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import random
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
import websockets

from tests.ops.conftest import Installation, Record
from tests.ops.processes import PATIENCE, ROOT, Client, Server

pytestmark = pytest.mark.thorough

PAGE = ROOT / "docs" / "changes.md"

ROUNDS = 3
LOAD_SECONDS = (0.3, 0.8)
NOUNS = {"menus": {"name": "Main"}, "devices": {"name": "Desk"}, "lists": {"name": "Friends"}}


class Follower:
    """A copy of an account's documents that is kept by the change feed alone.

    It reads the stream for as long as there is a server, and then from where it was.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.token = ""
        self.since = 0
        self.documents: dict[str, Any] = {}
        self.seen: list[int] = []

    def follow(self, port: int) -> None:
        """Read until the connection breaks."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        headers = {
            "X-Auth-Token": self.token,
            "Accept": "text/event-stream",
            "Last-Event-ID": str(self.since),
        }
        with suppress(OSError, http.client.HTTPException):
            connection.request("GET", f"/v2{self._path}/changes?include_docs=true", None, headers)
            with connection.getresponse() as response:
                assert response.status == 200, response.read()
                self._read(response)
        connection.close()

    def _read(self, response: http.client.HTTPResponse) -> None:
        fields: dict[str, str] = {}
        while line := response.readline():
            text = line.decode().rstrip("\n")
            if text:
                name, _, value = text.partition(": ")
                fields[name] = value
            else:
                self._apply(fields)
                fields = {}

    def _apply(self, fields: dict[str, str]) -> None:
        if "data" in fields:
            change = orjson.loads(fields["data"])
            assert change["seq"] == int(fields["id"])
            self.seen.append(change["seq"])
            self.documents.pop(change["path"], None)
            if change["document"] is not None:
                self.documents[change["path"]] = change["document"]
        if "id" in fields:
            self.since = int(fields["id"])


def _write(client: Client, path: str, own: list[str], chance: random.Random) -> None:
    """Create, change and delete documents until the server is gone."""
    with suppress(OSError, http.client.HTTPException):
        for number in itertools.count():
            choice = chance.random()
            if choice < 0.5 or not own:
                noun = chance.choice(list(NOUNS))
                reply = client.request("PUT", f"{path}/{noun}", NOUNS[noun])
                own.append(f"{path}/{noun}/{reply.data['id']}")
            elif choice < 0.8:
                client.request("PATCH", chance.choice(own), {"name": f"Name {number}"})
            else:
                client.request("DELETE", own.pop(chance.randrange(len(own))))
    client.close()


def _copy(client: Client, path: str) -> dict[str, Any]:
    """The documents, as they are read one by one."""
    paths = [path] + [
        f"{path}/{noun}/{row['id']}"
        for noun in (*NOUNS, "users")
        for row in client.request("GET", f"{path}/{noun}?paginate=false").data
    ]
    return {each[1:]: client.request("GET", each).data for each in paths}


@pytest.mark.timeout(180)  # it starts four servers
def test_a_copy_that_follows_the_feed_is_exact_whatever_happens_to_the_server(
    installation: Installation, record: Record
) -> None:
    path, chance, token = installation.path(), random.Random(7), ""
    follower = Follower(path)
    own: list[list[str]] = [[], []]
    for _ in range(ROUNDS):
        with Server(installation.folder) as server:
            if not token:
                client = installation.login(server)
                token = follower.token = client.token
                client.close()
            threads = [threading.Thread(target=follower.follow, args=(server.port,))]
            threads += [
                threading.Thread(target=_write, args=(server.client(token), path, each, chance))
                for each in own
            ]
            for thread in threads:
                thread.start()
            time.sleep(random.uniform(*LOAD_SECONDS))
            server.process.send_signal(signal.SIGKILL)
            for thread in threads:
                thread.join(PATIENCE)
    with Server(installation.folder) as server:
        client = server.client(token)
        last = client.request("GET", f"{path}/changes").data["last_seq"]
        thread = threading.Thread(target=follower.follow, args=(server.port,))
        thread.start()
        deadline = time.monotonic() + PATIENCE
        while follower.since < last and time.monotonic() < deadline:
            time.sleep(0.01)
        assert follower.documents == _copy(client, path)
        client.close()
        server.stop()
        thread.join(PATIENCE)
    assert follower.seen == sorted(set(follower.seen))  # each once, in order
    record("changes_followed", len(follower.seen))
    assert len(follower.seen) > ROUNDS * 4  # otherwise nothing was tried


async def _subscribe(port: int, token: str, account_id: str) -> websockets.ClientConnection:
    socket = await websockets.connect(f"ws://127.0.0.1:{port}/websockets")
    data = {"account_id": account_id, "binding": "doc_created.menu"}
    await socket.send(
        orjson.dumps({"action": "subscribe", "auth_token": token, "data": data}).decode()
    )
    answer = orjson.loads(await asyncio.wait_for(socket.recv(), PATIENCE))
    assert answer["status"] == "success", answer
    return socket


async def _hear(sockets: list[websockets.ClientConnection], count: int) -> list[list[str]]:
    """The names that each of them is told of."""
    return [
        [
            orjson.loads(await asyncio.wait_for(socket.recv(), PATIENCE))["data"]["name"]
            for _ in range(count)
        ]
        for socket in sockets
    ]


async def test_sockets_of_all_workers_and_servers_are_told_of_every_write(
    installation: Installation,
) -> None:
    names = [f"Menu {number}" for number in range(20)]
    two = ("--port", "0", "--workers", "2")
    with Server(installation.folder, two) as server, Server(installation.folder) as other:
        client = installation.login(server)
        ports = [server.port] * 6 + [other.port] * 2
        sockets = [await _subscribe(port, client.token, installation.account_id) for port in ports]
        elsewhere = other.client(client.token)
        for number, name in enumerate(names):
            each = elsewhere if number % 3 == 0 else client
            reply = await asyncio.to_thread(
                each.request, "PUT", installation.path("/menus"), {"name": name}
            )
            assert reply.status == 201
        assert await _hear(sockets, len(names)) == [names] * len(sockets)
        rows: list[Any] = []
        while len(rows) < len(sockets):
            rows = client.request("GET", installation.path("/websockets")).data
        assert {row["bindings"][0] for row in rows} == {"doc_created.menu"}
        client.close()
        elsewhere.close()
        closed = [socket.wait_closed() for socket in sockets[:6]]
        await asyncio.gather(asyncio.to_thread(server.stop), *closed)
        assert {socket.close_code for socket in sockets[:6]} == {1001}
        for socket in sockets[6:]:
            await socket.close()
        other.stop()


def test_the_program_to_copy_works(installation: Installation, tmp_path: Path) -> None:
    [program] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    file = tmp_path / "follow.py"
    file.write_text(program)
    with Server(installation.folder) as server:
        client = installation.login(server)
        since = client.request("GET", installation.path("/changes")).data["last_seq"]
        made = client.request("PUT", installation.path("/menus"), {"name": "Main"}).data["id"]
        with subprocess.Popen(
            [sys.executable, str(file), str(since)],
            env={
                "HOST": f"127.0.0.1:{server.port}",
                "ACCOUNT": installation.account_id,
                "TOKEN": client.token,
            },
            stdout=subprocess.PIPE,
            text=True,
        ) as follower:
            assert follower.stdout is not None
            told = follower.stdout.readline().split()
            assert told[1:] == ["created", "menu", made]
            client.request("DELETE", installation.path(f"/menus/{made}"))
            assert follower.stdout.readline().split()[1:] == ["deleted", "menu", made]
            follower.kill()
        gone = subprocess.run(
            [sys.executable, str(file), "999999"],
            env={
                "HOST": f"127.0.0.1:{server.port}",
                "ACCOUNT": installation.account_id,
                "TOKEN": client.token,
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert "410" in gone.stderr
        client.close()
        server.stop()
