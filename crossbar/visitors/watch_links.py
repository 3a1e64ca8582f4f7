"""Watch links: made for an agent, opened once, good for one session with one visitor.

A link's text is the account's id and 160 random bits. Its document, found by the hash of that
text, lives through the session that comes of it: it knows who may reload the page. Before it is
opened it has no ``number``; opening takes the next one, which becomes the session's.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from typing import NamedTuple

from crossbar.core.change import put_of
from crossbar.core.requests import Actor
from crossbar.core.stamping import stamped
from crossbar.documents import Document
from crossbar.errors import Gone, NoSuchDocument, PaymentRequired
from crossbar.storage import Batch, Entry, Key, Put, Span
from crossbar.visitors.counters import (
    SEAT_TYPE,
    count_since,
    persist,
    put,
    seat_key,
    take_number,
)
from crossbar.visitors.sessions import session_key, unended
from crossbar.visitors.times import DAY, SECOND, instant
from crossbar.visitors.visitors import (
    LINK_TYPE,
    VISITORS,
    digest,
    is_heard,
    links_of,
    proves,
    visitor_key,
)

MONTH = 30 * DAY
SECRET_BYTES = 20
"""Together with the account's id they make a text without padding."""

Limits = Mapping[str, int]
"""How much of it the account has agreed to: ``running_sessions``, ``agent_seats``; 0: no limit."""


class Place(NamedTuple):
    """Where a link's document is: what its text leads to."""

    account_id: str
    link_id: str


def place_of(token: str) -> Place | None:
    """Where a link's text leads, if it is one."""
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 16 + SECRET_BYTES or token != _text(raw):
        return None
    return Place(raw[:16].hex(), digest(token)[:32])


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()


async def new_link(actor: Actor, visitor_id: str, wish: Document, limits: Limits) -> str:
    """A new link's text. Raises :class:`PaymentRequired` when its session could not be begun."""
    await require_room(actor, limits, wish["agent"]["id"])
    token = _text(bytes.fromhex(actor.account_id) + secrets.token_bytes(SECRET_BYTES))
    clock = actor.services.clock
    life = actor.services.settings.visitors.link_lifetime * 60 * SECOND
    caller = actor.caller
    link: Document = {
        **{name: wish[name] for name in ("agent", "branding", "metadata", "permissions")},
        "visitor_id": visitor_id,
        "created_at": instant(clock),
        "expires_at": instant(clock, -life),
        "pvt_key_id": caller.claims.get("key_id") if caller else None,
    }
    key = Key(actor.account_id, LINK_TYPE, digest(token)[:32])
    await actor.services.commit(Batch(puts=(put_link(actor, key, link),)))
    return token


def put_link(actor: Actor, key: Key, link: Document) -> Put:
    """The write of a link's document, found by its visitor and its session's number."""
    entries = [Entry("visitor", link["visitor_id"])]
    if "number" in link:
        entries.append(Entry("number", str(link["number"])))
    return put(actor, key, link, sort=link["created_at"], entries=entries)


async def running(actor: Actor) -> list[Document]:
    """Sessions whose visitors are heard of, newest first."""
    sessions = await unended(actor)
    ids = [session["visitor_id"] for session in sessions]
    visitors = await actor.services.store.get_many(actor.account_id, ids)
    return [
        session
        for session in sessions
        if session["visitor_id"] in visitors
        if is_heard(actor, visitors[session["visitor_id"]])
    ]


async def require_room(actor: Actor, limits: Limits, agent_id: str) -> None:
    """Refuse what would be more than was agreed. Who has a seat already keeps it for 30 days."""
    most = limits.get("running_sessions", 0)
    if most and len(await running(actor)) >= most:
        raise PaymentRequired("no more sessions can run at once")
    seats, since = limits.get("agent_seats", 0), instant(actor.services.clock, MONTH)
    if not seats or await count_since(actor, SEAT_TYPE, since) < seats:
        return
    seat = await actor.services.store.get(seat_key(actor, agent_id))
    if seat is None or seat["last_at"] < since:
        raise PaymentRequired("no more agents can take part")


async def read_link(actor: Actor, link_id: str) -> Document:
    """A link's document. Raises :class:`NoSuchDocument`; also when its key is no more."""
    store = actor.services.store
    link = await store.get(Key(actor.account_id, LINK_TYPE, link_id))
    if link is None:
        raise NoSuchDocument(link_id)
    if link["pvt_key_id"]:
        key = await store.get(Key(actor.account_id, "api_key", link["pvt_key_id"]))
        if key is None or key.get("pvt_deleted"):
            raise NoSuchDocument(link_id)
    return link


def is_waiting(actor: Actor, link: Document) -> bool:
    """Whether a session may still come of the link."""
    return bool(link["expires_at"] > instant(actor.services.clock))


async def unopened(actor: Actor, link_id: str) -> tuple[Document, Document]:
    """A link that can be opened, and its visitor.

    Raises :class:`Gone`, :class:`NoSuchDocument`.
    """
    link = await read_link(actor, link_id)
    visitor_at = visitor_key(actor.account_id, link["visitor_id"])
    visitor = await actor.services.store.get(visitor_at)
    if visitor is None or "number" in link or not is_waiting(actor, link):
        raise Gone("this link was used, or its time is over")
    return link, visitor


async def open_link(actor: Actor, link_id: str) -> str:
    """Open a link, once; the secret by which its page is known from now on.

    The visitor is invited at its next heartbeat. Raises :class:`Gone`, :class:`NoSuchDocument`.
    """
    secret = secrets.token_urlsafe(SECRET_BYTES)

    async def attempt() -> None:
        link, visitor = await unopened(actor, link_id)
        number, taken = await take_number(actor, "sessions")
        link |= {"number": number, "pvt_viewer": digest(secret)}
        key = Key(actor.account_id, LINK_TYPE, link_id)
        puts = [taken, put_link(actor, key, link)]
        if (visitor.get("pvt_session") or {}).get("state") != "running":
            visitor["pvt_session"] = invitation(link)
            puts.append(put_visitor(actor, visitor))
        await actor.services.commit(Batch(puts=tuple(puts)))

    await persist(actor, attempt)
    return secret


def put_visitor(actor: Actor, visitor: Document) -> Put:
    """The write of a visitor whose live state has changed."""
    key = visitor_key(actor.account_id, visitor["_id"])
    return put_of(VISITORS, key, stamped(actor, key, visitor), visitor["_rev"])


def invitation(link: Document) -> Document:
    """What the visitor's page is asked at its next heartbeat."""
    return {
        "id": link["number"],
        "state": "waiting",
        "link": link["_id"],
        "until": link["expires_at"],
    }


def may_view(link: Document, secret: str | None) -> bool:
    """Whether the secret is that of the page which the link has opened."""
    return secret is not None and proves(secret, link.get("pvt_viewer"))


async def link_of_session(actor: Actor, number: int) -> Document | None:
    """The link that a session comes of, while it is known."""
    entry = Entry("number", str(number))
    span = Span(account_id=actor.account_id, doc_type=LINK_TYPE, entry=entry)
    async for row in actor.services.store.scan(span):
        return row.document
    return None


async def next_invitation(actor: Actor, visitor_id: str) -> Document | None:
    """Of a visitor that has no session now: the oldest link that is open and still waits."""
    for link in await links_of(actor, visitor_id):
        if "number" not in link or not is_waiting(actor, link):
            continue
        key = session_key(actor.account_id, link["number"])
        if await actor.services.store.get(key) is None:
            return invitation(link)
    return None
