"""Debug mode, and every screen's request as a curl command."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess

import pytest
from playwright.async_api import expect

from crossbar import __version__
from tests.browser.support import Console

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def run(command: str) -> dict[str, object]:
    """The envelope that a curl command prints, run by a shell."""
    done = subprocess.run(
        ["sh", "-c", f"{command} --silent"], capture_output=True, timeout=20, check=True
    )
    envelope: dict[str, object] = json.loads(done.stdout)
    return envelope


async def clipboard(console: Console) -> str:
    text: str = await console.page.evaluate("navigator.clipboard.readText()")
    return text


@needs_curl
async def test_d_shows_what_curl_needs_and_hides_it_again(console: Console) -> None:
    panel = console.page.get_by_role("complementary", name="Debug mode")
    await expect(panel).to_have_count(0)
    await console.page.keyboard.press("d")
    facts = {
        name: await panel.locator(f'[data-fact="{name}"]').inner_text()
        for name in ("Account", "Account id", "API URL", "Auth token", "Server version")
    }
    assert facts["Account"] == console.account.name
    assert facts["Account id"] == console.account.id
    assert facts["API URL"] == f"{console.site.origin}/v2"
    assert facts["Server version"] == __version__
    for name in ("Account", "Account id", "API URL", "Auth token"):
        await panel.get_by_role("button", name=f"Copy: {name}", exact=True).click()
        assert await clipboard(console) == facts[name]
    url = f"{facts['API URL']}/accounts/{facts['Account id']}"
    envelope = run(f"curl -H {shlex.quote('X-Auth-Token: ' + facts['Auth token'])} {url}")
    assert envelope["status"] == "success"
    await console.page.keyboard.press("d")
    await expect(panel).to_have_count(0)


@pytest.mark.parametrize("width", [360])
async def test_a_finger_shows_it_and_hides_it_too(console: Console, width: int) -> None:
    page = console.page
    panel = page.get_by_role("complementary", name="Debug mode")
    await page.get_by_role("button", name="Menu", exact=True).click()
    await page.get_by_role("button", name="Debug mode").click()
    await expect(panel.locator('[data-fact="Account id"]')).to_have_text(console.account.id)
    await expect(page.get_by_role("navigation", name="Account")).to_be_hidden()
    await panel.get_by_role("button", name="Hide it").click()
    await expect(panel).to_have_count(0)


async def test_d_in_an_input_is_a_letter(console: Console) -> None:
    await console.page.get_by_label("Find a family").press("d")
    await expect(console.page.get_by_label("Find a family")).to_have_value("d")
    await expect(console.page.get_by_role("complementary", name="Debug mode")).to_have_count(0)


@needs_curl
@pytest.mark.parametrize("path", [(), ("users",), ("limits",), ("children",), ("parked_calls",)])
async def test_every_screen_gives_its_request(console: Console, path: tuple[str, ...]) -> None:
    await console.go(*path)
    await console.page.get_by_role("button", name="as curl").click()
    command = await clipboard(console)
    envelope = run(command)
    assert envelope["status"] == "success", command
    assert f"/accounts/{console.account.id}{''.join(f'/{each}' for each in path)}" in command


@needs_curl
async def test_a_form_gives_the_request_that_it_would_send(console: Console) -> None:
    await console.go("menus", title="New menu", show="new")
    await console.field("Name").fill("Ann's menu")
    await console.page.get_by_role("button", name="as curl").click()
    assert run(await clipboard(console))["status"] == "success"
    [menu] = console.site.api("GET", f"/accounts/{console.account.id}/menus")
    assert menu["name"] == "Ann's menu"
