"""Telling people that a telephone is not registered any more."""

from __future__ import annotations

from crossbar.core.jobs import Kind
from crossbar.core.live import REGISTRATION, alive
from crossbar.core.services import Services
from crossbar.documents import Document, lookup
from crossbar.families.notifications import asked_for
from crossbar.storage import Batch, Entry, Key, Put


async def _tell(services: Services, about: Document) -> None:
    """Have mails written about devices, unless they are registered anew or nobody wants to know.

    Of one that was registered several times, as by several contacts, it is one mail.
    """
    ended = {(each["account_id"], each["device_id"]) for each in about["ended"]}
    puts: list[Put] = []
    for account_id, device_id in sorted(each for each in ended if each[1]):
        puts += await _mail(services, account_id, device_id)
    await services.commit(Batch(puts=puts))


async def _mail(services: Services, account_id: str, device_id: str) -> list[Put]:
    device = await services.store.get(Key(account_id, "device", device_id))
    if device is None or device.get("pvt_deleted"):
        return []
    if device.get("suppress_unregister_notifications") is True:
        return []
    async for _ in alive(services, REGISTRATION, account_id, Entry("device", device_id)):
        return []
    username = lookup(device, ("sip", "username"))
    facts = {"device": {"name": device.get("name"), "username": username}}
    there = (("device", device_id),)
    return asked_for(services, "deregister", account_id, facts, while_there=there)


DEREGISTERED = Kind(name=REGISTRATION.mails_by, run=_tell)
