"""API keys: scopes picked by clicking, shown once, used, revoked."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.support import Console


async def create_key(console: Console, *scopes: str) -> str:
    """A key made on its screen; its text. Afterwards its document is shown."""
    page = console.page
    await console.go("api_keys", title="API keys")
    await console.press("New API key")
    await console.expect_title("New API key")
    await console.field("Name").fill("Robot")
    for scope in scopes:
        await page.get_by_label(scope, exact=True).check()
    await console.press("Create")
    dialog = page.get_by_role("dialog", name="Copy the key now")
    key = await dialog.locator("code").inner_text()
    await dialog.get_by_role("button", name="Copy: key").click()
    assert await page.evaluate("navigator.clipboard.readText()") == key
    await dialog.get_by_role("button", name="I have kept it").click()
    await console.expect_title("Robot")
    return key


async def test_a_scoped_key_is_made_used_and_revoked(console: Console) -> None:
    page, site = console.page, console.site
    key = await create_key(console, "view:user", "view:device")
    users = f"/accounts/{console.account.id}/users"
    assert site.reply("GET", users, token=key).status == 200
    assert site.reply("PUT", users, {"first_name": "A", "last_name": "B"}, token=key).status == 403
    assert key not in await page.content()
    await page.reload()
    await expect(page.locator(".about")).to_contain_text("last used just now")
    await expect(page.get_by_label("view:user", exact=True)).to_be_checked()
    await page.get_by_label("create:user", exact=True).check()
    await page.get_by_label("view:device", exact=True).uncheck()
    await console.press("Save")
    await console.saved()
    assert site.reply("PUT", users, {"first_name": "A", "last_name": "B"}, token=key).status == 201
    await console.expect_accessible("key")
    await console.photograph("key")
    await console.press("Delete")
    await page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    await console.expect_title("API keys")
    assert site.reply("GET", users, token=key).status == 401


async def test_a_column_of_scopes_is_picked_at_once(console: Console) -> None:
    key = await create_key(console, "view all")
    path = f"/accounts/{console.account.id}"
    assert console.site.reply("GET", f"{path}/menus", token=key).status == 200
    assert console.site.reply("PUT", f"{path}/menus", {"name": "M"}, token=key).status == 403


async def test_a_key_without_scopes_is_refused_there(console: Console) -> None:
    await console.go("api_keys", show="new", title="New API key")
    await console.field("Name").fill("Robot")
    await console.press("Create")
    await expect(console.page.locator("#field-scopes-error")).to_be_visible()


@pytest.mark.parametrize("dialect", ["v1", "v1_1"])
async def test_keys_of_other_dialects_have_scopes_of_their_own(
    console: Console, dialect: str
) -> None:
    await console.go("api_keys", show="new", title="New API key")
    await console.field("Name").fill("Robot")
    await console.field("Dialect").select_option(dialect)
    await console.page.get_by_label("Everything").check()
    await console.press("Create")
    await console.press("I have kept it")
    await console.expect_title("Robot")
    [row] = console.site.api("GET", f"/accounts/{console.account.id}/api_keys")
    assert (row["dialect"], row["scopes"]) == (dialect, ["*"])


async def test_a_named_key_that_may_do_everything_logs_in(console: Console) -> None:
    key = await create_key(console, "Everything")
    await console.press("Log out")
    await console.page.get_by_label("API key", exact=True).first.check()
    await console.page.locator("input[name=key]").fill(key)
    await console.press("Log in")
    await console.expect_title("Robot")
    assert await console.token() == key
