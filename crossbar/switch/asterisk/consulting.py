"""Legs that go from one conversation to another: after asking there, or to another phone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.dialing import Hunt
from crossbar.switch.asterisk.exchange import Exchange
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.music import Music
from crossbar.switch.executor import Dialing, HungUp, Leg, Sound, TakenOver, ToNumber


async def consult(
    exchange: Exchange,
    line: Line,
    other: Line,
    leg: Leg,
    *,
    seconds: float,
    music: Sound | None,
    takeback: str,
) -> None:
    """Call somebody for ``line`` while the other hears music, and connect those who are left.

    Who hangs up gives the other over; who was called is left alone by leaving, by not answering
    for so many seconds, or by the keys ``takeback``.
    """
    await exchange.release(line, other)
    line.keys.clear()
    target: Line | None = None

    def is_over() -> bool:
        """Whether it is decided who talks with whom."""
        back = takeback in "".join(line.keys)
        return back or any(_has_left(each) for each in (line, other, target) if each)

    with _busy(exchange, line, other) as left:
        waiting = Music(exchange, other, music)
        await waiting.start()
        try:
            target = await _answered(exchange, line, other, leg, seconds, is_over)
            if target is not None:
                left.append(target)
                target.is_free.clear()
                await _speak(exchange, line, target, other, is_over)
        finally:
            await waiting.stop()
        if line.cause and target is None and isinstance(leg.to, ToNumber) and not other.cause:
            left.remove(other)
            other.taken_over = True
            exchange.redirect(other, leg.to.number, transferor_id=line.party.device_id)
            return
        pair = [each for each in (line, other, target) if each and not _has_left(each)][:2]
        if target is not None and target not in pair:
            await exchange.hang_up(target)
        if len(pair) == 2:
            await exchange.media_of(pair[0]).converse(pair[1])


async def hand_over(
    exchange: Exchange, kept: Line, left: Line | None, legs: Sequence[Leg], dialing: Dialing
) -> bool:
    """Ring phones: who answers talks on with one leg, and the other is over; whether one did."""
    hunt = Hunt(exchange, kept, dialing, is_heard=False)
    if (found := await hunt.run(legs)) is None:
        return False
    answered = found[1]
    with _busy(exchange, answered) as ends:
        both = [kept] if left is None else [kept, left]
        await exchange.release(*both)
        kept.is_free.clear()
        ends.append(kept)
        if left is not None:
            await exchange.hang_up(left)
        await exchange.media_of(kept).converse(answered)
    return True


def _has_left(line: Line) -> bool:
    return bool(line.cause) or line.taken_over


@contextmanager
def _busy(exchange: Exchange, *lines: Line) -> Iterator[list[Line]]:
    """Legs that are in our hands meanwhile, and over afterwards unless they go elsewhere."""
    left = list(lines)
    for each in left:
        each.is_free.clear()
    try:
        with suppress(HungUp, TakenOver):
            yield left
    finally:
        for each in left:
            if not each.taken_over:
                exchange.begin(exchange.hang_up(each))
        for each in {*lines, *left}:
            each.is_free.set()


async def _until(look: Callable[[], bool], line: Line, *others: Line) -> None:
    """Wait until something is so, of several legs. Raises :class:`TakenOver`."""
    for each in others:
        each.watchers.add(line.poke)
    try:
        await line.until(look)
    finally:
        for each in others:
            each.watchers.discard(line.poke)


async def _answered(
    exchange: Exchange,
    line: Line,
    other: Line,
    leg: Leg,
    seconds: float,
    is_over: Callable[[], bool],
) -> Line | None:
    """The leg of who was called; ``None`` if it does not answer, or it is over before."""
    hunt = Hunt(exchange, line, Dialing(timeout=seconds))
    ringing = asyncio.create_task(hunt.run([leg]))
    over = asyncio.create_task(_until(is_over, line, other))
    try:
        await asyncio.wait({ringing, over}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not ringing.done():
            ringing.cancel()
        over.cancel()
        await asyncio.gather(ringing, over, return_exceptions=True)
    if ringing.cancelled() or ringing.exception() is not None:
        await hunt.stop(None)  # also who answers at this very moment
        return None
    found = ringing.result()
    return None if found is None else found[1]


async def _speak(
    exchange: Exchange, line: Line, target: Line, other: Line, is_over: Callable[[], bool]
) -> None:
    """Let both talk until it is decided who goes on talking."""
    ari, bridge = exchange.ari, exchange.new_id("bridge")
    try:
        await ari.post("bridges", type="mixing,dtmf_events", bridgeId=bridge)
        with suppress(AriError):  # one of them has just gone, of which we are told in a moment
            both = f"{line.channel_id},{target.channel_id}"
            await ari.post("bridges", bridge, "addChannel", channel=both)
        line.join(target)
        target.join(line)
        await _until(is_over, line, other, target)
    finally:
        await ari.delete("bridges", bridge)
