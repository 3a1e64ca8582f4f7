"""Callflows drawn as trees, and changed there."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.browser.support import Console


@pytest.fixture
def menu(console: Console) -> str:
    """The id of a menu."""
    path = f"/accounts/{console.account.id}/menus"
    menu_id: str = console.site.api("PUT", path, {"name": "Reception"})["id"]
    return menu_id


def step(console: Console, keys: str) -> Locator:
    """A step by its branches: `_/1` is branch 1 of the default branch, "" the first step."""
    return console.page.locator(f'.step[data-keys="{keys}"]')


async def describe(console: Console, module: str, branch: str = "", target: str = "") -> None:
    """Fill in the dialog of a step."""
    dialog = console.page.get_by_role("dialog")
    if branch:
        await dialog.get_by_label("Branch").fill(branch)
    await dialog.get_by_label("Module").select_option(module)
    if target:
        await dialog.get_by_label("ID").select_option(target)
    await dialog.get_by_role("button", name="Done").click()
    await expect(dialog).to_have_count(0)


def flow_of(console: Console) -> Any:
    path = f"/accounts/{console.account.id}/callflows/{console.path()[-1]}"
    return console.site.api("GET", path)["flow"]


async def test_a_flow_is_drawn_changed_and_saved(console: Console, menu: str) -> None:
    page = console.page
    await console.go("callflows", title="New callflow", show="new")
    await page.get_by_text("Numbers", exact=True).click()
    await page.get_by_role("button", name="Add to numbers").click()
    await page.locator('[id="field-numbers.0"]').fill("2000")
    await console.press("Flow")
    await console.press("Add the first step")
    await describe(console, "menu", target="Reception")
    await expect(step(console, "")).to_contain_text("Menu Reception")
    await page.get_by_role("button", name="Add: Menu Reception").click()
    await describe(console, "user", branch="1", target="Ann Lee")
    await page.get_by_role("button", name="Add: User Ann Lee").click()
    await describe(console, "hangup")
    await page.get_by_role("button", name="Add: Menu Reception").click()
    await describe(console, "sleep", branch="timeout")
    await console.press("Create")
    await expect(page.get_by_role("heading", level=1)).to_have_text("2000")
    flow = flow_of(console)
    assert (flow["module"], flow["data"]["id"]) == ("menu", menu)
    assert flow["children"]["1"]["children"]["_"]["module"] == "hangup"
    assert flow["children"]["timeout"]["module"] == "sleep"

    await console.press("Flow")
    await expect(step(console, "1")).to_contain_text("User Ann Lee")
    await expect(step(console, "1").locator(".branch")).to_have_text("key 1")
    await expect(step(console, "1/_").locator(".branch")).to_have_text("otherwise")
    await console.photograph("callflow")
    await console.press("Move: Hangup")
    await page.get_by_role("button", name="Put below: Sleep").click()
    await page.get_by_role("dialog").get_by_role("button", name="Move here").click()
    await expect(step(console, "timeout/_")).to_contain_text("Hangup")
    await page.get_by_role("button", name="Change: User Ann Lee").click()
    await describe(console, "callflow", branch="2")
    await page.get_by_role("button", name="Remove: Sleep").click()
    await page.get_by_role("button", name="Remove only this step").click()
    await console.press("Save")
    await console.saved()
    children = flow_of(console)["children"]
    assert {key: child["module"] for key, child in children.items()} == {
        "2": "callflow",
        "timeout": "hangup",
    }


async def test_a_branch_is_taken_once(console: Console) -> None:
    await console.go("callflows", title="New callflow", show="new")
    await console.press("Flow")
    await console.press("Add the first step")
    await describe(console, "menu")
    for branch in ("1", "2"):
        await console.page.get_by_role("button", name="Add: Menu").click()
        await describe(console, "hangup", branch=branch)
    await console.page.get_by_role("button", name="Add: Menu").click()
    dialog = console.page.get_by_role("dialog")
    await dialog.get_by_label("Module").select_option("hangup")
    await dialog.get_by_label("Branch").fill("2")
    await expect(dialog).to_contain_text("This branch is taken.")
    await expect(dialog.get_by_role("button", name="Done")).to_be_disabled()


async def test_a_refused_step_is_marked(console: Console) -> None:
    path = f"/accounts/{console.account.id}/callflows"
    flow = {"module": "menu", "data": {}, "children": {"_": {"module": "sleep", "data": {}}}}
    made = console.site.api("PUT", path, {"numbers": ["2000"], "flow": flow})
    await console.go("callflows", made["id"], title="2000")
    await console.press("Flow")
    await console.page.get_by_role("button", name="Change: Sleep").click()
    dialog = console.page.get_by_role("dialog")
    await dialog.get_by_text("More fields").or_(dialog.get_by_label("Duration")).first.click()
    await dialog.get_by_label("Duration").fill("-5")
    await dialog.get_by_role("button", name="Done").click()
    await console.press("Save")
    await expect(step(console, "_").locator(".error")).to_contain_text("data.duration")
    await expect(console.page.get_by_role("alert")).to_contain_text(
        "flow.children._.data.duration"
    )
