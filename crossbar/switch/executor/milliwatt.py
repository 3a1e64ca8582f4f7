"""Numbers by which lines are tested (``milliwatt``): one plays a tone, one lets callers hear
themselves.

The system's configuration says which they are, and which callers always get there, for all
accounts. A number that an account has given a callflow is that callflow's.
"""

from __future__ import annotations

from collections.abc import Iterator

from crossbar.documents import Document, lookup, texts_at
from crossbar.numbers import normalized
from crossbar.switch.executor.book import Book
from crossbar.switch.executor.call import Call
from crossbar.switch.executor.finding import Found
from crossbar.switch.executor.heard import Tone
from crossbar.switch.executor.media import NO_KEY
from crossbar.switch.executor.step import Next, Step

TRIAL = "milliwatt"
"""The step that tests a line; no callflow has it."""

TONE, ECHO = "tone", "echo"
CALLERS, NUMBERS = "caller_id", "number"

PAUSE = 0.5
"""Seconds of silence at the beginning."""

ECHOES = 10
"""Seconds for which callers hear themselves."""

HIGHEST = 4000
LONGEST = 60_000
"""Hertz, and milliseconds, of a tone."""


def trial_for(book: Book, call: Call) -> Found | None:
    """The trial that a caller always gets; nobody who calls for help does."""
    if book.class_of(call.dialed) == "emergency":
        return None
    return _trial(book, CALLERS, call.from_number)


def trial_at(book: Book, number: str) -> Found | None:
    """The trial that has a number."""
    return _trial(book, NUMBERS, number)


def _trial(book: Book, name: str, value: str) -> Found | None:
    config = _config(book)
    for kind in (TONE, ECHO):
        if value and normalized(value) in map(normalized, texts_at(config, kind, name)):
            flow = {"module": TRIAL, "data": {"kind": kind}, "children": {}}
            return Found(callflow={"_id": "", "numbers": [], "flow": flow}, how=TRIAL)
    return None


async def try_line(step: Step) -> Next:
    """Plays the tone, or what the caller says, and hangs up."""
    await step.answer()
    await step.media.wait(PAUSE)
    if step.text("kind") == ECHO:
        await step.media.echo(ECHOES)
    else:
        await step.media.play(_tone(lookup(_config(step.book), (TONE,))), keys=NO_KEY)
    return await step.finish("the line was tested")


def _config(book: Book) -> Document:
    return book.actor.services.configuration.of_system(TRIAL)


def _tone(config: object) -> Tone:
    on_ms, off_ms, lasts = (
        _whole(config, name) for name in ("frequency_on", "frequency_off", "duration")
    )
    on_ms = max(on_ms, 1)
    return Tone(
        frequencies=tuple(_frequencies(config)),
        on_ms=on_ms,
        off_ms=off_ms,
        repeat=max(lasts // (on_ms + off_ms), 1),
    )


def _frequencies(config: object) -> Iterator[int]:
    for each in texts_at(config, "frequencies"):
        if each.isdecimal() and 0 < int(each) < HIGHEST:
            yield int(each)


def _whole(config: object, name: str) -> int:
    value = lookup(config, (name,))
    return min(value, LONGEST) if isinstance(value, int) and value > 0 else 0
