"""Faxes that come in."""

from __future__ import annotations

from crossbar.documents import Document, lookup
from crossbar.switch.executor.step import Go, Leave, Next, Step

LISTENS = 5


async def fax_detect(step: Step) -> Next:
    """Goes to ``ON_FAX`` where the caller is a fax machine, else to ``ON_VOICE``."""
    seconds = step.number("duration", LISTENS) or LISTENS
    await step.answer()
    if await step.media.detect_fax(seconds):
        return Go(key="ON_FAX", why="the caller is a fax machine")
    return Go(key="ON_VOICE", why="the caller is no fax machine")


async def faxbox(step: Step) -> Next:
    """Receives a fax into a faxbox."""
    doc_id = step.data.get("faxbox_id") or step.data.get("id")
    box = await step.book.get("faxbox", doc_id)
    return await _receive(step, box, lookup(box, ("owner_id",)))


async def receive_fax(step: Step) -> Next:
    """Receives a fax for a user."""
    return await _receive(step, None, step.data.get("owner_id"))


async def _receive(step: Step, box: Document | None, owner_id: object) -> Next:
    """Receives, by the settings of the box, else by those of the user, else by the account's."""
    owner = await step.book.get("user", owner_id)
    settings = box or lookup(owner, ("fax",)) or lookup(step.book.account.document, ("fax",)) or {}
    wanted = (step.data, settings)
    options = (lookup(each, ("media", "fax_option")) for each in wanted)
    option = next((each for each in options if each is not None), None)
    ids = {"faxbox_id": lookup(box, ("_id",)), "owner_id": lookup(owner, ("_id",))}
    await step.answer()
    faxed = await step.media.receive_fax(
        {
            **{name: value for name, value in ids.items() if value},
            "identity": _text(settings, "fax_identity", "caller_id") or step.call.dialed,
            "header": _text(settings, "fax_header") or step.book.account.name,
            "t38": "auto" if option is None else str(option).lower(),
        }
    )
    await step.media.hang_up()
    pages = f"{faxed.pages} pages" if faxed.ok else "nothing"
    return Leave(why=f"{pages} came by fax")


def _text(settings: Document, *names: str) -> str:
    """The first of these settings that is there."""
    found = (settings.get(name) for name in names)
    return next((each for each in found if isinstance(each, str) and each), "")
