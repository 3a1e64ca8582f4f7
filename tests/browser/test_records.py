"""Call records and recordings: searched, kept as a table, listened to."""

from __future__ import annotations

import base64
import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.browser.support import Console
from tests.browser.switch import Switch, now
from tests.browser.test_media import tone

DAY = 86_400


@pytest.fixture
def switch(console: Console) -> Iterator[Switch]:
    switch = Switch(console.site, console.account.id)
    yield switch
    switch.close()


def leg(call_id: str, *, ago: int = 60, **more: Any) -> dict[str, Any]:
    facts = {
        "call_id": call_id,
        "timestamp": now() - ago,
        "duration_seconds": 65,
        "billing_seconds": 60,
        "call_direction": "inbound",
        "hangup_cause": "NORMAL_CLEARING",
        "caller_id_number": "+14155550100",
        "callee_id_number": "101",
    }
    return {**facts, **more}


def rows(console: Console, of: str = "Call records") -> Locator:
    return console.page.get_by_role("region", name=of).locator("tbody tr")


async def test_calls_are_found_by_day_number_and_user(
    console: Console, switch: Switch, tmp_path: Path
) -> None:
    page, base = console.page, f"/accounts/{console.account.id}"
    user = console.site.api("PUT", f"{base}/users", {"first_name": "Cy", "last_name": "Day"})
    hers = {"owner_id": user["id"]}
    told = [
        leg("a", caller_id_name="<i>Eve</i>"),
        leg("b", caller_id_number="+14155550177", hangup_cause="USER_BUSY"),
        leg("e", ago=4 * DAY, callee_id_number="+14155550177"),
        leg("c", ago=20 * DAY, custom_channel_vars=hers),
        leg("d", ago=3 * DAY, custom_channel_vars=hers),
    ]
    switch.tell_all([("cdr", each) for each in told])
    await console.go("cdrs", title="Call records")
    await expect(rows(console)).to_have_count(4)
    await expect(rows(console).filter(has_text="<i>Eve</i>")).to_have_count(1)
    await expect(rows(console).filter(has_text="user busy")).to_have_count(1)
    await console.press("30 days")
    await expect(rows(console)).to_have_count(5)
    assert await downloaded(console, tmp_path) == ["a", "b", "c", "d", "e"]
    await page.get_by_label("User", exact=True).select_option(label="Cy Day")
    await expect(rows(console)).to_have_count(2)
    await page.reload()  # what is looked for is part of the address
    await expect(rows(console)).to_have_count(2)
    await console.press("Show all")
    await page.get_by_label("Number", exact=True).fill("+1 (415) 555-0177")
    await page.keyboard.press("Enter")
    await expect(rows(console)).to_have_count(2)  # who called, and who was called
    assert await downloaded(console, tmp_path) == ["b", "e"]
    await page.get_by_label("Is the").select_option("Called party")
    await console.press("Search")
    await expect(rows(console)).to_have_count(1)
    await console.press("Today")
    await page.get_by_label("Number", exact=True).fill("1")
    await console.press("Search")
    await expect(page.get_by_text("There are no calls like that")).to_be_visible()


async def downloaded(console: Console, folder: Path) -> list[str]:
    """The ids of the calls in the table that is offered."""
    async with console.page.expect_download() as download:
        await console.press("Download CSV")
    file = folder / "calls.csv"
    await (await download.value).save_as(file)
    return sorted(row["call_id"] for row in csv.DictReader(file.read_text().splitlines()))


async def test_a_call_is_shown_with_its_legs_and_recording(
    console: Console, switch: Switch
) -> None:
    page = console.page
    shared = {"interaction_id": f"{now() - 200:011d}-abc"}
    audio = {"content_type": "audio/wav", "content": base64.b64encode(tone()).decode()}
    recording = {"call_id": "a", "start": now() - 150, "duration": 1, "audio": audio, **shared}
    switch.tell_all(
        [
            ("cdr", leg("a", ago=100, **shared)),
            ("cdr", leg("b", ago=90, call_direction="outbound", **shared)),
            ("recording", recording),
        ]
    )
    await console.go("cdrs", title="Call records")
    await rows(console).get_by_role("link").click()
    await console.expect_title(re.compile("^Call of "))
    await expect(page.get_by_role("article")).to_have_count(2)
    await expect(page.get_by_role("article", name="Leg b")).to_contain_text("outbound")
    await console.press("Listen: " + await named(console))
    player = page.locator("audio")
    await expect(player).to_be_visible()
    await expect(player).to_have_js_property("ended", True)
    assert await player.evaluate("audio => audio.error") is None
    await console.go("recordings", title="Recordings")
    await expect(rows(console, "Recordings")).to_have_count(1)
    await page.get_by_role("button", name="Delete: ").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("Nothing was recorded in these days.")).to_be_visible()


async def named(console: Console) -> str:
    """The id of the one recording of the account."""
    [row] = console.site.api("GET", f"/accounts/{console.account.id}/recordings")
    return str(row["id"])
