"""What the owner of the secret key asks: usage, visitors, links (§3 to §7), and two of our own."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from crossbar.core import recipes
from crossbar.core.recipes import ATTEMPTS
from crossbar.core.requests import Action, Context, is_true
from crossbar.dialects.v1_1.exchange import Exchange
from crossbar.dialects.v1_1.objects import session_object, visitor_object
from crossbar.documents import Document
from crossbar.errors import Conflict, NoSuchDocument, ValidationFailed
from crossbar.settings import Settings
from crossbar.storage import Span
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
    context = await exchange.context(Action.LIST, VISITORS.noun)
    return exchange.answer({"usage": await usage_of(context)})


async def list_visitors(exchange: Exchange) -> web.StreamResponse:
    """The latest visitors, or those that a search finds."""
    context = await exchange.context(Action.LIST, VISITORS.noun)
    found = await search_visitors(context, exchange.query.get("search", ""), _results(exchange))
    visitors = [await visitor_object(context, each) for each in found]
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
    context = await _context_of(exchange, Action.FETCH)
    visitor = await recipes.load(context)
    shown = await visitor_object(context, visitor)
    if is_true(exchange.query.get("with_history")):
        shown["history"] = visitor.get(HISTORY, [])
    return exchange.answer({"status": "ok", "visitor": shown})


async def delete_visitor(exchange: Exchange) -> web.StreamResponse:
    """Remove a visitor for good. What reports it meanwhile does not keep it."""
    context = await _context_of(exchange, Action.DELETE)
    for _ in range(ATTEMPTS):
        try:
            await recipes.delete(context)
        except Conflict:
            continue
        return exchange.answer({"status": "ok"})
    raise Conflict


async def feed_visitor(exchange: Exchange) -> web.StreamResponse:
    """Say of a visitor what only a server knows."""
    context = await _context_of(exchange, Action.PATCH)
    await recipes.load(context)
    wanted = await exchange.judged("visitor_feed")
    known = exchange.schemas.document("visitor_feed")["properties"]
    changes = {name: value for name, value in wanted.items() if name in known}
    await recipes.patch(replace(context, data=changes))
    return await _shown(exchange, context)


async def make_link(exchange: Exchange) -> web.StreamResponse:
    """A link to watch the visitor with."""
    context = await _context_of(exchange, Action.FETCH)
    visitor = await recipes.load(context)
    wish = await exchange.judged("watch_link")
    token = await new_link(context, visitor["_id"], wish, exchange.limits)
    url = f"{public_url(exchange.services.settings)}/v1.1/watch?{token}"
    return exchange.answer({"watch_url": url})


async def list_sessions(exchange: Exchange) -> web.StreamResponse:
    """Sessions that began in a range of time, newest first."""
    context = await exchange.context(Action.LIST, VISITOR_SESSIONS.noun)
    span = Span(
        account_id=context.account_id,
        doc_type=VISITOR_SESSIONS.doc_type,
        low=_time(exchange, "from"),
        high=_time(exchange, "to"),
        descending=True,
    )
    most, found = _results(exchange), []
    async for row in context.services.store.scan(span):
        found.append(await _session(context, row.document))
        if len(found) == most:
            break
    return exchange.answer({"status": "ok", "sessions": found})


async def _session(context: Context, session: Document) -> Document:
    visitor = None
    if "ended_at" not in session:
        key = visitor_key(context.account_id, session["visitor_id"])
        visitor = await context.services.store.get(key)
    return session_object(context, session, visitor)


def _time(exchange: Exchange, name: str) -> str | None:
    text = exchange.query.get(name)
    if not text:
        return None
    found = instant_of(text)
    if found is None:
        raise ValidationFailed.of(name, "format", "must be a date or time in ISO 8601")
    return found


async def _context_of(exchange: Exchange, action: Action) -> Context:
    """The context of a request about a visitor. What is no short id is unknown."""
    short_id = exchange.params["visitor_id"]
    if not SHORT_ID.fullmatch(short_id):
        raise NoSuchDocument(short_id)
    return await exchange.context(action, VISITORS.noun, short_id)


async def _shown(exchange: Exchange, context: Context) -> web.Response:
    visitor = await recipes.load(context)
    return exchange.answer({"status": "ok", "visitor": await visitor_object(context, visitor)})


def public_url(settings: Settings) -> str:
    """Where browsers reach this server: never what a request's ``Host`` says."""
    http = settings.http
    return (settings.visitors.public_url or f"http://{http.host}:{http.port}").rstrip("/")
