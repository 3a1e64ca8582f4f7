"""What the tests of numbers share."""

from __future__ import annotations

from typing import Any

from crossbar.families.numbers import import_numbers
from tests.conftest import Answer, Api

N = "+14155550100"
M = "+14155550101"


def path(account: str, tail: str = "") -> str:
    """Below the numbers of an account; a ``+`` is spelled as clients do."""
    return f"/v2/accounts/{account}/phone_numbers{tail}".replace("+", "%2B")


async def stock(api: Api, *numbers: str) -> None:
    """Put numbers into the inventory."""
    await import_numbers(api.gateway.services, numbers)


async def tenant(api: Api, name: str = "Tenant", parent: str | None = None) -> tuple[str, str]:
    """An account, by default below the master account, and its token."""
    account_id = await api.create_account(name, parent)
    return account_id, await api.account_token(account_id)


def told(answer: Answer, status: int, error: str) -> Any:
    """The data of a refusal of a number."""
    assert answer.expect(status).body["message"] == error
    assert (answer.data["code"], answer.data["error"]) == (status, error)
    return answer.data


async def state_of(api: Api, account: str, number: str) -> str | None:
    """The state of a number as an operator sees it; ``None`` when nobody knows it."""
    answer = await api.get(path(account, f"/{number}"))
    return str(answer.data["state"]) if answer.status == 200 else None


def connect(api: Api, **parts: Any) -> None:
    """Have the gateway use other parts, such as a ``carrier``."""
    for name, part in parts.items():
        object.__setattr__(api.gateway.services, name, part)
