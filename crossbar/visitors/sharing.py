"""What happens in a session: the visitor lets it start, it goes live, it ends.

A session is counted when the visitor's page starts it. It is over when either side says so, when
the visitor is deleted, or with the last heartbeat of a visitor that is heard of no more.
"""

from __future__ import annotations

from crossbar.core.change import event_of, put_of
from crossbar.core.requests import Actor
from crossbar.core.stamping import stamped
from crossbar.documents import Document
from crossbar.errors import NoSuchDocument, ValidationFailed
from crossbar.storage import Batch, Key, Put
from crossbar.visitors.counters import counted, persist, seated
from crossbar.visitors.sessions import VISITOR_SESSIONS, end, session_key
from crossbar.visitors.times import days, instant
from crossbar.visitors.visitors import LINK_TYPE, visitor_key
from crossbar.visitors.watch_links import (
    Limits,
    is_waiting,
    link_of_session,
    next_invitation,
    put_link,
    put_visitor,
    read_link,
    require_room,
)

MOST_FEATURES = 50


def zone_of(actor: Actor) -> object:
    """The time zone in which the account's days begin."""
    return actor.require_account().document.get("timezone")


async def start(actor: Actor, visitor_id: str, number: int, limits: Limits) -> None:
    """The visitor's page lets the session begin. Starting it again changes nothing.

    Raises :class:`NoSuchDocument` when the visitor is not invited to it, and
    :class:`PaymentRequired`.
    """

    async def attempt() -> None:
        store = actor.services.store
        key = session_key(actor.account_id, number)
        if await store.get(key) is not None:
            return
        visitor = await _require_visitor(actor, visitor_id)
        asked = visitor.get("pvt_session") or {}
        if asked.get("id") != number or asked["until"] <= instant(actor.services.clock):
            raise NoSuchDocument(str(number))
        link = await read_link(actor, asked["link"])
        [today] = days(actor.services.clock, zone_of(actor), 1)
        day = await counted(actor, today, sessions=1)
        await require_room(actor, limits, link["agent"]["id"])
        agent, writes = await seated(actor, link["agent"]["id"])
        session = await _begun(actor, link, agent, today)
        session_put = put_of(VISITOR_SESSIONS, key, stamped(actor, key, session), None)
        visitor["pvt_session"] = {"id": number, "state": "running", "link": link["_id"]}
        puts = (session_put, put_visitor(actor, visitor), day, *writes)
        await actor.services.commit(
            Batch(puts=puts, events=(event_of(actor, "created", session_put),))
        )

    await persist(actor, attempt)


async def _begun(actor: Actor, link: Document, agent: int, today: str) -> Document:
    """A session that begins. An agent whose id is that of a user of the account is that user."""
    made_by = link["agent"]
    user = await actor.services.store.get(Key(actor.account_id, "user", made_by["id"]))
    return {
        **({"owner_id": user["_id"]} if user else {}),
        "number": link["number"],
        "visitor_id": link["visitor_id"],
        "agents": [
            {"id": agent, "name": made_by["name"], "agent_identifier": f"ext-{made_by['id']}"}
        ],
        "started_at": instant(actor.services.clock),
        "went_live": False,
        "features_used": [],
        "metadata": link["metadata"],
        "permissions": link["permissions"],
        "pvt_day": today,
    }


async def go_live(actor: Actor, number: int) -> None:
    """The visitor's page is really seen."""
    await _note(actor, number, {"went_live": True})


async def use_feature(actor: Actor, number: int, feature: str) -> None:
    """Something that the agent or the visitor did in the session."""
    await _note(actor, number, {}, feature)


async def _note(actor: Actor, number: int, facts: Document, feature: str | None = None) -> None:
    async def attempt() -> None:
        session = await _require_session(actor, number)
        if "ended_at" in session:
            raise ValidationFailed.of("type", "state", "the session is over")
        used = session["features_used"]
        if feature is not None and feature not in used and len(used) < MOST_FEATURES:
            session["features_used"] = [*used, feature]
        await actor.services.commit(Batch(puts=(_put(actor, {**session, **facts}),)))

    await persist(actor, attempt)


async def finish(actor: Actor, number: int, at: str | None = None) -> None:
    """End a session, or call off one that has not begun. Ending it again changes nothing.

    ``at`` is when it was over; now when it is not given.
    """

    async def attempt() -> None:
        store = actor.services.store
        session = await store.get(session_key(actor.account_id, number))
        puts: list[Put] = []
        if session is None:
            link = await link_of_session(actor, number)
            if link is None:
                raise NoSuchDocument(str(number))
            if not is_waiting(actor, link):
                return
            link["expires_at"] = instant(actor.services.clock)
            puts.append(put_link(actor, Key(actor.account_id, LINK_TYPE, link["_id"]), link))
            visitor_id = link["visitor_id"]
        elif "ended_at" in session:
            return
        else:
            day = await end(actor, session, at or instant(actor.services.clock))
            puts += [_put(actor, session), day]
            visitor_id = session.get("visitor_id", "")
        events = [event_of(actor, "changed", each) for each in puts[:1] if session]
        puts += await _released(actor, visitor_id, number)
        await actor.services.commit(Batch(puts=tuple(puts), events=tuple(events)))

    await persist(actor, attempt)


async def _released(actor: Actor, visitor_id: str, number: int) -> list[Put]:
    """The visitor without that session, and with the next one it is asked for."""
    visitor = await actor.services.store.get(visitor_key(actor.account_id, visitor_id))
    if visitor is None or (visitor.get("pvt_session") or {}).get("id") != number:
        return []
    waiting = await next_invitation(actor, visitor_id)
    visitor["pvt_session"] = waiting if waiting and waiting["id"] != number else None
    return [put_visitor(actor, visitor)]


async def _require_visitor(actor: Actor, visitor_id: str) -> Document:
    visitor = await actor.services.store.get(visitor_key(actor.account_id, visitor_id))
    if visitor is None:
        raise NoSuchDocument(visitor_id)
    return visitor


async def _require_session(actor: Actor, number: int) -> Document:
    session = await actor.services.store.get(session_key(actor.account_id, number))
    if session is None:
        if await link_of_session(actor, number) is None:
            raise NoSuchDocument(str(number))
        raise ValidationFailed.of("type", "state", "the session has not started")
    return session


def _put(actor: Actor, session: Document) -> Put:
    key = Key(actor.account_id, VISITOR_SESSIONS.doc_type, session["_id"])
    return put_of(VISITOR_SESSIONS, key, stamped(actor, key, session), session["_rev"])
