"""What is done with calls that ran while nobody listened to Asterisk, because we were replaced.

Two phones that talk go on talking. A call whose flow was under way is ended: nobody knows where in
its flow it was. Calls that are over meanwhile get their records.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

import structlog

from crossbar.core.live import CHANNEL, find_alive, span_of_live
from crossbar.documents import Document, lookup
from crossbar.families.endpoints import place_of_server, server_id
from crossbar.switch.acd import Running, open_calls, restore_calls
from crossbar.switch.asterisk.carrier_rows import is_carriers
from crossbar.switch.asterisk.exchange import LOST, Exchange
from crossbar.switch.asterisk.files import DEVICE_VARIABLE
from crossbar.switch.asterisk.hearing import EARLY
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.phones import CARRIED, CLICKTOCALL, Party
from crossbar.switch.asterisk.talking import Talk
from crossbar.switch.executor import HungUp, TakenOver
from crossbar.switch.leases import MEDIA_SERVER

log = structlog.get_logger(__name__)

LOCAL = "Local/"
"""What the names of legs begin with that are the ends of calls to numbers."""


async def take_over(exchange: Exchange) -> None:
    """Take over the calls that run, and close those that do not any more."""
    channels = {each["id"]: each for each in await exchange.ari.get("channels")}
    conversations = await _conversations(exchange)
    partners = _partners(conversations)
    calls = await _calls_of_queues(exchange)
    waiting = {each["call_id"]: each for each in calls if each["status"] == "waiting"}
    known = set(exchange.lines)
    for channel_id, channel in channels.items():
        if channel_id in known:
            continue
        party = _party_of(channel)
        other = partners.get(channel_id, "")
        if party is None or not (other or channel_id in waiting):
            await exchange.ari.delete("channels", channel_id)
        if party is not None:
            stored = await find_alive(exchange.services, CHANNEL, party.account_id, channel_id)
            line = exchange.adopt(channel_id, _known(party, stored), like=None)
            # Of the far end of a call to a number nobody was told.
            line.is_told = bool(stored) or not channel["name"].startswith(LOCAL)
            line.restore(stored or {}, other)
            if not (other or channel_id in waiting):  # whom it talked with has gone meanwhile
                line.ended_at(exchange.seen.at)
            log.info("call_adopted", call_id=channel_id, is_talking=bool(other))
    adopted = {name: line for name, line in exchange.lines.items() if name not in known}
    _join_ends(adopted, channels)
    for bridge, both in conversations.items():
        if adopted.keys() >= set(both):
            _talk_on(exchange, bridge, [adopted[each] for each in both])
    await _close(exchange, channels)
    await _go_on(exchange, calls, waiting)


async def _conversations(exchange: Exchange) -> dict[str, list[str]]:
    """The legs of two that talk with each other, by their bridge; what is only heard before
    somebody answers ends."""
    found: dict[str, list[str]] = {}
    for each in await exchange.ari.get("bridges"):
        if each["id"].startswith(EARLY):
            await exchange.ari.delete("bridges", each["id"])
        elif len(each["channels"]) == 2:
            found[each["id"]] = each["channels"]
    return found


def _join_ends(lines: Mapping[str, Line], channels: Mapping[str, Document]) -> None:
    """Have both ends of a call to a number know of each other again: their names differ at the
    end alone."""
    ends: defaultdict[str, list[Line]] = defaultdict(list)
    for channel_id, line in lines.items():
        name = str(channels[channel_id]["name"])
        if name.startswith(LOCAL):
            ends[name.partition(";")[0]].append(line)
    for both in ends.values():
        if len(both) == 2:
            both[0].twin, both[1].twin = both[1], both[0]


def _talk_on(exchange: Exchange, bridge: str, lines: list[Line]) -> None:
    """Have two that talk be looked after again; who called comes first."""
    caller, other = sorted(lines, key=lambda each: not each.is_inbound)
    caller.is_free.clear()
    exchange.begin(_look_after(exchange, Talk(exchange, caller, other, bridge)))


async def _look_after(exchange: Exchange, talk: Talk) -> None:
    try:
        await talk.go_on()
    except (HungUp, TakenOver):
        pass
    finally:
        talk.line.is_free.set()
    if not talk.line.taken_over:
        await exchange.hang_up(talk.line)


async def _calls_of_queues(exchange: Exchange) -> list[Document]:
    """The calls in queues that are to be taken over: once, when there are no others yet."""
    if exchange.distributor.is_settled:
        return []
    return await open_calls(exchange.services, exchange.teller.source)


async def _go_on(
    exchange: Exchange, calls: list[Document], waiting: Mapping[str, Document]
) -> None:
    """Have agents go on with what they did, and those wait who waited, the first first."""
    if exchange.distributor.is_settled:
        return
    running = {
        line.channel_id: Running(line.account_id, line.party.owner_id, line.other)
        for line in exchange.lines.values()
        if line.other or line.channel_id in waiting
    }
    await restore_calls(exchange.services, exchange.distributor, calls, running)
    for call_id, call in waiting.items():
        if call_id in running and not running[call_id].other:
            exchange.run_flow(exchange.lines[call_id], call)


def _partners(conversations: Mapping[str, list[str]]) -> Mapping[str, str]:
    """Who talks with whom."""
    pairs = conversations.values()
    return {one: two for pair in pairs for one, two in (pair, pair[::-1])}


def _party_of(channel: Document) -> Party | None:
    name = str(channel.get("channelvars", {}).get(DEVICE_VARIABLE, ""))
    account_id, _, device_id = name.partition(".")
    if not device_id or is_carriers(name):  # whose it is was not found out yet
        return None
    if device_id == CARRIED:
        return Party(account_id=account_id, realm="")
    if place_of_server(device_id):
        return Party(account_id=account_id, realm="", server_id=device_id)
    return Party(account_id=account_id, realm="", device_id=device_id)


def _known(party: Party, stored: Document | None) -> Party:
    """The same, with what the gateway knows of the leg."""
    facts = stored or {}
    variables = facts.get("custom_channel_vars") or {}
    is_buttons = variables.get("authorizing_type") == CLICKTOCALL
    is_others = variables.get("global_resource") == "false"
    return replace(
        party,
        resource_id=str(variables.get("resource_id", "")),
        resource_of=party.account_id if is_others else "",
        realm=str(facts.get("to", "")).rpartition("@")[2],
        username=str(facts.get("username", "")),
        owner_id=str(facts.get("owner_id", "")),
        button_id=str(variables["authorizing_id"]) if is_buttons else "",
    )


async def _close(exchange: Exchange, running: Mapping[str, Document]) -> None:
    """Tell the end of calls that the gateway takes for running and that are not.

    They were over some time after we were last there: it counts as then, as nobody knows better
    and nobody shall pay for it.
    """
    services, ours = exchange.services, exchange.teller.source
    gone = []
    async for row in services.store.scan(span_of_live(services.clock, CHANNEL)):
        stored = row.document
        is_ours = lookup(stored, ("custom_channel_vars", MEDIA_SERVER)) == ours
        if is_ours and stored["uuid"] not in running and stored["uuid"] not in exchange.lines:
            gone.append(stored)
    for stored in gone:
        by, account_id = str(stored.get("authorizing_id", "")), stored["pvt_account_id"]
        if stored.get("authorizing_type") == "sys_info":
            party = Party(account_id=account_id, realm="", server_id=server_id(by, 0))
        else:
            party = Party(account_id=account_id, realm="", device_id=by)
        line = exchange.adopt(stored["uuid"], _known(party, stored), like=None)
        line.restore(stored, "")
        exchange.forget(line, LOST, at=exchange.seen.at)
