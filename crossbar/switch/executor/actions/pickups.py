"""Taking calls that ring, or run, at other phones, and listening to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from crossbar.documents import Document, lookup
from crossbar.families.endpoints import DEVICES
from crossbar.switch.executor.callers import authorizing, users_of
from crossbar.switch.executor.finding import dialed, find, root_of
from crossbar.switch.executor.media import Channel
from crossbar.switch.executor.step import DEFAULT, End, Next, Step

APPROVED = ("approved_device_id", "approved_user_id", "approved_group_id")
RINGING = ("ring_group", "page_group")


async def group_pickup(step: Step) -> Next:
    """Takes a call that rings at a device, a user's devices or those of a group."""
    if not await _may(step):
        await step.tell("pickup-no_channels")
        return End(why="the caller may not pick up here")
    return await _pick_up(step, await _targets(step))


async def group_pickup_feature(step: Step) -> Next:
    """Takes a call that rings at the extension that was dialed behind the code."""
    if not await _may(step):
        await step.tell("park-no_caller")
        return End(why="the caller may not pick up here")
    devices = await _dialed(step, first_only=True)
    if devices is None:
        await step.tell("park-no_caller")
        return End(why=f"{step.call.capture or 'nothing'} is nobody's")
    return await _pick_up(step, devices)


async def intercept(step: Step) -> Next:
    """Takes a call from another phone, also one that is answered."""
    devices = await _targets(step)
    if not await _may_intercept(step, devices):
        await step.tell("intercept-no_channels")
        return End(why="the caller may not take this call")
    return await _take(step, devices, "intercept-no_users", "intercept-no_channels")


async def intercept_feature(step: Step) -> Next:
    """Takes a call from the phone that was dialed behind the code."""
    devices = await _dialed(step, first_only=True)
    if devices is None or not await _may_intercept(step, devices):
        await step.tell("park-no_caller")
        return End(why="there is no such phone, or the caller may not take its calls")
    return await _take(step, devices, "park-no_caller", "park-no_caller")


async def eavesdrop(step: Step) -> Next:
    """Lets the caller hear the conversation of a phone, if it was approved."""
    if not _is_approved_at_all(step) or not await _may(step):
        await step.tell("eavesdrop-no_channels")
        return End(why="the caller may not listen here")
    return await _listen(step, await _targets(step))


async def eavesdrop_feature(step: Step) -> Next:
    """Lets the caller hear the conversation of the extension that was dialed behind the code."""
    devices = await _dialed(step, first_only=False)
    allowed = _is_approved_at_all(step) and await _may(step)
    group_id = step.text("group_id")
    if devices is None or not allowed or (group_id and not await _in_group(step, devices)):
        await step.tell("eavesdrop-no_channels")
        return End(why="there is no such phone, or the caller may not listen to it")
    return await _listen(step, devices)


async def move(step: Step) -> Next:
    """Moves the other call of the caller's user to this phone."""
    await step.answer()
    owner = step.call.owner_id
    if not owner:
        await step.tell("cf-move-no_owner")
        return End(why="the phone has no user")
    devices = await step.book.devices_of(owner)
    channels = await _channels(step, devices)
    if len(channels) != 1:
        await step.tell("cf-move-too_many_channels" if channels else "cf-move-no_channel")
        return End(why=f"the user has {len(channels)} other calls")
    await step.media.take(channels[0].call_id)
    return await step.finish("the call was moved here")


async def _pick_up(step: Step, devices: list[Document]) -> Next:
    def rings(channel: Channel) -> bool:
        return not channel.answered

    return await _take(step, devices, "pickup-no_users", "pickup-no_channels", rings)


async def _take(
    step: Step,
    devices: list[Document],
    nobody: str,
    nothing: str,
    wanted: Callable[[Channel], bool] = lambda channel: True,
) -> Next:
    channels = [each for each in await _channels(step, devices) if wanted(each)]
    return await _first(step, devices, channels, nobody, nothing, step.media.take)


async def _listen(step: Step, devices: list[Document]) -> Next:
    channels = await _channels(step, devices)
    nobody, nothing = "pickup-no_users", "pickup-no_channels"
    return await _first(step, devices, channels, nobody, nothing, step.media.listen)


