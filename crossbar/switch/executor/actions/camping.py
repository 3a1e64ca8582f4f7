"""Waiting for a phone that is in a call."""

from __future__ import annotations

from crossbar.core.ports import Command
from crossbar.documents import Document
from crossbar.switch.executor.actions.pickups import devices_of_any
from crossbar.switch.executor.finding import Found, dialed, find, root_of
from crossbar.switch.executor.step import Branch, End, Next, Step, is_number

CAMP = "camping.wait"
"""What the switch is told: to wait until devices are free, and to call back then."""

MINUTES, MOST_MINUTES = 15, 240
"""For how long it is waited for a phone, unless the configuration says so, and at most."""

RING_SECONDS = 30


async def camping_feature(step: Step) -> Next:
    """Calls the extension that was dialed behind the code; if it is in a call, the caller is
    called back when that is over.
    """
    await step.answer()
    capture = step.call.capture
    found = await find(step.book, dialed(step.book, capture)) if capture else None
    devices = await _devices(step, found)
    if found is None or not devices or not step.call.device_id:
        await step.tell("camper-deny")
        return End(why=f"{capture or 'nothing'} is nobody's phone, or the caller has none")
    ids = [each["_id"] for each in devices]
    if not await step.media.channels(ids):
        return Branch(callflow=found.callflow, why=f"{capture} is in no call")
    await step.book.order(
        Command(CAMP, step.book.account_id, await _order(step, capture, ids)),
    )
    await step.tell("camper-queue")
    return End(why=f"the caller is called back when {capture} is free")


async def _devices(step: Step, found: Found | None) -> list[Document]:
    """The devices of an extension; none of anything else."""
    root = root_of(found.callflow) if found and not found.is_no_match else {}
    if root.get("module") not in ("device", "user"):
        return []
    return await devices_of_any(step, [str((root.get("data") or {}).get("id"))])


async def _order(step: Step, number: str, device_ids: list[str]) -> Document:
    """As of a quickcall, and for whom is waited."""
    minutes = (await step.book.config("camper")).get("timeout")
    minutes = min(minutes if is_number(minutes) else MINUTES, MOST_MINUTES)
    return {
        "application_data": {"route": number},
        "endpoints": [{"endpoint_id": step.call.device_id}],
        "outbound_caller_id_name": "Call back",
        "outbound_caller_id_number": number,
        "timeout": RING_SECONDS,
        "device_ids": device_ids,
        "seconds": minutes * 60,
    }
