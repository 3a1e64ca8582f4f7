"""Jobs that give an account many numbers of a resource.

What came of each number is written into the record of the job, portion by portion, so a server
that ends in between loses nothing: another goes on with the numbers that have no result yet.
"""

from __future__ import annotations

from crossbar.core.answers import COUNT, TEXT, Answers, an_object, maybe, rows
from crossbar.core.directory import Account
from crossbar.core.jobs import CannotBeDone, Kind, asked
from crossbar.core.journals import list_records, load_record, new_key, record_put
from crossbar.core.recipes import valid
from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.services import Services
from crossbar.core.shapes import Access, Column, Handler, Journal, Route, renamed
from crossbar.core.stamping import continued, stamped
from crossbar.documents import Document, public
from crossbar.errors import (
    NoSuchDocument,
    NotReconcilable,
    UnsupportedMediaType,
    ValidationFailed,
)
from crossbar.families.carriers.places import in_account, master_of
from crossbar.families.numbers import create_reserved, normalize
from crossbar.storage import SYSTEM, Batch, Key

JOB_TYPE = "resource_job"
STATUS = "pvt_status"
PENDING, RUNNING, COMPLETE = "pending", "running", "complete"

AT_MOST = 10_000
"""Numbers of a job: all of them, and what came of each, are in one record."""

PORTION = 100
"""Numbers that are made before their results are written."""


def _size(name: str) -> Column:
    return Column(
        name, lambda job: len(job.get("errors" if name == "failures" else "success", ()))
    )


RESOURCE_JOBS = Journal(
    noun="jobs",
    doc_type=JOB_TYPE,
    schema="resource_jobs",
    summary=(
        renamed("timestamp", "pvt_modified"),
        renamed("status", STATUS),
        _size("failures"),
        _size("successes"),
        "resource_id",
        "name",
    ),
    actions=frozenset(),
    scopes=(),
)
"""The entry of the records. They are read and asked for below the resources."""


async def list_jobs(request: Request) -> Result:
    """The jobs of a range of time, newest first, with how many numbers were made and were not."""
    return await list_records(await _placed(request), RESOURCE_JOBS)


async def fetch_job(request: Request) -> Result:
    """One job, with what came of each number."""
    request = await _placed(request)
    stored = await load_record(request.actor, RESOURCE_JOBS, request.ids["job_id"])
    return Result(data=_shown(stored), revision=stored["_rev"])


async def create_job(request: Request) -> Result:
    """Have numbers made; the answer comes before they are."""
    request = await _placed(request)
    actor, services = request.actor, request.services
    data = public(request.data) if isinstance(request.data, dict) else request.data
    document = await valid(request.actor, "resource_jobs", data)
    document.pop("id", None)
    await _check(actor, document)
    if not request.body_is_readable:
        raise UnsupportedMediaType
    key = new_key(RESOURCE_JOBS, actor.account_id, services.clock)
    job = stamped(actor, key, {**document, "errors": {}, "success": {}, STATUS: PENDING})
    about = {"account_id": key.account_id, "job_id": key.doc_id}
    await services.commit(
        Batch(
            records=[record_put(RESOURCE_JOBS, key, job)], puts=[asked(services.clock, RUN, about)]
        )
    )
    return Result(data=_shown(job), revision=job["_rev"], created_id=key.doc_id)


async def _placed(request: Request) -> Request:
    """Jobs of the system are the master account's: that is whose the numbers become."""
    if request.account is not None:
        return request
    return in_account(request, await master_of(request))


async def _check(actor: Actor, document: Document) -> None:
    """There is such a resource, and not too much to do at once."""
    numbers = list(dict.fromkeys(document["numbers"]))
    document["numbers"] = numbers
    if len(numbers) > AT_MOST:
        message = f"A job makes at most {AT_MOST} numbers"
        raise ValidationFailed.of("numbers", "maxItems", message, target=AT_MOST)
    resource_id = document["resource_id"]
    if await _carrier(actor.services, actor.account_id, resource_id) is None:
        message = "There is no such resource, of the account or of the system"
        raise ValidationFailed.of("resource_id", "not_found", message, cause=resource_id)


