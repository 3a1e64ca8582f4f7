"""Serving watch links: opened once, then a page of the browser that has opened it.

Opening gives that browser a cookie for the page's own path and sends it there. Nobody logs in.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from crossbar.core.requests import Action, Request
from crossbar.dialects.headers import joined
from crossbar.dialects.targets import split_target
from crossbar.dialects.v1_1.admission import require_plan
from crossbar.dialects.v1_1.exchange import Exchange
from crossbar.dialects.v1_1.objects import formatted
from crossbar.dialects.v1_1.page import View, headers, render
from crossbar.dialects.v1_1.visiting import public_url
from crossbar.documents import Document
from crossbar.errors import CrossbarError, Gone, NotFound, Unauthenticated, ValidationFailed
from crossbar.visitors import (
    VISITORS,
    Place,
    finish,
    is_heard,
    is_online,
    is_waiting,
    latest,
    may_view,
    open_link,
    place_of,
    read_link,
    seconds_between,
    session_key,
    unopened,
    visitor_key,
)

HEX = re.compile(r"[0-9a-f]{32}")
NOWHERE = Place("0" * 32, "0" * 32)

COOKIE = "crossbar_watch"
COOKIE_FOR = 86_400
"""Seconds; a link's page is not kept for longer."""


class Opened(NamedTuple):
    """A page that its own browser asks for."""

    asked: Request
    link: Document
    secret: str


async def open_watch(exchange: Exchange) -> web.StreamResponse:
    """Open a link: the text behind the question mark."""
    token = split_target(exchange.request.raw_path)[1]
    place = place_of(token)
    if place is None:
        return _gone({})
    try:
        asked = await _asked(exchange, place)
        link, _ = await unopened(asked.actor, place.link_id)
        target = f"{public_url(exchange.services.settings)}/v1.1/watch/{'/'.join(place)}"
        told = {**headers(View(state="waiting", branding=link["branding"])), "location": target}
        if exchange.request.method != "HEAD":  # to look at a link is not to use it
            secret = await open_link(asked.actor, place.link_id)
            told["set-cookie"] = _cookie(target, secret, link)
    except (Gone, NotFound, Unauthenticated):
        return _gone(await _branding(exchange, place))
    return web.Response(status=303, headers=told)


async def show_watch(exchange: Exchange) -> web.StreamResponse:
    """The page of a link that this browser has opened."""
    place = _place(exchange)
    try:
        opened = await _opened(exchange, place)
    except (Gone, NotFound, Unauthenticated):
        return _gone(await _branding(exchange, place))
    view = await _view(opened)
    status = 410 if view.state == "gone" else 200
    return web.Response(text=render(view), status=status, headers=headers(view))


async def end_watch(exchange: Exchange) -> web.StreamResponse:
    """The agent ends the session with the button of the page."""
    place = _place(exchange)
    try:
        opened = await _opened(exchange, place)
        if not hmac.compare_digest(await _form_token(exchange), _end_token(opened.secret)):
            raise Gone
        await finish(opened.asked.actor, opened.link["number"])
    except (Gone, NotFound, Unauthenticated, ValidationFailed):
        return _gone(await _branding(exchange, place))
    return web.Response(
        status=303,
        headers={**headers(View(state="ended", branding={})), "location": place.link_id},
    )


def _place(exchange: Exchange) -> Place:
    """The place that a page's path names; one where nothing is for what is no such path."""
    place = Place(exchange.params["account_id"], exchange.params["link_id"])
    return place if all(map(HEX.fullmatch, place)) else NOWHERE


async def _asked(exchange: Exchange, place: Place) -> Request:
    """The request to a link's account. Raises 401 and 404 for one that may not be used."""
    exchange.account = await exchange.services.accounts.get(place.account_id)
    if exchange.account is None:
        raise NotFound
    exchange.limits = require_plan(exchange.services, exchange.account)
    return exchange.unasked(Action.LIST, VISITORS.noun)


async def _opened(exchange: Exchange, place: Place) -> Opened:
    asked = await _asked(exchange, place)
    link = await read_link(asked.actor, place.link_id)
    secret = _cookie_of(exchange)
    if not may_view(link, secret):
        raise Gone
    return Opened(asked, link, secret)


async def _branding(exchange: Exchange, place: Place) -> Document:
    """How a page of a link looks that cannot be used, as far as the link is still known."""
    if exchange.account is None:
        return {}
    with suppress(CrossbarError):
        asked = exchange.unasked(Action.LIST, VISITORS.noun)
        branding: Document = (await read_link(asked.actor, place.link_id))["branding"]
        return branding
    return {}


def _gone(branding: Document) -> web.Response:
    view = View(state="gone", branding=branding)
    return web.Response(text=render(view), status=410, headers=headers(view))


async def _view(opened: Opened) -> View:
    """Where the session stands that came of the link, or may still come."""
    asked, link, secret = opened
    store = asked.services.store
    visitor = await store.get(visitor_key(asked.account_id, link["visitor_id"]))
    session = await store.get(session_key(asked.account_id, link["number"]))
    facts = [("Agent", link["agent"]["name"]), ("Visitor", link["visitor_id"])]
    if visitor is not None:
        facts.append(("Page", visitor.get("last_url", "unknown")))
        facts.append(("Connection", "online" if is_online(asked.actor, visitor) else "offline"))
    state = "gone"
    if session is not None:
        is_over = "ended_at" in session or visitor is None or not is_heard(asked.actor, visitor)
        state = "ended" if is_over else "running"
        until = session.get("ended_at") or (latest(asked.actor, visitor) if visitor else "")
        if until:
            facts.append(("Length", formatted(seconds_between(session["started_at"], until))))
    elif visitor is not None and is_waiting(asked.actor, link):
        state = "waiting"
    return View(
        state=state,
        branding=link["branding"],
        facts=tuple(facts),
        end_token=_end_token(secret) if state in ("waiting", "running") else "",
    )


def _cookie(target: str, secret: str, link: Document) -> str:
    """A cookie for that page alone. In a foreign frame it needs a site with TLS."""
    path, is_secure = urlsplit(target).path, target.startswith("https:")
    site = "None; Partitioned" if link["branding"].get("naked") is True and is_secure else "Lax"
    secure = "; Secure" if is_secure else ""
    return (
        f"{COOKIE}={secret}; Path={path}; Max-Age={COOKIE_FOR}; HttpOnly; SameSite={site}{secure}"
    )


def _cookie_of(exchange: Exchange) -> str:
    cookies: SimpleCookie = SimpleCookie()
    with suppress(CookieError):
        cookies.load(joined(exchange.request.headers, "Cookie", "; ") or "")
    return cookies[COOKIE].value if COOKIE in cookies else ""


def _end_token(secret: str) -> str:
    """What only the page of that browser can send: another site does not know the cookie."""
    return hashlib.sha256(f"end {secret}".encode()).hexdigest()


async def _form_token(exchange: Exchange) -> str:
    fields = parse_qs((await exchange.content()).decode("ascii", "replace"))
    return fields.get("end", [""])[0].encode("ascii", "replace").decode()
