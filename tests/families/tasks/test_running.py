"""Tasks that are stopped, interrupted, overtaken: each row is done once, and told of once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from crossbar.core.jobs import Jobs
from crossbar.core.requests import Action
from crossbar.errors import TooManyRequests
from crossbar.families.tasks import (
    documents,
    fencing,
    finishing,
    of_families,
    of_numbers,
    of_rates,
    running,
)
from crossbar.families.tasks.actions import action_named
from crossbar.families.tasks.kinds import Cells, TaskAction, Worker, each
from crossbar.storage import Batch, Key, Row, Span, Unreachable
from tests.conftest import Api
from tests.contract.conftest import on_every_store
from tests.families.tasks.support import facts, idle, made, parsed, table

pytestmark = on_every_store

Commit = Callable[[Batch], Any]


def menus(count: int) -> bytes:
    return table(*({"name": f"Menu {number:03}"} for number in range(count)))


async def start(api: Api, task_id: str) -> None:
    (await api.patch(f"{api.account}/tasks/{task_id}")).expect(200)


async def output(api: Api, task_id: str) -> list[dict[str, str]]:
    return parsed(await api.get(f"{api.account}/tasks/{task_id}/output"))


def between(api: Api, monkeypatch: pytest.MonkeyPatch, do: Callable[[Commit, Batch], Any]) -> None:
    """Let ``do`` have every commit, with what commits."""
    store = api.gateway.services.store
    commit = store.commit

    async def interrupted(batch: Batch) -> int:
        number: int = await do(commit, batch)
        return number

    monkeypatch.setattr(store, "commit", interrupted)


def is_of_a_row(batch: Batch) -> bool:
    return any(put.key.doc_type == documents.PIECE_TYPE for put in batch.puts)


async def go_on(api: Api) -> None:
    """Let time pass until another process would take over, and let it."""
    api.clock.advance(60)
    await idle(api)


async def test_a_process_that_ends_before_its_portion_begins_is_followed_soon(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = asyncio.Event()

    async def asleep(commit: Commit, batch: Batch) -> int:
        if any(put.key.doc_type == fencing.FENCE_TYPE for put in batch.puts):
            began.set()
            await asyncio.Event().wait()
        return await commit(batch)  # type: ignore[no-any-return]

    task_id = await made(api, "menus", "import", menus(3))
    services = api.gateway.services
    with monkeypatch.context() as patch:
        between(api, patch, asleep)
        await start(api, task_id)
        async with asyncio.timeout(10):
            await began.wait()
    api.clock.advance(60)
    await Jobs([running.RUN, finishing.FINISH]).idle(services)
    assert len(await output(api, task_id)) == 3
    for task in [*services.jobs._under_way.values()]:
        task.cancel()
    await idle(api)
    assert (await facts(api, task_id))["success_count"] == 3


@pytest.mark.thorough
@pytest.mark.parametrize("met", [0, 10], ids=["before", "among"])
async def test_an_output_is_whole_that_becomes_a_file_while_it_is_read(
    api: Api, monkeypatch: pytest.MonkeyPatch, met: int
) -> None:
    services, task_id = api.gateway.services, await made(api, "menus", "import", menus(300))
    jobs, pieces_of = Jobs([finishing.FINISH]), documents.pieces_of
    left = [met]

    async def finishing_meanwhile(*whose: Any) -> AsyncIterator[Row]:
        async for row in pieces_of(*whose):
            if left and not left[0]:
                left.clear()
                await jobs.idle(services)
            elif left:
                left[0] -= 1
            yield row

    with monkeypatch.context() as patch:
        patch.setattr(services.jobs, "_kinds", {running.RUN.name: running.RUN})
        await start(api, task_id)
        while (await facts(api, task_id))["status"] == "executing":
            await services.jobs.idle(services)
    monkeypatch.setattr(finishing, "pieces_of", finishing_meanwhile)
    assert len(await output(api, task_id)) == 300
    assert left == []


@pytest.mark.thorough
@pytest.mark.parametrize("noun", ["menus", "accounts", "users"])
@pytest.mark.parametrize("is_written", [True, False], ids=["after", "before"])
async def test_a_process_that_ends_anywhere_loses_and_doubles_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, noun: str, is_written: bool
) -> None:
    key = "username" if noun == "users" else "name"
    user = {"first_name": "Ann", "last_name": "Lee", "password": "s3cret99"}
    more = user if noun == "users" else {}
    rows = [{key: f"one{number}", **more} for number in range(12)]
    rows.insert(5, rows[4])  # which is refused
    seen = [0]

    async def failing(commit: Commit, batch: Batch) -> int:
        if not is_of_a_row(batch):
            return await commit(batch)  # type: ignore[no-any-return]
        seen[0] += 1
        if seen[0] % 3:
            return await commit(batch)  # type: ignore[no-any-return]
        if is_written:
            await commit(batch)
        raise Unreachable

    between(api, monkeypatch, failing)
    task_id = await made(api, noun, "import", table(*rows))
    await start(api, task_id)
    rounds = 0
    while (await facts(api, task_id))["status"] == "executing":
        await go_on(api)
        rounds += 1
        assert rounds < 60
    assert rounds > 2
    told = await facts(api, task_id)
    taken = 0 if noun == "menus" else 1
    assert (told["success_count"], told["failure_count"]) == (13 - taken, taken)
    found = await output(api, task_id)
    assert [row[key] for row in found] == [row[key] for row in rows]
    assert [bool(row.get("error")) for row in found].count(True) == taken
    path = f"{api.account}/descendants" if noun == "accounts" else f"{api.account}/{noun}"
    listed = (await api.get(f"{path}?paginate=false")).expect(200).data
    made_ids = {row["id"] for row in listed} - {api.master.user_id}
    assert made_ids == {row["id"] for row in found} - {""}
    assert len(listed) - (noun == "users") == 13 - taken


async def test_no_row_is_done_after_the_answer_to_a_stop(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = await made(api, "menus", "import", menus(50))
    path = f"{api.account}/tasks/{task_id}"
    reached, answered = asyncio.Event(), asyncio.Event()
    rows = [0]

    async def waiting(commit: Commit, batch: Batch) -> int:
        if is_of_a_row(batch):
            rows[0] += 1
            if rows[0] == 8:  # it is on its way while the task is stopped
                reached.set()
                await answered.wait()
        return await commit(batch)  # type: ignore[no-any-return]

    between(api, monkeypatch, waiting)
    await start(api, task_id)
    await reached.wait()
    running_now = await facts(api, task_id)
    assert (running_now["status"], running_now["success_count"]) == ("executing", 7)
    (await api.delete(path)).expect(404)
    assert len(await output(api, task_id)) == 7
    assert (await api.get(f"{api.account}/tasks")).data[0]["success_count"] == 7
    stopped = (await api.patch(f"{path}/stop")).expect(200).data["_read_only"]
    assert (stopped["status"], stopped["success_count"]) == ("stopped", 7)
    answered.set()
    await idle(api)
    told = await facts(api, task_id)
    assert (told["status"], told["success_count"], told["total_count"]) == ("stopped", 7, 50)
    assert len(await output(api, task_id)) == 7
    assert len((await api.get(f"{api.account}/menus")).data) == 7
    again = (await api.patch(path)).expect(404)
    assert again.data["reason"] == "task already started"
    (await api.patch(f"{path}/stop")).expect(404)


async def test_portions_follow_each_other(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PORTION", 0.0)
    task_id = await made(api, "menus", "import", menus(9))
    await start(api, task_id)
    await idle(api)
    told = await facts(api, task_id)
    assert (told["status"], told["success_count"]) == ("success", 9)
    assert [row["name"] for row in await output(api, task_id)] == [
        f"Menu {number:03}" for number in range(9)
    ]
    exported = await made(api, "menus", "export")
    await start(api, exported)
    await idle(api)
    assert len(await output(api, exported)) == 9


async def test_nothing_is_left_beside_a_task_that_is_over(api: Api) -> None:
    task_id = await made(api, "menus", "import", menus(3))
    await start(api, task_id)
    await idle(api)
    store, account_id = api.gateway.services.store, api.master.account_id
    types = {put.key.doc_type async for put in store.walk(account_id)}
    assert not types & {"task_piece", "task_run"}
    task = await store.get(Key(account_id, "task", task_id))
    assert task is not None
    files = [each["id"] for each in task["pvt_attachments"].values()]
    (await api.delete(f"{api.account}/tasks/{task_id}")).expect(200)
    await idle(api)
    for file in files:
        with pytest.raises(KeyError):
            await anext(aiter(store.read_attachment(account_id, file)))
    jobs = [row async for row in store.scan(Span(account_id="system", doc_type="job"))]
    assert [row for row in jobs if row.document["kind"].startswith("task")] == []


async def test_a_process_gives_signs_of_life_during_a_long_row(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = api.gateway.services.settings.tasks
    monkeypatch.setattr(type(tasks), "takeover_after", 0.03, raising=False)
    task_id = await made(api, "menus", "import", menus(1))
    postponed = [0]
    go = asyncio.Event()

    async def slow(commit: Commit, batch: Batch) -> int:
        if is_of_a_row(batch):
            await go.wait()
        elif [put.key.doc_type for put in batch.puts] == ["job"]:
            postponed[0] += 1
            if postponed[0] == 3:
                go.set()
            if postponed[0] == 2:
                raise Unreachable
        return await commit(batch)  # type: ignore[no-any-return]

    between(api, monkeypatch, slow)
    await start(api, task_id)
    await go.wait()
    await idle(api)
    assert (await facts(api, task_id))["status"] == "success"


def replaced(api: Api, monkeypatch: pytest.MonkeyPatch, do: Any) -> None:
    """Have the import of menus be something else."""
    action = action_named(api.gateway.services, "menus", "import")
    assert action is not None
    other = TaskAction(category="menus", name="import", about="", work=each(do))
    known = action_named

    def named(services: Any, category: str, name: str) -> TaskAction | None:
        return other if name == "import" else known(services, category, name)

    monkeypatch.setattr(running, "action_named", named)


async def test_a_row_that_makes_the_server_fail_is_told_of(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(worker: Worker, row: Cells) -> None:
        raise RuntimeError

    replaced(api, monkeypatch, fail)
    task_id = await made(api, "menus", "import", menus(2))
    await start(api, task_id)
    await idle(api)
    assert (await facts(api, task_id))["status"] == "failure"
    assert [row["error"] for row in await output(api, task_id)] == ["applier crashed"] * 2


async def test_a_row_that_ends_every_process_is_left_out_at_last(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = [0]

    async def end(worker: Worker, row: Cells) -> None:
        if row["name"] == "Menu 001":
            tried[0] += 1
            raise Unreachable
        await worker.ask(
            Action.CREATE, "accounts", worker.account_id, "menus", data={"name": row["name"]}
        )

    replaced(api, monkeypatch, end)
    task_id = await made(api, "menus", "import", menus(3))
    await start(api, task_id)
    await idle(api)
    while (await facts(api, task_id))["status"] == "executing":
        await go_on(api)
    assert tried == [running.MOST_STUCK + 1], "the first of them began with another row"
    assert [row["error"] for row in await output(api, task_id)] == ["", "applier crashed", ""]


async def test_what_makes_rows_and_ends_every_process_is_given_up(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def make(worker: Worker, at: Any) -> AsyncIterator[tuple[list[Any], Any]]:
        if at is None:
            yield [{"name": "One"}], 1
        raise Unreachable

    broken = TaskAction(category="menus", name="export", about="", make=make)
    monkeypatch.setattr(running, "action_named", lambda *_: broken)
    task_id = await made(api, "menus", "export")
    await start(api, task_id)
    await idle(api)
    rounds = 0
    while (await facts(api, task_id))["status"] == "executing":
        await go_on(api)
        rounds += 1
        assert rounds < 20


async def test_an_action_that_is_not_known_any_more_ends_the_task(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = await made(api, "menus", "import", menus(2))
    monkeypatch.setattr(running, "action_named", lambda *_: None)
    await start(api, task_id)
    await idle(api)
    assert (await facts(api, task_id))["status"] == "internal_error"


async def test_two_processes_that_run_a_task_at_once_do_each_row_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = await made(api, "menus", "import", menus(20))
    services, key = api.gateway.services, Key(api.master.account_id, "task", task_id)
    rows = [0]

    async def overtaking(commit: Commit, batch: Batch) -> int:
        if is_of_a_row(batch):
            rows[0] += 1
            if rows[0] in (4, 9):  # another takes over while this row is about to be written
                task = await services.store.get(key)
                assert task is not None
                about = {"account_id": key.account_id, "task_id": task_id}
                await running.RUN.run(services, {**about, "run": task["pvt_run"]})
        return await commit(batch)  # type: ignore[no-any-return]

    between(api, monkeypatch, overtaking)
    await start(api, task_id)
    await idle(api)
    told = await facts(api, task_id)
    assert (told["status"], told["success_count"]) == ("success", 20)
    assert len((await api.get(f"{api.account}/menus")).data) == 20
    assert [row["name"] for row in await output(api, task_id)] == [
        f"Menu {number:03}" for number in range(20)
    ]


async def test_a_server_that_stops_leaves_the_rest_to_others_at_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = await made(api, "menus", "import", menus(6))
    services, key = api.gateway.services, Key(api.master.account_id, "task", task_id)
    reached = asyncio.Event()
    rows = [0]

    async def stuck(commit: Commit, batch: Batch) -> int:
        if is_of_a_row(batch):
            rows[0] += 1
            if rows[0] == 4:
                reached.set()
                await asyncio.Event().wait()
        return await commit(batch)  # type: ignore[no-any-return]

    between(api, monkeypatch, stuck)
    monkeypatch.setattr(services.jobs, "wake", lambda: None)  # nobody begins but who is told to
    await start(api, task_id)
    task = await services.store.get(key)
    assert task is not None
    about = {"account_id": key.account_id, "task_id": task_id, "run": task["pvt_run"]}

    async def run() -> None:
        await running.RUN.run(services, about)

    portion = asyncio.create_task(run())
    await reached.wait()
    portion.cancel()
    with pytest.raises(asyncio.CancelledError):
        await portion
    assert (await facts(api, task_id))["success_count"] == 3
    await idle(api)  # without any time going by
    assert (await facts(api, task_id))["status"] == "success"
    assert len((await api.get(f"{api.account}/menus")).data) == 6


@pytest.mark.parametrize("at", ["begin", "end"])
async def test_who_is_overtaken_between_rows_leaves_the_task_alone(
    api: Api, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    monkeypatch.setattr(running, "PORTION", 0.0)
    task_id = await made(api, "menus", "import", menus(4))
    services, key = api.gateway.services, Key(api.master.account_id, "task", task_id)
    met = [0]

    async def overtaking(commit: Commit, batch: Batch) -> int:
        types = {put.key.doc_type for put in batch.puts}
        is_begin = types == {"task", "task_run", "job"}
        is_end = types == {"job"} and batch.events and not is_begin
        if met[0] < 2 and (is_begin if at == "begin" else is_end):
            met[0] += 1
            if met[0] == 2:
                task = await services.store.get(key)
                assert task is not None
                about = {"account_id": key.account_id, "task_id": task_id}
                await running.RUN.run(services, {**about, "run": task["pvt_run"]})
        return await commit(batch)  # type: ignore[no-any-return]

    between(api, monkeypatch, overtaking)
    await start(api, task_id)
    await idle(api)
    while (await facts(api, task_id))["status"] == "executing":
        await go_on(api)
    assert (await facts(api, task_id))["success_count"] == 4
    assert len((await api.get(f"{api.account}/menus")).data) == 4


async def test_rows_that_come_too_soon_are_tried_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = [0]

    async def hurry(worker: Worker, row: Cells) -> None:
        tried[0] += 1
        if tried[0] % 3:
            raise TooManyRequests(60)

    monkeypatch.setattr(running, "LONGEST_WAIT", 0)
    replaced(api, monkeypatch, hurry)
    task_id = await made(api, "menus", "import", menus(2))
    await start(api, task_id)
    await idle(api)
    assert (await facts(api, task_id))["status"] == "success"
    assert tried == [6]


async def test_what_is_written_out_goes_on_where_it_was(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((of_numbers, "PORTION"), (of_rates, "TOGETHER"), (of_families, "PAGE")):
        monkeypatch.setattr(module, name, 2)
    monkeypatch.setattr(running, "PORTION", 0.0)
    shop = await api.create_account("Shop")
    numbers = [f"+1415555010{digit}" for digit in range(7)]
    for at, path in enumerate([api.account] * 3 + [f"/v2/accounts/{shop}"] * 4):
        number = numbers[at].replace("+", "%2B")
        (await api.put(f"{path}/phone_numbers/{number}")).expect(201)
    rates = [{"prefix": str(prefix), "rate_cost": "1"} for prefix in range(51, 56)]
    wanted: list[tuple[str, str, int]] = [
        ("number_management", "list", 3),
        ("number_management", "list_all", 7),
        ("number_management", "dump_in_service", 7),
        ("rates", "import", 5),
        ("rates", "export", 5),
        ("services", "descendant_quantities", 2),
    ]
    for category, action, count in wanted:
        content = table(*rates) if action == "import" else b""
        task_id = await made(api, category, action, content)
        await start(api, task_id)
        await idle(api)
        told = await facts(api, task_id)
        assert (told["status"], told["success_count"]) == ("success", count), action
        rows = await output(api, task_id)
        assert len({tuple(row.values()) for row in rows}) == count
