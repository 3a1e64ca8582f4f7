"""What the tests of several families share."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.core.change import put_of
from crossbar.core.directory import account_key
from crossbar.core.ports.switch import Command, NoSwitch
from crossbar.core.shapes import Collection
from crossbar.documents import Document, next_revision
from crossbar.errors import SwitchTimedOut
from crossbar.families.accounts.accounts import ACCOUNTS
from crossbar.families.endpoints.users import USERS
from crossbar.storage import Batch, Key, RevisionConflict, Store
from tests.conftest import Answer, Api

ANN = {"first_name": "Ann", "last_name": "Lee", "username": "Ann", "password": "s3cret"}
BOB = {"first_name": "Bob", "last_name": "Kay", "username": "bob", "password": "hunter22"}

FIELDS: dict[str, dict[str, Any]] = {
    "api_keys": {"name": "Robot", "scopes": ["*"]},
    "blacklists": {"name": "Nuisances"},
    "callflows": {"numbers": ["2001"]},
    "cccps": {},
    "clicktocall": {"name": "Support", "extension": "2001"},
    "conferences": {"name": "Standup"},
    "connectivity": {},
    "devices": {"name": "Desk"},
    "directories": {"name": "Staff"},
    "functions": {"name": "Greet", "function_js": "function greet() {}"},
    "faxboxes": {"name": "Office"},
    "external_numbers": {"number": "(415) 555-0100", "name": "Mobile"},
    "groups": {"name": "Sales"},
    "lists": {"name": "Friends"},
    "media": {"name": "Greeting"},
    "menus": {"name": "Main"},
    "port_requests": {"name": "Move", "numbers": {"+14155550100": {}}},
    "queues": {"name": "Support"},
    "resources": {"name": "Carrier", "gateways": [{"server": "sip.example"}]},
    "skels": {},
    "temporal_rules": {"name": "Weekdays", "cycle": "weekly"},
    "temporal_rules_sets": {"name": "Holidays"},
    "users": {"first_name": "Ann", "last_name": "Lee"},
    "vmboxes": {"name": "Ann", "mailbox": "2001"},
    "webhooks": {"name": "Reports", "hook": "all", "uri": "https://hooks.example/in"},
}
"""The least that a document of each family needs."""


async def make(api: Api, noun: str, **data: Any) -> str:
    """Create a document in the master account; its id."""
    fields = FIELDS[noun] | data
    created: str = (await api.put(f"{api.account}/{noun}", fields)).expect(201).data["id"]
    return created


async def shown(api: Api, noun: str, doc_id: str) -> Any:
    """A document of the master account, as reading it shows it."""
    return (await api.get(f"{api.account}/{noun}/{doc_id}")).expect(200).data


async def row(api: Api, noun: str) -> Any:
    """The only row of a list of the master account, whose admin user does not count."""
    rows = (await api.get(f"{api.account}/{noun}")).expect(200).data
    (only,) = (row for row in rows if isinstance(row, str) or row["id"] != api.master.user_id)
    return only


def refusal(answer: Answer, path: str, rule: str) -> Any:
    """The details of a refusal of a field."""
    assert answer.expect(400).body["message"] == "validation error"
    return answer.data[path][rule]


async def stored(api: Api, noun_type: str, doc_id: str) -> Document:
    """A document of the master account as the store has it, private fields and all."""
    key = Key(api.master.account_id, noun_type, doc_id)
    return await _existing(api.gateway.services.store, key)


async def stored_account(api: Api, account_id: str) -> Document:
    """An account as the store has it."""
    return await _existing(api.gateway.services.store, account_key(account_id))


async def _existing(store: Store, key: Key) -> Document:
    document = await store.get(key)
    assert document is not None
    return document


async def set_private(api: Api, account_id: str, **private: Any) -> None:
    """Change private facts of an account, as nothing in the API does."""
    await _overwrite(api, ACCOUNTS, account_key(account_id), private)


async def set_private_of_user(api: Api, user_id: str, **private: Any) -> None:
    """Change private facts of a user of the master account, as nothing in the API does."""
    await _overwrite(api, USERS, Key(api.master.account_id, "user", user_id), private)


async def _overwrite(api: Api, family: Collection, key: Key, private: Document) -> None:
    store = api.gateway.services.store
    before = await _existing(store, key)
    after = {**before, **private, "_rev": next_revision(before["_rev"])}
    await store.commit(Batch(puts=[put_of(family, key, after, before["_rev"])]))
    api.gateway.services.accounts.forget()
    api.gateway.identity.callers.forget()


class ReadySwitch(NoSwitch):
    """A switch that has always the same answer; ``asked`` are the commands that it answered."""

    def __init__(self, *answers: Document) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[Command] = []

    async def ask(self, command: Command) -> list[Document]:
        self.asked.append(command)
        return self.answers

    async def order(self, command: Command, timeout: float) -> Document:
        self.asked.append(command)
        return self.answers[0]


class SlowSwitch(NoSwitch):
    """A switch that takes every order and does not get done with any in time."""

    async def order(self, command: Command, timeout: float) -> Document:
        raise SwitchTimedOut


def told(api: Api, name: str) -> list[Command]:
    """What the stand-in for a switch was told under this name, oldest first."""
    switch = api.gateway.services.switch
    assert isinstance(switch, NoSwitch)
    return [command for command in switch.told if command.name == name]


def interrupt_commits(api: Api, monkeypatch: pytest.MonkeyPatch, failures: int) -> None:
    """Let the next ``failures`` commits meet a write of another process."""
    store, left = api.gateway.services.store, [failures]
    commit = store.commit

    async def interrupted(batch: Batch) -> int:
        if left[0] and batch.puts:  # what is appended to a journal meets nobody
            left[0] -= 1
            raise RevisionConflict(batch.puts[0].key)
        return await commit(batch)

    monkeypatch.setattr(store, "commit", interrupted)
