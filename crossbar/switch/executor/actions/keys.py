"""What keys do during a conversation: the actions of metaflows, which the API can ask for, too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from crossbar.documents import Document, lookup
from crossbar.switch.executor.actions.pickups import devices_at, devices_of_any
from crossbar.switch.executor.actions.sounds import keys_in, named_sound, said, spoken
from crossbar.switch.executor.callers import caller_id, chain_of
from crossbar.switch.executor.conversation import Press, Side, Way
from crossbar.switch.executor.finding import NO_MATCH
from crossbar.switch.executor.heard import Sound
from crossbar.switch.executor.media import NO_KEY, Leg, ToNumber
from crossbar.switch.executor.recording import taping
from crossbar.switch.executor.ringing import BUSY_LEG, Ring, dialing_of, legs_of, merged
from crossbar.switch.executor.step import Go, Leave, Next, is_number
from crossbar.switch.executor.walking import is_flow

TAKEBACK = "*1"
UNHOLD = "1"
RINGING = 20.0
"""Seconds that somebody is rung."""

LOUDEST = 4
ALONE = "there is nobody else in the call"
FACTORS = (0.25, 4.0)
"""How far the pitch goes."""


async def hold(step: Press) -> Next:
    """Parts the two: the other side hears music, until who asked presses `1` (`unhold_key`)."""
    if step.talk.other is None:
        return Go(why=ALONE)
    names = (step.text("moh_aleg"), step.text("moh_bleg") or step.text("moh_aleg"))
    own = await named_sound(step, names[0]) if names[0] else None
    music = await _music(step, names[1])
    await step.talk.hold(music, own, step.text("unhold_key") or UNHOLD)
    return Go(why="the other side is on hold")


async def _music(step: Press, name: str) -> Sound | None:
    """What the other side hears: what the data names, else what the phone's music on hold is."""
    device = await step.book.get("device", step.call.device_id)
    endpoint = merged(await chain_of(step.book, device)) if device else {}
    name = name or str(lookup(endpoint, ("music_on_hold", "media_id")) or "")
    return await named_sound(step, name) if name else None


async def resume(step: Press) -> Next:
    """Connects the two again after a hold."""
    await step.talk.resume()
    return Go(why="the two talk")


async def hold_control(step: Press) -> Next:
    """Holds (`hold`), connects again (`unhold`), or does what is not so (`toggle`)."""
    action = step.text("action")
    if action == "unhold" or (action != "hold" and step.talk.is_held):
        return await resume(step)
    return await hold(step)


async def stop_sounds(step: Press) -> Next:
    """Ends what the side that asks is played."""
    await step.talk.stop_sounds()
    return Go(why="nothing is played any more")


async def play(step: Press) -> Next:
    """Plays media, a prompt, or a file of a web server: to both sides, `self` or `peer`."""
    if not (name := step.text("id")):
        return Go(why="nothing is to be played")
    return await _let_hear(step, await named_sound(step, name), Side.BOTH)


async def say(step: Press) -> Next:
    """Reads out a number, a date or letters to both sides, or to one (`leg`)."""
    language = step.text("language") or step.call.language
    return await _let_hear(step, said(step.data, language), Side.BOTH)


async def tts(step: Press) -> Next:
    """Speaks a text to the side that asks, or to others (`leg`)."""
    return await _let_hear(step, spoken(step, step.data), Side.SELF, keys_in(step.data))


async def _let_hear(step: Press, sound: Sound, usually: Side, keys: str = NO_KEY) -> Next:
    """Play a sound to the legs that the data names; keys of the one that asks may end it."""
    own, other, name = step.media, step.talk.other, step.text("leg")
    side = Side(name) if name in list(Side) else usually
    await own.flush()
    plays = [own.play(sound, keys=keys)] if side is not Side.PEER else []
    if other is not None and side is not Side.SELF:
        plays.append(other.play(sound, keys=NO_KEY))
    await asyncio.gather(*plays)
    return Go(why=f"{side} heard it")


async def record_call(step: Press) -> Next:
    """Begins a recording or ends it (`start`, `stop`, `toggle`); has all be silent (`mask`)."""
    action = step.text("action") or "toggle"
    if action in ("mask", "unmask"):
        await step.talk.mask(action == "mask")
        return Go(why=f"{action}ed")
    if action == "stop" or (action == "toggle" and step.talk.is_taped):
        await step.talk.stop_tapes()
        return Go(why="the recording ends")
    if step.talk.is_taped:
        return Go(why="a recording runs already")
    await step.media.tape(taping(step.data, "metaflow", on_demand=True))
    return Go(why="the recording begins")


