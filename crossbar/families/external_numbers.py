"""External numbers: telephone numbers that an account has elsewhere, and may show to who it calls.

That they are the account's own is proven by a code of four digits: a telephone switch calls the
number, or writes to it, and whoever answers tells the code. A code is good for some minutes and a
few attempts, and a number gets a few of them in a day: otherwise who has new ones made and guesses
on would verify any number before long. An operator may vouch for a number without one.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Iterable
from typing import Any

from crossbar.core.amending import amend
from crossbar.core.answers import DOCUMENT, SOME_OBJECT, YES_OR_NO, Answers
from crossbar.core.change import Change
from crossbar.core.ports import Command
from crossbar.core.reading import key_of, load
from crossbar.core.recipes import answer, sent, valid
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Collection, Column, Hooks, Route, Unique
from crossbar.documents import Document, next_revision
from crossbar.errors import SwitchUnavailable, TooManyRequests, ValidationFailed
from crossbar.families.numbers import ASSIGNED_TO, is_registered, number_key
from crossbar.numbers import to_e164
from crossbar.storage import Key, Put

CODE, VERIFIED, ATTESTATION = "pvt_code", "pvt_verified", "pvt_attestation"
CODES_TYPE = "external_number_codes"
"""Says when codes of a number were told within a day, in Gregorian seconds, the oldest first."""

METHODS = ("voice", "sms", "ivr")

CODE_LIFETIME = 900
"""Seconds for which a code is good."""

ATTEMPTS = 5
"""Wrong codes after which the right one is of no use any more."""

CODES_A_DAY = 10
"""How often a code is told at a number within :data:`DAY`."""

DAY = 86_400
"""Seconds."""

RINGING = 55.0
"""Seconds that are waited for somebody to answer the call."""

PURPOSE = "external number code"
"""What codes are encrypted for, so that who reads the store cannot verify a number."""


async def normalize(change: Change) -> None:
    """One spelling for the number; whether it is verified is the server's to say."""
    change.document.pop("attestation", None)
    change.document.pop("verified", None)
    number = change.value("number")
    if isinstance(number, str):
        change.document["number"] = to_e164(number) or number


async def check(change: Change) -> None:
    """It is a full telephone number, and none that is routed here."""
    number = change.value("number")
    if isinstance(number, str) and to_e164(number) is None:
        message = "number is not an external number"
        change.refusals.add("number", "invalid", message, cause=number)
    elif isinstance(number, str):
        own = await change.actor.services.store.get(number_key(number))
        if is_registered(own) and (own or {}).get(ASSIGNED_TO) == change.key.account_id:
            message = "number is already assigned as a phone number"
            change.refusals.add("number", "unique", message, cause=number)


async def show_attestation(request: Request, shown: Document, stored: Document) -> None:
    """Whether the number is verified, and who has done that when."""
    shown["attestation"] = stored.get(ATTESTATION, {})
    shown["verified"] = _is_verified(stored)


def _is_verified(document: Document) -> bool:
    return bool(document.get(VERIFIED))


def _numbers(document: Document) -> Iterable[str]:
    number = document.get("number")
    return (number,) if isinstance(number, str) else ()


async def send_code(request: Request) -> Result:
    """Have a new code told at the number, which counts as not verified until it comes back.

    Without a telephone switch 503, and there is no code then. Raises
    :class:`~crossbar.errors.TooManyRequests` for a number that has had too many.
    """
    wanted = await valid(request.actor, "external_number_verify", sent(request))
    services, code = request.services, str(1000 + secrets.randbelow(9000))

    async def renew(change: Change) -> None:
        await _count_code(change)
        change.document[CODE] = {
            "sealed": services.credentials.seal(PURPOSE, code),
            "expires": services.clock.gregorian() + CODE_LIFETIME,
            "attempts": ATTEMPTS,
            "method": wanted["method"],
        }
        change.document.pop(ATTESTATION, None)
        change.document[VERIFIED] = False

    stored = await _amend(request, renew)
    about = {"number": stored["number"], "code": code, **wanted}
    command = Command("external_numbers.verify", request.account_id, about)
    try:
        outcome = await services.switch.order(command, RINGING)
    except SwitchUnavailable:

        async def forget(change: Change) -> None:
            change.document.pop(CODE, None)

        await _amend(request, forget)
        raise
    if wanted["method"] != "ivr":
        return Result(data=outcome)
    if outcome.get("verified"):
        stored = await _attest(request, "ivr")
    return await answer(request, stored)


