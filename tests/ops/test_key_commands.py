"""Keys and dialects on the command line, run as an operator runs them."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.ops.conftest import Installation
from tests.ops.processes import Server, crossbar

DAY = 86_400


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait two seconds at most for something to hold."""
    for _ in range(20):
        if holds():
            return
        time.sleep(0.1)
    pytest.fail("it did not hold within two seconds")


def dialect(installation: Installation, *arguments: str) -> Any:
    """What `crossbar account dialect` answers."""
    done = crossbar(installation.folder, "account", "dialect", installation.account_id, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_operator_agrees_with_an_account_on_a_dialect(installation: Installation) -> None:
    usual = dialect(installation, "v1_1")
    assert usual == {
        "account_id": installation.account_id,
        "dialect": "v1_1",
        "enabled": True,
        "expires": None,
        "limits": {"running_sessions": 0, "agent_seats": 0},
    }
    limits = ("--limit", "agent_seats=3", "--limit", "running_sessions=5")
    agreed = dialect(installation, "v1_1", "--disable", "--expires", "2", *limits)
    assert not agreed["enabled"]
    assert agreed["limits"] == {"running_sessions": 5, "agent_seats": 3}
    later = dialect(installation, "v1_1", "--enable", "--limit", "agent_seats=4")
    assert later["enabled"]
    assert later["expires"] == agreed["expires"]
    assert later["limits"] == {"running_sessions": 5, "agent_seats": 4}
    assert dialect(installation, "v1_1") == later
    assert dialect(installation, "v1_1", "--expires", "0")["expires"] is None
    assert dialect(installation, "v1", "--expires", "0")["enabled"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("v1_1", "--limit", "unicorns=1"), 1, "v1_1 has no limit unicorns; it has running_"),
        (("v1", "--limit", "agent_seats=1"), 1, "v1 has no limit agent_seats; it has none"),
        (("v1_1", "--limit", "agent_seats"), 2, "invalid NAME=VALUE value: 'agent_seats'"),
        (("v1_1", "--limit", "agent_seats=-1"), 2, "invalid NAME=VALUE value: 'agent_seats=-1'"),
        (("v1", "--expires", "-1"), 2, "invalid whole number value: '-1'"),
        (("v2",), 2, "invalid choice: 'v2'"),
        (("v1", "--enable", "--disable"), 2, "not allowed with argument"),
    ],
)
def test_what_cannot_be_agreed_is_said(
    installation: Installation, arguments: tuple[str, ...], status: int, message: str
) -> None:
    done = crossbar(installation.folder, "account", "dialect", installation.account_id, *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr


def test_there_is_no_dialect_of_an_unknown_account(installation: Installation) -> None:
    done = crossbar(installation.folder, "account", "dialect", "0" * 32, "v1", "--enable")
    assert (done.returncode, done.stderr) == (1, f"crossbar: there is no {'0' * 32}\n")


def key(installation: Installation, *arguments: str) -> Any:
    """What `crossbar key` answers as JSON."""
    done = crossbar(installation.folder, "key", *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_key_that_was_made_works_until_it_is_revoked(installation: Installation) -> None:
    account = ("--account", installation.account_id)
    created = key(
        installation, "create", *account, "--name", "Robot", "--scopes", "view:user view:account"
    )
    assert created.keys() == {"id", "key"}
    (listed,) = key(installation, "list", *account)
    assert (listed["id"], listed["name"], listed["dialect"]) == (created["id"], "Robot", "v2")
    assert listed["scopes"] == ["view:user", "view:account"]
    assert created["key"] not in json.dumps(listed)
    with Server(installation.folder) as server:
        client = server.client(created["key"])
        assert client.request("GET", installation.path("/users")).status == 200
        assert client.request("GET", installation.path("/devices")).status == 403
        revoked = crossbar(installation.folder, "key", "revoke", *account, created["id"])
        assert (revoked.returncode, revoked.stderr) == (0, "")
        wait_until(lambda: client.request("GET", installation.path("/users")).status == 401)
        client.close()
    assert key(installation, "list") == []
    again = crossbar(installation.folder, "key", "revoke", created["id"])
    assert (again.returncode, again.stderr) == (1, f"crossbar: there is no {created['id']}\n")


def test_keys_are_made_for_every_dialect(installation: Installation) -> None:
    owner = next(iter(key_owners(installation)))
    limits = ("--expires", "3", "--rate-limit", "60", "--owner", owner)
    made = key(installation, "create", "--dialect", "v1", "--name", "P", *limits)
    assert made["perscom_id"] == 1
    claims = json.loads(base64.urlsafe_b64decode(made["key"].split(".")[1] + "=="))
    assert (claims["sub"], claims["tenant"]) == (owner, 1)
    # The command reckons the end a moment before the key says when it was made.
    assert 3 * DAY - 10 < claims["exp"] - claims["iat"] <= 3 * DAY
    made = key(installation, "create", "--dialect", "v1_1", "--name", "U")
    assert made.keys() == {"id", "key"}
    assert made["key"].startswith("cbk11_")
    shown = crossbar(installation.folder, "key", "list").stdout.splitlines()
    assert [line.split()[1:] for line in shown] == [["v1_1", "U"], ["v1", "P"]]


def key_owners(installation: Installation) -> set[str]:
    """The ids of users who may own keys: of the admin."""
    issued = crossbar(installation.folder, "token", "issue", "--user", "admin").stdout.strip()
    inspected = crossbar(installation.folder, "token", "inspect", issued)
    return {json.loads(inspected.stdout)["owner_id"]}


def test_a_person_is_shown_the_text_and_warned(installation: Installation) -> None:
    done = crossbar(installation.folder, "key", "create", "--name", "Robot")
    assert done.stdout.startswith("cbk2_")
    assert done.stdout.count("\n") == 1
    assert done.stderr == "This is the key; it is not shown again.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--name", ""), "name: String must be at least 1 characters"),
        (("--name", "R", "--dialect", "v9"), "dialect: "),
        (("--name", "R", "--scopes", "view:unicorn"), "scopes.0: There is no such scope"),
        (("--name", "R", "--scopes", " "), "scopes: "),
        (("--name", "R", "--dialect", "v1_1", "--scopes", "view:user"), "scopes.0: There is no"),
        (("--name", "R", "--owner", "0" * 32), "owner_id: The user could not be found"),
        (("--name", "R", "--rate-limit", "0"), "rate_limit: "),
        (("--name", "R", "--expires", "0"), "expires: This time is over"),
        (("--name", "R", "--account", "0" * 32), f"there is no {'0' * 32}"),
    ],
)
def test_what_no_key_can_have_is_said(
    installation: Installation, arguments: tuple[str, ...], message: str
) -> None:
    done = crossbar(installation.folder, "key", "create", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
