"""What the tests of tasks share: making one, doing it, reading what came of it."""

from __future__ import annotations

import csv
import io
from typing import Any

from tests.conftest import Answer, Api

CSV = {"Content-Type": "text/csv"}
TABLE = {"Accept": "text/csv"}


def table(*rows: dict[str, Any]) -> bytes:
    """Rows as CSV; the columns are those of the first one."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [*rows[0]])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def parsed(answer: Answer) -> list[dict[str, str]]:
    """The rows of a table that was answered."""
    assert answer.headers["Content-Type"] == "text/csv"
    text = answer.expect(200).content.decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def ask(
    api: Api, category: str, action: str, content: bytes = b"", query: str = "", **options: Any
) -> Answer:
    """Ask for a task; ``path`` names another account than the master account."""
    path = options.pop("path", api.account)
    wanted = f"{path}/tasks?category={category}&action={action}{query}"
    if content:
        return await api.put(wanted, raw=content, headers=CSV, **options)
    return await api.put(wanted, **options)


async def made(api: Api, category: str, action: str, content: bytes = b"", **options: Any) -> str:
    """The id of a new task."""
    answer = await ask(api, category, action, content, **options)
    task_id: str = answer.expect(201).data["_read_only"]["id"]
    return task_id


async def idle(api: Api) -> None:
    """Wait until there is nothing left to do."""
    services = api.gateway.services
    await services.jobs.idle(services)


async def facts(api: Api, task_id: str, path: str = "") -> Any:
    """What is told of a task."""
    answer = await api.get(f"{path or api.account}/tasks/{task_id}")
    return answer.expect(200).data["_read_only"]


async def done(
    api: Api, category: str, action: str, content: bytes = b"", **options: Any
) -> tuple[Any, list[dict[str, str]]]:
    """Make a task and do it to its end: what is told of it, and its output."""
    path = options.get("path", api.account)
    task_id = await made(api, category, action, content, **options)
    token = {"token": options["token"]} if "token" in options else {}
    (await api.patch(f"{path}/tasks/{task_id}", **token)).expect(200)
    await idle(api)
    told = (await api.get(f"{path}/tasks/{task_id}", **token)).expect(200).data["_read_only"]
    answer = await api.get(f"{path}/tasks/{task_id}/output", **token)
    return told, parsed(answer) if answer.status == 200 else []
