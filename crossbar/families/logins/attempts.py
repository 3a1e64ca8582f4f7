"""The log of logins: who came in, who did not, and from where.

An attempt is stored before it is answered. Headers of the request are not kept: they may hold
secrets.
"""

from __future__ import annotations

from crossbar.core.journals import list_records, load_record, new_key, record_put
from crossbar.core.recipes import answer
from crossbar.core.requests import Actor, Caller, Request, Result
from crossbar.core.services import Services
from crossbar.core.shapes import Journal, field_index
from crossbar.core.stamping import stamp
from crossbar.documents import Document
from crossbar.storage import Batch, Entry
from crossbar.values import valueclass

ATTEMPT_TYPE = "login_attempt"
SUCCESS, FAILED = "success", "failed"
MULTI_FACTOR = "multi_factor"


@valueclass
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


def attempt_of(
    actor: Actor, way: Way, status: str, *, user: Document | None = None, message: str = ""
) -> Document:
    """What is recorded of an attempt of now, whichever account it was made at."""
    return {
        "auth_type": way.proof,
        "auth_module": way.method,
        "status": status,
        "message": message,
        "timestamp": actor.services.clock.gregorian(),
        "client_ip": actor.address,
        "crossbar_request_id": actor.request_id,
        "metadata": {"owner_id": user["_id"]} if user else {},
    }


async def write_attempt(
    services: Services,
    account_id: str,
    attempt: Document,
    *,
    author: Caller | None = None,
    name: str = "",
) -> None:
    """Store an attempt at an account.

    With a ``name`` it is stored once: raises :class:`~crossbar.errors.Conflict` the second time.
    """
    at: int = attempt["timestamp"]
    key = new_key(LOGIN_ATTEMPTS, account_id, services.clock, seconds=at, name=name)
    document = {**attempt, "metadata": {"account_id": account_id, **attempt["metadata"]}}
    request_id = attempt["crossbar_request_id"]
    record = stamp(key, document, now=at, author=author, request_id=request_id)
    await services.commit(Batch(records=(record_put(LOGIN_ATTEMPTS, key, record),)))


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
