"""What this process is called among those of a cluster."""

from __future__ import annotations

import base64
import hashlib
import platform

ZONE = "local"
"""The zone of every process: there is no other."""

NODE_HASH = (
    base64.urlsafe_b64encode(hashlib.md5(platform.node().encode(), usedforsecurity=False).digest())
    .rstrip(b"=")
    .decode()
)
"""The name of the machine as envelopes show it: nobody can read it, and all can compare it."""


def node_name() -> str:
    """The name of this process's node: the program, and the machine that it runs on."""
    return f"crossbar@{platform.node()}"
