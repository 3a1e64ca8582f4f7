"""Durable jobs: done once asked for, again when they fail, by one process of several."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from crossbar.app import open_gateway
from crossbar.clock import FixedClock
from crossbar.core import jobs as module
from crossbar.core.jobs import CannotBeDone, Jobs, Kind, asked, waiting
from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.errors import Conflict
from crossbar.settings import Settings
from crossbar.storage import SYSTEM, Batch, Event, Key, Span, Unreachable
from tests.contract.conftest import on_every_store

pytestmark = on_every_store


@pytest.fixture
async def services(settings: Settings, clock: FixedClock) -> AsyncIterator[Services]:
    async with open_gateway(settings, clock=clock) as gateway:
        yield gateway.services


class Chore:
    """A kind of jobs that notes what it did; ``failures`` are raised first, one each."""

    def __init__(self, *failures: Exception, **more: Any) -> None:
        self.done: list[Document] = []
        self.was_done = asyncio.Event()
        self.failures = list(failures)
        self.kind = Kind(name="chore", run=self.run, **more)

    async def run(self, services: Services, about: Document) -> Document | None:
        if self.failures:
            raise self.failures.pop(0)
        self.done.append(about)
        self.was_done.set()
        return {"round": about.get("round", 0) + 1} if self.kind.every else None


async def ask(services: Services, chore: Chore, **about: Any) -> None:
    await services.commit(Batch(puts=(asked(services.clock, chore.kind, about),)))


async def left(services: Services) -> tuple[int, int]:
    """How many jobs of the kind wait, and how many were given up."""
    waits, failed = await waiting(services)
    mine = [job for job in waits if job["kind"] == "chore"]
    return len(mine), len(failed)


async def test_a_job_is_done_and_is_gone(services: Services) -> None:
    chore = Chore()
    await ask(services, chore, number=1)
    assert await left(services) == (1, 0)
    await Jobs([chore.kind]).idle(services)
    assert chore.done == [{"number": 1}]
    assert await left(services) == (0, 0)


async def test_a_job_exists_only_if_its_commit_does(services: Services) -> None:
    chore = Chore()
    job = asked(services.clock, chore.kind, {})
    with pytest.raises(LookupError):
        await _fail(services, Batch(puts=(job,), requires=(Key(SYSTEM, "account", "nobody"),)))
    assert await left(services) == (0, 0)


async def _fail(services: Services, batch: Batch) -> None:
    try:
        await services.commit(batch)
    except Exception as error:
        raise LookupError from error


async def test_a_job_that_fails_is_tried_again_later_each_time(
    services: Services, clock: FixedClock
) -> None:
    chore = Chore(OSError("private"), OSError("private"))
    jobs = Jobs([chore.kind])
    await ask(services, chore)
    with capture_logs() as logged:
        await jobs.idle(services)
        assert (chore.done, await left(services)) == ([], (1, 0))
        await jobs.idle(services)  # not due yet
        assert len(chore.failures) == 1
        clock.advance(module.FIRST_PAUSE)
        await jobs.idle(services)
        clock.advance(2 * module.FIRST_PAUSE)
        await jobs.idle(services)
    assert (chore.done, await left(services)) == ([{}], (0, 0))
    assert "private" not in str(logged)


async def test_a_job_that_never_succeeds_is_kept_for_the_operator(
    services: Services, clock: FixedClock
) -> None:
    chore = Chore(*[OSError()] * 5, attempts=2)
    jobs = Jobs([chore.kind])
    await ask(services, chore, number=7)
    for _ in range(3):
        await jobs.idle(services)
        clock.advance(module.LONGEST_PAUSE)
    assert await left(services) == (0, 1)
    assert len(chore.failures) == 3
    [failed] = (await waiting(services))[1]
    assert (failed["kind"], failed["about"], failed["attempts"]) == ("chore", {"number": 7}, 2)
    assert failed["error"] == "OSError"


async def test_what_cannot_be_done_is_not_tried_again(services: Services) -> None:
    chore = Chore(CannotBeDone())
    await ask(services, chore)
    await Jobs([chore.kind]).idle(services)
    assert await left(services) == (0, 1)


async def test_of_several_processes_one_does_it(services: Services) -> None:
    chore = Chore()
    for number in range(20):
        await ask(services, chore, number=number)
    both = Jobs([chore.kind]), Jobs([chore.kind])
    await asyncio.gather(*(jobs.idle(services) for jobs in both))
    assert sorted(each["number"] for each in chore.done) == list(range(20))


async def test_more_jobs_than_are_looked_at_once_are_all_done(services: Services) -> None:
    chore = Chore()
    for number in range(5 * module.AT_ONCE):
        await ask(services, chore, number=number)
    await Jobs([chore.kind]).idle(services)
    assert len(chore.done) == 5 * module.AT_ONCE
    assert await left(services) == (0, 0)


async def test_a_job_whose_process_died_is_done_by_another(
    services: Services, clock: FixedClock
) -> None:
    chore, dead = Chore(), Jobs([])
    await ask(services, chore)
    [row] = [row async for row in services.store.scan(_span()) if row.document["kind"] == "chore"]
    dead._kinds = {"chore": Kind(name="chore", run=_never)}
    key = Key(SYSTEM, module.JOB_TYPE, row.position.doc_id)
    assert await dead._begin(services, key, row.document)
    jobs = Jobs([chore.kind])
    await jobs.idle(services)
    assert chore.done == []
    clock.advance(module.LEASE + 1)
    await jobs.idle(services)
    assert chore.done == [{}]
    for task in dead._under_way.values():
        task.cancel()  # what it writes now comes too late, and changes nothing
    await asyncio.gather(*dead._under_way.values(), return_exceptions=True)
    assert await left(services) == (0, 0)


async def test_a_job_that_lasts_is_nobody_elses_while_its_process_lives(
    services: Services, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEWED", 0.01)
    may_end, chore = asyncio.Event(), Chore()

    async def last(services: Services, about: Document) -> None:
        await may_end.wait()

    await ask(services, chore)
    [job] = [job for job in (await waiting(services))[0] if job["kind"] == "chore"]
    jobs = Jobs([Kind(name="chore", run=last)])
    lasting = asyncio.create_task(jobs.idle(services))
    key, revision = Key(SYSTEM, module.JOB_TYPE, job["_id"]), job["_rev"]
    for _ in range(5):
        for _ in range(2):  # the one that is being written may know the time of before
            revision = await _next_revision(services, key, revision)
        await Jobs([chore.kind]).idle(services)
        assert chore.done == []
        clock.advance(module.LEASE - 1)
    may_end.set()
    with capture_logs() as logs:
        await lasting
    assert await left(services) == (0, 0)
    assert logs == []


async def test_a_job_that_cannot_be_held_goes_on(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEWED", 0.01)
    may_end, chore, tried = asyncio.Event(), Chore(), 0
    commit = services.store.commit

    async def failing_once(batch: Batch) -> int:
        nonlocal tried
        if any(put.document.get("attempts") for put in batch.puts):
            tried += 1
            if tried == 2:  # the first one takes the job
                raise Unreachable
        return await commit(batch)

    async def last(services: Services, about: Document) -> None:
        await may_end.wait()

    await ask(services, chore)
    [job] = [job for job in (await waiting(services))[0] if job["kind"] == "chore"]
    key, jobs = Key(SYSTEM, module.JOB_TYPE, job["_id"]), Jobs([Kind(name="chore", run=last)])
    monkeypatch.setattr(services.store, "commit", failing_once)
    with capture_logs() as logs:
        lasting = asyncio.create_task(jobs.idle(services))
        taken = await _next_revision(services, key, job["_rev"])
        renewed = await _next_revision(services, key, taken)
        may_end.set()
        await lasting
    assert renewed != taken
    assert [each["event"] for each in logs] == ["job_not_held"]
    assert await left(services) == (0, 0)


async def test_a_job_that_another_process_has_meanwhile_is_its(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end, chore, began = asyncio.Event(), Chore(), asyncio.Event()

    async def last(services: Services, about: Document) -> None:
        began.set()
        await may_end.wait()

    await ask(services, chore)
    jobs = Jobs([Kind(name="chore", run=last)])
    monkeypatch.setattr(module, "RENEWED", 0.05)
    with capture_logs() as logs:
        lasting = asyncio.create_task(jobs.idle(services))
        await began.wait()
        await _take_over(services)
        await asyncio.sleep(0.1)  # the first one finds that out, and leaves it alone
        may_end.set()
        await lasting
    assert [each["event"] for each in logs] == ["job_overtaken"]
    assert await left(services) == (1, 0)


async def _take_over(services: Services) -> None:
    [job] = [job for job in (await waiting(services))[0] if job["kind"] == "chore"]
    put = module._put(services.clock, Key(SYSTEM, module.JOB_TYPE, job["_id"]), job, after=60)
    try:
        await services.commit(Batch(puts=(put,)))
    except Conflict:  # it was renewed in between
        await _take_over(services)


async def _next_revision(services: Services, key: Key, before: str) -> str:
    while True:
        found = await services.store.get(key)
        if found is not None and found["_rev"] != before:
            return str(found["_rev"])
        await asyncio.sleep(0.001)


async def test_a_job_that_ends_every_process_is_given_up(
    services: Services, clock: FixedClock
) -> None:
    chore = Chore(attempts=2)
    await ask(services, chore)
    for _ in range(chore.kind.attempts):
        [row] = [row async for row in services.store.scan(_span()) if "chore" in str(row.document)]
        dead = Jobs([Kind(name="chore", run=_never)])
        key = Key(SYSTEM, module.JOB_TYPE, row.position.doc_id)
        assert await dead._begin(services, key, row.document)
        clock.advance(module.LEASE + 1)
    await Jobs([chore.kind]).idle(services)
    assert (chore.done, await left(services)) == ([], (0, 1))
    assert (await waiting(services))[1][0]["error"] == "NeverFinished"


def _span() -> Span:
    return Span(account_id=SYSTEM, doc_type=module.JOB_TYPE)


async def _never(services: Services, about: Document) -> None:
    await asyncio.Event().wait()


async def test_what_is_under_way_at_the_end_is_left_to_others(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    chore = Chore()
    begun = asyncio.Event()

    async def slow(services: Services, about: Document) -> None:
        begun.set()
        await asyncio.Event().wait()

    jobs = Jobs([Kind(name="chore", run=slow)])
    async with jobs.working(services):
        await ask(services, chore)
        jobs.wake()
        await asyncio.wait_for(begun.wait(), 5)
    [job] = [job for job in (await waiting(services))[0] if job["kind"] == "chore"]
    assert job["attempts"] == 0  # it did not fail
    await Jobs([chore.kind]).idle(services)
    assert chore.done == [{}]


class Careful(Chore):
    """A chore that must not be done twice; ``left`` is what was done of it the second time."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__(*failures)
        self.left: list[Document] = []
        self.kind = Kind(name="chore", run=self.run, unfinished=self.finish)

    async def finish(self, services: Services, about: Document) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.left.append(about)


