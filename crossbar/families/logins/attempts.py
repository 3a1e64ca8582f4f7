"""The log of logins: who came in, who did not, and from where.

An attempt is written while its answer is on the way: a login takes as long for an account that
keeps a log as for one that does not exist. Headers of the request are not kept: they may hold
secrets.
"""

from __future__ import annotations

from crossbar.core.directory import Account
from crossbar.core.journals import list_records, load_record, new_key, record_put
from crossbar.core.recipes import answer
from crossbar.core.requests import Actor, Request, Result
from crossbar.core.shapes import Journal, field_index
from crossbar.core.stamping import stamped
from crossbar.documents import Document
from crossbar.records import record
from crossbar.storage import Batch, Entry

ATTEMPT_TYPE = "login_attempt"
SUCCESS, FAILED = "success", "failed"
MULTI_FACTOR = "multi_factor"


@record
class Way:
    """A way in: its method, as in tokens, and the kind of proof, as in the log."""

    method: str
    proof: str


LOGIN_ATTEMPTS = Journal(
    noun="security",
    doc_type=ATTEMPT_TYPE,
    summary=("auth_type", "auth_module", "status", "message", "timestamp", "client_ip"),
    time="timestamp",
    retention="auth.attempts_kept",
    indexes=(field_index("auth_type"),),
    actions=frozenset(),
    scopes=(),
)
"""The entry of the records; they are read by routes of other nouns."""


async def write_attempt(
    actor: Actor,
    account: Account,
    way: Way,
    status: str,
    *,
    user: Document | None = None,
    message: str = "",
) -> None:
    """Store an attempt."""
    clock = actor.services.clock
    now = clock.gregorian()
    key = new_key(LOGIN_ATTEMPTS, account.account_id, clock, seconds=now)
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
    put = record_put(LOGIN_ATTEMPTS, key, stamped(actor, key, document))
    await actor.services.commit(Batch(records=[put]))


async def list_attempts(request: Request) -> Result:
    """The attempts to log in, newest first, within a range of time."""
    return await list_records(request, LOGIN_ATTEMPTS)


async def list_second_factors(request: Request) -> Result:
    """The attempts that were about a second factor, newest first, within a range of time."""
    return await list_records(request, LOGIN_ATTEMPTS, entry=Entry("auth_type", MULTI_FACTOR))


async def fetch_attempt(request: Request) -> Result:
    """One attempt to log in."""
    stored = await load_record(request.actor, LOGIN_ATTEMPTS, request.ids["attempt_id"])
    return await answer(request, stored)
