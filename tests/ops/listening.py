"""A receiver of reports in the process of a test."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from tests.ops.killing import HERE


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
