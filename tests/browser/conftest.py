"""One server and one browser for all tests here; a fresh account and a fresh page for each.

Playwright keeps to the event loop that it was started on, so all of them run on one.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread

import pytest
import pytest_asyncio
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser.support import PASSWORD, Account, Console, Site, Watch
from tests.ops.processes import Server, crossbar

expect.set_options(timeout=15_000)  # milliseconds, also on a slow machine

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
"""The browser without its windows takes half as much of a processor as the whole of it."""

MUST_RUN = "CROSSBAR_TEST_BROWSER_REQUIRED"
"""Set where a missing browser is a failure: in continuous integration."""

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

TO_LOOPBACK = {
    "CROSSBAR_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES": "true",
    "CROSSBAR_SCHEMAS__BLOCKED_HOSTS": "[]",
    "CROSSBAR_MAIL__HOST": "127.0.0.1",
    "CROSSBAR_MAIL__SECURITY": "none",
}
"""Webhooks may report to receivers of the tests, and mails go to one."""

HERE = Path(__file__).parent
ON_ONE_LOOP = pytest.mark.asyncio(loop_scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder; without a browser they are skipped, and say so."""
    missing = CHROMIUM is None and not os.environ.get(MUST_RUN)
    for item in items:
        if not item.path.is_relative_to(HERE):
            continue
        item.add_marker("browser")
        if pytest_asyncio.is_async_test(item):
            item.add_marker(ON_ONE_LOOP, append=False)
        if missing:
            item.add_marker(pytest.mark.skip(reason="no chromium here: `make test-browser`"))


@pytest.fixture(scope="session")
def mail_port() -> Iterator[int]:
    """The port of a mail server that takes everything, in a thread of its own."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        loop.create_server(lambda: SMTP(Sink(), hostname="localhost", loop=loop), "127.0.0.1", 0)
    )
    thread = Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    loop.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, mail_port: int) -> Iterator[Site]:
    """A server as the command line starts it, on a store of its own."""
    folder = tmp_path_factory.mktemp("site")
    made = json.loads(crossbar(folder, "init", "--password", PASSWORD, "--json").stdout)
    master = Account(id=made["account_id"], name=made["account_name"], username=made["username"])
    changes = {**TO_LOOPBACK, "CROSSBAR_MAIL__PORT": str(mail_port)}
    with Server(folder, changes=changes) as server:
        client = server.client()
        login = client.request("PUT", "/api_auth", {"api_key": made["api_key"]})
        client.token = login.body["auth_token"]
        yield Site(server, master, client)
        client.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        yield browser
        await browser.close()


_numbers = itertools.count(1)


@pytest.fixture
def account(site: Site) -> Account:
    """An account that nobody else uses."""
    return site.create_account(f"Example {next(_numbers)}")


@pytest.fixture
def dark() -> bool:
    """Whether the browser prefers dark pages; tests override it by parameters."""
    return False


@pytest.fixture
def width() -> int:
    """Width of the window in CSS pixels; tests override it by parameters."""
    return 1280


@asynccontextmanager
async def new_page(
    browser: Browser, site: Site, *, dark: bool = False, width: int = 1280
) -> AsyncIterator[Page]:
    """A page in a profile of its own. At the end it must have done nothing that no page may."""
    context = await browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if dark else "light",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(10_000)
    page = await context.new_page()
    watch = Watch(site.origin)
    watch.over(page)
    yield page
    await context.close()
    assert watch.faults == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, site: Site, dark: bool, width: int) -> AsyncIterator[Page]:
    """A page of the test's own."""
    async with new_page(browser, site, dark=dark, width=width) as page:
        yield page


@pytest.fixture
def fresh(page: Page, site: Site, account: Account) -> Console:
    """The console, not opened yet."""
    return Console(page, site, account)


@pytest_asyncio.fixture(loop_scope="session")
async def console(fresh: Console) -> Console:
    """The console with the account's admin logged in, on a screen that is quickly there."""
    await fresh.log_in("limits", title="Limits")
    return fresh


@pytest_asyncio.fixture(loop_scope="session")
async def shared(one_console: Console) -> Console:
    """The same console for all tests that ask for it: those that only go from screen to screen."""
    return one_console


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def one_console(browser: Browser, site: Site) -> AsyncIterator[Console]:
    """What :func:`shared` hands out."""
    async with new_page(browser, site) as page:
        # What a test that failed has left half done is nobody's loss.
        page.on("dialog", lambda dialog: dialog.accept())
        console = Console(page, site, site.create_account("Shared"))
        await console.log_in("limits", title="Limits")
        yield console
