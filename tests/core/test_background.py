"""Work that no answer waits for: done, given up at the end, and never silently lost."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from crossbar.core import background
from crossbar.core.background import Background


async def test_what_was_begun_is_done_before_the_end() -> None:
    done: list[int] = []

    async def job(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)

    jobs = Background()
    for number in range(3):
        jobs.start(job(number), "count")
    assert done == []
    await jobs.finish()
    assert sorted(done) == [0, 1, 2]
    await jobs.finish()


async def test_a_failure_is_logged_without_what_it_says_and_stops_no_other_job() -> None:
    async def broken() -> None:
        raise ValueError("hush")

    jobs = Background()
    with capture_logs() as logged:
        jobs.start(broken(), "break")
        await jobs.finish()
    assert logged == [
        {"event": "job_failed", "log_level": "error", "job": "break", "error": "ValueError"}
    ]


async def test_what_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "PATIENCE", 0.01)
    stopped = asyncio.Event()

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    jobs = Background()
    with capture_logs() as logged:
        jobs.start(never(), "wait")
        await jobs.finish()
    assert stopped.is_set()
    assert [each["event"] for each in logged] == ["job_lost"]


async def test_too_many_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "MAXIMUM", 1)
    done: list[str] = []

    async def job(name: str) -> None:
        done.append(name)

    jobs = Background()
    with capture_logs() as logged:
        jobs.start(job("first"), "first")
        jobs.start(job("second"), "second")
        await jobs.finish()
    assert done == ["first"]
    assert [(each["event"], each["job"]) for each in logged] == [("job_dropped", "second")]
