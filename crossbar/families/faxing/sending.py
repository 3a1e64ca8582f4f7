"""Having faxes sent: a job gives each to the switch, and looks after it until it is over.

What came of it the switch tells as an event. A fax waits for as long as there is no switch; one
that no switch knows of any more, since it has died, was not sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from crossbar.core.change import Writes
from crossbar.core.jobs import Kind, asked
from crossbar.core.ports import Command
from crossbar.core.requests import Actor
from crossbar.core.services import Services
from crossbar.core.telling import tell
from crossbar.core.writing import Work, perform
from crossbar.documents import Document
from crossbar.errors import SwitchTimedOut, SwitchUnavailable
from crossbar.families.faxing.faxes import FAXES
from crossbar.families.faxing.folders import OUTGOING, folder_of
from crossbar.families.faxing.jobs import FAX_TYPE, PENDING, PROCESSING, SENDING, STATUS
from crossbar.families.faxing.results import Told, outcome_of_sending, status_told
from crossbar.storage import Batch, Key

ORDERED_WITHIN = 10.0
"""Seconds within which a switch says that it sends a fax."""

SHORTEST, LONGEST = 10, 300
"""Seconds until a switch is looked for again: the longer a fax has waited, the more."""

CHECKED_EVERY = 60
"""Seconds until it is asked again how far a fax has got."""

GIVEN_UP_AFTER = 7200
"""Seconds after which a fax is not sent any more, whatever has become of its switch."""

LOST = "the switch that sent it is not there any more"


async def _send(services: Services, about: Document) -> None:
    """Have a fax sent that waits, or see whether one is still being sent."""
    key = Key(about["account_id"], FAX_TYPE, about["fax_id"])
    fax = await services.store.get(key)
    if fax is None or not _is_meant(fax, about):
        return
    if fax[STATUS] == PENDING:
        await _begin(services, key, fax, about)
    else:
        await _watch(services, key, about)


def _is_meant(fax: Document, about: Document) -> bool:
    """Whether the attempt that a job is about is still to be made, or goes on."""
    return (
        not fax.get("pvt_deleted")
        and folder_of(fax) == OUTGOING
        and fax.get("attempts", 0) == about["attempt"]
        and fax.get(STATUS) in (PENDING, PROCESSING)
    )


async def _begin(services: Services, key: Key, fax: Document, about: Document) -> None:
    asks = {"fax_id": key.doc_id, "attempt": about["attempt"]}
    command = Command("faxes.send", key.account_id, asks)
    try:
        taken = await services.switch.order(command, ORDERED_WITHIN)
    except (SwitchUnavailable, SwitchTimedOut):
        waited = services.clock.gregorian() - int(fax["pvt_created"])
        await _again(services, about, min(max(waited // 10, SHORTEST), LONGEST))
        return

    async def build(work: Work) -> None:
        stored = await services.store.get(key)
        if stored is not None and _is_meant(stored, about) and stored[STATUS] == PENDING:
            work.put(FAXES, key, {**stored, STATUS: PROCESSING})
            by = {"source": taken.get("source", ""), "since": services.clock.gregorian()}
            work.ask(FAX_SENDING, about | by, after=CHECKED_EVERY)
            _tell(work, key, [status_told(key, stored, PROCESSING)])

    await _write(services, key, build)


async def _watch(services: Services, key: Key, about: Document) -> None:
    """See whether the switch that has taken a fax still knows of it, if it is the one here."""
    command = Command("faxes.status", key.account_id, {"fax_id": key.doc_id})
    try:
        found = await services.switch.order(command, ORDERED_WITHIN)
    except (SwitchUnavailable, SwitchTimedOut):
        found = {}
    missed = about.get("missed", 0)
    if found.get("status"):
        missed = 0
    elif found.get("source") == about["source"]:  # what came of it may be on its way to us
        missed += 1
    if missed > 1 or services.clock.gregorian() - about["since"] > GIVEN_UP_AFTER:
        await _give_up(services, key, about)
    else:
        await _again(services, {**about, "missed": missed}, CHECKED_EVERY)


async def _give_up(services: Services, key: Key, about: Document) -> None:
    """The switch was lost; the attempt has failed."""

    async def build(work: Work) -> None:
        stored = await services.store.get(key)
        if stored is None or not _is_meant(stored, about):
            return
        result = {"success": False, "error_message": LOST}
        outcome = await outcome_of_sending(services, key, stored, result)
        if outcome is not None and outcome.document is not None:
            work.put(FAXES, key, outcome.document)
            work.also[SENDING] = Writes(puts=[*outcome.asks])
            _tell(work, key, outcome.told)

    await _write(services, key, build)


def _tell(work: Work, key: Key, told: Iterable[Told]) -> None:
    for kind, facts in told:
        tell(work, key.account_id, kind, facts, about=key.doc_id)


async def _again(services: Services, about: Document, seconds: float) -> None:
    job = asked(services.clock, FAX_SENDING, about, after=seconds)
    await services.commit(Batch(puts=[job]))


async def _write(services: Services, key: Key, build: Callable[[Work], Awaitable[None]]) -> None:
    account = await services.accounts.get(key.account_id)
    actor = Actor(
        services=services, account_id=key.account_id, account=account, request_id=SENDING
    )
    await perform(actor, key, build)


FAX_SENDING = Kind(name=SENDING, run=_send)
