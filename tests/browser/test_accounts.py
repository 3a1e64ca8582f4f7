"""The account tree, the start page, and what an account is told to do next."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.support import Console


async def test_a_sub_account_is_created_found_and_gone_to(console: Console) -> None:
    page = console.page
    await console.go(title=console.account.name)
    await console.press("New account below")
    await console.expect_title("New account")
    name = f"{console.account.name} South"
    await console.field("Name").fill(name)
    await console.press("Create")
    await console.expect_title(name)
    child = console.path()[1]
    await page.get_by_role("button", name="Account: ").click()
    dialog = page.get_by_role("dialog", name="Go to an account")
    await expect(dialog.get_by_role("listitem")).to_have_count(2)
    await dialog.get_by_label("Search accounts").fill("south")
    await expect(dialog.get_by_role("listitem")).to_have_count(1)
    await dialog.get_by_label("Search accounts").fill(console.account.id)
    await dialog.get_by_role("button", name=console.account.name).click()
    await console.expect_title(console.account.name)
    await console.press("Accounts below")
    await page.get_by_role("link", name=name).click()
    await console.expect_title(name)
    assert console.path() == ["accounts", child]


async def test_an_empty_account_is_told_what_to_do(console: Console) -> None:
    page = console.page
    await console.go(title=console.account.name)
    steps = page.locator(".next")
    await expect(steps.get_by_role("listitem")).to_have_count(4)
    await page.get_by_role("link", name="Give them devices").click()
    await console.field("Name").fill("Desk phone")
    await console.press("Create")
    await console.expect_title("Desk phone")
    await console.go(title=console.account.name)
    counts = page.locator(".counts")
    await expect(counts.get_by_role("link", name="1 Devices")).to_be_visible()
    await expect(page.locator(".changes li").first).to_contain_text("Desk phone")
    await expect(page.locator(".changes li").first).to_contain_text("device · created just now")


async def test_account_settings_are_changed(console: Console) -> None:
    await console.go(show="settings", title=console.account.name)
    await console.field("Timezone").fill("Europe/Berlin")
    await console.press("Save")
    await console.saved()
    stored = console.site.api("GET", f"/accounts/{console.account.id}")
    assert stored["timezone"] == "Europe/Berlin"
