"""A new person: everything in one commit, with names and an extension that nobody else has.

Two who are added at the same time never get the same extension: callflows claim their numbers, and
who comes too late chooses again.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, count, islice

from crossbar.core.change import Change, claims_of
from crossbar.core.recipes import sent, valid
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Collection
from crossbar.core.stamping import fresh_id
from crossbar.core.writing import Work, in_turn
from crossbar.documents import Document
from crossbar.errors import Conflict, ValidationFailed
from crossbar.families.callflows import CALLFLOWS
from crossbar.families.endpoints import DEVICES, USERS
from crossbar.families.people.extensions import calls_for_help, patterns_of
from crossbar.families.people.parts import FAMILIES, Person, require_each
from crossbar.families.people.showing import revision_of, shown
from crossbar.families.voicemail import VMBOXES
from crossbar.storage import Key
from crossbar.validation import Refusals

SCHEMA = "people"

EXTENSIONS = range(1001, 10_000)
"""The extensions that are given to people who ask for none, the lowest first.

None has three digits: some of these call for help."""

AT_A_TIME = 100
"""Extensions, or user names, that the store is asked for at once."""

LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""What made-up passwords consist of: nothing that is easily mistaken for something else."""

LONGEST_CALLER_NAME = 35

NAMED_ELSE = {
    "numbers": "extension",
    "mailbox": "extension",
    "first_name": "name",
    "last_name": "name",
}
"""Fields of documents, and what of the person they are made of."""

