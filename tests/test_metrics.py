"""How workers answer for each other when they are asked for what they have counted."""

from __future__ import annotations

import re
from pathlib import Path

import orjson

from crossbar.metrics import Board, Metrics


def worker(folder: Path, number: int) -> Metrics:
    metrics = Metrics()
    metrics.share(Board(folder, number))
    return metrics


async def told(metrics: Metrics, name: str) -> float:
    """The sum of a metric's samples."""
    rows = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", (await metrics.text()).decode(), re.MULTILINE)
    return sum(map(float, rows))


REFUSED = "crossbar_logins_refused_total"


async def test_whoever_is_asked_knows_no_less_than_who_was_asked_before(tmp_path: Path) -> None:
    one, other = worker(tmp_path, 0), worker(tmp_path, 1)
    for count in range(1, 4):
        one.note_refused_login("wrong")
        assert await told(one, REFUSED) == count
        assert await told(other, REFUSED) == count
        assert await told(one, "crossbar_workers") == 2


async def test_a_successor_goes_on_from_what_was_counted(tmp_path: Path) -> None:
    first, other = worker(tmp_path, 0), worker(tmp_path, 1)
    first.note_commit(7, 0.01)
    first.note_refused_login("wrong")
    await first.publish()
    second = worker(tmp_path, 0)
    second.note_commit(2, 0.01)
    for asked in (second, other, second):
        assert await told(asked, REFUSED) == 1
        assert await told(asked, "crossbar_store_commit_batches_count") == 2
        assert await told(asked, "crossbar_store_commit_batches_sum") == 9


async def test_a_worker_that_is_gone_has_no_connections(tmp_path: Path) -> None:
    gone, asked = worker(tmp_path, 0), worker(tmp_path, 1)
    gone.connections, asked.connections = lambda: 5, lambda: 2
    gone.note_refused_login("wrong")
    await gone.publish()
    assert await told(asked, "crossbar_connections") == 7
    file = tmp_path / "0"
    when, *rest = orjson.loads(file.read_bytes())
    file.write_bytes(orjson.dumps([when - 60, *rest]))
    assert await told(asked, "crossbar_connections") == 2
    assert await told(asked, "crossbar_workers") == 1
    assert await told(asked, REFUSED) == 1


async def test_a_worker_that_cannot_write_answers_for_itself(tmp_path: Path) -> None:
    metrics = worker(tmp_path / "missing", 0)
    metrics.note_refused_login("wrong")
    assert await told(metrics, REFUSED) == 1