async def _first(
    step: Step,
    devices: list[Document],
    channels: list[Channel],
    nobody: str,
    nothing: str,
    verb: Callable[[str], Awaitable[bool]],
) -> Next:
    """Do it with the first call that is still there."""
    if not devices:
        await step.tell(nobody)
        return End(why="there are no phones")
    for channel in channels:
        await step.answer()
        if await verb(channel.call_id):
            step.call.was_connected = True
            return await step.finish("the conversation is over")
    await step.tell(nothing)
    return End(why="there is no such call")


async def _channels(step: Step, devices: list[Document]) -> list[Channel]:
    found = await step.media.channels([each["_id"] for each in devices])
    return [each for each in found if each.call_id != step.call.call_id]


def _is_approved_at_all(step: Step) -> bool:
    return any(step.text(name) for name in APPROVED)


async def _may(step: Step) -> bool:
    """Whether the caller is who the step allows it; anybody where it names nobody."""
    if device_id := step.text("approved_device_id"):
        return device_id == step.call.device_id
    if user_id := step.text("approved_user_id"):
        return user_id in await _users(step)
    if group_id := step.text("approved_group_id"):
        return bool(await _members(step, group_id) & {step.call.device_id, *await _users(step)})
    return True


async def _users(step: Step) -> set[str]:
    device = await authorizing(step.book, step.call)
    users = await users_of(step.book, device) if device else []
    return {each["_id"] for each in users} | ({step.call.owner_id} - {""})


async def _may_intercept(step: Step, devices: list[Document]) -> bool:
    if _is_approved_at_all(step):
        return await _may(step)
    if group_id := step.text("group_id"):
        return bool(await _members(step, group_id) & {step.call.device_id, *await _users(step)})
    owners = {user["_id"] for each in devices for user in await users_of(step.book, each)}
    return bool(owners & await _users(step))


async def _members(step: Step, group_id: str) -> set[str]:
    group = await step.book.get("group", group_id)
    endpoints = lookup(group, ("endpoints",))
    return set(endpoints) if isinstance(endpoints, dict) else set()


async def _in_group(step: Step, devices: list[Document]) -> bool:
    members = await _members(step, step.text("group_id"))
    ids = {each["_id"] for each in devices} | {str(each.get("owner_id")) for each in devices}
    return bool(members & ids)


async def _targets(step: Step) -> list[Document]:
    """The devices that the data of the step names."""
    ids = [step.text(name) for name in ("device_id", "user_id")]
    if group_id := step.text("group_id"):
        ids += sorted(await _members(step, group_id))
    return await devices_of_any(step, filter(None, ids))


async def devices_of_any(step: Step, ids: Iterable[str]) -> list[Document]:
    """Devices, and those of users, by their ids."""
    found = []
    for doc_id in ids:
        if device := await step.book.get("device", doc_id):
            found.append(device)
        else:
            found += await step.book.devices_of(doc_id)
    return found


async def _dialed(step: Step, *, first_only: bool) -> list[Document] | None:
    """The phones of what was dialed behind the code; ``None`` where it is nobody's."""
    capture = step.call.capture
    if step.text("type") == "device":
        device = await step.book.holder(DEVICES, "sip.username", {"sip": {"username": capture}})
        return [device] if device else None
    return await devices_at(step, capture, first_only=first_only)


async def devices_at(step: Step, number: str, *, first_only: bool = True) -> list[Document] | None:
    """The phones that a number rings; ``None`` where it is nobody's."""
    found = await find(step.book, dialed(step.book, number))
    if found is None or found.is_no_match:
        return None
    node = root_of(found.callflow)
    while node:
        module, data = node.get("module"), node.get("data") or {}
        if module in ("device", "user"):
            return await devices_of_any(step, [str(data.get("id"))])
        if first_only:
            members = data.get("endpoints") if module in RINGING else None
            return await devices_of_any(step, [str(members[0].get("id"))]) if members else None
        node = (node.get("children") or {}).get(DEFAULT) or {}
    return None
