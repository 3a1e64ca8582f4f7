"""Where a running switch is reached by the API's servers on this machine: a small file."""

from __future__ import annotations

import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

FILE = "switch.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Ports on loopback, and the secret that opens them. Asterisk's own is ``ari_port``."""

    port: int
    ari_port: int
    secret: str

    @property
    def url(self) -> str:
        """The address to which everything is below."""
        return f"http://127.0.0.1:{self.port}/{self.secret}"

    @property
    def sip_url(self) -> str:
        """Where Asterisk takes SIP over a WebSocket: on the port of its own."""
        return f"ws://127.0.0.1:{self.ari_port}/ws"


def read_place(folder: Path) -> Place | None:
    """Where the switch of a folder is, or was."""
    try:
        return Place(**orjson.loads((folder / FILE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def write_place(folder: Path, place: Place) -> None:
    """Note where the switch of a folder is, for nobody else to read."""
    new = folder / f"{FILE}.new"
    with open(new, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        out.write(orjson.dumps(asdict(place)))
    new.replace(folder / FILE)


def new_secret() -> str:
    """A secret that nobody guesses."""
    return secrets.token_hex(24)
