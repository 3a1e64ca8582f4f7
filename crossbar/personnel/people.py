"""People, as they are written: through the family of users, with stages around its own.

A user gets a number when it is made here or, made elsewhere, when people are first looked at.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from functools import partial
from typing import Any

from crossbar.core.attachments import replace_upload
from crossbar.core.change import Change
from crossbar.core.jobs import Kind, asked
from crossbar.core.requests import Actor, Upload
from crossbar.core.services import Services
from crossbar.core.writing import Work
from crossbar.documents import Document, lookup, new_id
from crossbar.errors import Forbidden, NoSuchDocument, ValidationFailed
from crossbar.families.endpoints import PERSON, USERS, email_of
from crossbar.personnel import references
from crossbar.personnel.components import USERS as COMPONENT
from crossbar.personnel.links import field_keys
from crossbar.personnel.people_columns import PHOTOS
from crossbar.personnel.people_rows import (
    NUMBER,
    OWN_FIELDS,
    SEQUENCE,
    find,
    find_caller,
    photo_path,
    span_of,
)
from crossbar.personnel.work import BODY, VALUES, perform, sequence_of, work_of
from crossbar.storage import Batch, Entry, Key, Span

LONGEST_PART = 128

AT_ONCE = 25
"""Users who get their numbers in one commit, which takes some milliseconds."""

MOST = 500
"""Users who get their numbers while one request waits for it: some tenths of a second."""

STEPS = 100
"""So many times as many get theirs by one job, before it asks for another that goes on."""

_USERNAME = re.compile(r"[+@.A-Za-z0-9_-]+")


async def number_everybody(actor: Actor) -> None:
    """Give numbers to users that have none: here to :data:`MOST`, by a job to the others.

    Not for within a work.
    """
    if await _number_some(actor):
        services = actor.services
        about = {"account": actor.account_id}
        await services.commit(Batch(puts=[asked(services.clock, NUMBER_PEOPLE, about)]))


async def _number_some(actor: Actor) -> bool:
    """Give numbers to some users that have none, the oldest of them first. Whether more may be."""
    new: list[tuple[int, str]] = []
    async for row in actor.services.store.scan(span_of(actor, "new")):
        new.append((row.document.get("pvt_created", 0), row.document["_id"]))
        if len(new) == MOST:
            break
    new.sort()
    for start in range(0, len(new), AT_ONCE):
        some = [user_id for _, user_id in new[start : start + AT_ONCE]]
        await perform(actor, partial(_number, some))
    return len(new) == MOST


async def _number(some: list[str], work: Work) -> None:
    for user_id in some:
        await numbered(work, user_id)


async def _number_others(services: Services, about: Document) -> None:
    account = await services.accounts.get(about["account"])
    if account is None:
        return
    account_id = account.account_id
    actor = Actor(services=services, account_id=account_id, account=account, request_id=new_id())
    for _ in range(STEPS):
        if not await _number_some(actor):
            return
    await services.commit(Batch(puts=[asked(services.clock, NUMBER_PEOPLE, about)]))


NUMBER_PEOPLE = Kind(name="number_people", run=_number_others)
"""Asked for by who looks at people of whom very many have no number yet."""


async def numbered(work: Work, user_id: str) -> int | None:
    """The number of a user, given by this work if there is none; ``None`` for no user."""
    key = Key(work.actor.account_id, USERS.doc_type, user_id)
    stored = await work.actor.services.store.get(key)
    if stored is None or stored.get("pvt_deleted"):
        return None
    if NUMBER not in stored:
        stored = await work.other(PEOPLE, key) or stored
        if NUMBER not in stored:
            stored[NUMBER] = await work.number(sequence_of(work.actor, SEQUENCE))
    return int(stored[NUMBER])


async def caller_number(work: Work) -> int | None:
    """The number of the user who calls; ``None`` for a key that is nobody's."""
    caller = await find_caller(work.actor)
    return await numbered(work, caller["_id"]) if caller else None


async def set_columns(work: Work, number: int, **columns: Any) -> None:
    """Set columns of a user, in the same commit as what they follow from."""
    try:
        found = await find(work.actor, number)
    except NoSuchDocument:
        return
    stored = await work.other(PEOPLE, Key(work.actor.account_id, USERS.doc_type, found["_id"]))
    if stored is not None:
        stored[PERSON] = _without_nulls({**stored.get(PERSON, {}), **columns})


