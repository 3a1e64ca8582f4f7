"""Mails about new messages: to who owns the box, and to the addresses that it names."""

from __future__ import annotations

from crossbar.clock import moment
from crossbar.core.change import Change
from crossbar.core.jobs import asked
from crossbar.documents import Document
from crossbar.families.notifications import about_mail, user_facts
from crossbar.storage import Key

MAILED = "voicemail_mail"
"""The name of the job that sends such a mail, and puts the message where the box wants it then."""

AFTERWARDS = {"delete_after_notify": "deleted", "save_after_notify": "saved"}
"""By what a box says: the folder that a message goes to when its mail was taken."""


async def write_about(change: Change, box: Document) -> None:
    """Have those written to whom a message is for that enters a box."""
    metadata = change.document["metadata"]
    if metadata["folder"] != "new" or not change.actor.services.mail.is_available:
        return
    owner = await _owner(change, box)
    addresses = [*(box.get("notify_email_addresses") or ())]
    if owner.get("email") and owner.get("vm_to_email_enabled", True):
        addresses.insert(0, owner["email"])
    if not addresses:
        return
    received = moment(metadata["timestamp"], box.get("timezone"))
    about = {
        "box": box["mailbox"],
        "name": box.get("name"),
        "length": max(round(metadata["length"] / 1000), 1),
        "received": f"{received:%Y-%m-%d %H:%M}",
    }
    caller = {"name": metadata["caller_id_name"], "number": metadata["caller_id_number"]}
    place = (change.key.doc_type, change.key.doc_id)
    services = change.actor.services
    mail = about_mail(
        services,
        "voicemail_to_email",
        change.key.account_id,
        {"voicemail": about, "caller_id": caller, "user": user_facts(owner)},
        to=addresses,
        while_there=(place,),
        enclose=place if box.get("include_message_on_notify", True) else None,
    )
    then = next((folder for name, folder in AFTERWARDS.items() if box.get(name) is True), "")
    asks = {"mail": mail, "message_id": change.key.doc_id, "then": then}
    change.more.append(asked(services.clock, MAILED, asks))


async def _owner(change: Change, box: Document) -> Document:
    """The user whose box it is; empty if it is nobody's."""
    if not isinstance(box.get("owner_id"), str):
        return {}
    key = Key(change.key.account_id, "user", box["owner_id"])
    user = await change.actor.services.store.get(key)
    return {} if user is None or user.get("pvt_deleted") else user
