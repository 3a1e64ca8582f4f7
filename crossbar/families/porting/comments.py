"""Comments of a port request: what both sides have to say. They stay as they were written."""

from __future__ import annotations

from crossbar.core.answers import SOME_OBJECT, Answers, an_object, some
from crossbar.core.change import Change
from crossbar.core.reading import load_document
from crossbar.core.recipes import sent, valid
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Nesting, Route, Routes, route
from crossbar.core.subobjects import family_of, holder_of
from crossbar.core.writing import in_turn, save
from crossbar.documents import Document, public
from crossbar.errors import ValidationFailed
from crossbar.families.porting.judging import ADDED
from crossbar.families.porting.showing import COMMENTS, viewer_of, visible_comments


async def _answer(request: Request, stored: Document) -> Result:
    viewer = await viewer_of(request.actor, request.require_account())
    return Result(data={COMMENTS: visible_comments(stored, viewer)}, revision=stored["_rev"])


async def list_comments(request: Request) -> Result:
    """The comments, the oldest first; private ones for who decides about the request."""
    return await _answer(request, await load_document(request.actor, holder_of(request)))


async def append(request: Request) -> Result:
    """The comments that were sent, beside those that there are."""
    document = await valid(request.actor, "comments", sent(request))
    key = holder_of(request)

    async def attempt() -> Document:
        current = await load_document(request.actor, key)
        known = {(each["timestamp"], each["content"]) for each in current.get(COMMENTS, [])}
        change = Change(
            actor=request.actor,
            request=request,
            family=family_of(request.actor, key),
            key=key,
            document=public(current),
            current=current,
        )
        added = document.get(COMMENTS, [])
        # Who did not get the answer sends them once more.
        ADDED.leave(
            change, [each for each in added if (each["timestamp"], each["content"]) not in known]
        )
        return await save(change, "changed")

    once = request.if_match is not None
    return await _answer(request, await in_turn(request.actor, key, attempt, once=once))


async def refuse(request: Request) -> Result:
    """Comments are neither changed nor removed, nor read one by one."""
    message = "Comments of port requests stay as they are"
    raise ValidationFailed.of(COMMENTS, "forbidden", message, cause=COMMENTS)


ALL_COMMENTS = Answers(an_object(comments=some(SOME_OBJECT)))

COMMENTS_OF_PORT = Routes(
    noun="comments",
    scopes=(),
    nested=(Nesting(noun="port_requests", doc_type="port_request"),),
    access=Access.ACCOUNT,
    routes=(
        route("", Action.FETCH, list_comments, "Read all comments", answers=ALL_COMMENTS),
        Route(
            path="",
            action=Action.CREATE,
            handler=append,
            about="Add comments",
            schema="comments",
            answers=ALL_COMMENTS,
        ),
        route("", Action.DELETE, refuse, "Refused: comments stay"),
        route("{comment_id}", Action.FETCH, refuse, "Refused: all comments are read"),
        route("{comment_id}", Action.REPLACE, refuse, "Refused: comments stay"),
        route("{comment_id}", Action.DELETE, refuse, "Refused: comments stay"),
    ),
)
