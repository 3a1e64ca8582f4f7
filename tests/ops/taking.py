"""``python -m tests.ops.taking HOST PORT FILE``: a receiver of reports that may be killed.

It answers 200 after it has written down what it was sent, as one line of the id of the document
and that of the report. It refuses a few, as receivers do.
"""

from __future__ import annotations

import json
import os
import random
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REFUSED = 0.03
"""The share of reports that is answered 503."""


class Taking(BaseHTTPRequestHandler):
    """Takes a report."""

    protocol_version = "HTTP/1.1"
    file = -1

    def do_POST(self) -> None:
        """Write it down, then answer."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = 503 if random.random() < REFUSED else 200
        if status == 200:
            os.write(self.file, f"{body['id']} {self.headers['webhook-id']}\n".encode())
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Taker(ThreadingHTTPServer):
    """Is there at once after one at the same port was killed."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: who sent a report may be killed."""


if __name__ == "__main__":
    host, port, name = sys.argv[1:]
    Taking.file = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    with Taker((host, int(port)), Taking) as server:
        print("ready", flush=True)
        server.serve_forever()
