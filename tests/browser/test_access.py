"""Everybody can use it: with a screen reader, with the keyboard alone, on a telephone."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable

import pytest
from playwright.async_api import expect

from tests.browser.support import Console
from tests.browser.switch import Switch, now
from tests.browser.test_media import tone
from tests.ops.processes import PATIENCE

SHADES = pytest.mark.parametrize(
    "dark",
    [
        pytest.param(False, id="light"),
        pytest.param(True, id="dark", marks=pytest.mark.thorough),
    ],
)
NARROW = pytest.mark.parametrize("width", [360])

FLOW = {
    "module": "menu",
    "data": {},
    "children": {"1": {"module": "hangup", "data": {}}, "_": {"module": "sleep", "data": {}}},
}


Screens = dict[str, tuple[tuple[str, ...], dict[str, str]]]
"""Paths below the account and queries, by the names of pictures."""


async def screens(console: Console) -> Screens:
    """The main screens by name: their paths and queries. There is something on each."""
    base = f"/accounts/{console.account.id}"
    api = console.site.api
    callflow = api("PUT", f"{base}/callflows", {"numbers": ["2000"], "flow": FLOW})
    device = {"name": "Desk phone", "flags": ["office"], "call_forward": {"number": "2001"}}
    made = api("PUT", f"{base}/devices", device)
    person = api("PUT", f"{base}/people", {"name": "Di Fo"})
    told = await happened(console)
    return {
        "start": ((), {}),
        "settings": ((), {"show": "settings"}),
        "users": (("users",), {}),
        "new-user": (("users",), {"show": "new"}),
        "people": (("people",), {}),
        "new-person": (("people",), {"show": "new"}),
        "person": (("people", person["id"]), {}),
        "phone": (("phone",), {}),
        "empty": (("menus",), {}),
        "device": (("devices", made["id"]), {}),
        "callflow": (("callflows", callflow["id"]), {}),
        "children": (("children",), {}),
        "missing": (("nonsense",), {}),
        "refused": (("users", "0123456789abcdef" * 2), {}),
        **told,
    }


def tasks(console: Console) -> str:
    """A task that is done and one that waits; the id of the first."""
    api, base = console.site.api, f"/accounts/{console.account.id}/tasks"
    rows = [{"first_name": "Di", "last_name": "Fo"}, {"first_name": "x" * 200, "last_name": "Fo"}]
    asked = f"{base}?category=users&action=import"
    done: str = api("PUT", asked, {"records": rows, "file_name": "people.csv"})["_read_only"]["id"]
    api("PATCH", f"{base}/{done}", {})
    api("PUT", f"{base}?category=menus&action=export")
    until(lambda: api("GET", f"{base}/{done}")["_read_only"]["status"] != "executing")
    return done


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


async def happened(console: Console) -> Screens:
    """The screens of what a switch tells and of what is delivered, with something on each."""
    base, api, at = f"/accounts/{console.account.id}", console.site.api, now()
    user = api("PUT", f"{base}/users", {"first_name": "Cy", "last_name": "Day"})["id"]
    mine = {"custom_channel_vars": {"owner_id": user}}
    talk = {"interaction_id": f"{at - 90:011d}-abc", "caller_id_number": "+14155550100"}
    call = {"caller_id_name": "Bob", "caller_id_number": "+14155550177", "destination": "101"}
    leg = {"timestamp": at - 30, "duration_seconds": 60, "billing_seconds": 55, **talk, **mine}
    audio = {"content_type": "audio/wav", "content": base64.b64encode(tone()).decode()}
    about = {"contact": "sip:cy1@192.0.2.7:5060", "user_agent": "Example T46", "expires": 3600}
    switch = Switch(console.site, console.account.id)
    switch.tell_all(
        [
            ("channel.create", {"uuid": "a", "direction": "inbound", "owner_id": user, **call}),
            ("channel.create", {"uuid": "b", "direction": "outbound", **call}),
            ("channel.answer", {"uuid": "b"}),
            ("register", {"username": "cy1", "owner_id": user, **about}),
            (
                "cdr",
                {"call_id": "a", "callee_id_number": "101", "call_direction": "inbound", **leg},
            ),
            ("cdr", {"call_id": "b", "hangup_cause": "USER_BUSY", **leg}),
            (
                "recording",
                {"call_id": "a", "start": at - 80, "duration": 50, "audio": audio, **talk},
            ),
        ]
    )
    switch.close()
    hook = {"name": "Reports", "hook": "all", "uri": "http://127.0.0.1:1/nobody", "enabled": False}
    made = api("PUT", f"{base}/webhooks", hook)["id"]
    api("PUT", f"{base}/webhooks/{made}/test", {})
    done = tasks(console)
    to = {"type": "specified", "email_addresses": ["cy@example.com"]}
    api("POST", f"{base}/notifications/new_user/preview", {"to": to})
    return {
        "live": (("channels",), {}),
        "calls": (("cdrs",), {}),
        "call": (("cdrs", "legs", talk["interaction_id"]), {}),
        "recordings": (("recordings",), {}),
        "webhooks": (("webhooks",), {}),
        "webhook": (("webhooks", made), {"tab": "Deliveries"}),
        "attempts": (("webhooks", "attempts"), {}),
        "tasks": (("tasks",), {}),
        "task": (("tasks", done), {}),
        "new-task": (("tasks",), {"show": "new"}),
        "mails": (("notifications",), {}),
        "mail": (("notifications", "new_user"), {"tab": "Texts"}),
        "sent-mails": (("notifications", "smtplog"), {}),
    }


@SHADES
async def test_no_screen_shuts_anybody_out(console: Console, dark: bool) -> None:
    shade = "dark" if dark else "light"
    for name, (path, query) in (await screens(console)).items():
        await console.go(*path, **query)
        await expect(console.page.get_by_role("heading", level=1)).to_be_visible()
        await expect(console.page.get_by_text("Loading …")).to_have_count(0)
        await console.expect_accessible(name)
        await console.photograph(f"{name}-{shade}")


@SHADES
async def test_no_dialog_shuts_anybody_out(console: Console, dark: bool) -> None:
    shade = "dark" if dark else "light"
    page = console.page
    shown = await screens(console)
    await console.go(*shown["callflow"][0], title="2000")
    await console.press("Flow")
    await console.press("Try it")
    await expect(page.get_by_text("In the end")).to_be_visible()
    await console.expect_accessible("flow")
    await console.photograph(f"flow-{shade}")
    await console.press("Change: Menu")
    await expect(page.get_by_role("dialog").get_by_label("ID")).to_be_visible()
    await console.expect_accessible("step")
    await page.keyboard.press("Escape")
    await console.press("Delete")
    await console.expect_accessible("deletion")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Account: ").click()
    await expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_count(1)
    await console.expect_accessible("tree")
    await page.keyboard.press("Escape")
    await page.keyboard.press("d")
    await console.expect_accessible("debug")
    await console.photograph(f"debug-{shade}")


@SHADES
async def test_the_first_screen_shuts_nobody_out(fresh: Console, dark: bool) -> None:
    await fresh.open()
    await expect(fresh.field("Password")).to_be_visible()
    await fresh.expect_accessible("login")
    await fresh.photograph(f"login-{'dark' if dark else 'light'}")


async def test_a_control_without_a_name_would_be_seen(fresh: Console) -> None:
    await fresh.open()
    await expect(fresh.field("Password")).to_be_visible()
    await fresh.page.evaluate(
        "document.querySelector('form').append(document.createElement('input'))"
    )
    with pytest.raises(AssertionError, match="label"):
        await fresh.expect_accessible("login")


async def test_the_keyboard_is_enough(fresh: Console) -> None:
    """From logging in to a saved document, without the mouse."""
    page, keyboard = fresh.page, fresh.page.keyboard
    await fresh.open()
    await expect(fresh.field("Account name or realm")).to_be_focused()
    for text in (fresh.account.name, fresh.account.username, fresh.account.password):
        await keyboard.type(text)
        await keyboard.press("Tab")
    await keyboard.press("Enter")
    await fresh.expect_title(fresh.account.name)
    await keyboard.press("Shift+Tab")
    await tab_to(fresh, "Call handling", back=True)
    await keyboard.press("Enter")
    await tab_to(fresh, "Menus")
    await keyboard.press("Enter")
    await fresh.expect_title("Menus")
    await tab_to(fresh, "New menu")
    await keyboard.press("Enter")
    await fresh.expect_title("New menu")
    await tab_to(fresh, "Name *")
    await keyboard.type("Main")
    await keyboard.press("Enter")
    await fresh.expect_title("Main")
    await tab_to(fresh, "Delete")
    await keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    assert await dialog.evaluate("dialog => dialog.contains(document.activeElement)")
    await keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_role("button", name="Delete", exact=True)).to_be_focused()


async def tab_to(console: Console, name: str, *, back: bool = False) -> None:
    """Press Tab until what is called so has the focus."""
    script = (
        "() => document.activeElement.labels?.[0]?.innerText ?? document.activeElement.innerText"
    )
    for _ in range(200):
        found: str = await console.page.evaluate(script)
        if found.strip().casefold() == name.casefold():
            return
        await console.page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"Tab never gets to {name}")


async def test_the_menu_can_be_skipped(console: Console) -> None:
    await tab_to(console, "Skip to the content", back=True)
    await console.page.keyboard.press("Enter")
    await expect(console.page.get_by_role("main")).to_be_focused()


@NARROW
async def test_a_telephone_is_wide_enough(console: Console, width: int) -> None:
    page = console.page
    for name, (path, query) in (await screens(console)).items():
        await console.go(*path, **query)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.get_by_text("Loading …")).to_have_count(0)
        overflow = await page.evaluate("document.documentElement.scrollWidth")
        assert overflow <= width, name
        await console.photograph(f"{name}-narrow")
    menu = page.get_by_role("button", name="Menu", exact=True)
    await menu.click()
    await console.press("Call handling")
    await page.get_by_role("link", name="Callflows").click()
    await console.expect_title("Callflows")
    await expect(page.get_by_role("link", name="Menus")).to_be_hidden()
    await page.get_by_role("link", name=re.compile("2000")).first.click()
    await console.press("Flow")
    await console.photograph("flow-narrow")
    await page.keyboard.press("d")
    await console.photograph("debug-narrow")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


@NARROW
async def test_the_whole_menu_can_be_reached_on_a_telephone(console: Console, width: int) -> None:
    page = console.page
    button = page.get_by_role("button", name="Menu", exact=True)
    menu = page.get_by_role("navigation", name="Account")
    await button.click()
    await expect(menu.get_by_role("link", name="Limits", exact=True)).to_be_in_viewport()
    box = await menu.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 800
    last = menu.get_by_role("link").last
    title = (await last.inner_text()).strip()
    await last.click()
    await console.expect_title(title)
    await expect(menu).to_be_hidden()
    await button.click()
    await expect(last).to_be_in_viewport()
    await console.expect_accessible("menu")
    await console.photograph("menu-narrow")
    await last.click()
    await expect(menu).to_be_hidden()
    await button.click()
    await button.click()
    await expect(menu).to_be_hidden()


@NARROW
async def test_escape_closes_the_menu(console: Console, width: int) -> None:
    page = console.page
    button = page.get_by_role("button", name="Menu", exact=True)
    menu = page.get_by_role("navigation", name="Account")
    await button.click()
    await expect(menu).to_be_visible()
    await menu.get_by_label("Find a family").focus()
    await page.keyboard.press("Escape")
    await expect(menu).to_be_hidden()
    await expect(button).to_be_focused()
    await expect(button).to_have_attribute("aria-expanded", "false")


async def test_the_menu_shows_where_one_is(console: Console) -> None:
    link = console.page.get_by_role("navigation", name="Account").get_by_role("link")
    title = (await link.last.inner_text()).strip()
    await console.go("limits", title="Limits")
    await console.go((await link.last.get_attribute("href") or "").rpartition("/")[2])
    await console.expect_title(title)
    await expect(link.last).to_be_in_viewport()
    assert await console.page.evaluate("scrollY") == 0
