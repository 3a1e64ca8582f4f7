"""Endpoints: the devices behind an id, as the switch is told of them.

Families that make telephones ring or tell them something find them here. No secret is ever part
of what the switch is told: it has its own way to them.
"""

from __future__ import annotations

from collections.abc import Iterable

from crossbar.core.ports import Command
from crossbar.core.requests import Actor
from crossbar.documents import Document, lookup
from crossbar.storage import Entry, Span

REACHABLE_BY = ("username", "ip", "route", "static_route")
"""Fields of ``sip``, any of which says how a device is reached."""


async def devices_of(actor: Actor, user_id: str) -> list[Document]:
    """The devices that the user owns or is logged in at."""
    entry = Entry("user", user_id)
    span = Span(account_id=actor.account_id, doc_type="device", entry=entry)
    return [row.document async for row in actor.services.store.scan(span)]


async def devices_behind(actor: Actor, endpoint: Document) -> list[Document]:
    """The device itself, or those of the user."""
    if endpoint["pvt_type"] == "user":
        return await devices_of(actor, endpoint["_id"])
    return [endpoint]


def usable(devices: Iterable[Document]) -> list[Document]:
    """Those devices that are switched on and can be reached somehow."""
    return [
        device
        for device in devices
        if device.get("enabled", True)
        and any(lookup(device, ("sip", name)) for name in REACHABLE_BY)
    ]


def address_of(actor: Actor, device: Document) -> Document:
    """Which device is meant and how the switch knows it."""
    sip = device.get("sip") or {}
    facts = {
        "device_id": device["_id"],
        "username": sip.get("username"),
        "realm": sip.get("realm") or actor.require_account().realm,
    }
    return {name: value for name, value in facts.items() if value}


async def tell_devices(actor: Actor, name: str, devices: Iterable[Document]) -> None:
    """Tell the switch the same of every device."""
    for device in devices:
        facts = address_of(actor, device)
        await actor.services.switch.tell(Command(name, actor.account_id, facts))
