"""Ringing people: devices, users, groups."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from crossbar.documents import Document, lookup
from crossbar.switch.executor.finding import dialed, find, root_of
from crossbar.switch.executor.media import Dialed, Leg, Strategy
from crossbar.switch.executor.ringing import (
    Ring,
    after,
    dialing_of,
    each_once,
    legs_of,
    legs_of_device,
    legs_of_user,
    ring,
    ring_of,
    seconds,
)
from crossbar.switch.executor.step import Branch, End, Go, Next, Step, is_number

DEEPEST = 5
"""How many groups may be in each other."""

MOST_ROUNDS = 50
"""How often a ring group may be rung anew."""

FOR_GOOD = 66_269_664_000
"""Gregorian seconds until which who has left a ring group is not rung: the year 2100."""


async def device(step: Step) -> Next:
    """Rings one device, and where it forwards calls to."""
    legs = await legs_of_device(step, step.data.get("id"), ring_of(step))
    return await after(step, await ring(step, legs, dialing_of(step)))


async def user(step: Step) -> Next:
    """Rings all devices of a user."""
    legs = await legs_of_user(step, step.data.get("id"), ring_of(step))
    return await after(step, await ring(step, legs, dialing_of(step)))


async def ring_group(step: Step) -> Next:
    """Rings devices, users and groups: all at once, in order, or in an order drawn by weight.

    It does so ``repeats`` times.
    """
    dialing = dialing_of(step, ignores_forward=step.says("ignore_forward", True))
    strategy = step.text("strategy")
    if strategy == "weighted_random":
        dialing = replace(dialing, strategy=Strategy.SINGLE)
    dialed: Dialed | None = None
    for _ in range(min(max(int(step.number("repeats", 1)), 1), MOST_ROUNDS)):
        legs = await _legs_of_group(step, strategy)
        dialed = await ring(step, legs, dialing)
        then = await after(step, dialed)
        if dialed is None or dialed.answered or then != Go(why=_unanswered(dialed)):
            return then
    return await after(step, dialed)


def _unanswered(dialed: Dialed) -> str:
    return f"nobody has answered ({dialed.cause})"


async def group(step: Step) -> Next:
    """Rings the members of a group's document, after answering the call."""
    if step.data.get("endpoints"):
        return await ring_group(step)
    document = await step.book.get("group", step.data.get("id"))
    if document is None:
        return Go(why="there is no such group")
    settings = {**document, **{name: value for name, value in step.data.items() if value}}
    step.data = {**step.data, **{name: settings[name] for name in GROUP if name in settings}}
    await step.answer()
    members = members_of_group(document, ordered=False)
    legs = await _legs(
        step, sorted(members, key=lambda member: member["endpoint_type"] != "device")
    )
    dialing = dialing_of(step, ignores_forward=step.says("ignore_forward", True))
    return await after(step, await ring(step, legs, dialing))


GROUP = ("timeout", "strategy", "ignore_forward", "ringback")


async def _legs_of_group(step: Step, strategy: str) -> list[Leg]:
    members = await expanded(step, step.data.get("endpoints"), single=strategy != "simultaneous")
    if strategy == "weighted_random":
        members = _drawn(members)
    elif strategy == "simultaneous":
        members.sort(key=lambda member: seconds(member.get("delay"), 0))
    return each_once(await _legs(step, members))


async def _legs(step: Step, members: Iterable[Document], **changes: Any) -> list[Leg]:
    alert = lookup(step.data, ("ringtones", step.call.network), "") or step.call.alert
    legs: list[Leg] = []
    for member in members:
        how = Ring(
            delay=seconds(member.get("delay"), 0),
            timeout=seconds(member.get("timeout"), 20),
            is_direct=step.module == "group",
            alert=str(alert),
        )
        how = replace(how, **changes)
        if member["endpoint_type"] == "user":
            legs += await legs_of_user(step, member["id"], how)
        else:
            legs += await legs_of_device(step, member["id"], how)
    return legs


async def expanded(
    step: Step, endpoints: Any, *, single: bool, depth: int = DEEPEST
) -> list[Document]:
    """The users and devices that a list of members comes to; who has left for now is none."""
    members: list[Document] = []
    for each in endpoints if isinstance(endpoints, list) else ():
        member = await _known(step, each)
        if member is None or _is_away(step, member):
            continue
        if member["endpoint_type"] != "group":
            members.append(member)
        elif depth and (document := await step.book.get("group", member["id"])):
            inner = members_of_group(document, ordered=single, above=member)
            members += await expanded(step, inner, single=single, depth=depth - 1)
    return members


async def _known(step: Step, member: Any) -> Document | None:
    if isinstance(member, str):
        found = await step.book.get_any(member, "user", "device", "group")
        return {"id": member, "endpoint_type": found["pvt_type"]} if found else None
    if not isinstance(member, dict) or not isinstance(member.get("id"), str):
        return None
    return {"endpoint_type": "device", **member}


