"""What tests of v1 share: a client that speaks it with a key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.conftest import Api


@dataclass(frozen=True)
class Reply:
    """A response, read."""

    status: int
    headers: Any
    content: bytes

    @property
    def body(self) -> Any:
        """The parsed JSON."""
        return orjson.loads(self.content)

    @property
    def data(self) -> Any:
        """The rows, or the row."""
        return self.body["data"]

    @property
    def kind(self) -> tuple[int, str]:
        """Status and type of an error."""
        return self.status, self.body["error"]["type"]

    @property
    def errors(self) -> dict[str, list[str]]:
        """The fields that were refused."""
        errors: dict[str, list[str]] = self.body["error"]["errors"]
        return errors

    def expect(self, status: int) -> Reply:
        """This reply, if it has the status; otherwise the test fails and shows the body."""
        assert self.status == status, (self.status, self.content[:2000])
        return self


@dataclass
class Client:
    """A client of v1 with a key of one account."""

    api: Api
    account_id: str
    key: str = ""
    tenant: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def request(
        self, method: str, path: str, body: Any = None, *, data: Any = None, **headers: str
    ) -> Reply:
        """Send a body as JSON, or ``data`` as the client library makes it."""
        sent = {**self.headers, **headers}
        if self.key:
            sent.setdefault("Authorization", f"Bearer {self.key}")
        if self.tenant:
            sent.setdefault("X-Perscom-Id", self.tenant)
        if body is not None:
            sent["Content-Type"] = "application/json"
            data = body if isinstance(body, bytes) else orjson.dumps(body)
        sent = {name: value for name, value in sent.items() if value is not None}
        client = self.api.client
        async with client.request(method, f"/v1{path}", data=data, headers=sent) as response:
            return Reply(response.status, response.headers, await response.read())

    async def get(self, path: str, **more: Any) -> Reply:
        return await self.request("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> Reply:
        return await self.request("POST", path, {} if body is None else body, **more)

    async def patch(self, path: str, body: Any, **more: Any) -> Reply:
        return await self.request("PATCH", path, body, **more)

    async def delete(self, path: str, body: Any = None, **more: Any) -> Reply:
        return await self.request("DELETE", path, body, **more)

    async def make(self, path: str, **body: Any) -> Any:
        """A new row."""
        return (await self.post(path, body)).expect(201).data


async def client_of(
    api: Api,
    account_id: str | None = None,
    *,
    scopes: tuple[str, ...] = ("*",),
    owner_id: str | None = None,
) -> Client:
    """A client with a new key of an account, the master one if none is named."""
    account_id = account_id or api.master.account_id
    account = await api.gateway.services.accounts.get(account_id, anew=True)
    assert account is not None
    keys = api.gateway.identity.keys
    _, secret = await keys.create(
        account, dialect="v1", name="test", scopes=scopes, owner_id=owner_id
    )
    account = await api.gateway.services.accounts.get(account_id, anew=True)
    assert account is not None
    return Client(api, account_id, secret, str(account.document["pvt_perscom_id"]))
