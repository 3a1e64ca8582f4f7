"""Directories: dial by name. Who is in one is written on the users."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from crossbar.clock import moment
from crossbar.core.answers import DOCUMENT, TEXT, an_object, some
from crossbar.core.attachments import in_memory
from crossbar.core.change import Change
from crossbar.core.reading import live_documents, load
from crossbar.core.recipes import fetch_or
from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.shapes import FLAGS, Collection, Hooks, Route
from crossbar.documents import Document, lookup, texts_at
from crossbar.storage import Entry, Span

PDF_TYPES = ("application/pdf", "application/x-pdf")

MOST_PEOPLE = 5000
"""Rows of a printed directory at most: some 150 pages, which take a second to draw."""

MOST_NUMBERS = 5
"""Numbers in one row at most."""

AT_A_TIME = 100
"""Callflows that are in memory at once."""

NAMES = ("last_name", "first_name")
TITLES = {"last_name": "Last name", "first_name": "First name"}


async def add_users(request: Request, shown: Document, stored: Document) -> None:
    """On reading one directory: its users, from every user document that names it."""
    if request.operation.action is not Action.FETCH:
        return
    doc_id = stored["_id"]
    callflows = {
        row.position.doc_id: row.document["directories"][doc_id]
        async for row in request.services.store.scan(_listed(request.actor, doc_id))
    }
    shown["users"] = [
        {"user_id": user_id, "callflow_id": callflows[user_id]}
        for user_id in sorted(callflows, reverse=True)
    ]


def _listed(actor: Actor, doc_id: str) -> Span:
    """The users who are in the directory, by name."""
    entry = Entry("directory", doc_id)
    return Span(account_id=actor.account_id, doc_type="user", entry=entry)


async def print_out(request: Request) -> Result:
    """A table of names, numbers and addresses, ordered as callers search the directory."""
    directory, account = await load(request), request.require_account()
    store, span = request.services.store, _listed(request.actor, directory["_id"])
    people = []
    async for row in store.scan(span):
        people.append(_person(row.document, directory["_id"]))
        if len(people) == MOST_PEOPLE:
            break
    order = NAMES if directory.get("sort_by") != "first_name" else NAMES[::-1]
    people.sort(key=lambda person: [person[name].casefold() for name in order])
    numbers = await _numbers(request.actor, [person["callflow"] for person in people])
    rows = [
        (*(person[name] for name in order), numbers.get(person["callflow"], ""), person["email"])
        for person in people
    ]
    total = len(people) if len(people) < MOST_PEOPLE else await store.count(span)
    content = await asyncio.to_thread(
        _draw,
        directory.get("name", ""),
        account.name,
        ((TITLES[order[0]], 3), (TITLES[order[1]], 3), ("Number", 3.2), ("E-mail", 4)),
        rows,
        note="" if total == len(rows) else f"The first {len(rows)} of {total}",
        made=moment(request.services.clock.gregorian()),
    )
    return Result(download=in_memory(content, PDF_TYPES[0], f"{account.name}-directory.pdf"))


def _draw(*table: Any, **more: Any) -> bytes:
    from crossbar.families.directories.pdf import draw  # only now: it takes half a second

    return draw(*table, **more)


def _person(user: Document, directory_id: str) -> dict[str, str]:
    """What is printed of a user; ``callflow`` is the id of the one that reaches it."""
    person = {name: user.get(name) for name in (*NAMES, "email")}
    person["callflow"] = lookup(user, ("directories", directory_id))
    return {name: value if isinstance(value, str) else "" for name, value in person.items()}


async def _numbers(actor: Actor, callflow_ids: Sequence[str]) -> dict[str, str]:
    """The numbers of live callflows, by id."""
    numbers = {}
    for start in range(0, len(callflow_ids), AT_A_TIME):
        some = callflow_ids[start : start + AT_A_TIME]
        for doc_id, callflow in (await live_documents(actor, some, "callflow")).items():
            numbers[doc_id] = ", ".join(texts_at(callflow, "numbers")[:MOST_NUMBERS])
    return numbers


def _is_computed(user: object) -> bool:
    return isinstance(user, dict) and user.keys() == {"user_id", "callflow_id"}


async def keep_users(change: Change) -> None:
    """Clients send back what they have read: computed users do not replace the stored list."""
    users = change.value("users")
    if isinstance(users, list) and any(_is_computed(user) for user in users):
        change.document["users"] = (change.current or {}).get("users", [])


DIRECTORIES = Collection(
    noun="directories",
    doc_type="directory",
    schema="directories",
    summary=("name", FLAGS),
    hooks=Hooks(normalize=(keep_users,), present=(add_users,)),
    shown={"users": some({"anyOf": [TEXT, an_object(user_id=TEXT, callflow_id=TEXT)]})},
    routes=(
        Route(
            path="{directory_id}",
            action=Action.FETCH,
            handler=fetch_or(print_out, *PDF_TYPES),
            about="Read a directory, or print it with a PDF Accept header",
            produces=PDF_TYPES,
            answers=DOCUMENT,
        ),
    ),
)
