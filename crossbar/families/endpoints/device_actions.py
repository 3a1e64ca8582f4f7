"""What devices are asked to do and asked about: notify, sync, status."""

from __future__ import annotations

from crossbar.core.answers import TEXT, YES_OR_NO, Answers, rows
from crossbar.core.commands import asked_of
from crossbar.core.live import REGISTRATION, alive
from crossbar.core.ports import Command
from crossbar.core.reading import load
from crossbar.core.recipes import valid
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Route
from crossbar.documents import Document
from crossbar.errors import BadRequest
from crossbar.families.endpoints.endpoints import address_of, tell_devices
from crossbar.storage import Claim


async def act(request: Request) -> Result:
    """``notify``: send the device a SIP NOTIFY. There is no other action."""
    device = await load(request)
    action = asked_of(request).action
    if action is None:
        raise BadRequest("action required", code="action required")
    if action != "notify":
        raise BadRequest("invalid action", code="invalid action")
    sent = await valid(request.actor, "devices_notify", request.data)
    facts = {**address_of(request.actor, device), **sent["data"]}
    await request.services.switch.tell(Command("devices.notify", request.account_id, facts))
    return Result(data="NOTIFY sent")


async def sync(request: Request) -> Result:
    """Ask the device to fetch its settings anew."""
    await tell_devices(request.actor, "devices.sync", [await load(request)])
    return Result(data="sync request sent")


async def status(request: Request) -> Result:
    """The devices that are registered, as switches have told or a registrar answers."""
    account_id, services = request.account_id, request.services
    known = [each async for each in alive(services, REGISTRATION, account_id)]
    realm = request.require_account().realm
    command = Command("devices.registrations", account_id, {"realm": realm})
    names = {
        username.lower(): None
        for registration in (*known, *await services.switch.ask(command))
        if isinstance(username := registration.get("username"), str)
    }
    claims = [Claim("sip.username", request.account_id, name) for name in names]
    holders = await request.services.store.holders(claims) if claims else {}
    rows: list[Document] = [
        {"device_id": holders[claim].doc_id, "registered": True}
        for claim in claims
        if claim in holders
    ]
    return Result(data=rows)


DEVICE_ROUTES = (
    Route(
        path="{device_id}",
        action=Action.CREATE,
        handler=act,
        about="Send a SIP NOTIFY to the device",
        schema="devices_notify",
        answers=Answers(TEXT),
    ),
    Route(
        path="{device_id}/sync",
        action=Action.REPLACE,
        handler=sync,
        about="Ask the device to fetch its settings",
        answers=Answers(TEXT),
    ),
    Route(
        path="status",
        action=Action.LIST,
        handler=status,
        about="List registered devices",
        answers=Answers(rows(device_id=TEXT, registered=YES_OR_NO)),
    ),
)