async def transfer(step: Press) -> Next:
    """Sends the other side to a number: at once, or (`attended`) after asking there."""
    target = step.text("target") or _captured(step)
    if step.talk.other is None:
        return Go(why=ALONE)
    if not target:
        return Go(why="there is nowhere to transfer the call to")
    if step.by_keys and not step.call.device_id:
        return Go(why="who asks is no phone of the account")
    if step.text("transfer_type") != "attended":
        await step.talk.send(Side.PEER, target, is_transfer=True)
        await step.media.hang_up()
        return Leave(why=f"the other side is on its way to {target}")
    shown = await caller_id(step.book, step.call)
    to = ToNumber(number=target, device_id=step.call.device_id)
    await step.talk.consult(
        Leg(to=to, caller=shown),
        seconds=step.number("timeout", 0) or RINGING,
        music=await _music(step, step.text("moh")),
        takeback=step.text("takeback_dtmf") or TAKEBACK,
    )
    return Leave(why=f"{target} was asked")


def _captured(step: Press) -> str:
    """The first that a pattern has captured; ``no_match`` stands for nothing."""
    captures: Any = step.data.get("captures")
    first = captures[0] if isinstance(captures, list) and captures else captures
    return first if isinstance(first, str) and first != NO_MATCH else ""


async def callflow(step: Press) -> Next:
    """Sends who called into a callflow, by its `id` or by the number that was captured, or through
    the steps of a `flow`."""
    named, number = step.text("id"), _captured(step) or step.text("collected")
    if named:
        if await step.book.get("callflow", named) is None:
            return Go(why="there is no such callflow")
        await step.talk.send(_caller(step), step.call.dialed, callflow_id=named)
    elif is_flow(steps := step.data.get("flow")):
        await step.talk.send(_caller(step), step.call.dialed, steps=steps)
    elif number:
        await step.talk.send(_caller(step), number)
    else:
        return Go(why="no callflow is named")
    return Leave(why="who called goes on in a callflow")


async def pivot(step: Press) -> Next:
    """Has who called do what a web server answers, as the step of callflows does."""
    if not step.text("voice_url"):
        return Go(why="no server is named")
    steps: Document = {"module": "pivot", "data": step.data, "children": step.children}
    await step.talk.send(_caller(step), step.call.dialed, steps=steps)
    return Leave(why="a web server is asked what who called is to do")


def _caller(step: Press) -> Side:
    """The side that a flow is for: who called; the leg itself, where the API asks."""
    return Side.PEER if step.by_keys and not step.talk.is_caller else Side.SELF


async def move(step: Press) -> Next:
    """Rings the other phones of the user, or a device, and goes on there with who answers."""
    if step.talk.other is None:
        return Go(why=ALONE)
    target = step.text("device_id") or step.text("owner_id") or step.call.owner_id
    devices = await devices_of_any(step, [target])
    return await _hand_over(step, devices, Side.PEER)


async def intercept(step: Press) -> Next:
    """Rings a device, a user or a number, and connects the leg with who answers there.

    Only a leg that talks with nobody, unless `unbridged_only` is false.
    """
    if step.says("unbridged_only", True) and step.talk.other is not None:
        return Go(why="the leg talks with somebody")
    target = step.text("target_id")
    if step.text("target_type") == "number":
        devices = await devices_at(step, target) or []
    else:
        devices = await devices_of_any(step, [target])
    return await _hand_over(step, devices, Side.SELF)


async def _hand_over(step: Press, devices: Iterable[Document], keeps: Side) -> Next:
    """Ring devices, but for the one of the leg itself; the one that answers talks on."""
    ring = Ring(
        can_call_self=step.says("can_call_self", True), auto_answer=step.says("auto_answer")
    )
    others = [each for each in devices if each["_id"] != step.call.device_id]
    legs = [leg for each in others for leg in await legs_of(step, each, ring)]
    legs = [leg for leg in legs if leg is not BUSY_LEG]
    if not legs:
        return Go(why="there is nobody to ring")
    if await step.talk.hand_over(legs, dialing_of(step, RINGING), keeps=keeps):
        return Leave(why="the conversation went on elsewhere")
    return Go(why="nobody has answered")


async def audio_level(step: Press) -> Next:
    """Makes what the leg hears (`write`) or says (`read`) louder or less so, by -4 to 4."""
    level: Any = step.data.get("level")
    is_off = step.text("action") == "stop" or not is_number(level)
    level = 0 if is_off else max(-LOUDEST, min(LOUDEST, int(level)))
    way = Way.FROM if step.text("mode") == Way.FROM else Way.TO
    await step.talk.set_level(way, level)
    return Go(why=f"the level of {way} is {level}")


async def sound_touch(step: Press) -> Next:
    """Changes the pitch of what the leg hears, or (`sending_leg`) says; not the speed."""

    def part(name: str, usual: float) -> float:
        value = step.data.get(name)
        return float(value) if is_number(value) else usual

    octaves = part("adjust_in_octaves", 0) + part("adjust_in_semitones", 0) / 12
    lowest, highest = FACTORS
    octaves = max(-2.0, min(2.0, octaves))
    factor = max(lowest, min(highest, part("pitch", 1) * 2**octaves))
    factor = 1.0 if step.text("action") == "stop" else factor
    await step.talk.set_pitch(Way.FROM if step.says("sending_leg") else Way.TO, factor)
    return Go(why=f"the pitch is {factor:.2f} times what it was")