def _is_away(step: Step, member: Document) -> bool:
    until = member.get("disable_until")
    away = is_number(until) and until > step.book.clock.gregorian()
    if away:
        step.note(f"{member['id']} has left the group for now")
    return away


def members_of_group(
    document: Document, *, ordered: bool, above: Document | None = None
) -> list[Document]:
    """The members that a group's document names, by their weights where they are ``ordered``."""
    endpoints = document.get("endpoints") or {}
    members = [
        {**(above or {}), **facts, "id": doc_id, "endpoint_type": facts.get("type", "device")}
        for doc_id, facts in endpoints.items()
        if isinstance(facts, dict)
    ]
    if not ordered:
        return members
    weighted = [each for each in members if is_number(endpoints[each["id"]].get("weight"))]
    return sorted(weighted, key=lambda member: float(member["weight"]))


def _drawn(members: list[Document]) -> list[Document]:
    """The members in an order that is drawn: the heavier, the sooner."""
    left, drawn = list(members), []
    while left:
        weights = [min(max(seconds(each.get("weight"), 20), 1), 100) for each in left]
        [chosen] = random.choices(range(len(left)), weights)
        drawn.append(left.pop(chosen))
    return drawn


async def page_group(step: Step) -> Next:
    """Speaks to all members at once, whose phones answer by themselves."""
    members = await expanded(step, step.data.get("endpoints"), single=False)
    legs = await _legs(step, members, auto_answer=True, barges=step.says("barge_calls"))
    legs = [leg for leg in each_once(legs) if leg.auto_answer]
    if not legs:
        return Go(why="there is nobody to page")
    two_way = step.text("audio") == "two-way"
    if await step.media.page(legs, two_way=two_way, timeout=step.number("timeout", 5)):
        return await step.finish("the page is over")
    return Go(why="nobody was reached")


async def intercom(step: Step) -> Next:
    """Goes on to the callflow of the number that was dialed behind the code; phones answer
    by themselves.
    """
    if not step.call.capture:
        await step.tell("fault-can_not_be_completed_as_dialed")
        return End(why="no number follows the code")
    found = await find(step.book, dialed(step.book, step.call.capture))
    if found is None or found.is_no_match:
        return Go(why="the number has no callflow of its own")
    step.call.auto_answers, step.call.barges = True, step.says("barge_calls")
    return Branch(callflow=found.callflow, why=f"{step.call.capture} is called, hands free")


async def route_to_cid(step: Step) -> Next:
    """Rings whoever has the dialed number as caller id."""
    wanted = {step.call.dialed, dialed(step.book, step.call.dialed)}
    kinds = step.data.get("cid_types") or ["internal", "external", "emergency"]
    types = step.data.get("endpoint_types") or ["user", "device"]
    legs: list[Leg] = []
    for doc_type in ("user", "device"):
        for document in await step.book.listed(doc_type) if doc_type in types else ():
            numbers = {lookup(document, ("caller_id", each, "number")) for each in kinds}
            if not numbers & wanted:
                continue
            if doc_type == "user":
                legs += await legs_of_user(step, document["_id"], ring_of(step))
            else:
                legs += await legs_of(step, document, ring_of(step))
    return await after(step, await ring(step, each_once(legs), dialing_of(step)))


async def ring_group_toggle(step: Step) -> Next:
    """Makes the caller's user join the ring groups of a callflow, or leave them."""
    await step.answer()
    callflow = await step.book.get("callflow", step.data.get("callflow_id"))
    if callflow is None or not step.call.owner_id:
        await step.tell("agent-invalid_choice")
        return Go(why="there is no such callflow" if callflow is None else "nobody is the caller")
    until = FOR_GOOD if step.text("action") == "logout" else 0
    flow, count = _toggled(root_of(callflow), step.call.owner_id, until)
    if not count or not await step.book.change("callflows", callflow["_id"], {"flow": flow}):
        await step.tell("agent-invalid_choice")
        return Go(why="the caller is in none of its ring groups")
    await step.tell(*["agent-logged_out" if until else "agent-logged_in"] * count)
    return Go(why="the caller has left the group" if until else "the caller is in the group")


def _toggled(node: Document, user_id: str, until: int) -> tuple[Document, int]:
    """A flow in which the user is, or is not, rung by ring groups; in how many it was found."""
    count, data = 0, dict(node.get("data") or {})
    if node.get("module") == "ring_group":
        endpoints = []
        for each in data.get("endpoints") or ():
            is_own = each.get("id") == user_id and each.get("endpoint_type") == "user"
            endpoints.append({**each, "disable_until": until} if is_own else each)
            count += is_own
        data["endpoints"] = endpoints
    changed, children = {**node, "data": data}, {}
    for key, child in (node.get("children") or {}).items():
        children[key], found = _toggled(child, user_id, until)
        count += found
    return (changed | {"children": children} if children else changed), count
