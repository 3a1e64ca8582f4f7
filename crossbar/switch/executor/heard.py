"""What callers hear, as flows name it. Whoever carries the sound finds out what that is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One of the system's own sounds (``vm-enter_id``) in a language; silent where there is none.

    An account's own sound of that name comes first.
    """

    name: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What is stored as a media document of the account, or as a message in a voicemail box."""

    media_id: str
    doc_type: str = "media"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What was recorded. ``key`` is what ended it, ``hung_up`` says that the caller did."""

    name: str
    milliseconds: int
    key: str = ""
    hung_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Taped:
    """A recording of this call that is not stored yet."""

    recording: Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A file on a web server."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tone:
    """Frequencies in Hz that sound together; ``on_ms`` and ``off_ms``, so many times."""

    frequencies: tuple[int, ...]
    on_ms: int = 500
    off_ms: int = 0
    repeat: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Nothing, for a while."""

    milliseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """A number, a date or letters, made of recorded words.

    ``kind`` is ``number``, ``current_date_time``, ``name_spelled`` or another type that documents
    may name; ``method`` is ``pronounced``, ``iterated`` or ``counted``. A date is the text of its
    Gregorian seconds, said as it is in ``zone``.
    """

    text: str
    language: str
    kind: str = "number"
    method: str = "pronounced"
    zone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Text that a machine speaks."""

    text: str
    language: str
    voice: str = "female"
    engine: str = ""


def sound_of(name: str) -> Recorded | Address:
    """What documents name a sound by: media of the account, or the address of a file."""
    is_address = name.startswith(("http://", "https://"))
    return Address(url=name) if is_address else Recorded(media_id=name)


Sound = Prompt | Recorded | Taped | Address | Tone | Silence | Say | Spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class Winding:
    """Keys that wind what is played, ``back`` or ``ahead``, by so many milliseconds at a time."""

    back: str
    ahead: str
    milliseconds: int

    @property
    def keys(self) -> str:
        """Both keys: while something is played they mean nothing else."""
        return self.back + self.ahead


BEEP = Tone(frequencies=(440,), on_ms=500, off_ms=100)
