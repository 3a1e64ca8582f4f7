"""Slowing down those who guess passwords, and nobody else.

The digests that clients log in with do not say whose they are unless they are right, so failures
can only be counted by what a login *names* (an account) and where it comes from. Behind that
address there may be a guesser, or a telephone with an old password, and somebody who knows the
right one; before the password is verified they cannot be told apart. So whatever bounds the
guesses bounds right passwords too, and every guess that is verified at once is one that is not
bounded. What follows from that:

- Nobody is made to wait for what others have *answered*: a login is verified whenever the pace
  allows one more, and a right password is let in however many wrong ones came before it.
- The first failures cost nothing. After them there is a pace. Who keeps it is told that a
  password is wrong; who does not is answered 429, whether it was verified or not, so nobody
  learns which of their guesses were looked at.
- The pace is four wrong passwords a second at first, some in advance, and slows down with every
  new one, to one in half a minute. From one address some 8,000 guesses can be made in a day for
  a name; a client that tries every half a second leaves room for others for two minutes.
- A wrong password that comes again tells its sender nothing new. It is not verified again for a
  while, and does not slow the pace: a telephone with an old password may try for ever.
- Who was right here before is verified at once, whatever others do. A guesser gains nothing by
  that but among people of the same address, where the limit of requests holds.
- A success does not take failures back: else whoever has one password could go on guessing
  others by logging in now and then.

Everything is remembered in this process, as keyed hashes, up to a fixed number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from crossbar.clock import Clock

MAXIMUM_KEYS = 10_000
"""How many subjects are remembered; the one whose last failure is oldest is dropped first."""

MAXIMUM_KNOWN = 10_000
"""How many good logins are remembered; the oldest is dropped first."""

KNOWN_FOR = 604_800
"""Seconds for which who was right is known. A week."""

WRONG_FOR = 10
"""Seconds for which a wrong password is not verified again; it may have become right."""

MAXIMUM_WRONG = 8
"""How many wrong passwords of a subject are remembered."""


@dataclass(slots=True)
class _Failures:
    """Of one subject: how many there were, how many different ones, when the pace allows more.

    ``wrong`` has when each of the last passwords was verified.
    """

    latest: float
    number: int = 0
    different: int = 0
    due: float = 0.0
    wrong: dict[bytes, float] = field(default_factory=dict)


class Throttle:
    """Says which logins are verified. See the module for the reasons.

    A login has ``subjects``, by which failures are counted, each a keyed hash of a name and an
    address; and a ``mark``, a keyed hash of all that was sent. The first ``free`` failures of a
    subject cost nothing. Each new wrong password after that takes ``base`` seconds of it, more
    the more there were, up to ``ceiling`` seconds; ``advance`` seconds can be taken before they
    have passed. ``remember`` seconds after its last failure a subject starts afresh.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        free: int = 5,
        base: float = 0.25,
        ceiling: float = 30.0,
        advance: float = 3.0,
        remember: float = 900,
    ) -> None:
        self._clock = clock
        self._free = free
        self._base = base
        self._ceiling = ceiling
        self._advance = advance
        self._remember = remember
        self._subjects: dict[bytes, _Failures] = {}  # in the order of their last failure
        self._known: dict[bytes, float] = {}

    def wait(self, subjects: Iterable[bytes], mark: bytes) -> int:
        """Whole seconds that a login has to wait before it is verified; 0: now."""
        now = self._clock.precise()
        over = [each for each in self._recall(subjects, now) if each.number > self._free]
        if not over or now - self._known.get(mark, -math.inf) < KNOWN_FOR:
            return 0
        if any(now - each.wrong.get(mark, -math.inf) < WRONG_FOR for each in over):
            return self._told(over, now)
        if all(each.due - now <= self._advance for each in over):
            return 0
        return self._told(over, now)

    def failed(self, subjects: Sequence[bytes], mark: bytes, cost: float = 1.0) -> int:
        """Count a wrong login, as ``cost`` usual ones for the pace.

        Whole seconds that its sender is told to wait; 0: the pace was kept.
        """
        now = self._clock.precise()
        hurried = [each for each in self._recall(subjects, now) if each.due > now]
        self._known.pop(mark, None)
        for subject in subjects:
            self._count(subject, mark, now, cost)
        return self._told(hurried, now) if hurried else 0

    def succeeded(self, mark: bytes) -> None:
        """Remember that this login was right."""
        self._known.pop(mark, None)
        if len(self._known) >= MAXIMUM_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[mark] = self._clock.precise()

    def _count(self, subject: bytes, mark: bytes, now: float, cost: float) -> None:
        failures = self._subjects.pop(subject, None) or _Failures(now)
        if len(self._subjects) >= MAXIMUM_KEYS:
            del self._subjects[next(iter(self._subjects))]
        self._subjects[subject] = failures
        failures.latest = now
        failures.number += 1
        if failures.wrong.pop(mark, None) is None:
            failures.different += 1
            if failures.number > self._free:
                failures.due = max(failures.due, now) + self._interval(failures.different, cost)
        if len(failures.wrong) >= MAXIMUM_WRONG:
            del failures.wrong[next(iter(failures.wrong))]
        failures.wrong[mark] = now

    def _interval(self, different: int, cost: float) -> float:
        return min(self._base * cost * max(1.0, different / 100), self._ceiling)

    def _told(self, failures: list[_Failures], now: float) -> int:
        return max(1, *(math.ceil(each.due - now) for each in failures))

    def _recall(self, subjects: Iterable[bytes], now: float) -> Iterator[_Failures]:
        """The failures of the subjects that are remembered and not over."""
        for subject in subjects:
            failures = self._subjects.get(subject)
            if failures is None:
                continue
            if now - failures.latest >= self._remember:
                del self._subjects[subject]
                continue
            if now < failures.latest:  # the system's clock was set back
                failures.latest, failures.due = now, min(failures.due, now)
                failures.wrong.clear()
            yield failures
