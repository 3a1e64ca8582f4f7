"""Who is shown as the caller, and what the caller may not call."""

from __future__ import annotations

from typing import Any

from crossbar.documents import Document, lookup
from crossbar.numbers import normalized
from crossbar.switch.executor.book import Book
from crossbar.switch.executor.call import Call
from crossbar.switch.executor.finding import by_plan
from crossbar.switch.executor.media import CallerId

HIDING = {"full": "full", "yes": "full", "name": "name", "number": "number", "none": ""}


async def chain_of(book: Book, device: Document | None) -> list[Document]:
    """The account, the device and its users: what says something later overrules the earlier.

    A user who is logged in at a device takes the place of its owner.
    """
    chain = [book.account.document]
    if device is not None:
        chain.append(device)
        chain += await users_of(book, device)
    return chain


async def users_of(book: Book, device: Document) -> list[Document]:
    """The users who are logged in at a device, else its owner."""
    logged_in = lookup(device, ("hotdesk", "users"))
    ids = list(logged_in) if isinstance(logged_in, dict) and logged_in else []
    found = [await book.get("user", each) for each in ids or [device.get("owner_id")]]
    return [each for each in found if each is not None]


def last_in(chain: list[Document], *path: str) -> Any:
    """What the last document of a chain says that says anything."""
    for document in reversed(chain):
        if (value := lookup(document, path)) not in (None, "", {}):
            return value
    return None


async def authorizing(book: Book, call: Call) -> Document | None:
    """The device that the call comes from."""
    return await book.get("device", call.device_id)


async def caller_id(book: Book, call: Call, kind: str = "internal") -> CallerId:
    """Who is shown: by kind ``internal`` to phones, ``external`` or ``emergency`` to carriers."""
    presented = CallerId(name=call.from_name, number=call.from_number)
    # Who is called by a button is shown who is called by it, too: nobody's account.
    is_introduced = kind == "internal" and call.authorizing_type == "clicktocall"
    is_foreign = call.is_external and not call.is_forwarded
    # Who helps has to know where, not who is kept as the caller.
    is_kept = call.retains_caller and kind != "emergency"
    if is_foreign or is_introduced or is_kept:
        shown = presented
    else:
        shown = await _configured(book, call, kind)
        if call.shown_number is not None:
            name = shown.name if call.shown_name is None else call.shown_name
            shown = CallerId(name=name, number=call.shown_number)
    name, number = shown.name or presented.name, shown.number or presented.number
    hides = "" if kind == "emergency" else await _hiding(book, call)
    return CallerId(
        name="".join(call.name_prefixes) + name if call.caller_name is None else call.caller_name,
        number="".join(call.number_prefixes) + number
        if call.caller_number is None
        else call.caller_number,
        hides=hides,
    )


async def _configured(book: Book, call: Call, kind: str) -> CallerId:
    """What the documents say that the caller is to be shown as."""
    device = await authorizing(book, call)
    chain = await chain_of(book, device)
    if device is None and (owner := await book.get("user", call.owner_id)):
        chain.append(owner)
    if book.account.document.get("prefer_device_caller_id") and device is not None:
        chain.append(device)
    kinds = ("emergency", "external") if kind == "emergency" else (kind,)
    shown: dict[str, str] = {}
    for part in ("name", "number"):
        found = (_own_emergency(device, part),) if kind == "emergency" else ()
        values = (*found, *(last_in(chain, "caller_id", each, part) for each in kinds))
        shown[part] = next((each for each in values if isinstance(each, str) and each), "")
    if kind == "internal":
        presence = last_in(chain, "presence_id")
        shown["number"] = shown["number"] or str(presence or "").partition("@")[0]
    shown["name"] = shown["name"] or name_of(chain)
    return CallerId(name=shown["name"], number=shown["number"])


def _own_emergency(device: Document | None, part: str) -> Any:
    return lookup(device, ("caller_id", "emergency", part))


def name_of(chain: list[Document]) -> str:
    """The name of the user of a device, else the device's."""
    for document in reversed(chain[1:]):
        person = f"{document.get('first_name', '')} {document.get('last_name', '')}".strip()
        if name := person or str(document.get("name") or ""):
            return name
    return ""


async def _hiding(book: Book, call: Call) -> str:
    if call.hides:
        return call.hides
    chain = await chain_of(book, await authorizing(book, call))
    wanted = last_in(chain, "caller_id_options", "outbound_privacy")
    return HIDING.get(str(wanted), "")


async def called(book: Book, call: Call, number: str) -> str:
    """Whom a caller means who dials a number: as plans make it, in E.164.

    The plans of the users, the phone and the account are one, in this order, and count once.
    """
    device = await book.get("device", call.transferor_id or call.device_id)
    plan: Document = {}
    for document in reversed(await chain_of(book, device)):
        own = lookup(document, ("dial_plan",))
        for pattern, rule in own.items() if isinstance(own, dict) else ():
            plan.setdefault(pattern, rule)
    return normalized(by_plan(plan, number))


async def why_denied(book: Book, number: str, device: Document | None) -> str:
    """Why a device may not call a number, in its final form, by its class; "" when it may."""
    chain = await chain_of(book, device)
    for who, document in (("account", chain[0]), ("device", device)):
        if lookup(document, ("services", "audio", "enabled")) is False:
            return f"the {who} may not call"
    name = book.class_of(number)
    account, *others = (lookup(each, ("call_restriction", name, "action")) for each in chain)
    if account == "deny":
        return f"the account may not call numbers of the class {name}"
    users = others[1:]
    if "deny" in users if len(users) < 2 else set(users) == {"deny"}:
        return f"the user may not call numbers of the class {name}"
    is_lent = bool(lookup(device, ("hotdesk", "users")))
    if "allow" not in users and not is_lent and others[:1] == ["deny"]:
        return f"the device may not call numbers of the class {name}"
    return ""


async def why_groups_are_closed(book: Book, call: Call, callee: list[str]) -> str:
    """Why a caller whose groups are closed may not call these users and devices."""
    device = await authorizing(book, call)
    chain = await chain_of(book, device)
    if last_in(chain, "call_restriction", "closed_groups", "action") != "deny":
        return ""
    own = {call.device_id, call.owner_id, *(each["_id"] for each in chain[1:])}
    for group in await book.listed("group"):
        members = set(group.get("endpoints") or ())
        if members & own and members & set(callee):
            return ""
    return "the caller may only call members of its own groups"
