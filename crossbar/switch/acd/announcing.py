"""What waiting callers are told from time to time: their position, and how long it will take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from crossbar.switch.acd.distributor import Distributor
from crossbar.switch.acd.members import Member
from crossbar.switch.executor import Prompt, Say, Sound, sound_of

MINUTE = 60

WAITS = (
    (1, "queue-less_than_1_minute"),
    (5, "queue-about_5_minutes"),
    (10, "queue-about_10_minutes"),
    (15, "queue-about_15_minutes"),
    (30, "queue-about_30_minutes"),
    (45, "queue-about_45_minutes"),
    (60, "queue-about_1_hour"),
)
"""What is said up to so many minutes; the first holds below one minute, not at it."""

LONGER = "queue-at_least_1_hour"


async def announce(
    distributor: Distributor, say: Callable[..., Awaitable[None]], member: Member
) -> None:
    """Tell a caller what the queue wants told, for as long as it waits."""
    rules, before = member.rules, 0
    while rules.tells_position or rules.tells_wait:
        await distributor.pause(rules.interval)
        sounds: list[Sound] = []
        if rules.tells_position:
            sounds += position_said(member, distributor.position(member))
        if rules.tells_wait:
            average = await member.place.average_wait()
            sounds += wait_said(member, average, has_grown=before < average and before > 0)
            before = average
        await say(*sounds)


def position_said(member: Member, position: int) -> list[Sound]:
    """That a caller is at a position."""
    return [
        _sound(member, "you_are_at_position"),
        Say(text=str(position), language=member.place.language),
        _sound(member, "in_the_queue"),
    ]


def wait_said(member: Member, seconds: int, *, has_grown: bool) -> list[Sound]:
    """How long it will take; first that it is longer than it was."""
    grown = [_sound(member, "increase_in_call_volume")] if has_grown else []
    bucket = Prompt(name=wait_name(seconds), language=member.place.language)
    return [*grown, _sound(member, "the_estimated_wait_time_is"), bucket]


def wait_name(seconds: int) -> str:
    """The sound that says about so many seconds."""
    if seconds < MINUTE:
        return WAITS[0][1]
    return next((name for most, name in WAITS[1:] if seconds <= most * MINUTE), LONGER)


def _sound(member: Member, name: str) -> Sound:
    if own := member.rules.own_sound(name):
        return sound_of(own)
    return Prompt(name=f"queue-{name}", language=member.place.language)
