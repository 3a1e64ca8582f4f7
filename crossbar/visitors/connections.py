"""Pages that report their visitors: connecting, heartbeats, hanging up, lookup codes.

Visitors come from here and nowhere else. Who knows a visitor's connection secret speaks for it;
a ``unique_id`` alone proves nothing, since it can be guessed.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import NamedTuple

from crossbar.core.change import claim_of, event_of, put_of
from crossbar.core.requests import Actor
from crossbar.core.stamping import stamped
from crossbar.core.writing import in_turn
from crossbar.documents import Document, new_id
from crossbar.errors import (
    Conflict,
    InvalidCredentials,
    NoSuchDocument,
    Unavailable,
    ValidationFailed,
)
from crossbar.storage import Batch, ClaimTaken
from crossbar.visitors.sharing import finish
from crossbar.visitors.times import instant
from crossbar.visitors.user_agents import describe
from crossbar.visitors.visitors import (
    ATTRIBUTES,
    HISTORY,
    SHORT_ID,
    VISITORS,
    digest,
    has_code,
    is_heard,
    proves,
    visited,
    visitor_key,
)
from crossbar.visitors.watch_links import put_visitor

HEARTBEAT = 20
"""Seconds between heartbeats that pages are asked for."""

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODES = 10_000
CODES_TRIED = 100


class Connection(NamedTuple):
    """What a page is told about its visitor."""

    short_id: str
    connection_id: str
    secret: str
    is_new: bool


async def connect(actor: Actor, sent: Document, user_agent: str) -> Connection:
    """Go on as the visitor whose secret was sent, else begin as a new one."""
    short_id, secret = sent.get("short_id"), sent.get("secret")
    if isinstance(short_id, str) and isinstance(secret, str):
        with suppress(NoSuchDocument, InvalidCredentials):
            visitor = await beat(actor, short_id, secret, sent, user_agent, connection=new_id())
            return Connection(short_id, visitor["pvt_connection_id"], secret, is_new=False)
    secret = secrets.token_urlsafe(24)

    async def attempt() -> Connection:
        short_id = "".join(secrets.choice(LETTERS) for _ in range(8))
        key = visitor_key(actor.account_id, short_id)
        now = instant(actor.services.clock)
        visitor = {
            "short_id": short_id,
            "first_seen_at": now,
            "pvt_secret": digest(secret),
            "pvt_connection_id": new_id(),
        }
        _observe(actor, visitor, sent, user_agent)
        put = put_of(VISITORS, key, stamped(actor, key, visitor), None)
        batch = Batch(puts=(put,), events=(event_of(actor, "created", put),))
        await _commit(actor, batch)
        return Connection(short_id, visitor["pvt_connection_id"], secret, is_new=True)

    return await in_turn(actor, visitor_key(actor.account_id, secret), attempt)


async def beat(
    actor: Actor,
    short_id: str,
    secret: str,
    sent: Document,
    user_agent: str,
    *,
    connection: str | None = None,
) -> Document:
    """The visitor is there; the visitor as it is now. ``connection`` is a new connection's id.

    A visitor that was away for too long has left its session: it does not go on unasked.
    """

    async def attempt() -> Document:
        visitor = await authenticated(actor, short_id, secret)
        session = visitor.get("pvt_session") or {}
        if session.get("state") == "running" and not is_heard(actor, visitor):
            await finish(actor, session["id"], visitor["last_seen_at"])
            raise Conflict  # the visitor is another now: look again
        _observe(actor, visitor, sent, user_agent)
        if connection is not None:
            visitor["pvt_connection_id"] = connection
        await _commit(actor, Batch(puts=(put_visitor(actor, visitor),)))
        return visitor

    return await in_turn(actor, visitor_key(actor.account_id, short_id), attempt)


async def hang_up(actor: Actor, short_id: str, secret: str, connection: str | None) -> None:
    """The page is closed. One that is not the visitor's newest changes nothing.

    A session waits for the next page as long as it would for a heartbeat.
    """

    async def attempt() -> None:
        visitor = await authenticated(actor, short_id, secret)
        if connection is None or connection == visitor["pvt_connection_id"]:
            visitor["pvt_connected"] = False
            await actor.services.commit(Batch(puts=(put_visitor(actor, visitor),)))

    await in_turn(actor, visitor_key(actor.account_id, short_id), attempt)


async def lookup_code(actor: Actor, short_id: str, secret: str) -> str:
    """The visitor's four digits; made up when it has none."""

    async def attempt() -> str:
        visitor = await authenticated(actor, short_id, secret)
        if not has_code(actor, visitor):
            visitor["lookup_code"] = await _free_code(actor)
            try:
                await actor.services.commit(Batch(puts=(put_visitor(actor, visitor),)))
            except ClaimTaken:  # another visitor was given it meanwhile
                raise Conflict from None
        return str(visitor["lookup_code"])

    return await in_turn(actor, visitor_key(actor.account_id, short_id), attempt)


async def _free_code(actor: Actor) -> str:
    """A code that nobody has. Raises :class:`Unavailable` when nearly all are taken."""
    [unique], nobody = VISITORS.unique, visitor_key(actor.account_id, "")
    codes = {f"{secrets.randbelow(CODES):04d}" for _ in range(CODES_TRIED)}
    claims = [claim_of(unique, nobody, code) for code in codes]
    held = await actor.services.store.holders(claims)
    for claim in claims:
        if claim not in held:
            return claim.value
    raise Unavailable("no lookup code is free")


async def authenticated(actor: Actor, short_id: str, secret: str) -> Document:
    """The visitor for which the secret speaks.

    Raises :class:`NoSuchDocument` and :class:`InvalidCredentials`.
    """
    if not SHORT_ID.fullmatch(short_id):
        raise NoSuchDocument(short_id)
    visitor = await actor.services.store.get(visitor_key(actor.account_id, short_id))
    if visitor is None:
        raise NoSuchDocument(short_id)
    if not proves(secret, visitor["pvt_secret"]):
        raise InvalidCredentials
    return visitor


def _observe(actor: Actor, visitor: Document, sent: Document, user_agent: str) -> None:
    """Take in what a page says and what is seen of it. What is ``None`` is cleared."""
    facts = {name: sent[name] for name in ATTRIBUTES if name in sent}
    if "url" in sent:
        facts["last_url"] = sent["url"]
        facts[HISTORY] = visited(visitor, sent["url"], instant(actor.services.clock))
    facts |= describe(user_agent)
    facts["ip_address"] = actor.address
    facts["last_seen_at"] = instant(actor.services.clock)
    facts["pvt_connected"] = True
    for name, value in facts.items():
        if value is None:
            visitor.pop(name, None)
        else:
            visitor[name] = value


async def _commit(actor: Actor, batch: Batch) -> None:
    """Commit; a code that another visitor has is the page's mistake."""
    try:
        await actor.services.commit(batch)
    except ClaimTaken:
        message = "another visitor has this lookup code"
        raise ValidationFailed.of("lookup_code", "unique", message) from None
