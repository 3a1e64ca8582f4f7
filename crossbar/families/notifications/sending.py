"""Mails about what has happened: asked for in the commit that causes them, written by a job.

A mail has a name, which is made up when it is asked for: its ``Message-ID`` and its place in the
log. A job that is done again passes over a mail of which the log says that it was taken. So a mail
is sent twice only if the process ends, or the log cannot be written, between the mail server's yes
and the record; both have the same ``Message-ID``, by which receivers can drop the second.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import field
from typing import Any

from crossbar.core.attachments import ATTACHMENTS
from crossbar.core.change import Change
from crossbar.core.directory import Account
from crossbar.core.jobs import CannotBeDone, Kind, asked
from crossbar.core.ports import Enclosed, Letter
from crossbar.core.services import Services
from crossbar.core.shelving import read_attachment
from crossbar.core.stamping import fresh_id
from crossbar.core.writing import Work
from crossbar.documents import Document
from crossbar.errors import CrossbarError, NoSuchDocument
from crossbar.families.notifications.addresses import is_address, recipients
from crossbar.families.notifications.rendering import BadTemplate, bounded, render
from crossbar.families.notifications.shipped import HTML, PLAIN
from crossbar.families.notifications.smtplog import KEPT, UPDATE_TYPE, keep, log_key, was_sent
from crossbar.families.notifications.templates import Template, find_template
from crossbar.storage import Key, Put
from crossbar.values import valueclass

LONGEST_SUBJECT = 250
LONGEST_WORDS = 1_000
"""Characters of a subject, and of what a mail server said, that are kept."""

LARGEST_FILE = 10_000_000
"""Bytes of a file that goes with a mail; larger ones are left out."""

HIDDEN = "[redacted]"
"""What the log has in place of a secret."""

NOBODY = "there is nobody to write to"

_GAPS = re.compile(r"\n\s*\n\s*\n+")
_NO_TEXT = re.compile(r"<p>\s*</p>\n?")


@valueclass
class Notice:
    """A mail that is to be written.

    ``name`` and ``asked``, in Gregorian seconds, say which one it is. ``to`` is whom it concerns,
    ``facts`` are what its template is given, ``secrets`` those that the log must not keep.
    ``template`` stands in for what is stored; ``enclosed`` goes along.
    """

    name: str
    asked: int
    account_id: str
    template_id: str
    facts: Mapping[str, Any]
    to: tuple[str, ...] = ()
    secrets: Mapping[str, Any] = field(default_factory=dict)
    template: Template | None = None
    enclosed: tuple[Enclosed, ...] = ()


def notify(
    writes: Change | Work,
    template_id: str,
    account_id: str,
    facts: Mapping[str, Any],
    *,
    to: Iterable[str] = (),
    while_there: Iterable[tuple[str, str]] = (),
) -> None:
    """Have a mail written about what a change or a work does; nothing where none can be sent.

    ``facts`` are by the names that the template knows, and no secrets. ``to`` is whom the mail
    concerns, for templates that go to those. It is sent while the documents ``while_there``, by
    type and id, are there.
    """
    services = writes.actor.services
    if services.mail.is_available:
        writes.ask(
            NOTIFICATION,
            about_mail(
                services,
                template_id,
                account_id,
                facts,
                to=to,
                while_there=while_there,
            ),
        )


def asked_for(
    services: Services,
    template_id: str,
    account_id: str,
    facts: Mapping[str, Any],
    *,
    to: Iterable[str] = (),
    while_there: Iterable[tuple[str, str]] = (),
    enclose: tuple[str, str] | None = None,
) -> list[Put]:
    """The same for a batch that is put together by hand: its writes, none without mail.

    The file of the document ``enclose`` goes along.
    """
    if not services.mail.is_available:
        return []
    about = about_mail(
        services,
        template_id,
        account_id,
        facts,
        to=to,
        while_there=while_there,
        enclose=enclose,
    )
    return [asked(services.clock, NOTIFICATION, about)]


def about_mail(
    services: Services,
    template_id: str,
    account_id: str,
    facts: Mapping[str, Any],
    *,
    to: Iterable[str] = (),
    while_there: Iterable[tuple[str, str]] = (),
    enclose: tuple[str, str] | None = None,
) -> Document:
    """What the job that writes a mail is told, :func:`write` above all.

    The file of the document ``enclose`` goes along.
    """
    about: Document = {
        "name": fresh_id(services.clock),
        "asked": services.clock.gregorian(),
        "account_id": account_id,
        "template_id": template_id,
        "facts": bounded(facts),
        "to": [each for each in to if is_address(each)],
        "while_there": [list(each) for each in while_there],
    }
    return {**about, "enclose": list(enclose)} if enclose else about


async def write(services: Services, about: Document) -> bool:
    """Send a mail that was asked for, unless what it is about is gone; whether it was taken."""
    account_id = about["account_id"]
    for doc_type, doc_id in about["while_there"]:
        stored = await services.store.get(Key(account_id, doc_type, doc_id))
        if stored is None or stored.get("pvt_deleted"):
            return False
    enclosed = await _enclosed(services, account_id, about.get("enclose"))
    notice = Notice(
        name=about["name"],
        asked=about["asked"],
        account_id=account_id,
        template_id=about["template_id"],
        facts=about["facts"],
        to=tuple(about["to"]),
        template=await _as_sent(services, about),
        enclosed=enclosed,
    )
    return await deliver(services, notice)


async def _write(services: Services, about: Document) -> None:
    await write(services, about)


NOTIFICATION = Kind(name="notification", run=_write)


async def _as_sent(services: Services, about: Document) -> Template | None:
    """The template that came with a request, if one did; it is not what is stored."""
    sent = about.get("template")
    if "update" in about:
        account_id, update_id = about["update"]
        sent = await services.store.get_record(Key(account_id, UPDATE_TYPE, update_id))
    if sent is None:
        return None
    return Template(
        template_id=about["template_id"],
        document=sent["document"],
        subject=sent["document"]["subject"],
        bodies=sent["bodies"],
        origin=about["account_id"],
        own=None,
    )


async def _enclosed(services: Services, account_id: str, place: Any) -> tuple[Enclosed, ...]:
    """The file of a document, if it has one that is not too large."""
    if not place:
        return ()
    stored = await services.store.get(Key(account_id, *place))
    for name, facts in (stored or {}).get(ATTACHMENTS, {}).items():
        if facts["length"] <= LARGEST_FILE:
            try:
                chunks = read_attachment(services, account_id, facts["id"])
                content = b"".join([chunk async for chunk in chunks])
            except (KeyError, CrossbarError):
                return ()
            kind = facts.get("content_type") or "application/octet-stream"
            # A name that the header of a mail cannot have would keep the mail from being sent.
            plain = "".join(each if each.isprintable() else "_" for each in name)
            return (Enclosed(plain, kind, content),)
    return ()


async def deliver(services: Services, notice: Notice) -> bool:
    """Write a mail and hand it to the mail server, and say in the log what has become of it.

    Whether the server has taken it, now or before.

    Raises :class:`CannotBeDone` when the server has refused it for good, something else when it
    may take it later. A template that fails is a matter of the log alone.
    """
    account = await services.accounts.get(notice.account_id)
    if account is None:
        return False
    key = log_key(services, account.account_id, notice.name, notice.asked)
    if await was_sent(services, key):
        return True
    try:
        template = notice.template or await find_template(services, account, notice.template_id)
    except NoSuchDocument:
        return False
    if template.document.get("enabled") is False:
        return False
    failure: Exception | None = None
    addressed = await _addressed(services, account, template, notice)
    record: Document = {
        "template_id": notice.template_id,
        "template_account_id": template.origin,
        "account_id": account.account_id,
        "emails": {name: list(found) for name, found in addressed.items()},
    }
    record["emails"] |= _senders(services, template)
    try:
        letter, told = await asyncio.to_thread(_written, account, template, notice, addressed)
        record |= told
        if not letter.to:
            raise BadTemplate(NOBODY)
        record["receipt"] = _kept_words(notice, await services.mail.send(letter))
    except BadTemplate as error:
        record["error"] = str(error)
    except Exception as error:
        record["error"] = _kept_words(notice, str(error) or type(error).__name__)
        failure = error
    with suppress(NoSuchDocument):  # the account went meanwhile
        await keep(services, account, key, notice.asked, record)
    if isinstance(failure, CannotBeDone):
        raise CannotBeDone from None  # its words are in the log of the account, and only there
    if failure is not None:
        raise failure
    return "error" not in record


async def _addressed(
    services: Services, account: Account, template: Template, notice: Notice
) -> dict[str, tuple[str, ...]]:
    """Whom the mail goes to, nobody twice."""
    seen: set[str] = set()
    found = {}
    for part in ("to", "cc", "bcc"):
        wanted = template.document.get(part)
        everybody = await recipients(services, account, wanted, notice.to)
        found[part] = tuple(each for each in everybody if each not in seen)
        seen.update(everybody)
    return found


def _senders(services: Services, template: Template) -> Document:
    """Whom the mail is from, and who is answered."""
    senders = {"from": _address(template, "from") or services.settings.mail.sender}
    reply_to = _address(template, "reply_to")
    return {**senders, "reply_to": reply_to} if reply_to else senders


def _address(template: Template, name: str) -> str:
    """An address that somebody has set; empty where the server's own is meant."""
    value = template.document.get(name)
    return value if template.origin and isinstance(value, str) and is_address(value) else ""


