"""The telephone of the console: a real browser, the real switch, and a real phone."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.switch.asterisk.browsers import (
    TONE,
    chromium,
    console_of,
    hears,
    log_in,
    photograph,
)
from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import PACE, WITHIN, until

pytestmark = pytest.mark.thorough


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def switch_on(page: Page) -> None:
    """Become a phone with a new device."""
    await press(page, "Make a device and switch on")
    await expect(page.get_by_text("ready", exact=True)).to_be_visible()


async def dial(page: Page, number: str) -> None:
    await page.get_by_label("Number", exact=True).fill(number)
    await press(page, "Call")


async def is_in(page: Page, state: str) -> None:
    await expect(page.locator(".phone-call .state")).to_have_text(state)


async def test_a_browser_calls_a_phone_and_both_hear_each_other(
    office: Office, tmp_path: Path
) -> None:
    ben, eve = await office.phone("ben", "102"), await office.phone("eve", "103")
    async with console_of(office, tmp_path) as page:
        await switch_on(page)
        await dial(page, "102")
        await is_in(page, "talking")
        await ben.hears(TONE)
        await hears(page, ben.tone)
        await photograph(page, "phone")
        await press(page, "Mute: 102")
        await until(lambda: ben.loudness() < 50, lambda: f"still heard: {ben.spectrum()}")
        await press(page, "Unmute: 102")
        await ben.hears(TONE)
        await press(page, "Hold: 102")
        await is_in(page, "on hold")
        await until(lambda: ben.spectrum()[TONE] < 0.3, lambda: f"still heard: {ben.spectrum()}")
        await press(page, "Resume: 102")
        await is_in(page, "talking")
        await ben.hears(TONE)
        await press(page, "Transfer: 102")
        await page.get_by_label("Transfer to").fill("103")
        await press(page, "Transfer now")
        await ben.hears(eve.tone)
        await eve.hears(ben.tone)
        await expect(page.locator(".phone-call")).to_have_count(0)
        await ben.hang_up()
        await eve.is_idle()


async def test_a_browser_is_called_whatever_it_shows(office: Office, tmp_path: Path) -> None:
    ben = await office.phone("ben")
    async with console_of(office, tmp_path) as page:
        await switch_on(page)
        users = await office.rows("users")
        await office.callflow("200", "user", users[0]["id"])
        await page.get_by_role("link", name="Accounts below").click()
        call = await ben.dial("200")
        bar = page.get_by_role("region", name="Calls")
        await expect(bar).to_contain_text("is calling")
        await photograph(page, "phone-rings")
        await bar.get_by_role("button", name="Answer: Ben").click()
        await call.wait_established()
        await ben.hears(TONE)
        await hears(page, ben.tone)
        await bar.get_by_role("button", name="Hang up: Ben").click()
        await ben.is_idle()
        await ben.dial("200")
        await bar.get_by_role("button", name="Decline: Ben").click()
        await ben.is_idle()


async def test_keys_are_heard_by_a_menu(office: Office, tmp_path: Path) -> None:
    ben = await office.phone("ben")
    greeting = {"name": "Main", "media": {"greeting": await office.sound(900, 30)}}
    menu = (await office.api.put(f"{office.path}/menus", greeting)).expect(201).data
    leaf = {"module": "device", "data": {"id": ben.device_id}, "children": {}}
    await office.callflow("300", "menu", menu["id"], {"2": leaf})
    async with console_of(office, tmp_path) as page:
        await switch_on(page)
        await dial(page, "300")
        await is_in(page, "talking")
        await hears(page, 900)  # what is pressed before there is sound is heard by nobody
        await press(page, "2")
        await ben.rings()
        await ben.hears(TONE)
        await press(page, "Hang up: 300")
        await ben.is_idle()


async def test_who_may_not_register_is_told_and_tries_again(
    office: Office, tmp_path: Path
) -> None:
    async with console_of(office, tmp_path) as page:
        await switch_on(page)
        device = (await office.rows("devices"))[0]["id"]
        # Whoever is disabled is out at once, and says so.
        path = f"{office.path}/devices/{device}"
        (await office.api.patch(path, {"enabled": False})).expect(200)
        await press(page, "Switch off")
        await press(page, "Switch on")
        await expect(page.get_by_text("not connected", exact=True)).to_be_visible()
        (await office.api.patch(path, {"enabled": True})).expect(200)
        await press(page, "Switch off")
        await press(page, "Switch on")
        await expect(page.get_by_text("ready", exact=True)).to_be_visible()
        assert [each["username"] for each in await office.rows("registrations")]


AGENTS = """
async () => {
  window.agents = [];
  const {default: {UA}} = await import("/console/vendor/jssip.mjs");
  const start = UA.prototype.start;
  UA.prototype.start = function () { agents.push(this); return start.call(this); };
}
"""
LATE = """
() => {
  agents[0].emit("registrationFailed", {cause: "Rejected"});
  agents[0].emit("disconnected", {error: true});
}
"""
"""What an agent may tell of while it ends."""


async def test_a_phone_that_was_switched_off_changes_nothing_any_more(
    office: Office, tmp_path: Path
) -> None:
    async with console_of(office, tmp_path) as page:
        await page.evaluate(AGENTS)
        await switch_on(page)
        await press(page, "Switch off")
        await page.evaluate(LATE)
        await press(page, "Switch on")
        await expect(page.get_by_text("ready", exact=True)).to_be_visible()
        await page.evaluate(LATE)
        await page.evaluate("() => new Promise(requestAnimationFrame)")
        await expect(page.get_by_text("ready", exact=True)).to_be_visible()
        assert await page.evaluate("agents.length") == 2


async def test_two_calls_are_connected_with_each_other(office: Office, tmp_path: Path) -> None:
    ben, eve = await office.phone("ben", "102"), await office.phone("eve", "103")
    async with console_of(office, tmp_path) as page:
        await switch_on(page)
        await dial(page, "102")
        await ben.hears(TONE)
        await dial(page, "103")
        await eve.hears(TONE)
        await expect(page.locator(".phone-call").first).to_contain_text("on hold")
        await press(page, "Connect with 102: 103")
        await eve.hears(ben.tone)
        await ben.hears(eve.tone)
        await expect(page.locator(".phone-call")).to_have_count(0)


async def test_the_phone_comes_back_with_the_switch_and_goes_with_the_login(
    office: Office, tmp_path: Path
) -> None:
    async with console_of(office, tmp_path) as page:
        await switch_on(page)
        assert office.station.supervision.pid is not None
        os.kill(office.station.supervision.pid, signal.SIGKILL)
        await expect(page.get_by_text("not connected", exact=True)).to_be_visible()
        ready = page.get_by_text("ready", exact=True)
        await expect(ready).to_be_visible(timeout=WITHIN * 1000)
        assert len(await office.rows("registrations")) == 1
        await press(page, "Log out")
        await expect(page.get_by_label("Password")).to_be_visible()
        async with asyncio.timeout(WITHIN):
            while await office.rows("registrations"):  # noqa: ASYNC110
                await asyncio.sleep(PACE)


LOSE_ONE = """() => {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (message) {
    if (!String(message).startsWith("REGISTER")) return send.call(this, message);
    WebSocket.prototype.send = send;
    window.lost = true;
  };
}"""
"""What a switch may lose that has just been started; over a WebSocket no phone says it again."""


async def test_a_registration_that_nobody_answers_is_tried_anew(
    office: Office, tmp_path: Path
) -> None:
    async with console_of(office, tmp_path) as page:
        await page.evaluate(LOSE_ONE)
        await press(page, "Make a device and switch on")
        await expect(page.get_by_text("ready", exact=True)).to_be_visible(timeout=20_000)
        assert await page.evaluate("window.lost")


async def test_two_people_and_nothing_but_browsers(office: Office, tmp_path: Path) -> None:
    asked = {"name": "Bob Kay", "password": "green parrot"}
    (await office.api.put(f"{office.path}/people", asked)).expect(201)
    async with console_of(office, tmp_path) as ann, chromium(tmp_path) as other:
        await switch_on(ann)
        await dial(ann, "1001")
        await is_in(ann, "talking")  # with voicemail: nobody has set up that phone yet
        await press(ann, "Hang up: 1001")
        bob = await log_in(other, office, "bob.kay", "green parrot")
        await switch_on(bob)
        await dial(ann, "1001")
        await press(bob, "Answer: Ann Lee")
        await is_in(ann, "talking")
        await hears(ann, TONE)
        await hears(bob, TONE)
        await press(bob, "Hang up: Ann Lee")
        await expect(ann.locator(".phone-call")).to_have_count(0)
