"""Recordings that callers make of themselves: greetings and names, heard before they are kept."""

from __future__ import annotations

from crossbar.switch.executor.heard import BEEP, Recording, Taped
from crossbar.switch.executor.step import Step

LONGEST = 300
"""Seconds of a greeting."""

TRIES = 4
"""How often is asked what to do with a recording."""

MOST_TAKES = 20
"""How often somebody may record the same anew."""


async def reviewed(step: Step, prompt: str, *, least_ms: int = 500) -> Recording | None:
    """What the caller has recorded and wants to keep; ``None`` when nothing is to be kept."""
    for _ in range(MOST_TAKES):
        await step.media.flush()
        await step.media.play(step.prompt(prompt), BEEP, keys="")
        recording = await step.media.record(LONGEST)
        if recording.hung_up:
            return None
        choice = await _choice(step, recording)
        if choice == "1":
            if recording.milliseconds >= least_ms:
                return recording
            await step.tell("vm-recording_to_short")
        elif choice != "3":
            return None
    return None


async def _choice(step: Step, recording: Recording) -> str:
    """``1`` to keep it, ``3`` to record it anew; "" for nothing."""
    for _ in range(TRIES):
        key = await step.media.collect(1, step.prompt("vm-review_recording"))
        if key in ("1", "3"):
            return key
        if key == "2":
            await step.media.play(Taped(recording=recording))
    return ""


async def keep_recording(
    step: Step, recording: Recording, name: str, source_id: str, source_type: str
) -> str:
    """Make a recording media of the account; the id, "" where it was refused."""
    media = {
        "name": name[:128],
        "description": name[:128],
        "media_source": "recording",
        "source_id": source_id,
        "source_type": source_type,
        "streamable": True,
    }
    return await step.book.keep(media, step.media.audio(recording))
