"""The ports at which phones reach the switch: whether they are there to be had."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from crossbar.settings import Switch


def taken(settings: Switch) -> Iterator[str]:
    """The addresses that somebody else has, or that are none of this machine."""
    kinds = [(settings.sip_port, "UDP"), (settings.sip_port, "TCP")]
    if settings.tls_port:
        kinds.append((settings.tls_port, "TCP"))
    for port, kind in kinds:
        if not is_free(settings.host, port, kind):
            yield f"{settings.host}:{port} ({kind})"


def is_free(host: str, port: int, kind: str) -> bool:
    """Whether a server could be at the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(
        family, {"UDP": socket.SOCK_DGRAM, "TCP": socket.SOCK_STREAM}[kind]
    ) as probe:
        if kind == "TCP":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
