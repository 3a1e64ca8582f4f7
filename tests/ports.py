"""Ports for servers that tests start."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

PORTS = range(10_000, 30_000)
"""None of those that systems give to clients: one of them could have the server's while it starts,
or is dead and to come back. What begins at 30,000 is for sound."""


def free_port() -> int:
    """A port on which nobody listens, neither for TCP nor for UDP."""
    while True:
        port = random.choice(PORTS)
        with (
            suppress(OSError),
            socket.socket() as tcp,
            socket.socket(type=socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
            return port
