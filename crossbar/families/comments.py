"""Comments: what people have to say about a document, kept inside of it.

They are the array ``comments`` of the account's document or of the one that the path names, oldest
first, and are addressed by their place in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crossbar.core.amending import amend
from crossbar.core.answers import SOME_OBJECT, Answers, an_object, some
from crossbar.core.change import Change
from crossbar.core.reading import load_document
from crossbar.core.recipes import sent
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import EVERYWHERE, Access, Routes, Scope, route
from crossbar.core.subobjects import family_of, holder_of
from crossbar.documents import Document
from crossbar.errors import NoSuchDocument, ValidationFailed

FIELD = "comments"
MAX_DIGITS = 9


def _comments(document: Document) -> list[Any]:
    comments = document.get(FIELD)
    return comments if isinstance(comments, list) else []


def _written_at(comment: Any) -> float:
    at = comment.get("timestamp") if isinstance(comment, dict) else None
    return at if isinstance(at, int | float) and not isinstance(at, bool) else 0


async def _rewrite(request: Request, propose: Callable[[list[Any]], list[Any]]) -> Document:
    """Write the comments that ``propose`` makes of those that there are, oldest first."""
    key = holder_of(request)

    async def alter(change: Change) -> None:
        change.document[FIELD] = sorted(propose(_comments(change.document)), key=_written_at)

    return await amend(request, family_of(request.actor, key), key, alter)


def _answer(stored: Document) -> Result:
    return Result(data={FIELD: _comments(stored)}, revision=stored["_rev"])


def _place(request: Request, comments: list[Any]) -> int:
    """The place that the path names, from 0. Raises :class:`NoSuchDocument`."""
    text = request.ids["comment_id"]
    is_place = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    if not is_place or int(text) >= len(comments):
        raise NoSuchDocument(text)
    return int(text)


async def list_comments(request: Request) -> Result:
    """All comments."""
    return _answer(await load_document(request.actor, holder_of(request)))


async def append(request: Request) -> Result:
    """The comments that were sent, beside those that there are."""
    added = sent(request).get(FIELD, [])
    if not isinstance(added, list):
        message = "Value did not match type(s): array"
        raise ValidationFailed.of(FIELD, "type", message, target="array", value=added)
    for place, comment in enumerate(added):
        if not isinstance(comment, dict):
            message = "Value did not match type(s): object"
            path = f"{FIELD}.{place}"
            raise ValidationFailed.of(path, "type", message, target="object", value=comment)
    return _answer(await _rewrite(request, lambda comments: [*comments, *added]))


async def clear(request: Request) -> Result:
    """No comments any more."""
    return _answer(await _rewrite(request, lambda comments: []))


async def fetch(request: Request) -> Result:
    """One comment."""
    stored = await load_document(request.actor, holder_of(request))
    comments = _comments(stored)
    return Result(data=comments[_place(request, comments)], revision=stored["_rev"])


async def replace(request: Request) -> Result:
    """Another comment at this place; answers what is there once all are in order again."""
    comment = sent(request)

    def put(comments: list[Any]) -> list[Any]:
        place = _place(request, comments)
        return [*comments[:place], comment, *comments[place + 1 :]]

    stored = await _rewrite(request, put)
    comments = _comments(stored)
    return Result(data=comments[_place(request, comments)], revision=stored["_rev"])


async def remove(request: Request) -> Result:
    """One comment less."""

    def drop(comments: list[Any]) -> list[Any]:
        place = _place(request, comments)
        return comments[:place] + comments[place + 1 :]

    return _answer(await _rewrite(request, drop))


ALL_COMMENTS = Answers(an_object(comments=some(SOME_OBJECT)))

COMMENTS = Routes(
    noun="comments",
    scopes=(Scope.ACCOUNT,),
    nested=(EVERYWHERE,),
    access=Access.ACCOUNT,
    routes=(
        route("", Action.FETCH, list_comments, "Read all comments", answers=ALL_COMMENTS),
        route("", Action.CREATE, append, "Add comments", answers=ALL_COMMENTS),
        route("", Action.DELETE, clear, "Delete all comments", answers=ALL_COMMENTS),
        route("{comment_id}", Action.FETCH, fetch, "Read one comment"),
        route("{comment_id}", Action.REPLACE, replace, "Replace one comment"),
        route("{comment_id}", Action.DELETE, remove, "Delete one comment", answers=ALL_COMMENTS),
    ),
)