async def test_what_must_not_be_done_twice_is_not(services: Services, clock: FixedClock) -> None:
    well = Careful()
    await ask(services, well)
    await Jobs([well.kind]).idle(services)
    assert (well.done, well.left) == ([{}], [])
    failing = Careful(OSError(), OSError())
    jobs = Jobs([failing.kind])
    await ask(services, failing)
    for _ in range(3):
        await jobs.idle(services)
        clock.advance(module.LONGEST_PAUSE)
    assert (failing.done, failing.left, await left(services)) == ([], [{}], (0, 0))


async def test_what_was_begun_at_the_end_is_not_done_twice(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    careful, begun = Careful(), asyncio.Event()

    async def slow(services: Services, about: Document) -> None:
        begun.set()
        await asyncio.Event().wait()

    jobs = Jobs([Kind(name="chore", run=slow, unfinished=careful.finish)])
    async with jobs.working(services):
        await ask(services, careful)
        jobs.wake()
        await asyncio.wait_for(begun.wait(), 5)
    await Jobs([careful.kind]).idle(services)
    assert (careful.done, careful.left) == ([], [{}])


@pytest.mark.parametrize("at_once", [module.AT_ONCE, 3 * module.AT_ONCE])
async def test_slow_jobs_of_one_kind_hold_up_no_other(services: Services, at_once: int) -> None:
    chore, begun = Chore(), []
    go_on = asyncio.Event()

    async def slow(services: Services, about: Document) -> None:
        begun.append(about)
        await go_on.wait()

    slow_kind = Kind(name="slow", run=slow, at_once=at_once)
    number = 5 * module.AT_ONCE
    for _ in range(number):
        await services.commit(Batch(puts=(asked(services.clock, slow_kind, {}),)))
    await ask(services, chore)
    jobs = Jobs([slow_kind, chore.kind])
    while await jobs._take(services):
        pass
    await asyncio.wait_for(chore.was_done.wait(), 5)
    assert len(begun) == at_once
    go_on.set()
    await jobs.idle(services)
    assert len(begun) == number


async def test_what_is_being_begun_is_waited_for(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    chore = Chore()
    jobs = Jobs([chore.kind])
    await ask(services, chore)
    commit, taking, go_on = services.store.commit, asyncio.Event(), asyncio.Event()

    async def slow(batch: Batch) -> int:
        number = await commit(batch)
        taking.set()
        await go_on.wait()
        return number

    monkeypatch.setattr(services.store, "commit", slow)
    first = asyncio.create_task(jobs._take(services))
    await taking.wait()
    idle = asyncio.create_task(jobs.idle(services))
    await asyncio.sleep(0)
    assert not idle.done()
    go_on.set()
    await asyncio.gather(first, idle)
    assert chore.done == [{}]


async def test_a_job_of_a_newer_version_waits_for_it(services: Services) -> None:
    chore = Chore()
    await ask(services, chore)
    await Jobs([]).idle(services)
    assert await left(services) == (1, 0)
    await Jobs([chore.kind]).idle(services)
    assert chore.done == [{}]


async def test_what_is_done_again_and_again_goes_on_where_it_was(
    services: Services, clock: FixedClock
) -> None:
    chore = Chore(every=60)
    jobs = Jobs([chore.kind])
    for _ in range(2):  # starting again changes nothing
        async with jobs.working(services):
            pass
    for _ in range(3):
        clock.advance(61)
        await jobs.idle(services)
    assert chore.done == [{}, {"round": 1}, {"round": 2}]
    chore.failures.append(OSError())
    for _ in range(2):
        clock.advance(61)
        await jobs.idle(services)
    assert chore.done[3:] == [{"round": 3}]
    assert await left(services) == (1, 0)


async def test_a_store_that_does_not_answer_stops_no_worker(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL", 0.001)
    chore, failing = Chore(), [True]
    jobs, scan = Jobs([chore.kind]), services.store.scan

    def fails_at_first(span: Span) -> Any:
        if failing and span.doc_type == module.JOB_TYPE:
            failing.pop()
            raise Unreachable("gone")
        return scan(span)

    await ask(services, chore)
    monkeypatch.setattr(services.store, "scan", fails_at_first)
    with capture_logs() as logged:
        async with jobs.working(services):
            await asyncio.wait_for(chore.was_done.wait(), 10)
    assert "jobs_not_read" in [line["event"] for line in logged]


async def test_what_cannot_be_written_is_done_again(
    services: Services, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    chore = Chore()
    await ask(services, chore)
    commit = services.store.commit

    async def fails(batch: Batch) -> int:
        if batch.removes:
            raise Unreachable("gone")
        return await commit(batch)

    jobs = Jobs([chore.kind])
    with monkeypatch.context() as broken:
        broken.setattr(services.store, "commit", fails)
        await jobs.idle(services)
    assert (chore.done, await left(services)) == ([{}], (1, 0))
    clock.advance(module.LEASE + 1)
    await jobs.idle(services)
    assert (chore.done, await left(services)) == ([{}, {}], (0, 0))


async def test_the_log_of_events_is_kept_short(services: Services, clock: FixedClock) -> None:
    for name in ("old", "older"):
        key = Key(SYSTEM, "thing", name)
        event = Event("created", key, "1-0", clock.gregorian(), {})
        await services.commit(Batch(events=(event,)))
    async with services.jobs.working(services):
        clock.advance(services.settings.storage.event_retention + 601)
        await services.jobs.idle(services)
    assert len(await services.store.events(0)) == 1


async def test_many_jobs_of_one_kind_hold_up_no_other(services: Services) -> None:
    begun = asyncio.Event()

    async def slow(services: Services, about: Document) -> None:
        await begun.wait()

    crowd, chore = Kind(name="crowd", run=slow), Chore()
    puts = [asked(services.clock, crowd, {}) for _ in range(600)]
    await services.commit(Batch(puts=puts))
    await ask(services, chore)
    jobs = Jobs([crowd, chore.kind])
    async with jobs.working(services):
        await asyncio.wait_for(chore.was_done.wait(), 20)
        begun.set()


async def test_quick_jobs_of_one_kind_hold_up_no_other(services: Services) -> None:
    done: list[str] = []

    async def quick(services: Services, about: Document) -> None:
        done.append("quick")

    async def other(services: Services, about: Document) -> None:
        done.append("other")

    crowd, rare = Kind(name="crowd", run=quick), Kind(name="rare", run=other)
    await services.commit(Batch(puts=[asked(services.clock, crowd, {}) for _ in range(200)]))
    await services.commit(Batch(puts=[asked(services.clock, rare, {})]))
    await Jobs([crowd, rare]).idle(services)
    assert len(done) == 201
    assert done.index("other") < 100


async def test_jobs_of_a_newer_version_hold_up_none(services: Services) -> None:
    chore = Chore()
    unknown = Kind(name="of a newer version", run=_never)
    await services.commit(Batch(puts=[asked(services.clock, unknown, {}) for _ in range(600)]))
    await ask(services, chore)
    await Jobs([chore.kind]).idle(services)
    assert chore.done == [{}]


async def test_an_error_that_nobody_expected_stops_no_jobs(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    chore, jobs = Chore(), Jobs([])
    jobs._kinds["chore"] = chore.kind
    due, failures = jobs._due, [RuntimeError()]

    async def broken(services: Services) -> Any:
        if failures:
            raise failures.pop()
        return await due(services)

    monkeypatch.setattr(jobs, "_due", broken)
    async with jobs.working(services):
        await ask(services, chore)
        jobs.wake()
        await asyncio.wait_for(chore.was_done.wait(), 20)


async def test_a_job_that_is_being_taken_at_the_end_is_begun(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    careful, taking, may_go_on = Careful(), asyncio.Event(), asyncio.Event()
    await ask(services, careful)
    commit = services.writer.commit

    async def slow(batch: Batch) -> None:
        await commit(batch)
        taking.set()
        await may_go_on.wait()

    monkeypatch.setattr(services.writer, "commit", slow)
    async with Jobs([careful.kind]).working(services):
        await asyncio.wait_for(taking.wait(), 20)
        asyncio.get_running_loop().call_later(0.05, may_go_on.set)
    assert (careful.done, careful.left, await left(services)) == ([{}], [], (0, 0))


async def test_a_job_that_waited_for_something_cancelled_has_failed(services: Services) -> None:
    chore = Chore(asyncio.CancelledError())  # type: ignore[arg-type]
    await ask(services, chore)
    await asyncio.wait_for(Jobs([chore.kind]).idle(services), 20)
    assert (chore.done, await left(services)) == ([], (1, 0))


async def test_restarts_do_not_use_up_the_attempts_of_what_is_not_done_twice(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    for _ in range(3):
        begun = asyncio.Event()

        async def slow(services: Services, about: Document, begun: asyncio.Event = begun) -> None:
            begun.set()
            await asyncio.Event().wait()

        jobs = Jobs([Kind(name="chore", run=slow, unfinished=slow)])
        if await left(services) != (1, 0):
            await ask(services, Careful())
        async with jobs.working(services):
            await asyncio.wait_for(begun.wait(), 20)
    [job] = [job for job in (await waiting(services))[0] if job["kind"] == "chore"]
    assert job["attempts"] == 1
