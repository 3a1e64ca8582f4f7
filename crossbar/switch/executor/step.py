"""What an action is given, and what it answers: where the flow goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from crossbar.documents import Document, lookup
from crossbar.switch.executor.book import Book
from crossbar.switch.executor.call import Call
from crossbar.switch.executor.heard import Prompt, Say, Sound, sound_of
from crossbar.switch.executor.media import Media

DEFAULT = "_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """On to a child: the one of this key, or else the default one."""

    key: str = DEFAULT
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """On to another callflow; afterwards the default child of this step is next.

    The callflow is for no log: what a function or a web server answers may say anything of a
    caller.
    """

    callflow: Document = field(repr=False)
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """This flow is over: the one that branched to it goes on, or the call ends."""

    cause: str = "NORMAL_CLEARING"
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """All flows are over: the call has ended, or goes on without them."""

    why: str = ""


Next = Go | Branch | End | Leave


@dataclass(slots=True, kw_only=True)
class Step:
    """One node that is being carried out. ``before`` is the module of the step before it."""

    call: Call
    media: Media
    book: Book
    module: str
    data: Document
    children: Mapping[str, Any] = field(default_factory=dict)
    before: str = ""
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Say why something is done, or is not."""
        self.notes.append(text)

    def text(self, *path: str) -> str:
        """A text of the data, "" where there is none."""
        value = lookup(self.data, path)
        return value if isinstance(value, str) else ""

    def number(self, name: str, default: float) -> float:
        """A number of the data that is not negative."""
        value = self.data.get(name)
        return value if is_number(value) and value >= 0 else default

    def says(self, name: str, default: bool = False) -> bool:
        """A flag of the data."""
        value = self.data.get(name)
        return value if isinstance(value, bool) else default

    def has(self, key: str) -> bool:
        """Whether there is such a child."""
        return key in self.children

    def prompt(self, name: str) -> Prompt:
        """A sound of the system in the language of the call."""
        return Prompt(name=name, language=self.call.language)

    def say(
        self, text: str, kind: str = "number", method: str = "pronounced", zone: str = ""
    ) -> Say:
        """Something said in the language of the call."""
        return Say(text=text, language=self.call.language, kind=kind, method=method, zone=zone)

    def sound(self, value: object, default: str) -> Sequence[Sound]:
        """What a field of a menu asks for: silence, the system's sound, or the account's."""
        if value is False:
            return ()
        if isinstance(value, str) and value:
            return (sound_of(value),)
        return (self.prompt(default),)

    async def answer(self) -> None:
        """Answer the call, once."""
        self.call.is_answered = True
        await self.media.answer()

    async def finish(self, why: str) -> Leave:
        """End the call after a conversation."""
        await self.media.hang_up()
        return Leave(why=why)

    async def tell(self, *names: str) -> None:
        """Play sounds of the system."""
        await self.media.play(*map(self.prompt, names))


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value of JSON is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)
