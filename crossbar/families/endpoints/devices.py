"""Devices: phones and their SIP credentials."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import partial
from typing import Any

from crossbar.core.answers import ROWS
from crossbar.core.change import Change
from crossbar.core.placing import Placing
from crossbar.core.reading import list_span
from crossbar.core.recipes import list_documents
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import (
    FLAGS,
    Collection,
    Hooks,
    Index,
    Nesting,
    Powers,
    Route,
    Scope,
    Unique,
    defaulted,
    field_index,
    renamed,
)
from crossbar.core.summaries import summarizer
from crossbar.documents import Document, lookup
from crossbar.families.accounts import DEVICE_PLACE_TYPE
from crossbar.families.billing import billed, billed_as, freed
from crossbar.families.endpoints.acls import is_listed
from crossbar.families.endpoints.reactions import note_sync, tell_of_device
from crossbar.families.numbers import MOBILE, Carrying
from crossbar.numbers import normalize_emergency_number, normalized
from crossbar.storage import Entry, Span

SIP_METHODS = ["password", "ip"]
IP_TAKEN = "SIP IP already in use"

_NOT_HEX = re.compile(r"[^0-9a-f]")


def _sip_usernames(document: Document) -> Iterable[str]:
    username = lookup(document, ("sip", "username"))
    return (username.lower(),) if isinstance(username, str) and username else ()


def _sip_addresses_of_record(document: Document) -> Iterable[str]:
    """``user@realm`` where a device overrides the realm: such addresses are the system's."""
    realm = lookup(document, ("sip", "realm"))
    if not isinstance(realm, str):
        return ()
    return (f"{username}@{realm.lower()}" for username in _sip_usernames(document))


def _sip_ips(document: Document) -> Iterable[str]:
    sip = document.get("sip", {})
    return (sip["ip"],) if sip.get("method") == "ip" and isinstance(sip.get("ip"), str) else ()


def _macs(document: Document) -> Iterable[str]:
    mac = document.get("mac_address")
    return (mac,) if isinstance(mac, str) and mac else ()


def _mdns(document: Document) -> Iterable[str]:
    mdn = lookup(document, ("mobile", "mdn"))
    return (normalized(mdn),) if isinstance(mdn, str) and mdn else ()


def hotdesking(document: Document) -> Iterable[str]:
    """Whoever is logged in at the device."""
    users: Document = lookup(document, ("hotdesk", "users"), {})
    return users.keys()


def _users(document: Document) -> Iterable[str]:
    """The owner, and whoever is logged in at the device."""
    return (user_id for user_id in (document.get("owner_id"), *hotdesking(document)) if user_id)


def _type(document: Document) -> str:
    """What a device is billed as."""
    return str(document.get("device_type") or "sip_device")


async def normalize(change: Change) -> None:
    """One spelling for addresses and numbers; what only repeats a default is dropped."""
    document = change.document
    note_sync(change)
    if isinstance(document.get("mac_address"), str):
        document["mac_address"] = _NOT_HEX.sub("", document["mac_address"].lower())
    normalize_emergency_number(document)
    sip = document.get("sip")
    realm = change.actor.require_account().realm
    if isinstance(sip, dict) and str(sip.get("realm", "")).lower() == realm.lower():
        sip.pop("realm", None)
    _trim_flags(document)
    _prune_keys(document)


def _trim_flags(document: Document) -> None:
    flags = document.get("outbound_flags")
    if isinstance(flags, dict):
        document["outbound_flags"] = {name: _trimmed(kind) for name, kind in flags.items()}
    elif flags is not None:
        document["outbound_flags"] = _trimmed(flags)


def _trimmed(flags: Any) -> Any:
    if not isinstance(flags, list):
        return flags
    return [flag.strip() if isinstance(flag, str) else flag for flag in flags]


def _prune_keys(document: Document) -> None:
    """Phones send ``null`` for a key that was emptied."""
    provision = document.get("provision")
    if not isinstance(provision, dict):
        return
    for name in ("combo_keys", "feature_keys"):
        keys = provision.get(name)
        if isinstance(keys, dict):
            provision[name] = {at: key for at, key in keys.items() if key is not None}


async def check_sip(change: Change) -> None:
    """A device that is known by its address needs a usable one, that is not the system's."""
    sip = change.value("sip")
    if not isinstance(sip, dict) or sip.get("method") != "ip":
        return
    try:
        address = ipaddress.IPv4Address(sip.get("ip", ""))
    except ValueError:
        change.refusals.add(
            "sip.ip", "type", "Must be a valid IPv4 RFC 791", value=sip.get("ip"), target="ipv4"
        )
        return
    if await is_listed(change.actor, address, change.key.doc_id):
        change.refusals.add("sip.ip", "unique", IP_TAKEN, cause=sip["ip"])


