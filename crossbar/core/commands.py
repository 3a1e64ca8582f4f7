"""Actions that a client names in its request, for what is no reading or writing of documents."""

from __future__ import annotations

from typing import Any, NamedTuple

from crossbar.core.requests import Request
from crossbar.documents import Document


class Asked(NamedTuple):
    """What is to be done, as the client put it, and with which arguments."""

    action: Any
    arguments: Document


def asked_of(request: Request) -> Asked:
    """The action and its arguments: ``action`` stands beside ``data`` or in it.

    Arguments are in ``data``, or one level deeper, where the ``action`` of a recording is told
    from that of the request.
    """
    data = request.data if isinstance(request.data, dict) else {}
    action = request.controls.get("action")
    inner = data.get("data")
    if isinstance(inner, dict):
        return Asked(data.get("action") if action is None else action, inner)
    if action is not None:
        return Asked(action, data)
    return Asked(
        data.get("action"), {name: value for name, value in data.items() if name != "action"}
    )
