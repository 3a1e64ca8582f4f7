"""Killing a server and a receiver of its reports under load, again and again.

Both are ended by SIGKILL, at any moment: while a write is committed, while reports are sent, while
it is written what became of them. What was acknowledged to a client has to be reported.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from tests.ops.conftest import Installation
from tests.ops.processes import ROOT, Client, Server, environment
from tests.ports import free_port

HERE = "127.0.0.2"
"""An address of this machine that documents may name."""

CHANGES = {"CROSSBAR_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES": "true"}


@dataclass
class Receiver:
    """A process that takes reports, or is gone (:mod:`tests.ops.taking`)."""

    folder: Path
    port: int = 0
    kills: int = 0
    _process: subprocess.Popen[str] | None = None

    @property
    def file(self) -> Path:
        """What it has written down."""
        return self.folder / "taken"

    def start(self) -> None:
        """Be there, at the same port as before."""
        if not self.port:
            self.port = free_port()
        command = ("-m", "tests.ops.taking", HERE, str(self.port), str(self.file))
        self._process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=environment(measured=False),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        """End it on the spot."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None
            self.kills += 1

    def taken(self) -> dict[str, list[str]]:
        """The ids of the reports that were taken, by the document that they are of."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for line in self.file.read_text().splitlines():
            document_id, message_id = line.split()
            found[document_id].append(message_id)
        return dict(found)


@dataclass
class Kills:
    """Rounds of writing until the server is killed, and what was acknowledged."""

    installation: Installation
    receiver: Receiver
    acknowledged: list[str] = field(default_factory=list)
    kills: int = 0
    token: str = ""

    def begin(self) -> None:
        """Make the webhook."""
        self.receiver.start()
        server = self.start()
        client = server.client()
        answer = client.request("PUT", "/api_auth", {"api_key": self.installation.api_key})
        self.token = client.token = answer.body["auth_token"]
        hook = {
            "name": "Everything",
            "hook": "object",
            "uri": f"http://{HERE}:{self.receiver.port}/in",
            "format": "json",
            "custom_data": {"type": "device", "action": "doc_created"},
        }
        made = client.request("PUT", self.installation.path("/webhooks"), hook)
        assert made.status == 201, made
        client.close()
        server.kill()

    def start(self) -> Server:
        """A server, of which there may be several."""
        return Server(self.installation.folder, changes=CHANGES).start()

    def end(self) -> None:
        """Leave no process behind."""
        self.receiver.kill()

    def one(self, seconds: float, *, receiver_too: bool, writers: int = 2) -> None:
        """Write for some time, then kill the server, and perhaps the receiver before."""
        server = self.start()
        threads = [
            threading.Thread(target=self._write, args=(server.client(self.token),))
            for _ in range(writers)
        ]
        for thread in threads:
            thread.start()
        moment = random.random() * seconds
        time.sleep(moment)
        if receiver_too:
            self.receiver.kill()
        time.sleep(seconds - moment)
        server.kill()
        self.kills += 1
        for thread in threads:
            thread.join()
        if receiver_too:
            self.receiver.start()

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

    def settle(self, seconds: float) -> list[str]:
        """Let a server deliver what waits; what is missing after so many seconds at most."""
        server = self.start()
        try:
            return self.missing(seconds)
        finally:
            server.kill()

    def missing(self, seconds: float) -> list[str]:
        """What was acknowledged and not reported, after so many seconds at most."""
        deadline = time.monotonic() + seconds
        while True:
            taken = self.receiver.taken()
            missing = [each for each in self.acknowledged if each not in taken]
            if not missing or time.monotonic() > deadline:
                return missing
            time.sleep(0.1)
