"""The console as a person uses it: opening screens, logging in, filling in fields."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import ConsoleMessage, Locator, Page, Request, Response, expect

from tests.ops.processes import ROOT, Client, Reply, Server

PASSWORD = "open sesame"
SCREENSHOTS = ROOT / "build/screenshots"

REFUSED = "Failed to load resource"
"""How Chromium reports every answer of 4xx, also those that a screen has asked for and shows."""

SERIOUS = ("serious", "critical")


@dataclass(frozen=True)
class Account:
    """An account of a test's own, and its admin user."""

    id: str
    name: str
    username: str = "admin"
    password: str = PASSWORD


@dataclass
class Site:
    """A running server, and the API as its master account."""

    server: Server
    master: Account
    client: Client

    @property
    def origin(self) -> str:
        """Where everything has to come from."""
        return f"http://127.0.0.1:{self.server.port}"

    def api(self, method: str, path: str, data: Any = None) -> Any:
        """The data that a request answers; it has to succeed."""
        reply = self.reply(method, path, data)
        assert reply.status < 300, reply
        return reply.data

    def reply(self, method: str, path: str, data: Any = None, token: str = "") -> Reply:
        """What a request answers, as the master account or as whoever has the token."""
        if not token:
            return self.client.request(method, path, data)
        client = self.server.client(token)
        try:
            return client.request(method, path, data)
        finally:
            client.close()

    def create_account(self, name: str) -> Account:
        """An account below the master account, with an admin user."""
        account = self.api("PUT", f"/accounts/{self.master.id}", {"name": name})
        made = Account(id=account["id"], name=name)
        user = {"first_name": "Ann", "last_name": "Lee", "priv_level": "admin"}
        login = {"username": made.username, "password": made.password}
        self.api("PUT", f"/accounts/{made.id}/users", {**user, **login})
        return made


@dataclass
class Watch:
    """Notes what no page may do: complain, fail, or ask anybody but its own server."""

    origin: str
    faults: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        """Begin to look at a page."""
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error.stack}"))
        page.on("request", self._on_request)
        page.on("response", self._on_response)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(REFUSED):
            self.faults.append(f"console: {message.text}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", f"blob:{self.origin}/")):
            self.faults.append(f"left the origin: {request.url}")

    def _on_response(self, response: Response) -> None:
        is_api = response.url.startswith(f"{self.origin}/v2/")
        if response.status >= (500 if is_api else 400):
            self.faults.append(f"{response.status}: {response.url}")


@dataclass
class Console:
    """A page with the console, and whose account is looked at."""

    page: Page
    site: Site
    account: Account

    async def open(self, address: str = "") -> None:
        """Go to the console's address, as somebody new."""
        await self.page.goto(address or f"{self.site.origin}/console/")

    async def log_in(self, *path: str, title: str) -> None:
        """From the first screen to one below the account, as the account's admin."""
        await self.open(self.address(*path))
        await self.page.get_by_label("Account name").fill(self.account.name)
        await self.page.get_by_label("User name").fill(self.account.username)
        await self.page.get_by_label("Password").fill(self.account.password)
        await self.page.get_by_role("button", name="Log in", exact=True).click()
        await self.expect_title(title)

    def address(self, *path: str, **query: str) -> str:
        """The address of a screen below the account."""
        tokens = "/".join(quote(token, safe="") for token in ("accounts", self.account.id, *path))
        return f"{self.site.origin}/console/#/{tokens}{'?' if query else ''}{urlencode(query)}"

    async def go(self, *path: str, title: str | re.Pattern[str] = "", **query: str) -> None:
        """Open a screen below the account, and wait until it is there."""
        await self.page.goto(self.address(*path, **query))
        if title:
            await self.expect_title(title)

    async def expect_title(self, title: str | re.Pattern[str]) -> None:
        """Wait for the screen that is called so."""
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(title)

    def field(self, label: str) -> Locator:
        """A control by the beginning of its label; required ones have a mark behind it."""
        return self.page.get_by_label(re.compile(rf"^{re.escape(label)}( \*)?$"))

    async def press(self, name: str) -> None:
        """Press a button, or follow a link that looks like one."""
        button = self.page.get_by_role("button", name=name, exact=True)
        link = self.page.get_by_role("link", name=name, exact=True)
        await button.or_(link).first.click()

    async def saved(self) -> None:
        """Wait until the form says that it is saved."""
        await expect(self.page.get_by_text("Saved.", exact=True)).to_be_visible()

    def path(self) -> list[str]:
        """The tokens of the address that is shown."""
        return self.page.url.partition("#/")[2].partition("?")[0].split("/")

    async def token(self) -> str:
        """The token in use."""
        kept = await self.page.evaluate("sessionStorage.getItem('crossbar.session')")
        token: str = json.loads(kept)["token"]
        return token

    async def expect_accessible(self, where: str) -> None:
        """No serious fault in what is shown, as axe-core judges it."""
        await expect_accessible(self.page, where)

    async def photograph(self, name: str) -> Path:
        """A picture of the window, for people to look at."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        await self.page.screenshot(path=path)
        return path


async def expect_accessible(page: Page, where: str) -> None:
    """No serious fault in what a page shows, as axe-core judges it."""
    is_there = await page.evaluate("'axe' in window")
    found = await (Axe("") if is_there else Axe()).run(page)  # half a megabyte, once for a page
    faults = [
        f"{where}: {fault['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for fault in found.response["violations"]
        if fault["impact"] in SERIOUS
        for node in fault["nodes"]
    ]
    assert not faults, "\n".join(faults)
