"""Telephone numbers: which strings are numbers of the public network, and their E.164 form."""

from __future__ import annotations

import re

import phonenumbers

from crossbar.documents import Document, lookup

_NORTH_AMERICAN = re.compile(r"(?:\+?1)?([0-9]{10})")
_INTERNATIONAL = re.compile(r"(?:\+|011|00)([1-9][0-9]{6,14})")
_DECORATION = re.compile(r"[\s().-]")


def to_e164(number: str) -> str | None:
    """The E.164 form of what looks like a full number, ``None`` for an extension or anything else.

    Full numbers are ten digits with or without ``1`` or ``+1``, and country code and number after
    ``+``, ``011`` or ``00``.
    """
    bare = _DECORATION.sub("", number)
    if match := _NORTH_AMERICAN.fullmatch(bare):
        return f"+1{match[1]}"
    match = _INTERNATIONAL.fullmatch(bare)
    if match is None:
        return None
    try:
        parsed = phonenumbers.parse(f"+{match[1]}")
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def normalized(number: str) -> str:
    """The E.164 form where there is one, otherwise the string as it is."""
    return to_e164(number) or number


def spellings(number: str) -> list[str]:
    """What a carrier may mean by a number, in E.164, the likelier first: many send no plus."""
    bare = number.removeprefix("+")
    found = [to_e164(number)]
    if bare.isascii() and bare.isdigit():
        found.append(to_e164(f"+{bare}"))
    return list(dict.fromkeys(each for each in found if each))


def normalize_emergency_number(document: Document) -> None:
    """Write the number that an endpoint shows in emergencies as E.164, in place."""
    emergency = lookup(document, ("caller_id", "emergency"))
    if isinstance(emergency, dict) and isinstance(emergency.get("number"), str):
        emergency["number"] = normalized(emergency["number"])