def _written(
    account: Account,
    template: Template,
    notice: Notice,
    addressed: Mapping[str, tuple[str, ...]],
) -> tuple[Letter, Document]:
    """The letter, and what the log keeps of it. Runs in another thread.

    It is written twice where there are secrets: nothing is searched for what must not be kept.
    """
    facts = _facts(account, notice, notice.secrets)
    subject, bodies = _rendered(template, facts)
    letter = Letter(
        subject=subject,
        text=bodies.get(PLAIN, ""),
        html=bodies.get(HTML, ""),
        sender=_address(template, "from"),
        reply_to=_address(template, "reply_to"),
        name=notice.name,
        enclosed=notice.enclosed,
        **addressed,
    )
    if notice.secrets:
        facts = _facts(account, notice, dict.fromkeys(notice.secrets, HIDDEN))
        subject, bodies = _rendered(template, facts)
    kept = {each: text[:KEPT] for each, text in bodies.items()}
    return letter, {"subject": subject, "rendered_templates": kept, "macros": facts}


def _facts(account: Account, notice: Notice, secrets: Mapping[str, Any]) -> Document:
    """What the template is given."""
    own = {"id": account.account_id, "name": account.name, "realm": account.realm}
    facts: Document = bounded({**notice.facts, **secrets})
    return {"account": own, **facts}


def _rendered(template: Template, facts: Document) -> tuple[str, dict[str, str]]:
    """The subject and the texts. Raises :class:`BadTemplate`."""
    # What names say may have line breaks; a header may not.
    subject = " ".join(render(template.subject, facts).split())[:LONGEST_SUBJECT]
    bodies = {}
    for each, source in template.bodies.items():
        text = render(source, facts, is_html=each == HTML)
        gap, instead = (_NO_TEXT, "") if each == HTML else (_GAPS, "\n\n")
        bodies[each] = gap.sub(instead, text)
    return subject, bodies


def _kept_words(notice: Notice, words: str) -> str:
    """What the mail server said, without the secrets that it may have repeated."""
    for secret in map(str, notice.secrets.values()):
        words = words.replace(secret, HIDDEN) if secret else words
    return words[:LONGEST_WORDS]
