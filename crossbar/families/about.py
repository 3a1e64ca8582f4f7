"""Facts about the running server (resources/about.md)."""

from __future__ import annotations

import platform
import resource
import threading

from crossbar import __version__
from crossbar.core.actions import Action, Context, Result
from crossbar.core.shapes import Access, Route, Routes, Scope

KIB = 1024


async def about(context: Context) -> Result:
    """Version, memory in bytes, and counts of this process."""
    return Result(
        data={
            "version": __version__,
            "used_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB,
            "processes": threading.active_count(),
            "ports": 0,
            "erlang_version": f"Python {platform.python_version()}",
        }
    )


_ROUTE = Route(path="", action=Action.FETCH, handler=about, about="Read facts about the server")

ABOUT = Routes(noun="about", routes=(_ROUTE,), scopes=(Scope.ACCOUNT,), access=Access.ACCOUNT)
ABOUT_SYSTEM = Routes(noun="about", routes=(_ROUTE,), access=Access.SUPERDUPER)
