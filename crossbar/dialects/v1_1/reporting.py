"""What pages and their agents tell: visitors, heartbeats, events of sessions."""

from __future__ import annotations

from aiohttp import web

from crossbar.core.requests import Action, Actor, Request
from crossbar.dialects.v1_1.exchange import Exchange
from crossbar.documents import Document
from crossbar.errors import Forbidden, InvalidCredentials, NoSuchDocument
from crossbar.visitors import (
    HEARTBEAT,
    VISITORS,
    authenticated,
    beat,
    connect,
    finish,
    go_live,
    hang_up,
    instant,
    link_of_session,
    lookup_code,
    place_of,
    read_link,
    session_key,
    start,
    use_feature,
)

REPORT = "visitor_report"


async def connect_visitor(exchange: Exchange) -> web.StreamResponse:
    """A page with a visitor: a new one, or one that can prove which one it is."""
    sent = await exchange.judged(REPORT)
    asked = _asked(exchange)
    made = await connect(asked.actor, sent, exchange.header("User-Agent"))
    body = {
        "status": "ok",
        "visitor": {"short_id": made.short_id},
        "connection_id": made.connection_id,
        "secret": made.secret,
        "heartbeat_seconds": HEARTBEAT,
    }
    return exchange.answer(body, 201 if made.is_new else 200)


async def beat_visitor(exchange: Exchange) -> web.StreamResponse:
    """The visitor is still there. Tells the page of a session that waits or runs."""
    sent = await exchange.judged(REPORT)
    asked, secret = _asked(exchange), _secret(exchange, sent)
    visitor = await beat(
        asked.actor, exchange.params["visitor_id"], secret, sent, exchange.header("User-Agent")
    )
    session = visitor.get("pvt_session")
    if session and session.get("until", "~") <= instant(exchange.services.clock):
        session = None
    told = {"id": session["id"], "state": session["state"]} if session else None
    return exchange.answer({"status": "ok", "session": told})


async def end_connection(exchange: Exchange) -> web.StreamResponse:
    """The page is closed."""
    sent = await exchange.judged(REPORT)
    secret = _secret(exchange, sent)
    asked = _asked(exchange)
    await hang_up(asked.actor, exchange.params["visitor_id"], secret, sent.get("connection_id"))
    return exchange.answer({"status": "ok"})


async def make_lookup_code(exchange: Exchange) -> web.StreamResponse:
    """The code that the visitor can tell an agent."""
    secret = _secret(exchange, await exchange.judged(REPORT))
    code = await lookup_code(_asked(exchange).actor, exchange.params["visitor_id"], secret)
    return exchange.answer({"status": "ok", "lookup_code": code})


async def note_event(exchange: Exchange) -> web.StreamResponse:
    """Something happened in a session. Only the visitor's side can let it start."""
    number = _number(exchange.params["session_id"])
    asked = _asked(exchange)
    visitor_id = await _party(exchange, asked.actor, number)
    event = await exchange.judged("visitor_event")
    if event["type"] == "start":
        if visitor_id is None:
            raise Forbidden
        await start(asked.actor, visitor_id, number, exchange.limits)
    elif event["type"] == "live":
        await go_live(asked.actor, number)
    elif event["type"] == "feature":
        await use_feature(asked.actor, number, event["feature"])
    else:
        await finish(asked.actor, number)
    return exchange.answer({"status": "ok"})


async def _party(exchange: Exchange, actor: Actor, number: int) -> str | None:
    """The visitor whose side speaks; ``None`` for the agent's. Raises 401 and 404."""
    token = exchange.header("X-Watch-Token")
    if token:
        place = place_of(token)
        link = await read_link(actor, place.link_id) if place else {}
        if link.get("number") != number:
            raise NoSuchDocument(str(number))
        return None
    session = await actor.services.store.get(session_key(actor.account_id, number))
    known = session or await link_of_session(actor, number) or {}
    visitor_id = known.get("visitor_id", "")
    await authenticated(actor, visitor_id, _secret(exchange, await exchange.sent()))
    return str(visitor_id)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise NoSuchDocument(text)
    return int(text)


def _asked(exchange: Exchange) -> Request:
    return exchange.unasked(Action.LIST, VISITORS.noun)


def _secret(exchange: Exchange, sent: Document) -> str:
    """The connection secret, from the header or, for beacons, from the body."""
    secret = exchange.header("X-Connection-Secret") or sent.get("secret")
    if not isinstance(secret, str) or not secret:
        raise InvalidCredentials
    return secret
