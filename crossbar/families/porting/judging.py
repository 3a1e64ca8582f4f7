"""What a port request may say, by whom: the stages of its writes."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from crossbar.clock import GREGORIAN_OFFSET
from crossbar.core.attachments import drop_all
from crossbar.core.change import Change, Note
from crossbar.core.requests import Action, Actor
from crossbar.core.shapes import Scope, Unique
from crossbar.core.uniqueness import holders_of
from crossbar.documents import Document
from crossbar.errors import Forbidden, MethodNotAllowed
from crossbar.families.numbers import ASSIGNED_TO, GONE, is_registered
from crossbar.families.numbers import STATE as NUMBER_STATE
from crossbar.families.porting.authority import decides
from crossbar.families.porting.places import numbers_of
from crossbar.families.porting.showing import COMMENTS
from crossbar.families.porting.states import (
    COMPLETED,
    FINISHED,
    PORTED,
    REMOVABLE,
    SUSPENDED,
    state_of,
)
from crossbar.numbers import normalized, to_e164
from crossbar.storage import SYSTEM, Key

COMPUTED = (
    "account_id",
    "accept_charges",
    "created",
    "port_state",
    "reason",
    "sent",
    "updated",
    "uploads",
)
"""What the server says of a request; clients only send back what they have read."""

ADDED: Note[list[Any] | None] = Note(None)
"""Comments that are to be added; ``None`` where they are among those of the document."""

NEW_COMMENTS: Note[int] = Note(0)
"""How many of the comments, at the end of all, are new."""

EXISTS = "Number exists on the system already"

DATE_TIME = "%Y-%m-%d %H:%M"


async def normalize(change: Change) -> None:
    """One spelling for numbers and times; what the server decides is dropped."""
    document = change.document
    for name in COMPUTED:
        document.pop(name, None)
    if _is_completed(change):  # they have become numbers of the account
        document["numbers"] = (change.current or {}).get(PORTED, {})
    numbers = document.get("numbers")
    if isinstance(numbers, dict):
        document["numbers"] = {normalized(name): facts for name, facts in numbers.items()}
    await _take_comments(change)
    _take_schedule(change)


def _is_completed(change: Change) -> bool:
    return change.current is not None and state_of(change.current) == COMPLETED


def _take_schedule(change: Change) -> None:
    """A new date with its time zone becomes a time."""
    wanted = change.document.get("schedule_on")
    if not isinstance(wanted, dict | None):
        message = "Value did not match type(s): object"
        change.refusals.add("schedule_on", "type", message, target="object", value=wanted)
    if isinstance(wanted, dict) and change.changed("schedule_on"):
        try:
            zone = ZoneInfo(wanted["timezone"])
            local = datetime.strptime(wanted["date_time"], DATE_TIME).replace(tzinfo=zone)
            change.document["scheduled_date"] = int(local.timestamp()) + GREGORIAN_OFFSET
        except (KeyError, ValueError, TypeError, OSError):
            message = "This is no date and time, as 2030-01-31 09:30, in a time zone that is known"
            change.refusals.add("schedule_on", "invalid", message, cause=wanted)


async def _take_comments(change: Change) -> None:
    """Comments that are there stay as they are; new ones say who has written them."""
    stored = (change.current or {}).get(COMMENTS) or []
    added = ADDED.found(change)
    if added is None:
        sent = change.document.get(COMMENTS, [])
        if not isinstance(sent, list):
            return  # the schema says so
        newest = max((each["timestamp"] for each in stored), default=-1)
        added = [each for each in sent if _written_at(each) > newest]
    if added:
        author = await _author(change.actor)
        added = [{**each, **author} if isinstance(each, dict) else each for each in added]
    NEW_COMMENTS.leave(change, len(added))
    if stored or added or COMMENTS in change.document:
        change.document[COMMENTS] = [*stored, *added]


def _written_at(comment: Any) -> float:
    """When a comment says it was written; what does not say is new, and refused by the schema."""
    at = comment.get("timestamp") if isinstance(comment, dict) else None
    if isinstance(at, str) and at.isascii() and at.isdigit() and len(at) < 20:
        at = int(at)
    return at if isinstance(at, int | float) and not isinstance(at, bool) else float("inf")


async def _author(actor: Actor) -> Document:
    caller = actor.require_caller()
    if caller.user_id is None:
        account = await actor.services.accounts.get(caller.account_id)
        return {"account_id": caller.account_id, "author": account.name if account else ""}
    user = await actor.services.store.get(Key(caller.account_id, "user", caller.user_id)) or {}
    facts = {"account_id": caller.account_id, "user_id": caller.user_id}
    return {**facts, "author": full_name(user)}


def full_name(user: Document) -> str:
    """The first and the last name of a user."""
    return " ".join(filter(None, (user.get("first_name"), user.get("last_name"))))


async def check(change: Change) -> None:
    """Who may say what, and when; each number is asked for once."""
    await _check_comments(change)
    action = change.request.operation.action if change.request else None
    if change.current is not None and action is Action.REPLACE:
        state = state_of(change.current)
        if state not in SUSPENDED and not change.actor.require_caller().is_operator:
            message = "A port request is replaced while it is unconfirmed or rejected"
            change.refusals.add(state, "type", message, cause=state)
    _require_telephone_numbers(change)
    if change.current is None or action is Action.REPLACE:
        await _check_numbers(change)


def _require_telephone_numbers(change: Change) -> None:
    numbers = change.value("numbers")
    for number, facts in numbers.items() if isinstance(numbers, dict) else ():
        if to_e164(number) is None:
            message = "This is no full telephone number"
            change.refusals.add(f"numbers.{number}", "invalid", message, cause=number)
        elif not isinstance(facts, dict):
            message = "Value did not match type(s): object"
            change.refusals.add(f"numbers.{number}", "type", message, target="object")


async def _check_comments(change: Change) -> None:
    special = [
        each
        for each in new_comments(change)
        if isinstance(each, dict) and (each.get("is_private") or each.get("action_required"))
    ]
    if not special:
        return
    if not await decides(change.actor, change.actor.require_account()):
        cause = "only the port authority writes private comments and asks for something"
        raise Forbidden(cause=cause)
    if any(each.get("is_private") and each.get("action_required") for each in special):
        message = "Nobody can do what a comment asks for that is hidden from them"
        change.refusals.add(COMMENTS, "rejected", message, cause=COMMENTS)


def new_comments(change: Change) -> list[Any]:
    """The comments that were not there before; before they are sorted."""
    comments = change.document.get(COMMENTS)
    many = NEW_COMMENTS.found(change)
    return comments[len(comments) - many :] if many and isinstance(comments, list) else []


async def _check_numbers(change: Change) -> None:
    found = await change.actor.services.store.get_many(SYSTEM, numbers_of(change.document))
    for number, document in found.items():
        if is_registered(document) and document[NUMBER_STATE] not in GONE:
            message = EXISTS
            if document.get(ASSIGNED_TO) == change.key.account_id:
                message = "Number is on your account already"
            change.refusals.add(number, "type", message, cause=number)
    for claim, holder in (await holders_of(change)).items():
        message = await explain(change.actor, claim.value, holder)
        change.refusals.add(claim.value, "type", message, cause=claim.value)


async def explain(actor: Actor, number: str, holder: Key) -> str:
    """Why a number cannot be asked for. Of other accounts' requests nothing is told."""
    if holder.account_id != actor.account_id:
        return EXISTS
    return f"Number is on a port request already: {holder.doc_id}"


def _active_numbers(document: Document) -> list[str]:
    return [] if state_of(document) in FINISHED else list(numbers_of(document))


ACTIVE_NUMBERS = Unique(
    path="numbers",
    values=_active_numbers,
    message="Number is on a port request already",
    within=Scope.SYSTEM,
)
"""A number is in one request at a time that is not finished, whoever has made it."""


async def sort_comments(change: Change) -> None:
    """Comments are in the order of time."""
    if COMMENTS in change.document:
        change.document[COMMENTS].sort(key=lambda comment: comment["timestamp"])


async def refuse_removal(change: Change) -> None:
    """What is on its way, or has been done, cannot be removed."""
    require_removable(change.current or {})
    await drop_all(change)


def require_removable(stored: Document) -> None:
    """Raises :class:`MethodNotAllowed` for a request that is under way or completed."""
    if (state := state_of(stored)) not in REMOVABLE:
        raise MethodNotAllowed(cause=f"a request that is {state} cannot be removed")