async def _carrier(services: Services, account_id: str, resource_id: str) -> str | None:
    """The carrier that numbers of a resource get; ``None`` for an unknown resource."""
    for holder, carrier in ((account_id, "knm_local"), (SYSTEM, "knm_other")):
        found = await services.store.get(Key(holder, "resource", resource_id))
        if found is not None and not found.get("pvt_deleted"):
            return carrier
    return None


def _shown(job: Document) -> Document:
    return {
        **public(job),
        "id": job["_id"],
        "timestamp": job["pvt_created"],
        "status": job[STATUS],
    }


async def _run(services: Services, about: Document) -> None:
    """Make the numbers of a job that have not been made."""
    account = await services.accounts.get(about["account_id"])
    key = Key(about["account_id"], JOB_TYPE, about["job_id"])
    job = await services.store.get_record(key)
    if account is None or job is None:
        return
    actor = _author(services, account, job)
    left = [each for each in job["numbers"] if each not in job["success"] | job["errors"]]
    job = await _save(actor, key, {**job, STATUS: RUNNING})
    for start in range(0, len(left), PORTION):
        await _make(actor, job, left[start : start + PORTION])
        job = await _save(actor, key, job)
    await _save(actor, key, {**job, STATUS: COMPLETE})


async def _make(actor: Actor, job: Document, numbers: list[str]) -> None:
    """Make some of the numbers, and note in the job what came of each."""
    services = actor.services
    carrier = await _carrier(services, actor.account_id, job["resource_id"])
    asking = await services.accounts.get(job.get("pvt_auth_account_id") or actor.account_id)
    if carrier is None or asking is None:
        told = {"reason": "not_found", "message": "the resource, or who asked, is gone"}
        job["errors"] |= dict.fromkeys(numbers, told)
        return
    full = {each: number for each in numbers if (number := normalize(each)) is not None}
    outcome = await create_reserved(actor, asking, list(dict.fromkeys(full.values())), carrier)
    for each in numbers:
        number = full.get(each)
        if number in outcome.done:
            job["success"][each] = {"id": number, "state": "reserved", "carrier_name": carrier}
        else:
            refused = outcome.refused.get(number or "") or NotReconcilable(cause=each)
            job["errors"][each] = {"reason": refused.code, "message": refused.phrase}


async def _save(actor: Actor, key: Key, job: Document) -> Document:
    document = continued(actor, key, job)
    put = record_put(RESOURCE_JOBS, key, document, job["_rev"])
    try:
        await actor.services.commit(Batch(records=[put]))
    except NoSuchDocument:
        raise CannotBeDone from None
    return document


def _author(services: Services, account: Account, job: Document) -> Actor:
    """Who the work is done for."""
    return Actor(
        services=services,
        account_id=account.account_id,
        account=account,
        request_id=job.get("pvt_request_id") or "resource_job",
    )


RUN = Kind(name="resource_numbers", run=_run)

_JOB = maybe(
    an_object(id=TEXT, timestamp=COUNT, status=TEXT, numbers={"type": "array"}),
    name=TEXT,
    resource_id=TEXT,
)


def job_routes(writing: Access) -> tuple[Route, ...]:
    """The jobs' routes below the resources; ``writing`` says who may ask for one."""

    def route(path: str, action: Action, handler: Handler, about: str, answers: Answers) -> Route:
        is_write = action is Action.CREATE
        return Route(
            path=path,
            action=action,
            handler=handler,
            about=about,
            access=writing if is_write else None,
            schema="resource_jobs" if is_write else None,
            answers=answers,
        )

    listed = Answers(rows(id=TEXT, status=TEXT, failures=COUNT, successes=COUNT), is_paged=True)
    return (
        route("jobs", Action.LIST, list_jobs, "List the jobs that make numbers", listed),
        route("jobs", Action.CREATE, create_job, "Have numbers made", Answers(_JOB)),
        route("jobs/{job_id}", Action.FETCH, fetch_job, "Read a job", Answers(_JOB)),
    )
