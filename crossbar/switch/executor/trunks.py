"""Calls to and from the telephone systems of an account (``connectivity``).

What documents say of them is made into a flow, as a callflow would have it: so such calls go where
those of phones go, through the same steps, and nothing that holds back calls is there twice.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from crossbar.documents import Document, lookup, texts_at
from crossbar.families.endpoints import (
    address_of_server,
    place_of_server,
    server_at,
    server_id,
    servers_of,
)
from crossbar.families.numbers import ASSIGNED_TO, TRUNK, USED_BY, USED_BY_ID
from crossbar.numbers import normalized, to_e164
from crossbar.switch.executor.book import Book
from crossbar.switch.executor.call import Call
from crossbar.switch.executor.callers import caller_id, why_denied
from crossbar.switch.executor.finding import Found, find
from crossbar.switch.executor.formatters import written
from crossbar.switch.executor.media import Dialing, Leg, Strategy, ToDevice
from crossbar.switch.executor.ringing import after, ring, seconds
from crossbar.switch.executor.step import DEFAULT, Next, Step

TO_SERVER = "connectivity"
"""The step that calls a server; no callflow has it."""

DOC_TYPE = "sys_info"
PATIENCE = 60
SECONDS_ELSEWHERE = 20
"""For how long an address rings that is called instead of a server."""

USUAL_FORMAT, USUAL_PORT = "npan", 5060


async def from_server(book: Book, call: Call, number: str) -> Found | None:
    """Where a call of a server goes: out, where it is a full number; else to an extension."""
    doc_id, at = place_of_server(call.server_id) or ("", 0)
    document = await book.get(DOC_TYPE, doc_id)
    server = server_at(document, at)
    if document is None or server is None:
        return None
    options = lookup(server, ("options",), {})
    is_emergency = book.class_of(number) == "emergency"
    if not (is_emergency or to_e164(number) or options.get("hunt_non_reconcilable") is True):
        return await find(book, number, is_trusted=False)
    if not is_emergency and await why_denied(book, number, None):
        return _found(_node("response", code=403))
    chain = (_did(server, call.from_number) or {}, options, lookup(document, ("account",), {}))
    shown = _caller_id(chain, "caller_id")
    if is_emergency:
        shown = {**shown, **_caller_id(chain, "emergency_caller_id")}
    hunted = options.get("hunt_account_id")
    out = _node(
        "resources" if hunted else "offnet",
        to_did=number,
        hunt_account_id=hunted,
        outbound_flags=texts_at(options, "flags"),
        dynamic_flags=texts_at(options, "dynamic_flags"),
        force_outbound=any(
            each.get("force_outbound") is True for each in (options, _did(server, number) or {})
        ),
    )
    return _found(_node("set_cid", out, **shown) if shown else out)


async def to_server(book: Book, number: str) -> Found | None:
    """The server that has a number, with what is called when it does not take a call."""
    used = await book.number(number) or {}
    if used.get(USED_BY) != TRUNK or used.get(ASSIGNED_TO) != book.account_id:
        return None
    document = await book.get(DOC_TYPE, used.get(USED_BY_ID)) or {}
    for at, server in servers_of(document):
        if (did := _did(server, number)) is not None:
            options, all_servers = server.get("options"), document.get("account")
            asked = (lookup(each, ("failover",)) for each in (used, did, options, all_servers))
            failover = next(filter(None, asked), None)
            name = server_id(document["_id"], at)
            instead = await _instead(book, failover, name)
            headers = _headers(did, options, all_servers)
            return _found(_to(server, name, number, headers, instead), number)
    return None


def _to(
    server: Document, name: str, number: str, headers: Document, instead: Document | None
) -> Document:
    """The step that calls a server of that name for a number."""
    options, auth = (lookup(server, (each,), {}) for each in ("options", "auth"))
    wanted = options.get("inbound_format") or USUAL_FORMAT
    user = str(auth.get("auth_user") or "") if wanted == "username" else written(number, wanted)
    return _node(
        TO_SERVER,
        instead,
        server=name,
        name=server.get("name"),
        user=user,
        route=_route(user, server),
        delay=options.get("delay"),
        timeout=options.get("timeout"),
        progress_timeout=options.get("progress_timeout"),
        ignore_early_media=options.get("ignore_early_media"),
        headers=headers,
    )


async def ring_server(step: Step) -> Next:
    """Calls a server, and goes on with what is to be called instead if it does not answer."""
    leg = Leg(
        to=ToDevice(
            device_id=step.text("server"),
            label=step.text("name"),
            user=step.text("user"),
            route=step.text("route"),
        ),
        caller=await caller_id(step.book, step.call, "external"),
        delay=step.number("delay", 0),
        progress_timeout=step.number("progress_timeout", 0),
        ignores_early_media=step.says("ignore_early_media"),
        headers=lookup(step.data, ("headers",), {}),
    )
    timeout = seconds(step.data.get("timeout"), PATIENCE) or PATIENCE
    dialing = Dialing(timeout=timeout + leg.delay, strategy=Strategy.SINGLE)
    return await after(step, await ring(step, [leg], dialing))


async def _instead(book: Book, failover: Any, name: str) -> Document | None:
    """What is called when a server does not take a call."""
    number, route = (lookup(failover, (each,)) for each in ("e164", "sip"))
    if isinstance(number, str) and number:
        number = normalized(number)
        is_denied = await why_denied(book, number, None)
        return None if is_denied else _node("offnet", to_did=number)
    if isinstance(route, str) and route:
        return _node(TO_SERVER, server=name, route=route, timeout=SECONDS_ELSEWHERE)
    return None


def _route(user: str, server: Document) -> str:
    """The address at which a server is called that does not register; "" for one that does.

    The address by which a server is known says nothing of one that has a password.
    """
    options, auth = (lookup(server, (each,), {}) for each in ("options", "auth"))
    for each in (options, auth) if address_of_server(server) else (options,):
        try:
            address = ipaddress.ip_address(str(each.get("ip")))
        except ValueError:
            continue
        host = f"[{address}]" if address.version == 6 else str(address)
        port = each.get("port") or USUAL_PORT
        return f"sip:{user}@{host}:{port}" if user else f"sip:{host}:{port}"
    return ""


def _headers(*documents: Any) -> Document:
    """The SIP headers that the first of the documents names that names some: an object with
    names and values, or several."""
    for document in documents:
        given = lookup(document, ("sip_headers",))
        found: Document = {}
        for each in given if isinstance(given, list) else [given]:
            named = each.items() if isinstance(each, dict) else ()
            found |= {name: value for name, value in named if isinstance(value, str)}
        if found:
            return found
    return {}


def _did(server: Document, number: str) -> Document | None:
    """What a server says of a number; ``None`` where it has none of the sort.

    A server may list thousands, each as somebody has spelled it.
    """
    numbers, full = lookup(server, ("DIDs",)), normalized(number)
    digits = full.removeprefix("+")
    short = written(full, "npan")
    for each in (full, digits, short, f"011{digits}", f"00{digits}"):
        if isinstance(numbers, dict) and each in numbers:
            found = numbers[each]
            return found if isinstance(found, dict) else {}
    return None


def _caller_id(chain: tuple[Document, ...], name: str) -> Document:
    """Who is shown: the first of the documents that says something."""
    shown = {}
    for part in ("name", "number"):
        values = (lookup(each, (name, f"cid_{part}")) for each in chain)
        if value := next((each for each in values if isinstance(each, str) and each), ""):
            shown[f"caller_id_{part}"] = value
    return shown


def _node(module: str, instead: Document | None = None, /, **data: Any) -> Document:
    said = {name: value for name, value in data.items() if value not in (None, "", [], {})}
    return {"module": module, "data": said, "children": {DEFAULT: instead} if instead else {}}


def _found(flow: Document, number: str = "") -> Found:
    return Found(
        callflow={"_id": "", "numbers": [number] if number else [], "flow": flow}, how=TRUNK
    )
