"""Logging in with an identity of another service (docs/protocol.md §5.7).

A client sends the user to the service and comes back with a code. The code is exchanged for an
access token at the service itself, and the identity is what the service says of that token, so no
signature has to be judged here.

An identity is linked to a user, who is logged in by it from then on. The first time there is no
link: the answer has no token, but the id of a link that nobody has. Only who has proven the
identity is told that id, so only they can link it to themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import structlog

from crossbar.core import reading, writing
from crossbar.core.answers import ROW, Answers, some
from crossbar.core.directory import OWNER, Account
from crossbar.core.ports import OutsideFailed
from crossbar.core.requests import Action, Actor, Caller, Request, Result
from crossbar.core.services import Tried
from crossbar.core.shapes import Access, Route, Routes, route
from crossbar.core.stamping import fresh_id, stamped
from crossbar.core.summaries import summarizer
from crossbar.documents import Document
from crossbar.errors import Conflict, Forbidden, InvalidCredentials, NoSuchDocument
from crossbar.families.accounts import LINK_TYPE
from crossbar.families.logins.attempts import Way
from crossbar.families.logins.auth import SESSION, login_answer
from crossbar.families.logins.names import validated
from crossbar.families.logins.rules import REFRESH_METHOD, admit
from crossbar.families.logins.sso_documents import (
    DOCUMENT_ROUTES,
    app_with,
    provider_with,
    secret_of,
)
from crossbar.storage import (
    SYSTEM,
    Batch,
    Claim,
    ClaimTaken,
    Entry,
    Key,
    Put,
    Remove,
    Span,
)
from crossbar.values import valueclass

log = structlog.get_logger(__name__)

LINK_LIFETIME = 900
"""Seconds within which an identity that was proven can be linked to a user."""

OWNER_ACCOUNT, OWNER_USER = "pvt_owner_account_id", "pvt_owner_id"

SUBJECT = "identity of another service"
"""The way in, by whose name wrong codes are counted."""

BY_IDENTITY = Way(method=REFRESH_METHOD, proof="jwt_auth_token")
LONGEST = 255
"""Characters of an identity (OpenID Connect Core §2, ``sub``)."""

row = summarizer(("app", "provider", "scopes", "email"))


@valueclass
class Identity:
    """Who somebody is elsewhere: ``subject`` is what the service calls them for good."""

    provider: str
    subject: str
    facts: Document


async def callback(request: Request) -> Result:
    """A token for the user whose identity it is, or the id of a link to be made."""
    sent = await validated(request, "auth.callback")
    credentials = request.services.credentials
    tried = Tried(
        way=SUBJECT,
        names=(f"{sent['provider']} {sent['client_id']}",),
        address=request.address,
        proof=sent["code"],
    )
    credentials.slow_down(tried)
    try:
        identity = await _identity(request.actor, sent)
    except OutsideFailed as error:
        log.warning("identity_not_proven", provider=sent["provider"][:64], reason=str(error))
        credentials.login_failed(tried)
        raise InvalidCredentials from None
    credentials.login_succeeded(tried)
    link, owner = await _link_of(request, identity)
    if owner is None:
        return Result(data=row(link))
    account, user = owner
    if not user.get("enabled", True):
        raise InvalidCredentials
    granted = await admit(request, BY_IDENTITY, account, user)
    return await login_answer(request, account, user, REFRESH_METHOD, **granted)


async def _identity(actor: Actor, sent: Document) -> Identity:
    """Who the service says has agreed. Raises :class:`OutsideFailed`."""
    provider = await provider_with(actor, sent["provider"])
    app = await app_with(actor, sent["provider"], sent["client_id"])
    if provider is None or app is None:
        raise OutsideFailed("no such provider, or no registration with it")
    secret = secret_of(actor, app)
    if secret is None:
        raise OutsideFailed("the secret of the registration was sealed by another server secret")
    outside = actor.services.outside
    tokens_at, profile_at = await _addresses(actor, provider)
    form = {
        "grant_type": "authorization_code",
        "code": sent["code"],
        "redirect_uri": sent["redirect_uri"],
        "client_id": app["client_id"],
        "client_secret": secret,
    }
    access = _text(await outside.post_form(tokens_at, form), "access_token")
    profile = await outside.get(profile_at, access)
    subject = _text(profile, "sub")
    if len(subject) > LONGEST:
        raise OutsideFailed("names an identity that is too long")
    facts = {"app": app["_id"], "provider": provider["_id"], "email": profile.get("email")}
    known = {name: value for name, value in facts.items() if isinstance(value, str)}
    return Identity(provider=provider["_id"], subject=subject, facts=known)


async def _addresses(actor: Actor, provider: Document) -> tuple[str, str]:
    """Where tokens are given, and where it is said whose they are."""
    known = provider
    if provider.get("discovery"):
        found = await actor.services.outside.get(provider["discovery"])
        known = {
            "access_code_url": _text(found, "token_endpoint"),
            "profile_url": _text(found, "userinfo_endpoint"),
        }
    return _text(known, "access_code_url"), _text(known, "profile_url")


def _text(answer: object, name: str) -> str:
    value = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(value, str) or not value:
        raise OutsideFailed(f"no {name}")
    return value


async def _link_of(
    request: Request, identity: Identity
) -> tuple[Document, tuple[Account, Document] | None]:
    """The link of an identity and whom it leads to, also while others ask for it."""
    name = hashlib.sha256(f"{identity.provider}\0{identity.subject}".encode()).hexdigest()

    async def attempt() -> tuple[Document, tuple[Account, Document] | None]:
        return await _find_link(request, identity, name)

    return await writing.in_turn(request.actor, Key(SYSTEM, LINK_TYPE, name), attempt)


async def _find_link(
    request: Request, identity: Identity, name: str
) -> tuple[Document, tuple[Account, Document] | None]:
    """The link of an identity and whom it leads to; a fresh one while it leads to nobody."""
    claim = _claim(name)
    store = request.services.store
    holder = (await store.holders([claim])).get(claim)
    stored = await store.get(holder) if holder else None
    owner = await _live_owner(request.actor, stored) if stored else None
    if stored and owner:
        return stored, owner
    removes = [Remove(holder, stored["_rev"])] if holder and stored else []
    document = {**identity.facts, "pvt_identity": name}
    doc_id = fresh_id(request.services.clock)
    return await _write(request.actor, doc_id, document, None, removes), None


async def _live_owner(actor: Actor, link: Document) -> tuple[Account, Document] | None:
    """Account and user that a link leads to; ``None`` when it leads to nobody any more."""
    if OWNER_ACCOUNT not in link:
        return None
    account_id, user_id = _owner_of(link)
    account = await actor.services.accounts.get(account_id)
    user = await actor.services.store.get(Key(account_id, "user", user_id))
    if account is None or user is None or user.get("pvt_deleted"):
        return None
    return account, user


async def list_links(request: Request) -> Result:
    """The identities that log the caller in."""
    entry = Entry("owner", "/".join(_owner(request.require_caller()) or ("", "")))
    span = Span(account_id=SYSTEM, doc_type=LINK_TYPE, entry=entry)
    return await reading.list_span(request, span, row, seen=row)


async def fetch_link(request: Request) -> Result:
    """One identity that logs the caller in."""
    return Result(data=row(await _own_link(request)))


async def link(request: Request) -> Result:
    """Let an identity that was just proven, and leads to nobody, log the caller in."""
    stored = await _load(request)
    owner = _owner(request.require_caller())
    if owner is None:
        raise Forbidden
    is_fresh = request.services.clock.gregorian() < stored["pvt_created"] + LINK_LIFETIME
    if OWNER_ACCOUNT in stored or not is_fresh:
        return Result(data=row(await _own_link(request)))
    linked = {**stored, OWNER_ACCOUNT: owner[0], OWNER_USER: owner[1]}
    return Result(data=row(await _write(request.actor, stored["_id"], linked, stored["_rev"])))


async def unlink(request: Request) -> Result:
    """Let an identity not log the caller in any more. It has to be proven anew to be linked."""
    stored = await _own_link(request)
    key = Key(SYSTEM, LINK_TYPE, stored["_id"])
    await request.services.commit(Batch(removes=[Remove(key)]))
    return Result(data=row(stored))


async def _write(
    actor: Actor,
    doc_id: str,
    document: Document,
    expected: str | None,
    removes: Sequence[Remove] = (),
) -> Document:
    """Store a link. Raises :class:`Conflict` when another request was quicker."""
    key = Key(SYSTEM, LINK_TYPE, doc_id)
    saved = stamped(actor, key, document)
    entries: list[Entry] = []
    if OWNER_ACCOUNT in saved:
        owner = _owner_of(saved)
        entries = [Entry("owner", "/".join(owner)), Entry(OWNER, owner[0])]
    put = Put(key, saved, expected, entries=entries, claims=[_claim(saved["pvt_identity"])])
    try:
        await actor.services.commit(Batch(puts=[put], removes=removes))
    except ClaimTaken:
        raise Conflict from None
    return saved


def _claim(identity: str) -> Claim:
    return Claim(LINK_TYPE, SYSTEM, identity)


async def _load(request: Request) -> Document:
    key = Key(SYSTEM, LINK_TYPE, request.ids["link_id"])
    return await reading.load_document(request.actor, key)


async def _own_link(request: Request) -> Document:
    """The link in the path. One of somebody else, or of nobody, is as good as none."""
    stored = await _load(request)
    if OWNER_ACCOUNT not in stored or _owner_of(stored) != _owner(request.require_caller()):
        raise NoSuchDocument(stored["_id"])
    return stored


def _owner_of(stored: Document) -> tuple[str, str]:
    return stored[OWNER_ACCOUNT], stored[OWNER_USER]


def _owner(caller: Caller) -> tuple[str, str] | None:
    """The user who calls. An account without a user has no identities, nor who acts as one.

    Nor has a key: an identity that it linked would let its holder in when the key is revoked.
    """
    is_another = caller.behind is not None or "key_id" in caller.claims
    if caller.user_id is None or is_another:
        return None
    return caller.account_id, caller.user_id


LINK = "links/{link_id}"

SSO = Routes(
    noun="auth",
    routes=(
        *DOCUMENT_ROUTES,
        Route(
            path="callback",
            action=Action.CREATE,
            handler=callback,
            about="Log in with an identity of another service",
            access=Access.PUBLIC,
            schema="auth.callback",
            answers=Answers({"anyOf": [SESSION, ROW]}),
        ),
        route(
            "links",
            Action.LIST,
            list_links,
            "List own identities",
            answers=Answers(some(ROW), is_paged=True),
        ),
        Route(
            path=LINK,
            action=Action.FETCH,
            handler=fetch_link,
            about="Read an own identity",
            answers=Answers(ROW),
        ),
        Route(
            path=LINK,
            action=Action.CREATE,
            handler=link,
            about="Make an identity one's own",
            answers=Answers(ROW),
        ),
        Route(
            path=LINK,
            action=Action.DELETE,
            handler=unlink,
            about="Give up an own identity",
            answers=Answers(ROW),
        ),
    ),
)
