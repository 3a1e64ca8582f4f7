"""What the switch is told when users and devices change."""

from __future__ import annotations

from crossbar.core.change import Change, Note
from crossbar.core.ports import Command
from crossbar.documents import Document, lookup
from crossbar.families.endpoints.endpoints import address_of, devices_of, tell_devices

SYNC: Note[bool] = Note(False)
"""Whether the devices are to fetch their settings anew."""

MATTERS_TO_PHONES = (("presence_id",), ("media", "encryption", "enforce_security"))
"""Fields of a user that the switch remembers with the user's devices."""


def note_sync(change: Change) -> None:
    """Take ``sync`` out of what was sent: it is for now, not to be stored."""
    if change.document.pop("sync", None) is True:
        SYNC.leave(change, True)


async def tell_of_user(change: Change) -> None:
    """After a change of a user: the devices fetch their settings anew, or are looked up anew."""
    if change.current is None or change.document == {}:
        return
    actor, user_id = change.actor, change.key.doc_id
    if SYNC.found(change):
        await tell_devices(actor, "devices.sync", await devices_of(actor, user_id))
    if any(lookup(change.current, at) != lookup(change.document, at) for at in MATTERS_TO_PHONES):
        facts: Document = {"owner_id": user_id}
        await actor.services.switch.tell(Command("devices.flush", actor.account_id, facts))


async def tell_of_device(change: Change) -> None:
    """After any write of a device: the switch looks it up anew; on request it syncs."""
    device = change.document or change.current or {}
    await tell_devices(change.actor, "devices.flush", [device])
    if change.current and _is_renamed(change, device):
        await tell_devices(change.actor, "devices.flush", [change.current])
    if change.current and SYNC.found(change):
        await tell_devices(change.actor, "devices.sync", [device])


def _is_renamed(change: Change, device: Document) -> bool:
    """Whether the switch knows the device under another address."""
    before = address_of(change.actor, change.current or {})
    return before != address_of(change.actor, device)
