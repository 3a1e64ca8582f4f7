"""Facts about the running server."""

from __future__ import annotations

import platform
import resource
import threading
from pathlib import Path

from crossbar import __version__
from crossbar.core.answers import SOME_OBJECT, Answers
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Routes, Scope, route

KIB = 1024


async def about(request: Request) -> Result:
    """Version, most memory in bytes, and how many threads and open files this process has."""
    return Result(
        data={
            "version": __version__,
            "used_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB,
            "processes": threading.active_count(),
            "ports": _open_files(),
            "erlang_version": f"Python {platform.python_version()}",
        }
    )


def _open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


_ROUTE = route(
    "", Action.FETCH, about, "Read facts about the server", answers=Answers(SOME_OBJECT)
)

ABOUT = Routes(noun="about", routes=(_ROUTE,), scopes=(Scope.ACCOUNT,), access=Access.ACCOUNT)
ABOUT_SYSTEM = Routes(noun="about", routes=(_ROUTE,), access=Access.SUPERDUPER)
