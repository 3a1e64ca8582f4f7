"""The inventory of numbers: filled by the command, and sold by two server processes at once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.ops.conftest import Installation
from tests.ops.processes import Client, Reply, Server, crossbar

pytestmark = pytest.mark.thorough

ROUNDS = 100
FIRST = 14155550000


def account_and_token(installation: Installation, client: Client, name: str) -> tuple[str, str]:
    """A new account below the master account."""
    created: Any = client.request("PUT", installation.path(), {"name": name}).data
    account_id: str = created["id"]
    key = client.request("GET", f"/accounts/{account_id}/api_key").data["api_key"]
    login = client.request("PUT", "/api_auth", {"api_key": key})
    return account_id, str(login.body["auth_token"])


def test_the_inventory_is_filled_from_a_pipe(installation: Installation) -> None:
    command = ("numbers", "import", "-")
    done = crossbar(installation.folder, *command, typed=f"number\n+{FIRST}\n+{FIRST}\n")
    assert done.stdout.startswith("1 numbers are added; 0 were there already")
    again = crossbar(installation.folder, *command, typed=f"number\n+{FIRST}\n")
    assert again.stdout.startswith("0 numbers are added; 1 were there already")
    wrong = crossbar(installation.folder, *command, typed="number\n2001\n")
    assert wrong.returncode == 1
    assert "line 2: no telephone number: 2001" in wrong.stderr


def test_of_two_accounts_at_two_processes_one_gets_a_number(installation: Installation) -> None:
    file = installation.folder / "block.csv"
    file.write_text(f"number,last\n+{FIRST},+{FIRST + ROUNDS - 1}\n")
    done = crossbar(installation.folder, "numbers", "import", str(file))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{ROUNDS} numbers are added; 0 were there already")
    with (
        Server(installation.folder) as one,
        Server(installation.folder) as two,
        ThreadPoolExecutor(2) as threads,
    ):
        operator = installation.login(one)
        buyers = []
        for server, name in ((one, "First"), (two, "Second")):
            account_id, token = account_and_token(installation, operator, name)
            buyers.append((account_id, server.client(token)))

        def buy(buyer: tuple[str, Client], number: str) -> Reply:
            account_id, client = buyer
            path = f"/accounts/{account_id}/phone_numbers/{number}/activate"
            return client.request("PUT", path, {})

        outcomes: Counter[tuple[int, ...]] = Counter()
        for at in range(ROUNDS):
            number = f"%2B{FIRST + at}"
            replies = list(threads.map(buy, buyers, (number, number)))
            outcomes[tuple(reply.status for reply in replies)] += 1
            [loser] = [reply for reply in replies if reply.status != 201]
            assert loser.body["message"] == "forbidden"
        for client in (operator, *(client for _, client in buyers)):
            client.close()
        assert outcomes.keys() <= {(201, 403), (403, 201)}
        assert outcomes.total() == ROUNDS
