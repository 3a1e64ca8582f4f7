"""Logging in, staying logged in, and logging out."""

from __future__ import annotations

import hashlib
import re

from playwright.async_api import expect

from tests.browser.support import Console, Site
from tests.ops.processes import Client

TEXTS = ("", "a", "abc", "zoë:pässwörd ☎", *("x" * length for length in (55, 56, 63, 64, 65, 200)))
"""Among them the lengths at which a digest's padding takes another block."""


async def test_the_digest_is_md5(fresh: Console) -> None:
    await fresh.open()
    for text in TEXTS:
        script = "async (text) => (await import('./js/md5.js')).md5(text)"
        assert await fresh.page.evaluate(script, text) == hashlib.md5(text.encode()).hexdigest()


async def test_a_user_logs_in_and_out(console: Console) -> None:
    token = await console.token()
    assert console.site.reply("GET", "/token_auth", token=token).status == 200
    await console.page.reload()
    await console.expect_title("Limits")
    await console.press("Log out")
    await expect(console.field("Account name or realm")).to_be_visible()
    assert await console.page.evaluate("sessionStorage.length") == 0
    await expect(console.page.locator(".frame")).to_have_count(0)
    assert console.site.reply("GET", "/token_auth", token=token).status == 401


async def test_an_account_is_found_by_its_realm_too(fresh: Console) -> None:
    realm = fresh.site.api("GET", f"/accounts/{fresh.account.id}")["realm"]
    await fresh.open()
    await fresh.field("Account name or realm").fill(realm)
    await fresh.field("User name").fill("Admin")
    await fresh.field("Password").fill(fresh.account.password)
    await fresh.page.keyboard.press("Enter")
    await fresh.expect_title(fresh.account.name)


async def test_a_wrong_login_says_so_and_keeps_what_was_typed(fresh: Console) -> None:
    await fresh.open()
    await fresh.field("Account name or realm").fill(fresh.account.name)
    await fresh.field("User name").fill("admin")
    await fresh.field("Password").fill("wrong")
    await fresh.press("Log in")
    alert = fresh.page.get_by_role("alert")
    await expect(alert).to_contain_text("That login is not known.")
    await expect(alert.locator("code")).to_have_text(re.compile("^[0-9a-f]{32}$"))
    await expect(alert.get_by_role("link")).to_have_attribute(
        "href", f"{fresh.site.origin}/docs/errors#invalid_credentials"
    )
    await expect(fresh.field("Account name or realm")).to_have_value(fresh.account.name)


async def test_the_api_key_of_an_account_logs_in(fresh: Console) -> None:
    key = fresh.site.api("GET", f"/accounts/{fresh.account.id}/api_key")["api_key"]
    await fresh.open()
    await fresh.page.get_by_label("API key", exact=True).first.check()
    await fresh.page.locator("input[name=key]").fill(key)
    await fresh.press("Log in")
    await fresh.expect_title(fresh.account.name)
    await expect(fresh.page.locator(".who")).to_have_text("API key")


async def test_who_works_keeps_a_token_that_is_fresh(console: Console) -> None:
    """After half of its time the token is renewed by whatever somebody does next."""
    old = await console.token()
    await console.page.evaluate(
        """async () => {
            const {session} = await import('./js/session.js');
            const now = session.get();
            session.set({...now, since: now.since - 0.6 * now.lifetime});
        }"""
    )
    await console.page.wait_for_timeout(1100)  # tokens of the same second are the same
    await console.page.keyboard.press("x")
    await console.page.wait_for_function(
        "(old) => JSON.parse(sessionStorage.getItem('crossbar.session')).token !== old", arg=old
    )
    fresh = await console.token()
    assert console.site.reply("GET", "/token_auth", token=fresh).status == 200


async def test_a_dead_token_costs_nothing_that_was_typed(console: Console) -> None:
    await console.go("menus", title="New menu", show="new")
    await console.field("Name").fill("Main menu")
    _kill(console.site, await console.token())
    await console.press("Create")
    dialog = console.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Please log in again")
    await dialog.get_by_label("Password").fill(console.account.password)
    await dialog.get_by_role("button", name="Log in", exact=True).click()
    await console.expect_title("Main menu")
    [menu] = console.site.api("GET", f"/accounts/{console.account.id}/menus")
    assert menu["name"] == "Main menu"


def _kill(site: Site, token: str) -> None:
    client: Client = site.server.client(token)
    assert client.request("DELETE", "/token_auth").status == 200
    client.close()
