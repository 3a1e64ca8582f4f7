"""The telephone of the console in Chromium, whose microphone is a file and whose ear is judged."""

from __future__ import annotations

import array
import math
import os
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser.conftest import CHROMIUM, FLAGS, MUST_RUN
from tests.browser.support import SCREENSHOTS, expect_accessible
from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import WITHIN

RATE = 48_000
TONE = 1300
"""What the microphone hears, in Hz."""

SOUND = (
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)

LISTEN = """
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) { super(...given); connections.push(this); }
};
"""
"""Remembers connections, so that what comes on them can be judged."""

PEAK = """
async () => {
  const track = connections.at(-1)?.getReceivers()[0]?.track;
  if (!track) return 0;
  const context = window.ear ??= new AudioContext();
  const analyser = new AnalyserNode(context, {fftSize: 8192, smoothingTimeConstant: 0});
  const source = context.createMediaStreamSource(new MediaStream([track]));
  source.connect(analyser);
  await new Promise((done) => setTimeout(done, 300));
  const levels = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(levels);
  source.disconnect();
  const top = levels.indexOf(Math.max(...levels));
  return levels[top] < -70 ? 0 : top * context.sampleRate / analyser.fftSize;
}
"""
"""The loudest frequency that is heard, in Hz; 0 for silence."""


STILL = """
async () => {
  for (let i = 0; i < 2; i += 1) await new Promise(requestAnimationFrame);
  await Promise.all(document.getAnimations().map(({finished}) => finished));
}
"""
"""Waits until colours have changed."""


def microphone(folder: Path) -> Path:
    """A file with ten seconds of the tone."""
    path = folder / "microphone.wav"
    turn = 2 * math.pi * TONE / RATE
    samples = array.array("h", (round(8000 * math.sin(turn * at)) for at in range(RATE)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for _ in range(10):
            file.writeframes(samples.tobytes())
    return path


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Browser]:
    """A browser with that microphone."""
    if CHROMIUM is None:
        if os.environ.get(MUST_RUN):
            pytest.fail("no chromium here")
        pytest.skip("no chromium here: `make chromium`")
    capture = f"--use-file-for-fake-audio-capture={microphone(folder)}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, *SOUND, capture]
        )
        yield browser
        await browser.close()


async def log_in(browser: Browser, office: Office, username: str, password: str) -> Page:
    """The telephone of the console, in a profile of its own."""
    context = await browser.new_context()
    context.set_default_timeout(WITHIN * 1000)
    page = await context.new_page()
    await page.add_init_script(LISTEN)
    await page.goto(str(office.api.client.make_url("/console/")))
    await page.get_by_label("Account name").fill("Acme")
    await page.get_by_label("User name").fill(username)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Log in", exact=True).click()
    await page.get_by_role("link", name="Phone", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Phone")
    return page


@asynccontextmanager
async def console_of(office: Office, folder: Path) -> AsyncIterator[Page]:
    """The console in a browser, with the administrator of the office logged in."""
    user = {"first_name": "Ann", "last_name": "Lee", "username": "ann", "password": "open sesame"}
    asked = {**user, "priv_level": "admin"}
    (await office.api.put(f"{office.path}/users", asked)).expect(201)
    async with chromium(folder) as browser:
        yield await log_in(browser, office, "ann", "open sesame")


async def photograph(page: Page, name: str) -> None:
    """A picture of the window in both colour schemes; neither shuts anybody out."""
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await page.evaluate(STILL)
        await expect_accessible(page, name)
        await page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}.png")


async def hears(page: Page, tone: int) -> None:
    """Wait until the browser plays this tone; fails when it never does."""
    found = []
    for _ in range(20):
        found.append(round(await page.evaluate(PEAK)))
        if abs(found[-1] - tone) < 20:
            return
    raise AssertionError(f"the browser hears no {tone}: {found}")
