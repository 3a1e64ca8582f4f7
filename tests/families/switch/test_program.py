"""The program of the page about events works as it is printed."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

from crossbar.documents import Document
from tests.conftest import Api
from tests.families.switch.support import call, teller

PAGE = Path(__file__).resolve().parents[3] / "docs" / "switch-events.md"

FULL = [{"participant_id": number} for number in range(999)]


def conference(api: Api, people: list[Document]) -> Document:
    data = {"conference_id": "r", "participants": people}
    return {"type": "conference", "account_id": api.master.account_id, "data": data}


async def test_the_program_of_the_page_tells_events(api: Api, tmp_path: Path) -> None:
    [program] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "tell.py"
    file.write_text(program, encoding="utf-8")
    fs1 = await teller(api)
    events = [
        {"type": "cdr", "account_id": api.master.account_id, "data": call("a")},
        {"type": "cdr", "account_id": api.master.account_id, "data": {}},
        {"type": "cdr", "account_id": api.master.account_id, "data": call("b")},
        # Of a batch with these not all is taken at once.
        *(conference(api, people) for people in (FULL, [], FULL, [])),
        *(
            {"type": "channel.create", "account_id": api.master.account_id, "data": {"uuid": name}}
            for name in map(str, range(600))
        ),
    ]
    lines = "".join(json.dumps(event) + "\n" for event in events).encode()
    url = str(api.client.make_url("")).rstrip("/")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(file), url, fs1.key, "fs1"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate(lines)
    assert process.returncode == 0, errors
    assert json.loads(errors)["error"] == "validation error"
    assert len((await api.get(f"{api.account}/channels")).expect(200).data) == 600
    rows = (await api.get(f"{api.account}/cdrs")).expect(200).data
    assert {row["call_id"] for row in rows} == {"a", "b"}
