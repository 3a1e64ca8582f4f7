"""Forgotten passwords: a link by mail, with which a user logs in once (docs/protocol.md §5.8).

A reset id is 256 random bits behind the ids of the account and the user, in hex. What is kept is a
hash of the random part together with what must not change meanwhile: the user's token signature,
which a new password replaces, and the address that the mail went to. A user has one reset id at
most; it dies when it is used, when its time is over, and when another one is sent.

Nobody learns here who exists: the answer is always the same, and whether there is somebody to
write to is found out after it was given.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress
from urllib.parse import urlsplit

from crossbar.core.amending import amend
from crossbar.core.change import Change
from crossbar.core.directory import Account
from crossbar.core.jobs import Kind, asked
from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.services import Services, Tried
from crossbar.core.shapes import Access, Route
from crossbar.core.stamping import fresh_id
from crossbar.documents import Document, next_revision
from crossbar.errors import (
    Conflict,
    MailUnavailable,
    NotFound,
    TooManyRequests,
    ValidationFailed,
)
from crossbar.families.endpoints import USERS
from crossbar.families.logins.attempts import Way
from crossbar.families.logins.auth import login_answer
from crossbar.families.logins.names import NAMED_BY, accounts_named, names_sent, validated
from crossbar.families.logins.rules import USER_METHOD, admit
from crossbar.families.notifications import Notice, deliver, user_facts
from crossbar.storage import Batch, Entry, Key, Put, Span

RESET_TYPE = "password_reset"
MAILS, RESETS = "recovery mails", "reset ids"
"""The ways by whose names requests for mail and wrong reset ids are counted."""

MAIL_COST = 20.0
"""How much slower mails are sent to those who ask for many than passwords are verified."""

BY_MAIL = Way(method=USER_METHOD, proof="user_auth_recovery_reset")

ID_LENGTH = 32
ANSWER = "Request for password reset handled, a mail is sent to the user's address if there is one"
UNKNOWN = "The provided reset_id did not resolve to any user"


async def request_mail(request: Request) -> Result:
    """Have the user mailed a link, if there is such a user."""
    sent = await validated(request, "user_auth_recovery")
    if not any(sent.get(name) for name in NAMED_BY):
        message = "One of account_name, account_realm and phone_number is needed"
        raise ValidationFailed.of("account_name", "required", message)
    _require_own_interface(request.actor, sent["ui_url"])
    credentials = request.services.credentials
    user = " ".join((*names_sent(sent), sent["username"].lower()))
    # By the address alone: mails to many are worse than many to one, who is written to seldom.
    tried = Tried(way=MAILS, names=("",), address=request.address, proof=user, cost=MAIL_COST)
    credentials.slow_down(tried)
    if not request.services.mail.is_available:
        raise MailUnavailable
    with suppress(TooManyRequests):  # this one is still to come
        credentials.login_failed(tried)
    wanted = {name: sent[name] for name in (*NAMED_BY, "username", "ui_url") if name in sent}
    clock = request.services.clock
    # By its name a second attempt knows the reset id that the first could not send.
    wanted |= {"mail": fresh_id(clock), "asked": clock.gregorian()}
    job = asked(clock, RECOVERY, wanted)
    await request.services.commit(Batch(puts=(job,)))
    return Result(data=ANSWER)


def _require_own_interface(actor: Actor, ui_url: str) -> None:
    """Refuse links to strangers, who would be handed the login of whoever follows them."""
    settings = actor.services.settings
    allowed = {_origin(url) for url in (*settings.recovery.ui_urls, *settings.own_origins())}
    origin = _origin(ui_url)
    if origin is None or origin not in allowed:
        message = "Mails may not link to this address"
        raise ValidationFailed.of("ui_url", "forbidden", message, cause=ui_url)


def _origin(url: str) -> tuple[str, str] | None:
    """Scheme and server of an address; ``None`` where browsers might read another one in it."""
    if not url.isascii() or not url.isprintable() or any(char in url for char in ' \\"<>@'):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    is_web = parts.scheme in ("http", "https") and parts.netloc
    return (parts.scheme, parts.netloc.lower()) if is_web else None


async def write(services: Services, about: Document) -> None:
    """Write to the user who was meant, if there is one.

    The mail is sent by this very job: a job holds no secrets, and the reset id is one.
    """
    actor = Actor(services=services, request_id=RECOVERY.name)
    # A job of an earlier version has no name for its mail.
    clock = services.clock
    notice = await _notice(actor, {"mail": fresh_id(clock), "asked": clock.gregorian(), **about})
    if notice is not None:
        await deliver(services, notice)


RECOVERY = Kind(name="recovery_mail", run=write)


async def _notice(actor: Actor, sent: Document) -> Notice | None:
    """The mail with a new reset id; ``None`` when nobody is to be written to."""
    found = await _user_named(actor, sent)
    if found is None:
        return None
    account, user = found
    reset_id = await _new_reset(actor, account, user, sent["mail"])
    if reset_id is None:
        return None
    minutes = max(actor.services.settings.recovery.lifetime // 60, 1)
    return Notice(
        name=sent["mail"],
        asked=sent["asked"],
        account_id=account.account_id,
        template_id="password_recovery",
        facts={"user": user_facts(user), "minutes": minutes},
        to=(user["email"],),
        secrets={"link": _link(sent["ui_url"], reset_id)},
    )


def _link(ui_url: str, reset_id: str) -> str:
    """The interface's address with the reset id, as interfaces look for it."""
    return f"{ui_url}{'&' if '?' in ui_url else '?'}recovery={reset_id}"


