"""Keys and dialects on the command line, run as an operator runs them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.ops.conftest import Installation
from tests.ops.processes import crossbar

DAY = 86_400


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
