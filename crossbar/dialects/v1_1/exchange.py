"""One request to ``/v1.1`` and what is known of it so far: who asks, for which account, with what.

The body is read when a handler wants it: what is asked for must exist before its body is judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from crossbar.core.access import require_access, require_unrestricted
from crossbar.core.directory import Account
from crossbar.core.requests import Action, Actor, Caller, Request, request_to
from crossbar.core.services import Services
from crossbar.dialects.incoming import read_whole
from crossbar.dialects.multipart import Malformed
from crossbar.dialects.parsing import parse_json
from crossbar.dialects.v1_1.endpoints import Endpoint, Offers
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.validation import Schemas

JSON = "application/json; charset=utf-8"
LARGEST = 65_536
"""Bytes. The largest body that makes sense here is some 10,000."""


@dataclass(slots=True, kw_only=True)
class Exchange:
    """A request, and the headers that its answer will have whatever it says."""

    request: web.BaseRequest
    services: Services
    schemas: Schemas
    request_id: str
    address: str
    offers: Offers = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    caller: Caller | None = None
    account: Account | None = None
    operation: Endpoint | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Document | None = None

    @property
    def account_id(self) -> str | None:
        """The account that is asked for, once it is known."""
        return self.account.account_id if self.account else None

    def header(self, name: str) -> str:
        """A header of the request, as text that can be kept; empty when it is missing."""
        return str(self.request.headers.get(name, "")).encode("utf-8", "replace").decode()

    async def sent(self) -> Document:
        """The JSON object that the request carries; empty without a body.

        Raises :class:`ValidationFailed`, :class:`PayloadTooLarge`, :class:`RequestTimeout`.
        """
        if self.body is None:
            self.body = await self._read()
        return self.body

    async def judged(self, schema: str) -> Document:
        """What was sent, with the defaults of a schema. Raises :class:`ValidationFailed`."""
        document, errors = await self.schemas.judged(schema, dict(await self.sent()))
        if errors:
            raise ValidationFailed(errors)
        return document

    async def content(self) -> bytes:
        """The bytes of the body. Raises :class:`PayloadTooLarge`, :class:`RequestTimeout`."""
        settings = self.services.settings.http
        limit = min(LARGEST, settings.max_upload_size)
        try:
            return await read_whole(self.request, settings, limit)
        except Malformed:
            raise ValidationFailed.of("body", "invalid", "not encoded as headers say") from None

    async def _read(self) -> Document:
        content = await self.content()
        settings = self.services.settings.http
        parsed = parse_json(content, settings.max_depth, settings.max_members) if content else {}
        if not isinstance(parsed, dict):
            raise ValidationFailed.of("body", "type", "not a JSON object")
        return parsed

    async def asked(self, action: Action, *tokens: str) -> Request:
        """The core's view of the request, as one to the account's documents at ``tokens``.

        Raises what ``core.access`` raises when the caller's key may not do this.
        """
        request = self.unasked(action, *tokens)
        path = ("accounts", request.account_id, *tokens)
        require_access(request.operation, self.caller, self.account)
        await require_unrestricted(
            self.services.accounts,
            request.operation,
            self.caller,
            self.account,
            path,
        )
        return request

    def unasked(self, action: Action, *tokens: str) -> Request:
        """The same for who needs no access to documents: a page that reports its visitor."""
        if self.account is None:
            raise LookupError("nobody has said for which account the request is")
        account_id = self.account.account_id
        actor = Actor(
            services=self.services,
            account_id=account_id,
            account=self.account,
            caller=self.caller,
            request_id=self.request_id,
            address=self.address,
        )
        return request_to(actor, action, "accounts", account_id, *tokens)

    def answer(self, body: Any, status: int = 200) -> web.Response:
        """A JSON answer."""
        headers = {**self.headers, "content-type": JSON, "cache-control": "no-store"}
        return web.Response(body=orjson.dumps(body), status=status, headers=headers)
