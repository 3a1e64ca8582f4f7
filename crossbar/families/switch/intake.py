"""Event intake: switches tell what happens, in batches, and each event counts once.

A switch numbers its events. How far it has told them is a document that is written in the same
commit as what they cause; so a batch that is sent again, because nobody knows whether it arrived,
changes nothing. An event that makes no sense is refused by itself and holds up no other.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from crossbar.core.access import Scopes
from crossbar.core.answers import COUNT, SOME_OBJECT, TEXT, Answers, an_object, some
from crossbar.core.directory import OWNER, Account, is_at_or_below
from crossbar.core.recipes import valid
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Route, Routes
from crossbar.core.writing import in_turn
from crossbar.documents import Document, next_revision, public
from crossbar.errors import CrossbarError, Forbidden, ValidationFailed
from crossbar.families.switch.board import Board, Told
from crossbar.families.switch.kind import require_time
from crossbar.families.switch.kinds import KINDS
from crossbar.storage import SYSTEM, Entry, Key, Put
from crossbar.values import valueclass

SWITCH = "switch"
SWITCH_SCOPES = Scopes({SWITCH: {SWITCH: ("POST",)}}, is_closed=True)
"""What keys of switches can be limited to: telling events is all that they may do."""

SOURCE_TYPE = "switch_source"
MOST_EVENTS = 500
LATE = 60
"""Seconds that the clock of a switch may be ahead."""

SWITCHES_ONLY = "only who calls with a key of a switch, or an operator, may tell events"


@valueclass
class Heard:
    """What came of a batch: how many events were taken and had been before, what was refused."""

    last: int
    accepted: int
    repeated: int
    refused: list[Document]


async def take(request: Request) -> Result:
    """Take a batch of events; those that were taken before are passed over."""
    caller = request.require_caller()
    if caller.claims.get("dialect") != SWITCH and not caller.is_operator:
        raise Forbidden(cause=SWITCHES_ONLY)
    source, events = await _batch_of(request)
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    key = Key(SYSTEM, SOURCE_TYPE, f"{SOURCE_TYPE}-{caller.account_id}-{digest}")

    async def attempt() -> Heard:
        return await _take(request, key, source, events)

    heard = await in_turn(request.actor, key, attempt)
    return Result(
        data={
            "source": source,
            "last": heard.last,
            "accepted": heard.accepted,
            "repeated": heard.repeated,
            "refused": heard.refused,
        }
    )


async def _batch_of(request: Request) -> tuple[str, list[Document]]:
    """The source and the events. Raises 400 for what could not be told again."""
    sent = await valid(request.actor, "switch_events", request.data or {})
    events: list[Document] = sent["events"]
    before = 0
    for number, event in enumerate(events):
        if event["sequence"] <= before:
            message = "Sequences have to rise within a batch"
            path = f"events.{number}.sequence"
            raise ValidationFailed.of(path, "minimum", message, target=before + 1)
        before = event["sequence"]
    return sent["source"], events


async def _take(request: Request, key: Key, source: str, events: list[Document]) -> Heard:
    services = request.services
    stored = await services.store.get(key)
    last = stored["last"] if stored else 0
    fresh = [event for event in events if event["sequence"] > last]
    refused: list[Document] = []
    if not fresh:
        return Heard(last=last, accepted=0, repeated=len(events), refused=refused)
    board, accounts = Board(services), Accounts(request)
    taken = 0
    for event in fresh:
        await asyncio.sleep(0)  # so that others are served meanwhile
        try:
            await _apply(board, accounts, event)
        except CrossbarError as error:
            if error.status >= 500:
                raise
            told = {"sequence": event["sequence"], "error": error.code, "data": error.data}
            refused.append(told)
        taken, last = taken + 1, event["sequence"]
        if board.is_full:
            break
    await services.commit(await board.batch(_source(request, key, source, last, stored)))
    accepted, repeated = taken - len(refused), len(events) - len(fresh)
    return Heard(last=last, accepted=accepted, repeated=repeated, refused=refused)


def _source(request: Request, key: Key, name: str, last: int, stored: Document | None) -> Put:
    account_id = request.require_caller().account_id
    expected = stored["_rev"] if stored else None
    document = {
        "_id": key.doc_id,
        "_rev": next_revision(expected),
        "pvt_type": key.doc_type,
        "pvt_account_id": account_id,
        "pvt_modified": request.services.clock.gregorian(),
        "name": name,
        "last": last,
    }
    return Put(key, document, expected, entries=(Entry(OWNER, account_id),))


class Accounts:
    """The accounts that the events of a batch are of: the caller's, and those below."""

    def __init__(self, request: Request) -> None:
        self._services = request.services
        self._caller_id = request.require_caller().account_id
        self._known: dict[tuple[str, str], Account | None] = {}

    async def of(self, event: Document) -> Account:
        """The account that an event names, by its id or its realm. Raises 400."""
        name = "account_id" if "account_id" in event else "realm"
        if name not in event:
            message = "An event names its account, by account_id or realm"
            raise ValidationFailed.of("account_id", "required", message)
        value = str(event[name])
        place = (name, value)
        if place not in self._known:
            self._known[place] = await self._find(name, value)
        found = self._known[place]
        if found is None:
            message = "There is no such account that the key may tell of"
            raise ValidationFailed.of(name, "not_found", message, cause=value)
        return found

    async def _find(self, name: str, value: str) -> Account | None:
        accounts = self._services.accounts
        if name == "account_id":
            found = await accounts.get(value)
        else:
            found = next(iter(await accounts.find("realm", value.lower())), None)
        return found if found and is_at_or_below(found, self._caller_id) else None


async def _apply(board: Board, accounts: Accounts, event: Document) -> None:
    """Note what one event causes, unless it is refused."""
    kind = KINDS.get(event["type"])
    if kind is None:
        message = "Value not found in enumerated list of values"
        raise ValidationFailed.of("type", "enum", message, target=[*KINDS], value=event["type"])
    account = await accounts.of(event)
    sent: Any = public(event["data"])
    data, errors = await board.services.schemas.judged(kind.schema, sent)
    if errors:
        raise ValidationFailed({f"data.{path}": rules for path, rules in errors.items()})
    now = board.services.clock.gregorian()
    at = min(event.get("at", now), now + LATE)
    require_time(board, "at", at)
    told = Told(type=event["type"], account=account, at=at, data=data)
    await kind.apply(board, told)


SWITCH_EVENTS = Routes(
    noun=SWITCH,
    access=Access.TOKEN,
    routes=(
        Route(
            path="events",
            action=Action.REPLACE,
            handler=take,
            about="Tell what happens in a switch",
            schema="switch_events",
            answers=Answers(
                an_object(
                    source=TEXT,
                    last=COUNT,
                    accepted=COUNT,
                    repeated=COUNT,
                    refused=some(SOME_OBJECT),
                )
            ),
        ),
    ),
)
