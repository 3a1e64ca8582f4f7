"""The log of logins: who came in, who did not, and from where.

An attempt is written while its answer is on the way: a login takes as long for an account that
keeps a log as for one that does not exist. Headers of the request are not kept: they may hold
secrets.
"""

from __future__ import annotations

from crossbar.clock import moment
from crossbar.core.directory import Account
from crossbar.core.presenting import summarizer
from crossbar.core.ranges import list_in_range, time_key
from crossbar.core.recipes import answer, load_document
from crossbar.core.requests import Actor, Request, Result
from crossbar.core.stamping import fresh_id, stamped
from crossbar.documents import Document
from crossbar.records import record
from crossbar.storage import Batch, Entry, Key, Put, Remove, Span

ATTEMPT_TYPE = "login_attempt"
SUCCESS, FAILED = "success", "failed"
MULTI_FACTOR = "multi_factor"

REMOVED_AT_ONCE = 10
"""Old attempts that a new one takes with it, so that the log does not grow for ever."""


@record
class Way:
    """A way in: its method, as in tokens, and the kind of proof, as in the log."""

    method: str
    proof: str


attempt_row = summarizer(
    ("auth_type", "auth_module", "status", "message", "timestamp", "client_ip")
)


async def write_attempt(
    actor: Actor,
    account: Account,
    way: Way,
    status: str,
    *,
    user: Document | None = None,
    message: str = "",
) -> None:
    """Store an attempt, and remove some that are older than the log is to be."""
    services = actor.services
    now = services.clock.gregorian()
    key = Key(
        account.account_id,
        ATTEMPT_TYPE,
        f"{moment(now):%Y%m}-{fresh_id(services.clock)}",
    )
    whose = {"account_id": account.account_id, "owner_id": user["_id"] if user else None}
    document = {
        "auth_type": way.proof,
        "auth_module": way.method,
        "status": status,
        "message": message,
        "timestamp": now,
        "client_ip": actor.address,
        "crossbar_request_id": actor.request_id,
        "metadata": {name: value for name, value in whose.items() if value is not None},
    }
    put = Put(
        key,
        stamped(actor, key, document),
        None,
        sort=time_key(now),
        entries=[Entry("auth_type", way.proof)],
    )
    outdated = await _outdated(actor, account.account_id, now)
    await services.commit(Batch(puts=[put], removes=outdated))


async def _outdated(actor: Actor, account_id: str, now: int) -> list[Remove]:
    until = time_key(now - actor.services.settings.auth.attempts_kept)
    span = Span(account_id=account_id, doc_type=ATTEMPT_TYPE, high=until)
    outdated: list[Remove] = []
    async for row in actor.services.store.scan(span):
        outdated.append(Remove(Key(account_id, ATTEMPT_TYPE, row.position.doc_id)))
        if len(outdated) == REMOVED_AT_ONCE:
            break
    return outdated


async def list_attempts(request: Request) -> Result:
    """The attempts to log in, newest first, within a range of time."""
    span = Span(account_id=request.account_id, doc_type=ATTEMPT_TYPE)
    return await list_in_range(request, span, attempt_row)


async def list_second_factors(request: Request) -> Result:
    """The attempts that were about a second factor, newest first, within a range of time."""
    entry = Entry("auth_type", MULTI_FACTOR)
    span = Span(account_id=request.account_id, doc_type=ATTEMPT_TYPE, entry=entry)
    return await list_in_range(request, span, attempt_row)


async def fetch_attempt(request: Request) -> Result:
    """One attempt to log in."""
    key = Key(request.account_id, ATTEMPT_TYPE, request.ids["attempt_id"])
    return await answer(request, await load_document(request.actor, key))
