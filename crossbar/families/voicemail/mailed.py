"""What becomes of a message when the mail about it was taken."""

from __future__ import annotations

from crossbar.core.change import Change
from crossbar.core.jobs import Kind
from crossbar.core.requests import Actor
from crossbar.core.services import Services
from crossbar.core.writing import in_turn, save
from crossbar.documents import Document
from crossbar.families.notifications import write
from crossbar.families.voicemail.mails import MAILED
from crossbar.families.voicemail.messages import MESSAGE_TYPE, MESSAGES
from crossbar.storage import Key


async def _send(services: Services, about: Document) -> None:
    """Send the mail, then put the message into the folder that its box wants."""
    account_id = about["mail"]["account_id"]
    if not await write(services, about["mail"]) or not about["then"]:
        return
    account = await services.accounts.get(account_id)
    actor = Actor(services=services, account_id=account_id, account=account, request_id=MAILED)
    key = Key(account_id, MESSAGE_TYPE, about["message_id"])

    async def attempt() -> None:
        stored = await services.store.get(key)
        # Who has listened to it meanwhile has put it where it is.
        if stored is None or stored.get("pvt_deleted") or stored["metadata"]["folder"] != "new":
            return
        metadata = {**stored["metadata"], "folder": about["then"]}
        change = Change(actor=actor, family=MESSAGES, key=key, document=metadata, current=stored)
        await save(change, "changed")

    await in_turn(actor, key, attempt)


VOICEMAIL_MAIL = Kind(name=MAILED, run=_send)
