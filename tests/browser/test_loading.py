"""How much is loaded, how fast, and that addresses without a page help."""

from __future__ import annotations

import gzip
from pathlib import Path

from playwright.async_api import expect

from tests.browser.support import Console
from tests.ops.processes import ROOT

FILES = ROOT / "crossbar/console/static"
MOST = 200_000
"""Bytes of all files of the console, compressed."""

SOON = 1000
"""Milliseconds until the first screen can be used, on a machine with nothing else to do."""


def test_all_files_together_are_small() -> None:
    files = [path for path in FILES.rglob("*") if path.is_file()]
    assert sum(len(gzip.compress(Path(path).read_bytes())) for path in files) < MOST


async def test_the_first_screen_is_there_at_once(fresh: Console) -> None:
    took = []
    for _ in range(3):
        await fresh.open()
        await expect(fresh.field("Password")).to_be_visible()
        took.append(
            await fresh.page.evaluate("performance.getEntriesByName('shown')[0].startTime")
        )
    assert min(took) < SOON, took


async def test_a_wrong_address_below_the_console_helps(fresh: Console) -> None:
    response = await fresh.page.request.get(f"{fresh.site.origin}/console/nonsense")
    assert response.status == 404
    assert 'href="/console/"' in await response.text()


async def test_a_browser_that_asks_for_nothing_gets_the_console(fresh: Console) -> None:
    await fresh.page.goto(f"{fresh.site.origin}/")
    await expect(fresh.field("Password")).to_be_visible()
    assert fresh.page.url.startswith(f"{fresh.site.origin}/console/")
