"""Patterns that clients send, matched by RE2: in a time that grows with the text, and no faster.

A backtracking engine, as the ones of Perl and Python are, can be kept busy for ever by a short
pattern. So no pattern of a client reaches one, and RE2 has none of what needs backtracking: no
look-around, no back-reference, no possessive quantifier or atomic group.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import re2

LONGEST = 512
"""Characters of a regular expression."""

MOST = 200
"""Regular expressions in one list."""

LONGEST_LIKE = 255
"""Characters of what text is to be like."""

# Bytes that RE2 may use for what it makes of a pattern: a third for the automaton that it grows
# while it reads, the rest for the program, so this bounds how long it takes to compile one.
_MEMORY = 64 * 1024
_MEMORY_OF_LIKE = 1024 * 1024

_WILD = {"%": ".*", "_": "."}


class Unusable(ValueError):
    """What a client sent cannot be used as a pattern. The message says why, to the client."""


class Match(NamedTuple):
    """What a pattern has found: the text itself, and what its groups captured, also by name."""

    text: str
    groups: tuple[str, ...]
    named: Mapping[str, str]

    @property
    def longest(self) -> str:
        """The longest that a group captured; the whole where there are no groups."""
        return max(self.groups, key=len) if self.groups else self.text


class Expression:
    """A regular expression. Raises :class:`Unusable` for what is none, or too much of one."""

    def __init__(self, pattern: str) -> None:
        if len(pattern) > LONGEST:
            raise Unusable(f"A regular expression has at most {LONGEST} characters")
        try:
            self._compiled = re2.compile(pattern, _options(_MEMORY))
        except (re2.error, UnicodeEncodeError) as error:
            raise Unusable(
                f"Value is no regular expression that RE2 takes, which has no look-around and no"
                f" back-references: {_reason(error)}"
            ) from None

    @property
    def groups(self) -> int:
        """How many groups capture something."""
        return int(self._compiled.groups)

    def finds(self, text: str) -> bool:
        """Whether the pattern is found anywhere in the text."""
        return self._compiled.search(_encodable(text)) is not None

    def captured(self, text: str) -> str | None:
        """What the first group captures where the pattern is first found in the text."""
        found = self._compiled.search(_encodable(text))
        return found[1] if found and self.groups else None

    def matched(self, text: str) -> Match | None:
        """Where the pattern is first found in the text; ``None`` where it is not."""
        found = self._compiled.search(_encodable(text))
        if found is None:
            return None
        groups = tuple(each for each in found.groups() if each is not None)
        named = {name: each for name, each in found.groupdict().items() if each is not None}
        return Match(found[0], groups, named)


class Like:
    """What ``LIKE`` of SQL means: ``%`` is any text, ``_`` any character, all the rest is itself.

    Raises :class:`Unusable` for a pattern that is too long.
    """

    def __init__(self, pattern: str) -> None:
        if len(pattern) > LONGEST_LIKE:
            raise Unusable(f"Text is compared with at most {LONGEST_LIKE} characters")
        options = _options(_MEMORY_OF_LIKE)
        options.dot_nl = options.never_capture = True
        parts = (_WILD.get(each) or re2.escape(each) for each in _encodable(pattern))
        # As bytes: nobody asks where in the text something was found.
        self._compiled = re2.compile("".join(parts).encode(), options)

    def fits(self, text: str) -> bool:
        """Whether all of the text is like this."""
        return self._compiled.fullmatch(_encodable(text).encode()) is not None


def _options(memory: int) -> re2.Options:
    options = re2.Options()
    options.max_mem = memory
    options.log_errors = False
    return options


def _encodable(text: str) -> str:
    """The text with question marks for what no encoding has: halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode()


def _reason(error: Exception) -> str:
    reason = error.args[0]
    return (
        reason.decode("utf-8", "replace") if isinstance(reason, bytes) else "text without meaning"
    )
