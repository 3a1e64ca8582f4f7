"""How often a request asks MongoDB: what the model of docs/scaling.md is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import monitoring

from tests.conftest import PASSWORD, Api

pytestmark = pytest.mark.parametrize("storage_url", ["mongodb"], indirect=True)

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
ROW = re.compile(r"^\| (.+?) \| (\d+) \| (.*?) \|$", re.MULTILINE)


class Commands(monitoring.CommandListener):
    """Notes what is asked, but for what processes look up by themselves: the log, the jobs."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        name = event.command_name
        about = str(event.command.get(name, ""))
        if (name, about) != ("find", "events") and name not in ("hello", "ping", "endSessions"):
            self.asked.append(
                f"{name} {about}" if isinstance(event.command.get(name), str) else name
            )

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...

    def taken(self) -> list[str]:
        """What was asked since the last time."""
        asked, self.asked = self.asked, []
        return asked


@pytest.fixture
def commands() -> Iterator[Commands]:
    listeners = monitoring._LISTENERS.command_listeners
    counter = Commands()
    monitoring.register(counter)
    yield counter
    listeners.remove(counter)


@pytest.fixture
async def counted(commands: Commands, api: Api) -> Commands:
    """The gateway was opened after the listener: its connections tell it."""
    commands.taken()
    return commands


async def test_requests_ask_as_often_as_the_page_says(counted: Commands, api: Api) -> None:
    promised = {name: (int(number), what) for name, number, what in ROW.findall(PAGE.read_text())}
    users = f"{api.account}/users"
    user = (await api.put(users, {"first_name": "Ann", "last_name": "Lee"})).data["id"]
    await api.put(
        users, {"first_name": "Bea", "last_name": "Lee", "username": "bea", "password": PASSWORD}
    )
    await api.get(users)  # from now on the token, the account and its restrictions are known
    found: dict[str, list[str]] = {}

    async def count(name: str, method: str, path: str, data: object = None) -> None:
        counted.taken()
        answer = await api.request(method, path, data)
        assert answer.status < 300, answer.content
        found[name] = counted.taken()

    await count("GET of a document", "GET", f"{users}/{user}")
    await count("a page of a list", "GET", users)
    await count("a filter with an index", "GET", f"{users}?filter_username=bea")
    await count(
        "PUT of a user without a name to log in",
        "PUT",
        users,
        {"first_name": "C", "last_name": "D"},
    )
    await count("PATCH of a user", "PATCH", f"{users}/{user}", {"timezone": "Europe/Berlin"})
    await count("DELETE of a user", "DELETE", f"{users}/{user}")
    assert {name: len(asked) for name, asked in found.items()} == {
        name: promised.get(name, (0, ""))[0] for name in found
    }, found
