"""Killing a server under load, again and again, while a receiver keeps what it is told of."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from tests.ops.conftest import Installation
from tests.ops.processes import Client, Server

HERE = "127.0.0.2"
"""An address of this machine that documents may name."""

CHANGES = {"CROSSBAR_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES": "true"}


@dataclass
class Listener:
    """A receiver that is gone at times, refuses some reports, and answers some too late.

    ``got`` has, by the id of a document, the ids of the reports that were taken of it.
    """

    refused: float = 0.03
    got: dict[str, set[str]] = field(default_factory=dict)
    port: int = 0
    _server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Be there, at the same port as before."""
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = listener.take(orjson.loads(body), self.headers["webhook-id"])
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((HERE, self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def take(self, body: Any, message_id: str) -> int:
        """Keep a report, or refuse it."""
        if random.random() < self.refused:
            return 503
        self.got.setdefault(body["id"], set()).add(message_id)
        return 200

    def stop(self) -> None:
        """Be gone."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@dataclass
class Kills:
    """Rounds of writing until the server is killed, and what was acknowledged."""

    installation: Installation
    listener: Listener
    acknowledged: list[str] = field(default_factory=list)
    token: str = ""

    def server(self) -> Server:
        """A server of the installation."""
        return Server(self.installation.folder, changes=CHANGES)

    def begin(self) -> None:
        """Make the webhook."""
        self.listener.start()
        with self.server() as server:
            client = self.installation.login(server)
            self.token = client.token
            hook = {
                "name": "Everything",
                "hook": "object",
                "uri": f"http://{HERE}:{self.listener.port}/in",
                "format": "json",
                "custom_data": {"type": "device", "action": "doc_created"},
            }
            made = client.request("PUT", self.installation.path("/webhooks"), hook)
            assert made.status == 201, made
            client.close()

    def one(self, seconds: float, writers: int = 2) -> None:
        """Write for some time, then kill the server in the middle of it."""
        if random.random() < 0.3:
            self.listener.stop()
        with self.server() as server:
            clients = [server.client(self.token) for _ in range(writers)]
            threads = [threading.Thread(target=self._write, args=(each,)) for each in clients]
            for thread in threads:
                thread.start()
            time.sleep(seconds / 2)
            if self.listener._server is None:
                self.listener.start()
            time.sleep(seconds / 2)
            server.process.kill()
            for thread in threads:
                thread.join()

    def _write(self, client: Client) -> None:
        path, number = self.installation.path("/devices"), 0
        try:
            while True:
                number += 1
                answer = client.request("PUT", path, {"name": f"Device {number}"})
                assert answer.status == 201, answer
                self.acknowledged.append(answer.data["id"])
        except (HTTPException, OSError):
            client.close()

    def missing(self) -> list[str]:
        """What was acknowledged and not reported yet."""
        return [each for each in self.acknowledged if each not in self.listener.got]

    def settle(self, seconds: float) -> list[str]:
        """Let a server deliver what waits; what is missing after so many seconds at most."""
        deadline = time.monotonic() + seconds
        with self.server():
            while (missing := self.missing()) and time.monotonic() < deadline:
                time.sleep(0.05)
        return missing
