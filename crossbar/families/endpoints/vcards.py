"""Contact cards: a user as a vCard 3.0."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Any

from crossbar.core.attachments import ATTACHMENTS, in_memory
from crossbar.core.reading import load
from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.shapes import Route
from crossbar.documents import Document, lookup

CARD_TYPES = ("text/x-vcard", "text/directory")

NAMES = ("first", "middle", "last")

WIDTH = 75
"""Bytes of a line at most, not counting its end."""

_ESCAPES = str.maketrans(
    {"\\": "\\\\", ":": "\\:", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None}
)


async def fetch_card(request: Request) -> Result:
    """The user's card, with the photo on it."""
    user = await load(request)
    return await card_of(request, user, user)


async def card_of(request: Request, person: Document, stored: Document) -> Result:
    """The card of a person, with the photo that is kept with the stored document."""
    photo = await _photo(request.actor, stored)
    card = "".join(f"{line}\r\n" for row in rows(person, photo) for line in folded(row))
    wanted = next((each for each in request.accept if each in CARD_TYPES), CARD_TYPES[0])
    return Result(
        download=in_memory(card.encode(), wanted, "vcard.vcf"),
        revision=stored["_rev"],
    )


async def _photo(actor: Actor, user: Document) -> bytes:
    facts = lookup(user, (ATTACHMENTS, "photo"))
    if facts is None:
        return b""
    read = actor.services.store.read_attachment
    return b"".join([part async for part in read(actor.account_id, facts["id"])])


def rows(user: Document, photo: bytes) -> Iterator[str]:
    """The rows of the card in order; those without a value are left out."""
    profile = user.get("profile")
    person = {**user, **profile} if isinstance(profile, dict) else user
    first, middle, last = (_text(person.get(f"{each}_name")) for each in NAMES)
    yield "BEGIN:VCARD"
    yield "VERSION:3.0"
    yield from _row("FN", " ".join(filter(None, (first, middle, last))))
    yield from _row("N", last, first, *filter(None, (middle,)))
    yield from _row("ORG", _text(person.get("org")))
    if photo:
        yield f"PHOTO;ENCODING=B;TYPE=JPEG:{base64.b64encode(photo).decode()}"
    yield from _plain_rows(person)
    for kind, number in _numbers(person):
        yield from _row(f"TEL;TYPE={kind}", number)
    yield from _addresses(person.get("addresses"))
    yield "END:VCARD"


def _plain_rows(person: Document) -> Iterator[str]:
    yield from _row("EMAIL", _text(person.get("email")))
    yield from _row("BDAY", _text(person.get("birthday")))
    yield from _row("NOTE", _text(person.get("note")))
    yield from _row("TITLE", _text(person.get("title")))
    yield from _row("ROLE", _text(person.get("role")))
    yield from _row("TZ", _text(person.get("timezone")))
    names = ",".join(_escaped(name) for name in _texts(person.get("nicknames")))
    if names:
        yield f"NICKNAME:{names}"


def _numbers(person: Document) -> Iterator[tuple[str, str]]:
    """The numbers under which others reach the person: outside and inside."""
    for kind, path in (("work", "external"), ("internal", "internal")):
        yield kind, _text(lookup(person, ("caller_id", path, "number")))


def _addresses(addresses: Any) -> Iterator[str]:
    for each in addresses if isinstance(addresses, list) else ():
        if isinstance(each, dict) and (address := _text(each.get("address"))):
            kinds = ",".join(_escaped(kind) for kind in _texts(each.get("types")))
            label = f"ADR;TYPE={kinds}" if kinds else "ADR"
            yield f"{label}:;;{_escaped(address)};;;;"


def _row(label: str, *values: str) -> Iterator[str]:
    if any(values):
        yield f"{label}:{';'.join(map(_escaped, values))}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(values: Any) -> Iterable[str]:
    return filter(None, map(_text, values if isinstance(values, list) else ()))


def _escaped(value: str) -> str:
    return value.translate(_ESCAPES)


def folded(row: str) -> Iterator[str]:
    """A row as lines of at most 75 bytes; what continues one begins with a space.

    No character is torn apart.
    """
    line: list[str] = []
    size = 0
    for character in row:
        length = len(character.encode())
        if size + length > WIDTH:
            yield "".join(line)
            line, size = [" "], 1
        line.append(character)
        size += length
    yield "".join(line)


CARD_ROUTE = Route(
    path="{user_id}/vcard",
    action=Action.FETCH,
    handler=fetch_card,
    about="Read the user as a vCard",
    produces=CARD_TYPES,
)
