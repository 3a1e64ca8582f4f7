"""Folders with a store that has a master account, for servers and commands to run in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ops.processes import Client, Server, crossbar

Record = Callable[[str, object], None]
"""Notes a figure for the test report."""

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Installation:
    """A folder with a store in ``var``, and what `crossbar init` said about it."""

    folder: Path
    account_id: str
    api_key: str

    def login(self, server: Server) -> Client:
        """A client with a token of the master account."""
        client = server.client()
        answer = client.request("PUT", "/api_auth", {"api_key": self.api_key})
        assert answer.status == 201, answer.body
        client.token = answer.body["auth_token"]
        return client

    def path(self, rest: str = "") -> str:
        """A path below the master account."""
        return f"/accounts/{self.account_id}{rest}"


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation that is only ever copied."""
    folder = tmp_path_factory.mktemp("initialised")
    done = crossbar(folder, "init", "--json", "--password", PASSWORD)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return Installation(folder, told["account_id"], told["api_key"])


@pytest.fixture
def installation(initialised: Installation, tmp_path: Path) -> Installation:
    """A fresh copy of an initialised installation."""
    folder = tmp_path / "installation"
    shutil.copytree(initialised.folder, folder)
    return Installation(folder, initialised.account_id, initialised.api_key)


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """As pytest's ``record_property``, which warns when the report has the newer format."""

    def note(name: str, value: object) -> None:
        request.node.user_properties.append((name, value))

    return note
