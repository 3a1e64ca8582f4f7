"""Hot desks: users log in at phones that are not theirs."""

from __future__ import annotations

from secrets import compare_digest

from crossbar.documents import Document, lookup
from crossbar.families.endpoints import USERS
from crossbar.storage import Entry
from crossbar.switch.executor.callers import authorizing, users_of
from crossbar.switch.executor.media import Dialing
from crossbar.switch.executor.ringing import after, legs_of_user, ring, ring_of
from crossbar.switch.executor.step import Go, Next, Step

TRIES = 3
ID_DIGITS = 10
PIN_DIGITS = 6


async def hotdesk(step: Step) -> Next:
    """Logs a user in at this phone, or out of it, or rings where the user is logged in."""
    action = step.text("action") or "toggle"
    if action == "bridge":
        return await _ring(step)
    device = await authorizing(step.book, step.call)
    if device is None:
        await step.tell("hotdesk-abort")
        return Go(why="the call comes from no phone of the account")
    user = await _user(step, device, action)
    if user is None:
        await step.tell("hotdesk-abort")
        return Go(why="nobody has this hot desk id")
    if lookup(user, ("hotdesk", "enabled")) is not True:
        await step.tell("hotdesk-disabled")
        return Go(why="the user may not use hot desks")
    if action == "toggle":
        is_in = bool(await step.book.listed("device", Entry("hotdesk", user["_id"])))
        action = "logout" if is_in else "login"
    await step.answer()
    return await (_log_in if action == "login" else _log_out)(step, device, user)


async def _user(step: Step, device: Document, action: str) -> Document | None:
    """The user that the step names, who alone is at the phone, or whose id is pressed."""
    if step.text("id"):
        return await step.book.get("user", step.text("id"))
    if action == "logout":
        users = await users_of(step.book, device)
        if len(users) == 1:
            return users[0]
    await step.answer()
    between = step.number("interdigit_timeout", 2000) / 1000
    for _ in range(TRIES):
        prompt = step.prompt("hotdesk-enter_id")
        pressed = await step.media.collect(ID_DIGITS, prompt, between=between)
        like = {"hotdesk": {"id": pressed}}
        if pressed and (user := await step.book.holder(USERS, "hotdesk.id", like)):
            return user
        await step.tell("hotdesk-invalid_entry")
    return None


async def _log_in(step: Step, device: Document, user: Document) -> Next:
    if not await _knows_pin(step, user):
        await step.tell("hotdesk-abort", "vm-goodbye")
        return Go(why="the pin was wrong too often")
    if lookup(user, ("hotdesk", "keep_logged_in_elsewhere")) is not True:
        await _leave(step, user, await _devices(step, user))
    users: Document = {"hotdesk": {"users": {user["_id"]: {}}}}
    if not await step.book.change("devices", device["_id"], users):
        await step.tell("hotdesk-abort")
        return Go(why="nothing was changed")
    await step.tell("hotdesk-logged_in", "vm-goodbye")
    return Go(why="the user is logged in here")


async def _log_out(step: Step, device: Document, user: Document) -> Next:
    stays = lookup(user, ("hotdesk", "keep_logged_in_elsewhere")) is True
    await _leave(step, user, [device] if stays else await _devices(step, user))
    await step.tell("hotdesk-logged_out", "vm-goodbye")
    return Go(why="the user is logged out")


async def _devices(step: Step, user: Document) -> list[Document]:
    return await step.book.listed("device", Entry("hotdesk", user["_id"]))


async def _leave(step: Step, user: Document, devices: list[Document]) -> None:
    for device in devices:
        patch = {"hotdesk": {"users": {user["_id"]: None}}}
        await step.book.change("devices", device["_id"], patch)


async def _knows_pin(step: Step, user: Document) -> bool:
    if lookup(user, ("hotdesk", "require_pin")) is not True:
        return True
    pin = str(lookup(user, ("hotdesk", "pin")) or "")
    for _ in range(TRIES):
        pressed = await step.media.collect(PIN_DIGITS, step.prompt("hotdesk-enter_pin"))
        if pin and compare_digest(pressed.encode(), pin.encode()):
            return True
        await step.tell("hotdesk-invalid_entry")
    return False


async def _ring(step: Step) -> Next:
    user = await step.book.get("user", step.text("id"))
    if user is None or lookup(user, ("hotdesk", "enabled")) is not True:
        return Go(why="the user may not use hot desks")
    dialed = await ring(step, await legs_of_user(step, user["_id"], ring_of(step)), Dialing())
    return await after(step, dialed, ends=False)
