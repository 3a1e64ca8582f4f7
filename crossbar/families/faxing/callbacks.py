"""The servers that fax boxes name (``callback``): told of each fax that came in, was sent, or not.

A job tells, asked for in the commit that notes what has become of the fax. It reads the box when
it is done: so no address is kept twice, and who was taken out of the box is told nothing more.
"""

from __future__ import annotations

from urllib.parse import urlencode

import orjson

from crossbar.core.jobs import Kind, asked
from crossbar.core.ports import Message
from crossbar.core.services import Services
from crossbar.documents import Document, lookup
from crossbar.families.faxing.faxboxes import BOX_TYPE
from crossbar.storage import Key, Put

FORM = "www-url-form-encoded"
TYPES = {"json": "application/json", FORM: "application/x-www-form-urlencoded"}

METHODS = ("post", "put")


class NotTaken(Exception):
    """The server did not take the report: it is told again later."""


def callback_of(
    services: Services, account_id: str, box: Document, direction: str, facts: Document
) -> tuple[Put, ...]:
    """The job that tells the server of a box what came of a fax; none where it names none.

    ``direction`` is ``inbound`` or ``outbound``.
    """
    if not lookup(box, ("notifications", direction, "callback", "url")):
        return ()
    about = {
        "account_id": account_id,
        "faxbox_id": box["_id"],
        "direction": direction,
        "facts": {**facts, "account_id": account_id, "timestamp": services.clock.gregorian()},
    }
    return (asked(services.clock, FAX_CALLBACK, about),)


async def _call_back(services: Services, about: Document) -> None:
    """Tell the server that the box names now. Raises :class:`NotTaken`, and if it is not there
    :class:`~crossbar.core.ports.NotReached`."""
    box = await services.store.get(Key(about["account_id"], BOX_TYPE, about["faxbox_id"]))
    callback = lookup(box, ("notifications", about["direction"], "callback"))
    if box is None or box.get("pvt_deleted") or not lookup(callback, ("url",)):
        return
    settings = services.settings.webhooks
    reply = await services.receivers.send(
        _message(callback, about["facts"]),
        private=settings.allow_private_addresses,
        seconds=settings.timeout,
        connect=settings.connect_timeout,
    )
    if reply.status >= 300:
        raise NotTaken


def _message(callback: Document, facts: Document) -> Message:
    kind = callback.get("type")
    content_type = TYPES[kind if kind in TYPES else "json"]
    method = callback.get("method")
    flat = {name: each if isinstance(each, str) else _text(each) for name, each in facts.items()}
    return Message(
        (method if method in METHODS else METHODS[0]).upper(),
        callback["url"],
        {"User-Agent": "crossbar", "Content-Type": content_type},
        urlencode(flat).encode() if kind == FORM else orjson.dumps(facts),
    )


def _text(value: object) -> str:
    return orjson.dumps(value).decode()


FAX_CALLBACK = Kind(name="fax_callback", run=_call_back, at_once=64)
"""Reports of faxes to the servers that their boxes name."""
