"""A small OpenID provider on loopback: codes are given out here, and tokens for them over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

CLIENT = {"client_id": "crossbar", "secret": "between us"}
RETURN_TO = "https://ui.example.com/back"


@dataclass
class OpenId:
    """``profiles`` are who agreed, by code. ``wrong`` is answered instead, by path."""

    url: str = ""
    profiles: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, web.Response] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)

    async def discovery(self, request: web.Request) -> web.Response:
        """Where everything is."""
        places = {"token_endpoint": f"{self.url}token", "userinfo_endpoint": f"{self.url}who"}
        return self.wrong.pop(request.path, None) or web.json_response(places)

    async def token(self, request: web.Request) -> web.Response:
        """A token for a code that is good once, for our client alone."""
        form = await request.post()
        who = self.profiles.pop(str(form.get("code")), None)
        asked = (form.get("client_id"), form.get("client_secret"), form.get("redirect_uri"))
        is_ours = asked == (CLIENT["client_id"], CLIENT["secret"], RETURN_TO)
        if who is None or not is_ours or form.get("grant_type") != "authorization_code":
            return web.json_response({"error": "invalid_grant"}, status=400)
        token = f"token-{len(self.tokens)}"
        self.tokens[token] = who
        return self.wrong.pop(request.path, None) or web.json_response({"access_token": token})

    async def who(self, request: web.Request) -> web.Response:
        """Whose token it is."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.tokens:
            return web.json_response({}, status=401)
        return self.wrong.pop(request.path, None) or web.json_response(self.tokens[token])


@asynccontextmanager
async def openid() -> AsyncIterator[OpenId]:
    """A provider that runs."""
    provider = OpenId()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", provider.discovery)
    app.router.add_post("/token", provider.token)
    app.router.add_get("/who", provider.who)
    async with TestServer(app) as server:
        provider.url = str(server.make_url("/"))
        yield provider
