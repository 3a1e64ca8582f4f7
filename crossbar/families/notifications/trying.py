"""Templates on trial: as a request has them, sent once, and not stored."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from typing import Any

from crossbar.core.jobs import asked
from crossbar.core.recipes import valid
from crossbar.core.requests import Request, Result
from crossbar.documents import Document
from crossbar.errors import MailUnavailable, ValidationFailed
from crossbar.families.notifications.addresses import recipients
from crossbar.families.notifications.rendering import BadTemplate, check
from crossbar.families.notifications.sending import NOTIFICATION, about_mail
from crossbar.families.notifications.shipped import HTML, PLAIN, SHIPPED
from crossbar.families.notifications.templates import NOTIFICATIONS, Template, find_template
from crossbar.storage import Batch, Key

FIELDS = ("from", "subject", "reply_to", "to", "cc", "bcc")
"""What a request may say instead of what is stored."""

PROCESSING = "Notification processing"

SAMPLES: Mapping[str, Any] = {
    "caller_id.name": "Ann Lee",
    "caller_id.number": "+14155550100",
    "call.from": "+14155550100",
    "call.to": "101",
    "voicemail.box": "101",
    "user.first_name": "Bob",
    "user.last_name": "Kay",
    "user.username": "bob",
    "minutes": 60,
    "link": "https://ui.example.com/?recovery=sample",
    "fax.pages": 2,
    "voicemail.length": 12,
    "voicemail.messages": 40,
    "current_balance": 4.2,
    "threshold": 5,
    "port_request.numbers": ["+14155550100", "+14155550101"],
}
"""What previews show where the name of a fact would make no sense."""


async def proposed(request: Request, template_id: str, data: Any) -> Template:
    """A template as a request has it, over what is stored. Raises 400 for what is wrong in it."""
    stored = await find_template(request.services, request.account, template_id)
    sent = data if isinstance(data, dict) else {}
    document = {**stored.document, **{name: sent[name] for name in FIELDS if name in sent}}
    document = await valid(request.actor, NOTIFICATIONS.schema, document)
    bodies = {**stored.bodies, **_bodies(sent)}
    await require_renderable({"subject": document["subject"], **bodies})
    return Template(
        template_id=template_id,
        document={**document, "enabled": True},
        subject=document["subject"],
        bodies=bodies,
        origin=request.account_id,
        own=None,
    )


def _bodies(sent: Document) -> dict[str, str]:
    """The texts in a request: HTML in base64, plain text as it is."""
    bodies = {}
    for name, media_type in (("html", HTML), ("plain", PLAIN)):
        text = sent.get(name)
        if text is None:
            continue
        if not isinstance(text, str):
            message = "Value did not match type(s): string"
            raise ValidationFailed.of(name, "type", message, target="string", value=text)
        bodies[media_type] = _decoded(text) if name == "html" else text
    return bodies


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        message = "The HTML has to be UTF-8 in base64"
        raise ValidationFailed.of("html", "invalid", message) from None


async def require_renderable(sources: Mapping[str, str]) -> None:
    """Raises 400 for a template that does not compile, with the line and the reason."""
    for name, source in sources.items():
        try:
            await asyncio.to_thread(check, source)
        except BadTemplate as error:
            message = f"The template does not compile: {error}"
            detail = {} if error.line is None else {"line": error.line}
            raise ValidationFailed.of(
                name, "invalid", message, reason=error.reason, **detail
            ) from None


async def preview(request: Request, template_id: str) -> Result:
    """Send one mail as it would be, with made-up facts.

    What would go to whom it concerns goes to the user who asks.
    """
    services, caller = request.services, request.require_caller()
    template = await proposed(request, template_id, request.data)
    account = request.account or await services.accounts.get(caller.account_id)
    if account is None:
        raise ValidationFailed.of("to", "required", "There is no account to write for")
    original = await _address_of(request)
    if not await recipients(services, account, template.document["to"], original):
        message = "Nobody is named whom the mail could go to; you have no address either"
        raise ValidationFailed.of("to", "required", message)
    if not services.mail.is_available:
        raise MailUnavailable
    about = about_mail(
        services, template_id, account.account_id, sample_facts(template_id), to=original
    )
    about["template"] = {"document": template.document, "bodies": dict(template.bodies)}
    await services.commit(Batch(puts=(asked(services.clock, NOTIFICATION, about),)))
    return Result(data=PROCESSING)


async def _address_of(request: Request) -> list[str]:
    """Where the user who asks is written to."""
    caller = request.require_caller()
    if caller.user_id is None:
        return []
    user = await request.services.store.get(Key(caller.account_id, "user", caller.user_id))
    return [user["email"]] if user and isinstance(user.get("email"), str) else []


def sample_facts(template_id: str) -> Document:
    """Something for every name that a template may use."""
    shipped = SHIPPED.get(template_id)
    facts: Document = {}
    for name in shipped.macros if shipped else ():
        inner = facts
        *above, last = name.split(".")
        for part in above:
            inner = inner.setdefault(part, {})
        inner[last] = SAMPLES.get(name, last.replace("_", " "))
    return facts
