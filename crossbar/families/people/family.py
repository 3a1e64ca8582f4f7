"""People: what the API does with a user and everything that was made for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from crossbar.core.answers import ROW, TEXT, Answers, an_object, maybe, rows, some
from crossbar.core.reading import list_span, revision_of_list
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Route, Routes, Scope
from crossbar.documents import Document
from crossbar.families.callflows import CALLFLOWS
from crossbar.families.endpoints import USERS
from crossbar.families.people.adding import SCHEMA, add
from crossbar.families.people.parts import BY_CALLFLOW, owned, person_of, require_each
from crossbar.families.people.removing import remove
from crossbar.families.people.showing import revision_of, shown, summary
from crossbar.storage import Span


async def list_people(request: Request) -> Result:
    """The account's users, with the numbers that lead to each."""
    await require_each(request, Action.LIST, [(USERS, ""), (CALLFLOWS, "")])
    span = Span(account_id=request.account_id, doc_type=USERS.doc_type)
    listed = await list_span(request, span, lambda user: user)
    if listed.portions is not None:
        return Result(portions=_portions(request, listed.portions), page=listed.page)
    data = await _rows(request, listed.data)
    following = listed.page.next_start_key if listed.page else None
    revision = revision_of_list(data, following)
    return Result(data=data, page=listed.page, revision=revision)


async def _portions(
    request: Request, portions: AsyncIterator[list[Document]]
) -> AsyncIterator[list[Document]]:
    async for users in portions:
        yield await _rows(request, users)


async def _rows(request: Request, users: list[Document]) -> list[Document]:
    found = []
    for user in users:
        await asyncio.sleep(0)  # others have their turn: a page may be long
        callflows = await owned(request.actor, BY_CALLFLOW, user["_id"])
        found.append(summary(user, callflows))
    return found


async def fetch(request: Request) -> Result:
    """A person, with the SIP accounts of its telephones."""
    person = await person_of(request.actor, request.ids["user_id"])
    parts = [(family, document["_id"]) for family, document in person.parts]
    await require_each(request, Action.FETCH, parts)
    return Result(data=shown(request, person), revision=revision_of(request, person))


SIP = an_object(username=TEXT, password=TEXT, realm=TEXT, proxy=TEXT, transport=TEXT)
SIP = maybe(SIP, text=TEXT, qr=TEXT)
NAMED = an_object(type=TEXT, id=TEXT, name=TEXT)
PERSON = Answers(
    an_object(
        id=TEXT,
        name=TEXT,
        extensions=some(TEXT),
        user=maybe(ROW, password=TEXT),
        devices=some(maybe(ROW, name=TEXT, sip={"anyOf": [SIP, {"type": "null"}]})),
        vmboxes=some(ROW),
        callflows=some(maybe(ROW, numbers=some(TEXT))),
    )
)

PEOPLE = Routes(
    noun="people",
    scopes=(Scope.ACCOUNT,),
    access=Access.ADMIN,
    routes=(
        Route(
            path="",
            action=Action.LIST,
            handler=list_people,
            about="List people",
            answers=Answers(rows(id=TEXT, name=TEXT, extensions=some(TEXT)), is_paged=True),
        ),
        Route(
            path="",
            action=Action.CREATE,
            handler=add,
            about="Add a person",
            schema=SCHEMA,
            answers=PERSON,
        ),
        Route(
            path="",
            action=Action.REPLACE,
            handler=add,
            about="Add a person, for those who expect POST to add",
            schema=SCHEMA,
            answers=PERSON,
        ),
        Route(
            path="{user_id}",
            action=Action.FETCH,
            handler=fetch,
            about="Read a person, with what is typed into a telephone",
            access=Access.SELF,
            answers=PERSON,
        ),
        Route(
            path="{user_id}",
            action=Action.DELETE,
            handler=remove,
            about="Remove a person",
            answers=Answers(
                an_object(
                    id=TEXT,
                    name=TEXT,
                    extensions=some(TEXT),
                    removed=some(NAMED),
                    kept=some(NAMED),
                )
            ),
        ),
    ),
)
"""For administrators, but that everybody may read how to set up a telephone of one's own."""
