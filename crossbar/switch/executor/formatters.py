"""How numbers and names are rewritten on their way to a carrier or a phone, and from a carrier.

Documents name the fields of a call request, several of which are one thing here: of those the
first that has rules counts. Of its rules the first one decides that is for the direction and
removes the field, says what it is, writes it as the call's number, or has a pattern that is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from crossbar.core.services import Services
from crossbar.documents import Document, lookup
from crossbar.switch.executor.finding import expression
from crossbar.switch.executor.media import CallerId

INBOUND, OUTBOUND = "inbound", "outbound"

CALLED = ("to_did", "request")
"""The fields of the number that a carrier is to call."""

REQUESTED, IN_TO = ("request",), ("to",)
"""Those of the number that a carrier calls, by where it has written it."""

NUMBERS = ("outbound_caller_id_number", "caller_id_number", "from")
NAMES = ("outbound_caller_id_name", "caller_id_name")
NUMBERS_IN, NAMES_IN = NUMBERS[1:], NAMES[1:]
"""Those of who calls: to a carrier or a phone, and from a carrier."""

MOST = 100
"""Rules of a field that are looked at: so nobody's list holds up a call for long."""

LONGEST = 128
"""Characters of what is made."""

ANONYMOUS = "anonymous"
"""The number of a caller of whom nothing is to be shown (RFC 3325 has the same word)."""

_NATIONAL = re.compile(r"(?:\+?1)?([2-9][0-9]{9})", re.ASCII)


def usual_formatters(services: Services) -> Document:
    """The rules for calls by carriers that have none of their own."""
    listed = services.configuration.of_system("stepswitch").get("default_formatters")
    rules: list[Any] = listed if isinstance(listed, list) else []
    found: Document = {}
    for each in reversed(rules):
        found |= each if isinstance(each, dict) else {}
    return found


def formatters_of(usual: Document, resource: Document) -> Document:
    """The rules for calls by a carrier: its own, else the usual ones."""
    own = resource.get("formatters")
    return own if isinstance(own, dict) and own else usual


def rewritten(
    text: str,
    formatters: object,
    fields: Sequence[str],
    direction: str,
    invite_format: object = "",
) -> str:
    """What the rules make of a field; "" where they remove it.

    ``invite_format`` is how whom the call goes to wants numbers.
    """
    for rule in _rules(formatters, fields, direction):
        if rule.get("strip") is True:
            return ""
        if isinstance(value := rule.get("value"), str):
            return _plain(value)
        if rule.get("match_invite_format") is True and invite_format:
            return written(text, invite_format)
        if (kept := _kept(rule.get("regex"), text)) is not None:
            return _plain(f"{rule.get('prefix') or ''}{kept}{rule.get('suffix') or ''}")
    return text


def rewritten_headers(
    headers: Mapping[str, str], formatters: object, invite_format: object = ""
) -> dict[str, str]:
    """The headers that a carrier is sent, without those that are removed: ``X-Plan`` is ``x_plan``
    in documents."""
    found = {}
    for name, value in headers.items():
        field = (name.lower().replace("-", "_"),)
        if made := rewritten(value, formatters, field, OUTBOUND, invite_format):
            found[name] = made
    return found


def rewritten_caller(caller: CallerId, formatters: object, invite_format: object = "") -> CallerId:
    """Who is shown to a carrier or a phone. Of whom nothing is left, that is said instead."""
    number = rewritten(caller.number, formatters, NUMBERS, OUTBOUND, invite_format)
    name = rewritten(caller.name, formatters, NAMES, OUTBOUND)
    if (caller.name or caller.number) and not (name or number):
        number = ANONYMOUS
    return replace(caller, number=number, name=name)


def written(number: str, invite_format: object) -> str:
    """A number in a format that gateways and devices can ask for (``invite_format``)."""
    national = _NATIONAL.fullmatch(number)
    match invite_format:
        case "e164" if national:
            return f"+1{national[1]}"
        case "npan" if national:
            return national[1]
        case "1npan" if national:
            return f"1{national[1]}"
        case "strip_plus":
            return number.removeprefix("+")
    return number


def _rules(formatters: object, fields: Sequence[str], direction: str) -> Iterator[Document]:
    """The rules of the first of the fields that has any, as far as they are for a direction."""
    found: Any = next((each for name in fields if (each := lookup(formatters, (name,)))), None)
    rules = found if isinstance(found, list) else [found]
    for rule in rules[:MOST]:
        if isinstance(rule, dict) and rule.get("direction", direction) in (direction, "both"):
            yield rule


def _kept(pattern: object, text: str) -> str | None:
    """What of a text a pattern keeps: what its first group captured, else all; ``None`` where it
    is not found."""
    if not isinstance(pattern, str) or not pattern:
        return text
    compiled = expression(pattern)
    match = compiled.matched(text) if compiled else None
    if match is None:
        return None
    return match.groups[0] if match.groups else text


def _plain(text: str) -> str:
    """Text that may stand in a header."""
    return "".join(each for each in text if each.isprintable())[:LONGEST]
