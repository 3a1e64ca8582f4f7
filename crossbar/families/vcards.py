"""Persons as vCards, version 3.0 (resources/users.md and lists.md; RFC 2426)."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any

from crossbar.core.actions import Context, Download, Result
from crossbar.documents import Document

VCARD_TYPES = ("text/x-vcard", "text/directory")

LINE_BYTES = 75
_ESCAPED = str.maketrans(
    {"\\": "\\\\", ";": "\\;", ",": "\\,", ":": "\\:", "\n": "\\n", "\r": None}
)


def with_profile(person: Document) -> Document:
    """The facts about a person with those of their ``profile`` merged over them."""
    profile = person.get("profile")
    return {**person, **(profile if isinstance(profile, dict) else {})}


def vcard_of(facts: Document, *, photo: bytes | None = None) -> bytes:
    """The vCard of a person, of whom missing facts have no row.

    ``addresses`` are as the schema ``profile`` has them.
    """
    return b"".join(_folded(name, value) for name, value in _rows(facts, photo) if value)


async def send_vcard(context: Context, name: str, content: bytes) -> Result:
    """A vCard as an answer, in the media type that the client asked for."""

    async def read(start: int, stop: int) -> AsyncIterator[bytes]:
        yield content[start:stop]

    accepted = [wanted for wanted in context.accept if wanted in VCARD_TYPES]
    content_type = (*accepted, *VCARD_TYPES)[0]
    return Result(
        download=Download(
            content_type=content_type, length=len(content), filename=f"{name}.vcf", read=read
        )
    )


def _rows(facts: Document, photo: bytes | None) -> Iterator[tuple[str, str]]:
    given, middle, last = (_text(facts, f"{part}_name") for part in ("first", "middle", "last"))
    yield "BEGIN", "VCARD"
    yield "VERSION", "3.0"
    full_name = " ".join(name for name in (given, middle, last) if name)
    yield "FN", full_name or _text(facts, "name")
    yield "N", ";".join((last, given, middle)) if full_name else ""
    yield "ORG", _text(facts, "org")
    yield "PHOTO;ENCODING=B;TYPE=JPEG", base64.b64encode(photo).decode() if photo else ""
    yield "EMAIL", _text(facts, "email")
    yield "BDAY", _text(facts, "birthday")
    yield "NOTE", _text(facts, "note")
    yield "TITLE", _text(facts, "title")
    yield "ROLE", _text(facts, "role")
    yield "TZ", _text(facts, "timezone")
    yield "NICKNAME", ",".join(_escaped(name) for name in _list(facts, "nicknames"))
    yield "TEL", _text(facts, "number")
    for address in _list(facts, "addresses"):
        kinds = ",".join(_escaped(kind) for kind in _list(address, "types"))
        yield f"ADR;TYPE={kinds}" if kinds else "ADR", _street(address)
    yield "END", "VCARD"


def _street(address: Document) -> str:
    street = _text(address, "address")
    return f";;{street};;;;" if street else ""


def _escaped(value: Any) -> str:
    return str(value).translate(_ESCAPED)


def _text(facts: Document, name: str) -> str:
    value = facts.get(name)
    return _escaped(value) if isinstance(value, str) else ""


def _list(facts: Document, name: str) -> list[Any]:
    value = facts.get(name)
    return value if isinstance(value, list) else []


def _folded(name: str, value: str) -> bytes:
    """One row, its lines cut at 75 bytes but never inside of a character."""
    lines, line = [], b""
    for character in f"{name}:{value}":
        encoded = character.encode()
        if len(line) + len(encoded) > LINE_BYTES:
            lines.append(line)
            line = b" "
        line += encoded
    return b"\r\n".join([*lines, line]) + b"\r\n"
