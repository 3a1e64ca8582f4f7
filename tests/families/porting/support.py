"""What the tests of port requests share: people, requests, and the ways that they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.conftest import Api

NUMBER, OTHER = "+14155550100", "+14155550101"
PORT: dict[str, Any] = {"name": "Move", "numbers": {"(415) 555-0100": {}}}
SCHEDULED_DATE = 63_967_219_200


async def make_port(api: Api, base: str, token: str | None = None, **fields: Any) -> str:
    """A new port request; its id."""
    made = await api.put(f"{base}/port_requests", {**PORT, **fields}, token=token)
    port_id: str = made.expect(201).data["id"]
    return port_id


async def move(api: Api, path: str, *states: str, **data: Any) -> Any:
    """Take a request through states; as it is shown at the end."""
    shown = None
    for state in states:
        sent = {"scheduled_date": SCHEDULED_DATE, **data} if state == "scheduled" else data
        shown = (await api.patch(f"{path}/{state}", sent)).expect(200).data
    return shown


@dataclass(frozen=True)
class Customer:
    """An account below the master account, with an administrator and another user."""

    path: str
    account_id: str
    admin: str
    user: str


async def customer_of(api: Api, name: str = "Child", parent: str | None = None) -> Customer:
    """A new customer, with the tokens of its people."""
    account_id = await api.create_account(name, parent)
    path = f"/v2/accounts/{account_id}"
    for username, level in (("boss", "admin"), ("joe", "user")):
        person = {
            "first_name": username.capitalize(),
            "last_name": "Doe",
            "username": username,
            "password": "s3cret",
            "priv_level": level,
        }
        (await api.put(f"{path}/users", person)).expect(201)
    tokens = [await api.login(each, "s3cret", name) for each in ("boss", "joe")]
    return Customer(path, account_id, *tokens)
