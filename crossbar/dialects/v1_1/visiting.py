"""What the owner of the secret key asks: usage, visitors, links, and two of our own."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from crossbar.core import reading, recipes
from crossbar.core.requests import Action, Actor, Request, is_true
from crossbar.core.writing import in_turn
from crossbar.dialects.v1_1.exchange import Exchange
from crossbar.dialects.v1_1.objects import session_object, visitor_object
from crossbar.documents import Document
from crossbar.errors import NoSuchDocument, ValidationFailed
from crossbar.settings import Settings
from crossbar.storage import Key, Span
from crossbar.visitors import (
    HISTORY,
    SHORT_ID,
    VISITOR_SESSIONS,
    VISITORS,
    instant_of,
    new_link,
    search_visitors,
    usage_of,
    visitor_key,
)

USUAL_RESULTS, MOST_RESULTS = 50, 100


async def read_usage(exchange: Exchange) -> web.StreamResponse:
    """The counts of the account."""
    asked = await exchange.asked(Action.LIST, VISITORS.noun)
    return exchange.answer({"usage": await usage_of(asked.actor)})


async def list_visitors(exchange: Exchange) -> web.StreamResponse:
    """The latest visitors, or those that a search finds."""
    asked = await exchange.asked(Action.LIST, VISITORS.noun)
    found = await search_visitors(
        asked.actor, exchange.query.get("search", ""), _results(exchange)
    )
    visitors = [await visitor_object(asked.actor, each) for each in found]
    return exchange.answer({"status": "ok", "visitors": visitors})


def _results(exchange: Exchange) -> int:
    text = exchange.query.get("max_results", str(USUAL_RESULTS))
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    if not 1 <= number <= MOST_RESULTS:
        message = f"must be a whole number from 1 to {MOST_RESULTS}"
        raise ValidationFailed.of("max_results", "range", message)
    return number


async def read_visitor(exchange: Exchange) -> web.StreamResponse:
    """One visitor; with the pages that it was on, if they are asked for."""
    asked = await _asked_of(exchange, Action.FETCH)
    visitor = await reading.load(asked)
    shown = await visitor_object(asked.actor, visitor)
    if is_true(exchange.query.get("with_history")):
        shown["history"] = visitor.get(HISTORY, [])
    return exchange.answer({"status": "ok", "visitor": shown})


async def delete_visitor(exchange: Exchange) -> web.StreamResponse:
    """Remove a visitor for good. What reports it meanwhile does not keep it."""
    asked = await _asked_of(exchange, Action.DELETE)
    # Its writers wait for each other by its own key, which the deletion itself takes.
    deletion = Key(asked.account_id, "visitor_deletion", asked.doc_id)

    async def attempt() -> None:
        await recipes.delete(asked)

    await in_turn(asked.actor, deletion, attempt)
    return exchange.answer({"status": "ok"})


async def feed_visitor(exchange: Exchange) -> web.StreamResponse:
    """Say of a visitor what only a server knows."""
    asked = await _asked_of(exchange, Action.PATCH)
    await reading.load(asked)
    wanted = await exchange.judged("visitor_feed")
    known = exchange.schemas.document("visitor_feed")["properties"]
    changes = {name: value for name, value in wanted.items() if name in known}
    await recipes.patch(replace(asked, data=changes))
    return await _shown(exchange, asked)


async def make_link(exchange: Exchange) -> web.StreamResponse:
    """A link to watch the visitor with."""
    asked = await _asked_of(exchange, Action.FETCH)
    visitor = await reading.load(asked)
    wish = await exchange.judged("watch_link")
    token = await new_link(asked.actor, visitor["_id"], wish, exchange.limits)
    url = f"{public_url(exchange.services.settings)}/v1.1/watch?{token}"
    return exchange.answer({"watch_url": url})


async def list_sessions(exchange: Exchange) -> web.StreamResponse:
    """Sessions that began in a range of time, newest first."""
    asked = await exchange.asked(Action.LIST, VISITOR_SESSIONS.noun)
    span = Span(
        account_id=asked.account_id,
        doc_type=VISITOR_SESSIONS.doc_type,
        low=_time(exchange, "from"),
        high=_time(exchange, "to"),
        descending=True,
    )
    most, found = _results(exchange), []
    async for row in asked.services.store.scan(span):
        found.append(await _session(asked.actor, row.document))
        if len(found) == most:
            break
    return exchange.answer({"status": "ok", "sessions": found})


async def _session(actor: Actor, session: Document) -> Document:
    visitor = None
    if "ended_at" not in session:
        key = visitor_key(actor.account_id, session["visitor_id"])
        visitor = await actor.services.store.get(key)
    return session_object(actor, session, visitor)


def _time(exchange: Exchange, name: str) -> str | None:
    text = exchange.query.get(name)
    if not text:
        return None
    found = instant_of(text)
    if found is None:
        raise ValidationFailed.of(name, "format", "must be a date or time in ISO 8601")
    return found


async def _asked_of(exchange: Exchange, action: Action) -> Request:
    """The request about a visitor. What is no short id is unknown."""
    short_id = exchange.params["visitor_id"]
    if not SHORT_ID.fullmatch(short_id):
        raise NoSuchDocument(short_id)
    return await exchange.asked(action, VISITORS.noun, short_id)


async def _shown(exchange: Exchange, request: Request) -> web.Response:
    visitor = await reading.load(request)
    return exchange.answer(
        {"status": "ok", "visitor": await visitor_object(request.actor, visitor)}
    )


def public_url(settings: Settings) -> str:
    """Where browsers reach this server: never what a request's ``Host`` says."""
    http = settings.http
    return (settings.visitors.public_url or f"http://{http.host}:{http.port}").rstrip("/")
