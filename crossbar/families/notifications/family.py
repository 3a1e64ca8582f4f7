"""Notifications: the templates of mails, read and written by accounts and operators."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from crossbar.core.answers import SOME_OBJECT, TEXT, Answers, an_object, rows
from crossbar.core.attachments import in_memory, only_file
from crossbar.core.change import Change
from crossbar.core.preconditions import require_match
from crossbar.core.recipes import sent
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Handler, Route, Routes, Scope
from crossbar.core.writing import in_turn, remove, save
from crossbar.documents import Document, public
from crossbar.errors import (
    Conflict,
    NoSuchAttachment,
    NoSuchDocument,
    UnsupportedMediaType,
    ValidationFailed,
)
from crossbar.families.notifications.customer_update import send_message
from crossbar.families.notifications.listing import (
    force_system,
    is_shown,
    list_templates,
    remove_all,
)
from crossbar.families.notifications.shipped import (
    CUSTOMER_UPDATE,
    HTML,
    PLAIN,
    TYPES,
)
from crossbar.families.notifications.smtplog import LOG_ROUTES
from crossbar.families.notifications.templates import (
    ID,
    NEW_TEXTS,
    NOTIFICATION_TYPE,
    NOTIFICATIONS,
    NOUN,
    TAKEN,
    TEXTS,
    Template,
    find_template,
    shown,
    template_key,
)
from crossbar.families.notifications.trying import preview, require_renderable
from crossbar.storage import Span

MOST = 200
"""Templates that an account may have of its own."""

ENDS = {HTML: "html", PLAIN: "txt"}

HARMLESS = {"content-security-policy": "sandbox"}
"""Sent with texts, which customers have written and browsers might show."""

One = Callable[[Request, str], Awaitable[Result]]
"""What is done with the template of an id."""


# One template


async def fetch(request: Request, template_id: str) -> Result:
    """A template as it holds here; its HTML or plain text to who would rather have that."""
    template = await find_template(request.services, request.account, template_id)
    if not is_shown(request, template.document):
        raise NoSuchDocument(template_id)
    revision = template.own["_rev"] if template.own else None
    if not request.prefers(*TYPES):
        return Result(data=shown(template), revision=revision)
    wanted = next(each for each in TYPES if request.prefers(each))
    text = template.bodies.get(wanted)
    if text is None:
        raise NoSuchAttachment(wanted)
    file = in_memory(text.encode(), f"{wanted}; charset=utf-8", f"{template_id}.{ENDS[wanted]}")
    return Result(download=file, revision=revision, headers=HARMLESS)


async def create(request: Request) -> Result:
    """A template of the account's own, or what it says instead of the system's."""
    document = sent(request)
    if request.control("action") is not None:
        return await force_system(request)
    template_id = request.data.get("id")
    if not isinstance(template_id, str):
        raise ValidationFailed.of("id", "required", "Field is required but missing")
    if not ID.fullmatch(template_id) or template_id in TAKEN:
        message = "An id has up to 64 letters, digits, dots, dashes and underscores"
        raise ValidationFailed.of("id", "pattern", message, cause=template_id)
    key = template_key(request.account_id, template_id)

    async def attempt() -> Document:
        if await request.services.store.get(key) is not None:
            raise Conflict(code="datastore_conflict")
        await _require_room(request)
        return await _save(request, template_id, document, None)

    await in_turn(request.actor, key, attempt, once=True)
    return await _answer(request, template_id, is_new=True)


async def _require_room(request: Request) -> None:
    span = Span(account_id=request.account_id, doc_type=NOTIFICATION_TYPE)
    if await request.services.store.count(span) >= MOST:
        message = f"There can be at most {MOST} templates"
        raise ValidationFailed.of("id", "maxItems", message, target=MOST)


async def replace(request: Request, template_id: str) -> Result:
    """What is said of a template, written anew; or, with a file, its HTML or plain text."""
    if request.files:
        return await _upload(request, template_id)
    document = sent(request)

    async def attempt() -> Document:
        template = await find_template(request.services, request.account, template_id)
        return await _save(request, template_id, document, template.own)

    return await _written(request, template_id, attempt)


async def _upload(request: Request, template_id: str) -> Result:
    file = only_file(request)
    if file.content_type not in TYPES:
        raise UnsupportedMediaType
    try:
        text = file.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        message = "The template has to be UTF-8"
        raise ValidationFailed.of(file.content_type, "invalid", message) from None
    await require_renderable({file.content_type: text})

    async def attempt() -> Document:
        template = await find_template(request.services, request.account, template_id)
        document = public(template.own or template.document)
        return await _save(request, template_id, document, template.own, {file.content_type: text})

    return await _written(request, template_id, attempt)


async def _written(
    request: Request, template_id: str, attempt: Callable[[], Awaitable[Document]]
) -> Result:
    once = request.if_match is not None
    await in_turn(request.actor, template_key(request.account_id, template_id), attempt, once=once)
    return await _answer(request, template_id)


async def _save(
    request: Request,
    template_id: str,
    document: Document,
    current: Document | None,
    texts: dict[str, str | None] | None = None,
) -> Document:
    """Write what is said of a template here. Raises 400 for a subject that does not compile."""
    if isinstance(subject := document.get("subject"), str):
        await require_renderable({"subject": subject})
    change = Change(
        actor=request.actor,
        request=request,
        family=NOTIFICATIONS,
        key=template_key(request.account_id, template_id),
        document=dict(document),
        current=current,
        notes={NEW_TEXTS: texts or {}},
    )
    return await save(change, "changed" if current else "created")


async def _answer(request: Request, template_id: str, *, is_new: bool = False) -> Result:
    template = await find_template(request.services, request.account, template_id)
    return Result(
        data=shown(template),
        revision=template.own["_rev"] if template.own else None,
        created_id=template_id if is_new else None,
    )


async def delete(request: Request, template_id: str) -> Result:
    """What the account says of a template is gone; with a text's media type, that text."""
    if request.account is None:
        message = "What the system says of a template cannot be removed"
        raise ValidationFailed.of(template_id, "forbidden", message)
    if request.content_type in TYPES:
        return await _delete_text(request, template_id, request.content_type)

    async def attempt() -> Template:
        template = await find_template(request.services, request.account, template_id)
        if template.own is None:
            raise NoSuchDocument(template_id)
        require_match(request, template.own)
        change = Change(
            actor=request.actor,
            request=request,
            family=NOTIFICATIONS,
            key=template_key(request.account_id, template_id),
            document={},
            current=template.own,
        )
        await remove(change, is_soft=False)
        return template

    key = template_key(request.account_id, template_id)
    gone = await in_turn(request.actor, key, attempt, once=True)
    return Result(data={**shown(gone), "_read_only": {"deleted": True}})


