"""A real server that speaks S3, and places that storage documents name."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from tests.ports import free_port

START = "from moto.server import main; main(['-H', '127.0.0.1', '-p', '{port}'])"
PATIENCE = 60


class Bucket(NamedTuple):
    """A bucket of the server: what a storage document says of it, and how to look into it."""

    settings: dict[str, Any]
    url: str

    async def names(self) -> list[str]:
        """The names of all files in it."""
        async with aiohttp.ClientSession() as session, session.get(self.url) as response:
            text = await response.text()
        return [part.partition("</Key>")[0] for part in text.split("<Key>")[1:]]

    async def write(self, name: str, content: bytes) -> None:
        """Put a file into it past the gateway."""
        async with (
            aiohttp.ClientSession() as session,
            session.put(f"{self.url}/{name}", data=content) as response,
        ):
            assert response.status == 200


@pytest.fixture(scope="session")
def s3_port() -> Iterator[int]:
    """The port of a server that speaks S3, in a process of its own."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-c", START.format(port=port)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        for _ in range(PATIENCE * 20):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
            except OSError:
                assert process.poll() is None
                time.sleep(0.05)
            else:
                break
        yield port
        process.kill()


@pytest.fixture
async def bucket(s3_port: int, tmp_path: Path) -> Bucket:
    """An empty bucket."""
    name = f"bucket-{abs(hash(str(tmp_path))):x}"[:40]
    url = f"http://127.0.0.1:{s3_port}/{name}"
    async with aiohttp.ClientSession() as session, session.put(url) as made:
        assert made.status == 200
    settings = {
        "bucket": name,
        "key": "access",
        "secret": "0penS3same",
        "host": "127.0.0.1",
        "port": s3_port,
        "scheme": "http",
    }
    return Bucket(settings, url)


@pytest.fixture
def overrides(tmp_path: Path) -> dict[str, Any]:
    return {
        "storage.object_hosts": ["127.0.0.1"],
        "storage.files_folder": str(tmp_path / "files"),
    }