async def translate(change: Change) -> None:
    """Judge the columns that were sent and write those into the user that are its own fields.

    Raises :class:`ValidationFailed`: what the user's own schema would say has other names.
    """
    values = VALUES.found(change)
    refusals = change.refusals
    await references.judge(change, COMPONENT, values)
    await _check_email(change, values.get("email"))
    _check_photos(change, values)
    if refusals:
        raise ValidationFailed(refusals)
    first, last, _ = _parts(values.get("name") or "")
    if max(len(first), len(last)) > LONGEST_PART:
        message = f"No part of the name may have more than {LONGEST_PART} characters"
        raise ValidationFailed.of("name", "maxLength", message, target=LONGEST_PART)
    document = change.document
    if "name" in values:
        document["first_name"], document["last_name"], _ = _parts(values["name"])
    if "email" in values:
        document["email"] = values["email"]
    if "approved" in values:
        document["enabled"] = values["approved"]
    if change.current is None:
        email = values["email"].lower()
        fits = _USERNAME.fullmatch(email)
        document["username"] = email if fits else f"user_{secrets.token_hex(8)}"
        document["password"] = secrets.token_urlsafe(24)


async def keep_file(change: Change) -> None:
    """Keep the columns that are not the user's own fields, the number, and the pictures."""
    values, document, work = VALUES.found(change), change.document, work_of(change)
    person = dict(document.get(PERSON, {}))
    for name, value in values.items():
        if name not in OWN_FIELDS:
            person[name] = value
    answers = await _answers(change)
    if answers:
        person["data"] = _without_nulls({**person.get("data", {}), **answers})
    now = change.actor.services.clock.instant()
    person["updated_at"] = values.get("updated_at") or now
    if change.current is None:
        person.setdefault("created_at", now)
        document[NUMBER] = await work.number(sequence_of(work.actor, SEQUENCE))
    if "name" in values:
        person["has_one_name"] = _parts(values["name"])[2] or None
    if "email" in values:
        person["owns_email"] = True
    document[PERSON] = _without_nulls(person)
    await _keep_photos(change, values)


async def _keep_photos(change: Change, values: Document) -> None:
    for name, attachment in PHOTOS.items():
        if name in values:
            await replace_upload(change, attachment, values[name])


async def refuse_contact(change: Change) -> None:
    """Nobody deletes the person whom the organisation is reached by."""
    account = change.actor.require_account()
    contact = lookup(account.document, ("contact", "administrative", "email"))
    if isinstance(contact, str) and contact.lower() in email_of(change.current or {}):
        raise Forbidden("the contact of the organisation cannot be deleted")


async def _check_email(change: Change, email: Any) -> None:
    """Refuse the address of another user, also of one who does not own it alone."""
    if not isinstance(email, str):
        return
    actor = change.actor
    span = Span(
        account_id=actor.account_id,
        doc_type=USERS.doc_type,
        entry=Entry("email", email.lower()),
    )
    async for row in actor.services.store.scan(span):
        if row.document["_id"] != change.key.doc_id:
            change.refusals.add("email", "unique", "The e-mail address is taken", value=email)


def _check_photos(change: Change, values: Document) -> None:
    for name in PHOTOS:
        value = values.get(name)
        if isinstance(value, str) and value == photo_path(change.current or {}, name):
            del values[name]  # sent back as it was read
        elif value is not None:
            references.check_image(change.refusals, name, value)


async def _answers(change: Change) -> Document:
    """What the body says of the custom fields that the user has."""
    body: Document = BODY.found(change)
    number = (change.current or {}).get(NUMBER)
    if number is None:
        return {}
    keys = await field_keys(change.actor, number)
    return {key: body[key] for key in keys if key in body and not isinstance(body[key], Upload)}


def _parts(name: str) -> tuple[str, str, bool]:
    """Given name, family name, and whether there is but one, which then is both."""
    first, _, last = name.strip().rpartition(" ")
    return (first.strip() or last, last, not first)


def _without_nulls(columns: Document) -> Document:
    return {name: value for name, value in columns.items() if value is not None}


PEOPLE = replace(
    USERS,
    hooks=replace(
        USERS.hooks,
        normalize=(translate, *USERS.hooks.normalize),
        prepare=(*USERS.hooks.prepare, keep_file),
        deleting=(refuse_contact, *USERS.hooks.deleting),
    ),
)
"""Users as personnel management writes them: the users' family, with stages around its own."""