_NOT_IN_USERNAMES = re.compile(r"[^+@.a-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is asked for, and chosen where nothing was asked. ``made_up`` names the latter."""

    asked: Document
    extension: str
    username: str
    sip_username: str
    password: str
    made_up: frozenset[str]


async def add(request: Request) -> Result:
    """Add a person: a user, a device, a voicemail box and a callflow, all of them or none."""
    await require_each(request, Action.CREATE, ((family, "") for family in FAMILIES))
    asked = await valid(request.actor, SCHEMA, sent(request))

    async def attempt() -> tuple[Person, Choice]:
        choice = await _chosen(request, asked)
        work = Work(request.actor, request)
        try:
            person = await _added(work, choice)
            await work.commit()
        except ValidationFailed as error:
            raise _refusal(error, choice) from None
        return person, choice

    turn = Key(request.account_id, SCHEMA, SCHEMA)
    person, choice = await in_turn(request.actor, turn, attempt)
    data = shown(request, person)
    if "password" in choice.made_up:
        data["user"]["password"] = choice.password
    revision = revision_of(request, person)
    return Result(data=data, created_id=person.user_id, revision=revision)


def _refusal(error: ValidationFailed, choice: Choice) -> Exception:
    """What a person is refused for; what was only chosen and is taken by now is chosen again."""
    fields = {NAMED_ELSE.get(name, name): rules for name, rules in error.fields.items()}
    mine = choice.made_up | {"sip.username"}
    if all(name in mine and "unique" in rules for name, rules in fields.items()):
        return Conflict()
    return ValidationFailed(fields)


async def _chosen(request: Request, asked: Document) -> Choice:
    """An extension and a user name that nobody has. Raises :class:`ValidationFailed`."""
    refusals = Refusals()
    made_up = {name for name in ("extension", "username", "password") if name not in asked}
    extension, username = asked.get("extension", ""), asked.get("username", "")
    if "extension" in made_up:
        extension = await _free_extension(request)
        if not extension:
            first, last = EXTENSIONS[0], EXTENSIONS[-1]
            message = (
                f"All extensions from {first} to {last} are taken, or fit a callflow's pattern"
            )
            refusals.add("extension", "required", message)
    elif calls_for_help(request, extension):
        message = "The number calls for help"
        refusals.add("extension", "invalid", message, cause=extension)
    elif not await _first_free(request, [(extension, _claiming(extension, is_phone=False))]):
        message = "A callflow or a voicemail box has the extension"
        refusals.add("extension", "unique", message, cause=extension)
    if "username" in made_up:
        username = await _first_free(request, _usernames(asked))
    elif not await _first_free(request, [_as_username(username)]):
        message = "Username must be unique within account"
        refusals.add("username", "unique", message, cause=username)
    if refusals:
        raise ValidationFailed(refusals)
    return Choice(
        asked=asked,
        extension=extension,
        username=username,
        sip_username=await _first_free(request, _sip_usernames(extension)),
        password=asked.get("password") or new_password(),
        made_up=frozenset(made_up),
    )


def _claiming(extension: str, *, is_phone: bool = True) -> list[tuple[Collection, Document]]:
    phone: list[tuple[Collection, Document]] = [(DEVICES, {"sip": {"username": extension}})]
    return [
        (CALLFLOWS, {"numbers": [extension]}),
        (VMBOXES, {"mailbox": extension}),
        *(phone if is_phone else ()),
    ]


async def _free_extension(request: Request) -> str:
    """The lowest that nobody has, and that leads nowhere yet by a callflow's pattern."""
    patterns = await patterns_of(request)
    numbers = iter(EXTENSIONS)
    while some := list(islice(numbers, AT_A_TIME)):
        candidates = []
        for extension in map(str, some):
            await asyncio.sleep(0)  # others have their turn: there may be many patterns
            if calls_for_help(request, extension):
                continue
            if not any(pattern.matched(extension) for pattern in patterns):
                candidates.append((extension, _claiming(extension)))
        if extension := await _first_free(request, candidates):
            return extension
    return ""


Candidate = tuple[str, list[tuple[Collection, Document]]]
"""A value that might be had, and documents that would claim it."""


def _as_username(username: str) -> Candidate:
    return username, [(USERS, {"username": username.lower()})]


def _usernames(asked: Document) -> Iterator[Candidate]:
    """The e-mail address, or the name with dots; numbered while others have that."""
    wanted = asked.get("email") or ".".join(asked["name"].split())
    plain = _NOT_IN_USERNAMES.sub("", wanted.lower()).strip(".") or "user"
    yield _as_username(plain)
    for number in count(2):
        yield _as_username(f"{plain}.{number}")


def _sip_usernames(extension: str) -> Iterator[Candidate]:
    for name in chain((extension,), (f"{extension}-{number}" for number in count(2))):
        yield name, [(DEVICES, {"sip": {"username": name}})]


async def _first_free(request: Request, candidates: Iterable[Candidate]) -> str:
    """The first of the values that no document of the account has; empty if all are taken."""
    remaining = iter(candidates)
    while some := list(islice(remaining, AT_A_TIME)):
        await asyncio.sleep(0)  # others have their turn: an account may have thousands
        claims = {
            value: [
                claim
                for family, document in documents
                for claim in claims_of(
                    family, Key(request.account_id, family.doc_type, ""), document
                )
            ]
            for value, documents in some
        }
        held = await request.services.store.holders(
            [claim for claimed in claims.values() for claim in claimed]
        )
        for value, claimed in claims.items():
            if held.keys().isdisjoint(claimed):
                return value
    return ""


async def _added(work: Work, choice: Choice) -> Person:
    """The documents of the person, each through the stages of its family."""
    asked, extension = choice.asked, choice.extension
    name = " ".join(asked["name"].split())
    user = await _create(work, USERS, _user(choice, name))
    owner_id = user["_id"]
    device = {"name": name, "owner_id": owner_id, "device_type": "softphone"}
    device["sip"] = {"username": choice.sip_username, "password": new_password()}
    vmbox = {"name": name, "owner_id": owner_id, "mailbox": extension, "pin": new_pin()}
    made = {
        "devices": [await _create(work, DEVICES, device)],
        "vmboxes": [await _create(work, VMBOXES, vmbox)],
    }
    callflow = {
        "name": name,
        "owner_id": owner_id,
        "numbers": [extension],
        "flow": _flow(owner_id, made["vmboxes"][0]["_id"]),
    }
    return Person(user=user, callflows=[await _create(work, CALLFLOWS, callflow)], **made)


def _user(choice: Choice, name: str) -> Document:
    asked, extension = choice.asked, choice.extension
    first, _, last = name.rpartition(" ")
    named: Document = {
        field: asked[field]
        for field in ("email", "language", "timezone", "priv_level")
        if field in asked
    }
    return {
        **named,
        "first_name": first or last,
        "last_name": last,
        "username": choice.username,
        "password": choice.password,
        "presence_id": extension,
        "caller_id": {
            "internal": {"name": name[:LONGEST_CALLER_NAME].strip(), "number": extension}
        },
    }


def _flow(user_id: str, vmbox_id: str) -> Document:
    """Ring the person; who is not answered may leave a message."""
    mailbox = {"module": "voicemail", "data": {"id": vmbox_id}, "children": {}}
    return {"module": "user", "data": {"id": user_id}, "children": {"_": mailbox}}


async def _create(work: Work, family: Collection, document: Document) -> Document:
    key = Key(work.actor.account_id, family.doc_type, fresh_id(work.actor.services.clock))
    change = Change(
        actor=work.actor, request=work.request, family=family, key=key, document=document
    )
    return await work.save(change)


def new_password() -> str:
    """Sixteen characters that can be read out, and nobody guesses: 80 bits."""
    return "".join(secrets.choice(LETTERS) for _ in range(16))


def new_pin() -> str:
    """Digits that open a voicemail box."""
    return f"{secrets.randbelow(10_000):04}"
