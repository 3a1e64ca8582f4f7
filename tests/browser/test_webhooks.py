"""Webhooks: tried, looked at, delivered again, replayed, switched on again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio
from aiohttp import web
from playwright.async_api import Locator, expect

from tests.browser.support import Console
from tests.families.webhooks.receiver import Receiver, receiving


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


def hook(console: Console, uri: str) -> str:
    data = {"name": "Reports", "hook": "object", "uri": uri, "format": "json"}
    about = {"custom_data": {"type": "device", "action": "all"}}
    path = f"/accounts/{console.account.id}/webhooks"
    made: str = console.site.api("PUT", path, {**data, **about})["id"]
    return made


def rows(console: Console) -> Locator:
    return console.page.get_by_role("region", name="Deliveries").last.locator("tbody tr")


async def test_deliveries_are_seen_and_made_again(console: Console, receiver: Receiver) -> None:
    page, api, base = console.page, console.site.api, f"/accounts/{console.account.id}"
    receiver.answer = lambda got: web.Response(text="<script>thanks</script>")
    made = hook(console, f"{receiver.url}/mine")
    await console.go("webhooks", title="Webhooks")
    await page.get_by_role("link", name="Reports").click()
    await console.expect_title("Reports")
    await console.press("Deliveries")
    await console.press("Send a sample")
    [sample] = await receiver.until(1)
    await expect(page.get_by_text("<script>thanks</script>")).to_be_visible()
    await expect(rows(console)).to_have_count(1)
    await console.press("Show it")
    secret = api("GET", f"{base}/webhooks/{made}/signing_secret")["signing_secret"]
    await expect(page.get_by_text(secret)).to_be_visible()
    api("PUT", f"{base}/devices", {"name": "Desk"})
    reported = (await receiver.until(2))[1]
    await until_listed(console, 2)
    await console.press(f"Details: {reported.message_id}")
    await expect(page.locator("tr.detail")).to_contain_text("<script>thanks</script>")
    await console.press(f"Deliver again: {reported.message_id}")
    again = (await receiver.until(3))[2]
    assert (again.message_id, again.body) == (reported.message_id, reported.body)
    await page.locator("form.bar").get_by_role("button", name="Report again").click()
    await expect(page.get_by_text("are being delivered")).to_be_visible()
    assert (await receiver.until(4))[3].json["action"] == "doc_created"
    assert sample.message_id.startswith("msg_test_")


async def until_listed(console: Console, count: int) -> None:
    """Read the list again until an attempt is in it: it is noted after the receiver has it."""
    for _ in range(50):
        await console.press("Read again")
        if await rows(console).count() >= count:
            return
        await console.page.wait_for_timeout(100)
    await expect(rows(console)).to_have_count(count)


async def test_failures_are_told_and_a_webhook_is_switched_on_again(
    console: Console, receiver: Receiver
) -> None:
    page, api, base = console.page, console.site.api, f"/accounts/{console.account.id}"
    receiver.answer = lambda got: web.Response(status=500, text="no room")
    made = hook(console, f"{receiver.url}/mine")
    await asyncio.to_thread(api, "PUT", f"{base}/webhooks/{made}/test", {})  # we answer meanwhile
    api("PATCH", f"{base}/webhooks/{made}", {"enabled": False})
    await console.go("webhooks", "attempts", title="Deliveries")
    await expect(rows(console)).to_contain_text("500")
    await page.get_by_label("Show").select_option("Successes")
    await expect(page.get_by_text("Nothing was sent yet.")).to_be_visible()
    await page.get_by_label("Show").select_option("Failures")
    await page.get_by_role("button", name="Deliver again: ").click()
    await expect(page.get_by_role("alert")).to_contain_text("switched off")
    await console.go("webhooks", title="Webhooks")
    row = page.get_by_role("region", name="Webhooks").locator("tbody tr")
    await expect(row.locator(".state")).to_have_text("off")
    await console.press("Switch on: Reports")
    await expect(row.locator(".state")).to_have_text("on")
    assert api("GET", f"{base}/webhooks/{made}")["enabled"] is True