async def _count_code(change: Change) -> None:
    """Another code of the number, which may have been removed and made anew meanwhile.

    Raises :class:`TooManyRequests`.
    """
    services, now = change.actor.services, change.actor.services.clock.gregorian()
    number = change.document["number"]
    key = Key(change.key.account_id, CODES_TYPE, f"{CODES_TYPE}-{number}")
    stored = await services.store.get(key)
    await asyncio.sleep(0)  # what a store remembers from this turn of the loop may be older
    told = [at for at in (stored or {}).get("told", ()) if at > now - DAY]
    if len(told) >= CODES_A_DAY:
        raise TooManyRequests(told[0] + DAY - now)
    before = stored["_rev"] if stored else None
    document = {"_id": key.doc_id, "_rev": next_revision(before), "pvt_type": CODES_TYPE}
    change.more.append(Put(key, {**document, "told": [*told, now]}, before, sort=None))


async def claim(request: Request) -> Result:
    """The number is verified with the code that was told there. An operator needs none."""
    is_operator = request.require_caller().is_operator
    if is_operator and "code" not in sent(request):
        return await answer(request, await _attest(request, "operator"))
    told = (await valid(request.actor, "external_number_claim", sent(request)))["code"]
    method = await _use_up_attempt(request, told)
    if method is None:
        raise ValidationFailed.of("code", "invalid", "code does not match")
    return await answer(request, await _attest(request, method))


async def _use_up_attempt(request: Request, told: str) -> str | None:
    """How the code was told, if this is the one that is good now; one attempt less if not."""
    services = request.services
    found: list[str] = []

    async def compare(change: Change) -> None:
        found.clear()
        kept = change.document.get(CODE)
        if not kept or kept["attempts"] < 1 or kept["expires"] <= services.clock.gregorian():
            return
        code = services.credentials.unseal(PURPOSE, kept["sealed"]) or ""
        if hmac.compare_digest(code.encode(), told.encode()):
            found.append(kept["method"])
        change.document[CODE] = {**kept, "attempts": kept["attempts"] - 1}

    await _amend(request, compare)
    return found[0] if found else None


async def _attest(request: Request, method: str) -> Document:
    caller, services = request.require_caller(), request.services
    account = await services.accounts.get(caller.account_id)

    async def attest(change: Change) -> None:
        change.document.pop(CODE, None)
        change.document[VERIFIED] = True
        attestation: dict[str, Any] = {
            "date": services.clock.gregorian(),
            "token": {"method": method, "source": request.address},
            "account": {"id": caller.account_id, "name": account.name if account else ""},
        }
        if caller.user_id is not None:
            attestation["user"] = {"id": caller.user_id}
        change.document[ATTESTATION] = attestation

    return await _amend(request, attest)


async def _amend(request: Request, alter: Any) -> Document:
    await load(request)
    return await amend(request, request.operation.collection, key_of(request), alter)


EXTERNAL_NUMBERS = Collection(
    noun="external_numbers",
    doc_type="external_number",
    schema="external_numbers",
    summary=("name", "number", Column("verified", _is_verified)),
    actions=frozenset({Action.LIST, Action.CREATE, Action.FETCH, Action.DELETE}),
    unique=(
        Unique(
            path="number",
            values=_numbers,
            message="number is already assigned as an external number",
        ),
    ),
    hooks=Hooks(normalize=(normalize,), check=(check,), present=(show_attestation,)),
    shown={"attestation": SOME_OBJECT, "verified": YES_OR_NO},
    routes=(
        Route(
            path="{external_number_id}/verify",
            action=Action.CREATE,
            handler=send_code,
            about="Have a code told at the number",
            schema="external_number_verify",
            answers=Answers(SOME_OBJECT),
        ),
        Route(
            path="{external_number_id}/verify",
            action=Action.REPLACE,
            handler=claim,
            about="Verify the number with the code",
            schema="external_number_claim",
            answers=DOCUMENT,
        ),
    ),
)