PLACES = Placing(doc_type="device", place_type=DEVICE_PLACE_TYPE)
"""How switches find the devices of all accounts that are known by their addresses."""


async def note_place(change: Change) -> None:
    """Have switches find the device as long as it is known by its address."""
    was, now = any(_sip_ips(change.current or {})), any(_sip_ips(change.document))
    if now and not was:
        PLACES.add(change)
    elif was and not now:
        PLACES.drop(change)


async def forget_place(change: Change) -> None:
    """Nobody finds it any more."""
    if any(_sip_ips(change.current or {})):
        PLACES.drop(change)


async def make_known(change: Change) -> None:
    """Have a device be found that an earlier version has stored."""
    if any(_sip_ips(change.document)):
        await PLACES.make_known(change)


async def check_type(change: Change) -> None:
    """Only the system's operators change what kind of device it is; a mobile needs its number."""
    caller = change.actor.caller
    is_operator = caller is not None and caller.is_operator
    before = (change.current or {}).get("device_type") or "sip_device"
    now = change.value("device_type") or "sip_device"
    if change.current is not None and now != before and not is_operator:
        change.refusals.add("device_type", "invalid", "Device type cannot be changed", cause=now)
    if now != "mobile":
        return
    mdn = lookup(change.document, ("mobile", "mdn"))
    stored = lookup(change.current or {}, ("mobile", "mdn"))
    if not mdn:
        change.refusals.add("mobile.mdn", "required", "Field is required but missing")
    elif not isinstance(mdn, str):
        message = "Value did not match type(s): string"
        change.refusals.add("mobile.mdn", "type", message, target="string", value=mdn)
    elif stored and stored != mdn:
        change.refusals.add("mobile.mdn", "invalid", "The mobile number cannot be changed")


def _mobile_numbers(document: Document) -> Iterable[str]:
    """The number of a mobile device; of others it is a note."""
    return _mdns(document) if document.get("device_type") == "mobile" else ()


CARRYING = Carrying(kind=MOBILE, numbers_of=_mobile_numbers, registers=True)


async def list_devices(request: Request) -> Result:
    """The account's devices; below a user, those it owns and those where it is logged in."""
    if request.query.full_docs or request.operation.parent is None:
        return await list_documents(request)
    user_id = request.ids["user_id"]
    span = Span(account_id=request.account_id, doc_type="device", entry=Entry("user", user_id))
    return await list_span(request, span, partial(_row_for, user_id))


_owner_row = summarizer(
    (
        "name",
        defaulted("mac_address", ""),
        "owner_id",
        "enabled",
        defaulted("device_type", "sip_device"),
        "call_recording",
    )
)


def _row_for(user_id: str, device: Document) -> Document:
    return {**_owner_row(device), "hotdesked": device.get("owner_id") != user_id}


DEVICES = Collection(
    noun="devices",
    doc_type="device",
    schema="devices",
    summary=(
        "name",
        renamed("username", "sip.username"),
        defaulted("mac_address", ""),
        "owner_id",
        "enabled",
        defaulted("device_type", "sip_device"),
        "mobile",
        "call_recording",
        FLAGS,
    ),
    unique=(
        Unique(path="mac_address", values=_macs, message="MAC address already in use"),
        Unique(
            path="sip.username",
            values=_sip_usernames,
            message="SIP credentials already in use",
            space="sip.username",
        ),
        Unique(
            path="sip.username",
            values=_sip_addresses_of_record,
            message="SIP credentials already in use",
            space="sip.address_of_record",
            within=Scope.SYSTEM,
        ),
        Unique(
            path="sip.ip",
            values=_sip_ips,
            message=IP_TAKEN,
            within=Scope.SYSTEM,
        ),
        Unique(
            path="mobile.mdn",
            values=_mdns,
            message="Mobile number already in use",
            within=Scope.SYSTEM,
        ),
    ),
    indexes=(
        Index(name="user", values=_users),
        Index(name="hotdesk", values=hotdesking),
        billed_as("devices", _type),
        *map(field_index, ("owner_id", "device_type", "mac_address", "sip.username")),
    ),
    nested=(Nesting(noun="users", doc_type="user", index="user"),),
    hooks=Hooks(
        normalize=(normalize,),
        check=(check_sip, check_type),
        prepare=(CARRYING.index_numbers, note_place, billed("devices", _type)),
        deleting=(CARRYING.forget_numbers, forget_place, freed("devices", _type)),
        reindexed=(CARRYING.make_known, make_known),
        committed=(tell_of_device,),
    ),
    powers=Powers(
        fields=("access_lists",), own=("sip",), secrets=("sip.password",), owner="owner_id"
    ),
    routes=(
        Route(
            path="", action=Action.LIST, handler=list_devices, about="List devices", answers=ROWS
        ),
    ),
)
