"""The templates of an account or the system: their list, and what is done to all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from crossbar.core.reading import revision_of_list
from crossbar.core.requests import Request, Result
from crossbar.core.writing import Work, perform
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.families.notifications.shipped import (
    HIDDEN,
    OF_SYSTEM,
    SHIPPED,
    macros_of,
)
from crossbar.families.notifications.templates import (
    NOTIFICATION_TYPE,
    NOTIFICATIONS,
    TEXTS,
    Template,
    find_template,
    merged_template,
    template_key,
)
from crossbar.filtering import keeps
from crossbar.storage import SYSTEM, Span

FORCE, REMOVE = "force_system", "remove_customizations"
REPLACED, DELETED = "replaced", "deleted"
NONE_LEFT = "the account has no templates of its own"


async def list_templates(request: Request) -> Result:
    """The templates of the system, with what the account says of them, and its own."""
    of_system = {each["_id"]: each async for each in stored_in(request, SYSTEM)}
    own: dict[str, Document] = {}
    if request.account is not None:
        own = {each["_id"]: each async for each in stored_in(request, request.account_id)}
    data = []
    for template_id in sorted({*SHIPPED, *of_system, *own}):
        documents = [each[template_id] for each in (own, of_system) if template_id in each]
        merged = merged_template(request.services, template_id, documents)
        if template_id == HIDDEN or not is_shown(request, merged):
            continue
        if keeps((*request.query.filters, *request.query.bounds), {**merged, "_id": template_id}):
            is_known = template_id in SHIPPED or template_id in of_system
            data.append(_row(template_id, merged, template_id in own, is_known))
    return Result(data=data, revision=revision_of_list(data))


def is_shown(request: Request, document: Document) -> bool:
    """Templates for operators are shown to them alone."""
    is_hidden = document.get("category") == OF_SYSTEM
    return not is_hidden or request.require_caller().is_operator


def _row(template_id: str, merged: Document, is_own: bool, is_known: bool) -> Document:
    row = {
        "id": template_id,
        "category": merged.get("category"),
        "friendly_name": merged.get("friendly_name"),
        "macros": macros_of(template_id),
        "enabled": merged.get("enabled", True),
    }
    if is_own:
        row["account_overridden" if is_known else "account_defined"] = True
    return {name: value for name, value in row.items() if value is not None}


async def stored_in(request: Request, account_id: str) -> AsyncIterator[Document]:
    """What an account, or the system, says of templates, without the texts."""
    span = Span(account_id=account_id, doc_type=NOTIFICATION_TYPE, portion=20)
    async for row in request.services.store.scan(span):
        yield {name: value for name, value in row.document.items() if name != TEXTS}


async def force_system(request: Request) -> Result:
    """Have the account use the system's templates, whatever those above it say."""
    _require_action(request, FORCE)

    async def build(work: Work) -> Document:
        outcome: Document = {}
        for template_id in await _ids_of_system(request):
            template = await find_template(request.services, None, template_id)
            key = template_key(request.account_id, template_id)
            before = await request.services.store.get(key)
            kept = {name: before[name] for name in ("_rev", "pvt_created")} if before else {}
            work.put(NOTIFICATIONS, key, {**_copy(template), **kept})
            outcome[template_id] = REPLACED
        return outcome

    turn = template_key(request.account_id, "")
    return Result(data=await perform(request.actor, turn, build, request))


async def _ids_of_system(request: Request) -> list[str]:
    stored = [each["_id"] async for each in stored_in(request, SYSTEM)]
    return sorted({*SHIPPED, *stored} - {HIDDEN})


def _copy(template: Template) -> Document:
    return {**template.document, TEXTS: dict(template.bodies)}


async def remove_all(request: Request) -> Result:
    """The account has no templates of its own any more."""
    _require_action(request, REMOVE)

    async def build(work: Work) -> Document:
        outcome: Document = {}
        async for document in stored_in(request, request.account_id):
            work.remove(template_key(request.account_id, document["_id"]), document)
            outcome[document["_id"]] = DELETED
        return outcome

    turn = template_key(request.account_id, "")
    outcome = await perform(request.actor, turn, build, request)
    return Result(data=outcome or {"message": NONE_LEFT})


def _require_action(request: Request, wanted: str) -> None:
    """Raises 400 unless that is what is asked for; of the system nothing can be."""
    action = request.control("action")
    if request.account is None:
        message = "This can be done to accounts only"
        raise ValidationFailed.of("action", "forbidden", message, cause=action)
    if action != wanted:
        message = "Value not found in enumerated list of values"
        raise ValidationFailed.of("action", "enum", message, target=[wanted], value=action)
