"""What the processes of this server are doing, as KAZOO's cluster would tell of its nodes."""

from __future__ import annotations

import platform
import resource
import threading
from pathlib import Path

from crossbar import __version__
from crossbar.core.answers import SOME_OBJECT, Answers
from crossbar.core.directory import ACCOUNT_TYPE
from crossbar.core.jobs import JOB_TYPE
from crossbar.core.nodes import NODE_HASH, ZONE, node_name
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Routes, Scope, route
from crossbar.storage import SYSTEM, Span

MIB_IN_KIB = 1024
ANYBODY = (True,)

COUNTED = 100_000
"""Documents that are counted at most."""


async def status(request: Request) -> Result:
    """The one node that there is: by zone, kind of node, and name.

    What needs a switch, such as calls and registrations, is absent.
    """
    store, settings = request.services.store, request.services.settings
    node = node_name()
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB_IN_KIB
    counts = {
        name: await store.count(Span(account_id=SYSTEM, doc_type=doc_type), COUNTED)
        for name, doc_type in (("accounts", ACCOUNT_TYPE), ("jobs", JOB_TYPE))
    }
    plans = settings.dialects.usual()
    facts = {
        "node": node,
        "md5": NODE_HASH,
        "version": f"{__version__} - Python {platform.python_version()}",
        "used_memory": f"{used:.2f}MB",
        "processes": threading.active_count(),
        "ports": _open_files(),
        "zone": ZONE,
        "kapps": [each for each in request.services.scopes if plans.get(each, ANYBODY)[0]],
        "globals": counts,
        "node_info": {"workers": settings.http.workers},
    }
    return Result(data={ZONE: {"crossbar": {node: facts}}})


def _open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


_ROUTE = route("", Action.FETCH, status, "Read what the server is doing", Answers(SOME_OBJECT))

SYSTEM_STATUS = Routes(
    noun="system_status",
    routes=(_ROUTE,),
    scopes=(Scope.SYSTEM, Scope.ACCOUNT),
    access=Access.SUPERDUPER,
)