async def _user_named(actor: Actor, sent: Document) -> tuple[Account, Document] | None:
    """The user who is meant and can log in and be written to."""
    now = actor.services.clock.gregorian()
    for account in await accounts_named(actor, sent):
        entry = Entry("username", sent["username"].lower())
        span = Span(account_id=account.account_id, doc_type="user", entry=entry)
        async for row in actor.services.store.scan(span):
            user = row.document
            is_reachable = user.get("email") and user.get("enabled", True)
            if is_reachable and account.is_in_good_standing(now):
                return account, user
    return None


async def _new_reset(actor: Actor, account: Account, user: Document, mail: str) -> str | None:
    """A new reset id, instead of an earlier one; ``None`` when the user was just sent another.

    ``mail`` is the one that it is for: what that one could not be sent with holds up nobody.
    """
    settings, now = actor.services.settings.recovery, actor.services.clock.gregorian()
    key = _reset_key(account.account_id, user["_id"])
    current = await actor.services.store.get(key)
    is_another = current is not None and current.get("pvt_mail") != mail
    if current is not None and is_another and now < current["pvt_created"] + settings.pause:
        return None
    expected = current["_rev"] if current else None
    random = secrets.token_hex(32)
    document = {
        "_id": key.doc_id,
        "_rev": next_revision(expected),
        "pvt_type": RESET_TYPE,
        "pvt_created": now,
        "pvt_expires": now + settings.lifetime,
        "pvt_hash": _hash(random, user),
        "pvt_mail": mail,
    }
    try:
        await actor.services.commit(Batch(puts=(Put(key, document, expected, sort=None),)))
    except Conflict:
        return None  # another one was sent at the same time
    return f"{account.account_id}{user['_id']}{random}"


def _reset_key(account_id: str, user_id: str) -> Key:
    return Key(account_id, RESET_TYPE, f"{RESET_TYPE}-{user_id}")


def _hash(random: str, user: Document) -> str:
    """What is kept of a reset id. It is random and long, so a fast hash cannot be searched."""
    parts = (random, user.get("pvt_signature_secret", ""), user.get("email", ""))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


async def redeem(request: Request) -> Result:
    """A token for the user who was sent the reset id, who is to set a new password."""
    reset_id = (await validated(request, "user_auth_recovery_reset"))["reset_id"].lower()
    account_id, user_id = reset_id[:ID_LENGTH], reset_id[ID_LENGTH : 2 * ID_LENGTH]
    credentials = request.services.credentials
    tried = Tried(way=RESETS, names=(reset_id,), address=request.address)
    credentials.slow_down(tried)
    granted: Document = {}

    async def use_up(change: Change) -> None:
        reset = await _valid_reset(request.actor, change.key, reset_id, change.document)
        if not granted:
            granted.update(await admit(request, BY_MAIL, account, change.document))
        used = {**reset, "_rev": next_revision(reset["_rev"]), "pvt_hash": ""}
        key = _reset_key(account_id, user_id)
        change.more.append(Put(key, used, reset["_rev"], sort=None))
        change.document["require_password_update"] = True

    try:
        account = await _live_account(request.actor, account_id)
        user = await amend(request, USERS, Key(account_id, "user", user_id), use_up)
    except NotFound:
        credentials.login_failed(tried)
        raise ValidationFailed.of("user", "not_found", UNKNOWN) from None
    return await login_answer(request, account, user, USER_METHOD, **granted)


async def _live_account(actor: Actor, account_id: str) -> Account:
    account = await actor.services.accounts.get(account_id)
    if account is None or not account.is_in_good_standing(actor.services.clock.gregorian()):
        raise NotFound
    return account


async def _valid_reset(actor: Actor, holder: Key, reset_id: str, user: Document) -> Document:
    """What is kept of the reset id. Raises :class:`NotFound` when it is no good, or no more."""
    reset = await actor.services.store.get(_reset_key(holder.account_id, holder.doc_id))
    is_valid = (
        reset is not None
        and user.get("enabled", True)
        and actor.services.clock.gregorian() < reset["pvt_expires"]
        and hmac.compare_digest(reset["pvt_hash"], _hash(reset_id[2 * ID_LENGTH :], user))
    )
    if reset is None or not is_valid:
        raise NotFound
    return reset


RECOVERY_ROUTES = (
    Route(
        path="recovery",
        action=Action.CREATE,
        handler=request_mail,
        about="Ask for a mail with a link to log in once",
        access=Access.PUBLIC,
        schema="user_auth_recovery",
    ),
    Route(
        path="recovery",
        action=Action.REPLACE,
        handler=redeem,
        about="Log in once with the link of a mail",
        access=Access.PUBLIC,
        schema="user_auth_recovery_reset",
    ),
)
