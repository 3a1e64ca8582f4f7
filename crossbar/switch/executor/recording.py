"""Which calls are recorded because documents say so, and how; what becomes of what callers say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crossbar.documents import Document, lookup, merge
from crossbar.switch.executor.book import Book
from crossbar.switch.executor.call import Call
from crossbar.switch.executor.callers import authorizing, chain_of
from crossbar.switch.executor.heard import Recording
from crossbar.switch.executor.media import Taping
from crossbar.switch.executor.step import Step, is_number

LONGEST = 10_800
NETWORKS = {"external": "offnet", "internal": "onnet"}


async def keep_recording(step: Step, recording: Recording) -> str:
    """Keep what a caller has said as media of the account; the id, "" if it was refused."""
    name = f"recording of {step.call.from_number or 'a caller'}"[:128]
    media = {"name": name, "description": name, "media_source": "recording", "streamable": True}
    return await step.book.keep(media, step.media.audio(recording))


def taping(settings: Document, label: str, *, on_demand: bool = False) -> Taping:
    """How settings say to record; ``on_demand``: whether somebody in the call asked for it."""

    def text(name: str, default: str = "") -> str:
        value = settings.get(name)
        return value if isinstance(value, str) and value else default

    def whole(name: str, default: int) -> int:
        value = settings.get(name)
        return int(value) if is_number(value) else default

    return Taping(
        label=text("label", text("origin", label)),
        media_name=text("media_name"),
        format=text("format", "mp3"),
        url=text("url"),
        method=text("method", "put"),
        time_limit=min(max(whole("time_limit", 3600), 1), LONGEST),
        record_min_sec=whole("record_min_sec", 0),
        on_answer=settings.get("record_on_answer") is True,
        on_bridge=settings.get("record_on_bridge") is True,
        follows_transfer=settings.get("should_follow_transfer") is not False,
        on_demand=on_demand,
    )


def _wanted(settings: Any, direction: str, network: str) -> Document | None:
    """The settings for a direction and a network, where they are switched on."""
    for way in (direction, "any"):
        for net in (network, "any"):
            found = lookup(settings, (way, net))
            if isinstance(found, dict) and "enabled" in found:
                return found if found["enabled"] is True else None
    return None


def taping_of_leg(call: Call, endpoint: Document) -> Taping | None:
    """How the leg of a called endpoint is recorded, if it is to be."""
    network = NETWORKS[call.network]
    found = _wanted(endpoint.get("call_recording"), "inbound", network)
    return taping(found, f"inbound from {network} to endpoint") if found else None


def recording_of(chain: Sequence[Document]) -> Document:
    """What an account, a device and its users say of recording: the device overrules its users."""
    account, device, *users = chain
    together: Document = {}
    for settings in (
        lookup(account, ("call_recording", "endpoint")),
        *(user.get("call_recording") for user in users),
        device.get("call_recording"),
    ):
        if isinstance(settings, dict):
            together = merge(together, settings)
    return together


async def tapings_of_call(book: Book, call: Call) -> list[Taping]:
    """How the call is recorded from its beginning: for the account, for the phone that calls."""
    source = NETWORKS[call.network]
    target = "offnet" if call.is_no_match else "onnet"
    settings = lookup(book.account.document, ("call_recording", "account"))
    wanted = []
    if found := _wanted(settings, "inbound", source):
        wanted.append(taping(found, f"inbound from {source} to account"))
    elif found := _wanted(settings, "outbound", target):
        wanted.append(taping(found, f"outbound to {target} from account"))
    device = await authorizing(book, call)
    if device is not None and not call.is_forwarded:
        own = recording_of(await chain_of(book, device))
        found = _wanted(own, "outbound", target)
        if found:
            wanted.append(taping(found, f"outbound to {target} from endpoint"))
    return wanted
