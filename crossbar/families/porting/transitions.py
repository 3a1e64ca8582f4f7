"""Moving a port request on: who may, what is noted of it, what follows.

Completing a request makes its numbers numbers of the account in the same commit: all of them, or
none, and the request stays where it was.
"""

from __future__ import annotations

from crossbar.core.change import Change, Note
from crossbar.core.directory import is_at_or_below
from crossbar.core.reading import key_of, load
from crossbar.core.recipes import answer, sent
from crossbar.core.requests import Actor, Request, Result
from crossbar.core.writing import Work, perform
from crossbar.documents import Document, merge, public
from crossbar.families.billing import charged
from crossbar.families.numbers import bring_in
from crossbar.families.porting.authority import decides
from crossbar.families.porting.judging import full_name
from crossbar.families.porting.places import numbers_of
from crossbar.families.porting.states import (
    CANCELED,
    COMPLETED,
    FROM,
    PORTED,
    SCHEDULED,
    STATE,
    SUBMITTED,
    TRANSITIONS,
    UNCONFIRMED,
    state_of,
)
from crossbar.storage import Key

TARGET: Note[str] = Note("")
"""The state that a change moves the request to."""

REASON: Note[str] = Note("")
"""Why, in the words of who asks for it."""

TO_SCHEDULED = "port_requests.to_scheduled"
"""The schema of what a request has to say before it is scheduled."""

LONGEST_REASON = 2048


async def move_on(request: Request, target: str) -> Result:
    """The request in its next state, with what else the client wants to be different about it."""
    key = key_of(request)

    async def build(work: Work) -> Document:
        current = await load(request)
        change = Change(
            actor=request.actor,
            request=request,
            family=request.operation.collection,
            key=key,
            document=merge(public(current), sent(request)),
            current=current,
        )
        TARGET.leave(change, target)
        reason = request.control("reason")
        REASON.leave(change, reason[:LONGEST_REASON] if isinstance(reason, str) else "")
        return await work.save(change)

    return await answer(request, await perform(request.actor, key, build, request))


async def check_transition(change: Change) -> None:
    """Whether there is such a way, whether the caller may take it, and what it needs."""
    target, current = TARGET.found(change), change.current
    if not target or current is None:
        return
    before = state_of(current)
    if before not in _ways_to(change.actor, target):
        message = f"A port request cannot become {target} while it is {before}"
        change.refusals.add("port_state", "enum", message, cause=target)
    elif not await _may(change.actor, before, target):
        message = f"Only the port authority may make this {target}"
        change.refusals.add("port_state", "enum", message, cause=target)
    if target == SCHEDULED:
        _, errors = change.actor.services.schemas.apply(TO_SCHEDULED, dict(change.document))
        change.refusals.merge(errors)


def _ways_to(actor: Actor, target: str) -> tuple[str, ...]:
    ways = FROM[target]
    if target == SCHEDULED and actor.services.settings.porting.schedule_submitted:
        ways = (*ways, SUBMITTED)
    return ways


async def _may(actor: Actor, before: str, target: str) -> bool:
    """Who has asked for a port submits it, and thinks better of it until then."""
    account = actor.require_account()
    if target == SUBMITTED or await decides(actor, account):
        return True
    is_above = is_at_or_below(account, actor.require_caller().account_id)
    return target == CANCELED and before == UNCONFIRMED and is_above


async def note_transition(change: Change) -> None:
    """Write down who has moved the request on, when and why; a new one is unconfirmed."""
    document = change.document
    before = state_of(document)
    target = TARGET.found(change)
    if change.current is None:
        before, target = "", UNCONFIRMED
    if not target:
        return
    document[STATE] = target
    entry: Document = {
        "type": "transition",
        "timestamp": change.actor.services.clock.gregorian(),
        "transition": {"new": target, **({"previous": before} if before else {})},
        "authorization": await _authorization(change),
    }
    if reason := REASON.found(change):
        entry["reason"] = reason
    document[TRANSITIONS] = [entry, *document.get(TRANSITIONS, [])]


async def _authorization(change: Change) -> Document:
    """Who has decided, as the timeline tells."""
    caller = change.actor.require_caller()
    account = await change.actor.services.accounts.get(caller.account_id)
    told: Document = {
        "account": {"id": caller.account_id, "name": account.name if account else "unknown"}
    }
    if caller.user_id is not None:
        key = Key(caller.account_id, "user", caller.user_id)
        user = await change.actor.services.store.get(key) or {}
        told["user"] = {
            "id": caller.user_id,
            "full_name": full_name(user),
            **{name: user[name] for name in ("first_name", "last_name") if name in user},
        }
    if reason := REASON.found(change):
        told["reason"] = reason
    return told


async def take_over(change: Change) -> None:
    """Of a request that is completed, make the numbers the account's own."""
    document, work = change.document, change.work
    if state_of(document) != COMPLETED:
        return
    if TARGET.found(change) == COMPLETED and work is not None:
        await bring_in(work, change.key.account_id, list(numbers_of(document)))
    document[PORTED] = document["numbers"]
    document["numbers"] = {}


async def charge(change: Change) -> None:
    """What a transition costs is asked of the account, where its plans say so.

    Raises 402, as everything does that costs money and is not agreed to.
    """
    if target := TARGET.found(change):
        writes = await charged(change.actor, change.request, {("ports", target): 1})
        change.more += writes.puts
        change.records += writes.records