async def _delete_text(request: Request, template_id: str, media_type: str) -> Result:
    async def attempt() -> Document:
        template = await find_template(request.services, request.account, template_id)
        own = template.own
        if own is None or media_type not in own.get(TEXTS, {}):
            raise NoSuchAttachment(media_type)
        return await _save(request, template_id, public(own), own, {media_type: None})

    return await _written(request, template_id, attempt)


# Paths

SHOWN = Answers(an_object(id=TEXT, macros=SOME_OBJECT, templates=SOME_OBJECT))
BY_ID = Answers(SOME_OBJECT)
SAID = Answers(TEXT)


def _named(path: str, handler: One) -> Handler:
    """The handler of one template: of that in the path, or of the only one that it can mean."""

    async def handle(request: Request) -> Result:
        return await handler(request, request.ids.get("notification_id", CUSTOMER_UPDATE))

    handle.__doc__ = handler.__doc__
    return handle


def _at(path: str, writing: Access) -> tuple[Route, ...]:
    """The routes of one template. The one with a path of its own below needs them said twice."""
    of = partial(_route_at, path, writing)
    return (
        of("", Action.FETCH, fetch, "Read a template", None, SHOWN, produces=TYPES),
        of("", Action.REPLACE, replace, "Replace a template", NOUN, SHOWN, reads=TYPES),
        of(
            "",
            Action.DELETE,
            delete,
            "Remove what is said of a template",
            None,
            SHOWN,
            reads=TYPES,
        ),
        of("/preview", Action.REPLACE, preview, "Send a mail of a template to try it", None, SAID),
    )


def _route_at(
    path: str,
    writing: Access,
    below: str,
    action: Action,
    handler: One,
    about: str,
    schema: str | None,
    answers: Answers,
    **more: Any,
) -> Route:
    return Route(
        path=f"{path}{below}",
        action=action,
        handler=_named(path, handler),
        about=about,
        access=None if action is Action.FETCH else writing,
        schema=schema,
        answers=answers,
        **more,
    )


def _of_all(writing: Access) -> tuple[Route, ...]:
    return (
        Route(
            path="",
            action=Action.LIST,
            handler=list_templates,
            about="List templates",
            answers=Answers(rows(id=TEXT)),
        ),
        Route(
            path="",
            action=Action.CREATE,
            handler=create,
            about="Create a template, or force those of the system",
            access=writing,
            schema=NOUN,
            answers=BY_ID,
        ),
        Route(
            path="",
            action=Action.DELETE,
            handler=remove_all,
            about="Remove all templates of the account's own",
            access=writing,
            answers=BY_ID,
        ),
        *_at("{notification_id}", writing),
        *_at(CUSTOMER_UPDATE, writing),
    )


TEMPLATES_OF_ACCOUNT = Routes(
    noun=NOUN,
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        *_of_all(Access.ADMIN),
        *LOG_ROUTES,
        Route(
            path=f"{CUSTOMER_UPDATE}/message",
            action=Action.REPLACE,
            handler=send_message,
            about="Write to users of the accounts below",
            access=Access.ADMIN,
            answers=SAID,
        ),
    ),
)

TEMPLATES_OF_SYSTEM = Routes(noun=NOUN, access=Access.TOKEN, routes=_of_all(Access.SUPERDUPER))
