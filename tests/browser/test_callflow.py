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


FLOW = {
    "module": "menu",
    "data": {},
    "children": {
        "1": {"module": "user", "data": {}, "children": {"_": {"module": "hangup", "data": {}}}},
        "2": {"module": "sleep", "data": {"duration": 1}, "children": {}},
    },
}


def tried(console: Console) -> Locator:
    return console.page.locator(".step.tried")


async def test_a_call_is_tried_and_its_way_shown_on_the_tree(console: Console, menu: str) -> None:
    page, base = console.page, f"/accounts/{console.account.id}"
    person = console.site.api("PUT", f"{base}/people", {"name": "Bob Kay"})
    leaf = {**FLOW["children"]["1"], "data": {"id": person["id"]}}  # type: ignore[index]
    flow = {**FLOW, "data": {"id": menu}, "children": {**FLOW["children"], "1": leaf}}  # type: ignore[dict-item]
    made = console.site.api("PUT", f"{base}/callflows", {"numbers": ["2000"], "flow": flow})
    await console.go("callflows", made["id"], title="2000", tab="Flow")
    await expect(tried(console)).to_have_count(0)
    await console.field("Number of the caller").fill("+14155550100")
    await console.field("Keys").fill("1")
    await console.field("When").fill("2026-12-24T10:00")
    await console.press("Try it")
    told = page.locator(".told")
    await expect(told).to_contain_text("1 is pressed")
    await expect(told).to_contain_text("rings Bob Kay: no answer")
    await expect(tried(console)).to_have_count(3)
    await expect(step(console, "1").locator(".turn")).to_have_text("Step 2")
    await expect(step(console, "2").locator(".turn")).to_have_count(0)
    await expect(step(console, "")).to_have_attribute("aria-current", "step")
    await console.press("Next step")
    await expect(step(console, "1")).to_have_attribute("aria-current", "step")
    await expect(told.get_by_role("status")).to_have_text("Step 2 of 3: User Bob Kay")
    await console.photograph("callflow-tried")
    await console.press("Next step")
    await expect(page.get_by_role("button", name="Next step")).to_be_disabled()
    await console.press("Step back")
    await console.field("Keys").fill("2")
    await console.press("Try it")
    await expect(step(console, "2").locator(".turn")).to_have_text("Step 2")
    await expect(step(console, "1").locator(".turn")).to_have_count(0)
    await console.press("Remove: Sleep")
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(tried(console)).to_have_count(0)
    await expect(page.get_by_role("button", name="Try it", exact=True)).to_be_disabled()
    await expect(page.get_by_text("Save first: what is stored is tried.")).to_be_visible()


async def test_what_a_function_returned_leads_nowhere(console: Console) -> None:
    base = f"/accounts/{console.account.id}"
    bye = {"numbers": ["2001"], "name": "Bye", "flow": {"module": "hangup", "data": {}}}
    bye = console.site.api("PUT", f"{base}/callflows", bye)
    after = {"_": {"module": "callflow", "data": {"id": bye["id"]}}}
    text = "return {module: 'noop', data: {}};"
    none = console.site.api("PUT", f"{base}/functions", {"name": "None", "function_js": text})
    flow = {"module": "function", "data": {"id": none["id"]}, "children": after}
    made = console.site.api("PUT", f"{base}/callflows", {"numbers": ["2000"], "flow": flow})
    await console.go("callflows", made["id"], title="2000", tab="Flow")
    await console.press("Try it")
    told = console.page.locator(".told")
    await expect(told).to_contain_text("in what the function returned")
    await expect(told.get_by_role("link")).to_have_text(["Bye"])


async def test_a_call_that_makes_no_sense_is_refused(console: Console) -> None:
    path = f"/accounts/{console.account.id}/callflows"
    made = console.site.api("PUT", path, {"numbers": ["2000"], "flow": FLOW})
    await console.go("callflows", made["id"], title="2000", tab="Flow")
    await console.field("Keys").fill("x")
    await console.press("Try it")
    await expect(console.page.get_by_role("alert")).to_contain_text("keys.0")
    await expect(tried(console)).to_have_count(0)
