"""Documents: created, changed, refused, fought over, deleted, listed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.support import Console


def users(console: Console) -> Any:
    return console.site.api("GET", f"/accounts/{console.account.id}/users")


async def create_menu(console: Console, name: str) -> str:
    """A menu made through the form; its id."""
    await console.go("menus", title="New menu", show="new")
    await console.field("Name").fill(name)
    await console.press("Create")
    await console.expect_title(name)
    return console.path()[-1]


async def test_a_user_is_created_and_refusals_are_shown_at_their_fields(console: Console) -> None:
    await console.go("users")
    await console.press("New user")
    await console.expect_title("New user")
    await console.field("First name").fill("Bob")
    await console.field("Username").fill("admin")
    await console.press("Create")
    alert = console.page.get_by_role("alert")
    await expect(alert).to_contain_text("last_name")
    await expect(console.field("Last name")).to_have_attribute("aria-invalid", "true")
    await expect(console.page.locator("#field-last_name-error")).to_have_text(
        "Field is required but missing"
    )
    await console.expect_accessible("refusals")
    await console.photograph("refusals")
    link = alert.get_by_role("link", name="validation error")
    await expect(link).to_have_attribute(
        "href", f"{console.site.origin}/docs/errors#validation-error"
    )
    await alert.get_by_role("button", name="last_name", exact=True).click()
    await expect(console.field("Last name")).to_be_focused()
    await console.page.keyboard.type("Ray")
    await console.press("Create")
    await expect(console.page.locator("#field-username-error")).to_contain_text("unique")
    await console.field("Username").fill("bob")
    await console.field("Password").fill("s3cret")
    await console.press("Create")
    await console.expect_title("Bob Ray")
    assert [each["username"] for each in users(console)].count("bob") == 1


async def test_a_change_says_only_what_has_changed(console: Console) -> None:
    menu_id = await create_menu(console, "Main")
    path = f"/accounts/{console.account.id}/menus/{menu_id}"
    await console.field("Name").fill("Reception")
    async with console.page.expect_request(lambda sent: sent.method == "PATCH") as request:
        await console.press("Save")
    sent = await request.value
    assert sent.post_data_json == {"data": {"name": "Reception"}}
    assert (await sent.all_headers())["if-match"]
    await console.saved()
    assert console.site.api("GET", path)["name"] == "Reception"


async def test_nested_fields_lists_and_maps_are_filled_in(console: Console) -> None:
    await console.go("devices", title="New device", show="new")
    await console.field("Name").fill("Desk phone")
    page = console.page
    await page.get_by_text("Call forward", exact=True).click()
    await console.field("Number").fill("+4930123456")
    await page.locator("#field-call_forward\\.enabled").select_option("yes")
    await page.get_by_text("Flags", exact=True).click()
    await page.get_by_role("button", name="Add to flags").click()
    await page.locator("#field-flags\\.0").fill("office")
    await page.get_by_text("Call restriction", exact=True).click()
    await page.get_by_role("button", name="Add to call restriction").click()
    await page.get_by_label("Name in Call restriction").fill("international")
    await page.locator("#field-call_restriction\\.international summary").click()
    await page.locator("#field-call_restriction\\.international\\.action").select_option("deny")
    await console.press("Create")
    await console.expect_title("Desk phone")
    path = f"/accounts/{console.account.id}/devices/{console.path()[-1]}"
    device = console.site.api("GET", path)
    assert device["call_forward"]["number"] == "+4930123456"
    assert device["call_forward"]["enabled"] is True
    assert device["flags"] == ["office"]
    assert device["call_restriction"] == {"international": {"action": "deny"}}


async def test_a_program_has_room_to_be_read(console: Console) -> None:
    await console.go("functions", title="New function", show="new")
    program, name = console.field("Function js"), console.field("Name")
    await expect(program).to_have_attribute("spellcheck", "false")
    box, beside = await program.bounding_box(), await name.bounding_box()
    assert box
    assert beside
    assert box["height"] > 300
    assert box["width"] > 1.5 * beside["width"]
    await console.photograph("function")


async def test_a_document_can_be_edited_as_json(console: Console) -> None:
    menu_id = await create_menu(console, "Main")
    await console.press("JSON")
    text = console.page.get_by_label("The whole document")
    for unfinished in ("{", "5"):
        await text.fill(unfinished)
        await expect(console.page.get_by_text("This is no document yet")).to_be_visible()
    await text.fill('{"name": "Written", "timeout": 5000}')
    await console.press("Save")
    await console.saved()
    menu = console.site.api("GET", f"/accounts/{console.account.id}/menus/{menu_id}")
    assert (menu["name"], menu["timeout"]) == ("Written", 5000)


async def test_a_conflict_shows_both_versions_and_lets_choose(console: Console) -> None:
    menu_id = await create_menu(console, "Main")
    path = f"/accounts/{console.account.id}/menus/{menu_id}"
    console.site.api("PATCH", path, {"name": "Theirs", "hunt": False, "timeout": 4000})
    await console.field("Name").fill("Mine")
    await console.page.get_by_text("More fields").click()
    await console.field("Timeout").fill("7000")
    await console.press("Save")
    dialog = console.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Somebody else has saved this meanwhile")
    for text in ("Mine", "Theirs", "7000", "4000"):
        await expect(dialog).to_contain_text(text)
    await console.expect_accessible("conflict")
    await console.photograph("conflict")
    name = dialog.get_by_role("row", name="name", exact=False).first
    await name.get_by_label("Stored now").check()
    await dialog.get_by_role("button", name="Save what is chosen").click()
    await console.saved()
    menu = console.site.api("GET", path)
    assert (menu["name"], menu["hunt"], menu["timeout"]) == ("Theirs", False, 7000)


async def test_leaving_with_changes_asks_first(console: Console) -> None:
    await create_menu(console, "Main")
    await console.field("Name").fill("Changed")
    answers = iter(["dismiss", "accept"])
    console.page.on(
        "dialog",
        lambda dialog: dialog.accept() if next(answers) == "accept" else dialog.dismiss(),
    )
    await console.page.get_by_role("link", name="Start", exact=True).click()
    await expect(console.field("Name")).to_have_value("Changed")
    await console.page.get_by_role("link", name="Start", exact=True).click()
    await console.expect_title(console.account.name)


async def test_a_deletion_is_confirmed(console: Console) -> None:
    menu_id = await create_menu(console, "Main")
    path = f"/accounts/{console.account.id}/menus/{menu_id}"
    await console.press("Delete")
    dialog = console.page.get_by_role("dialog", name="Delete Main?")
    await dialog.get_by_role("button", name="Cancel").click()
    assert console.site.reply("GET", path).status == 200
    await console.press("Delete")
    await dialog.get_by_role("button", name="Delete", exact=True).click()
    await console.expect_title("Menus")
    await expect(console.page.get_by_text("There are no menus yet.")).to_be_visible()
    assert console.site.reply("GET", path).status == 404


@pytest.fixture
def many(console: Console) -> Console:
    """An account with 30 menus."""
    for number in range(30):
        menu = {"name": f"Menu {number:02}", "hunt": number % 2 == 0}
        console.site.api("PUT", f"/accounts/{console.account.id}/menus", menu)
    return console


async def test_pages_and_filters_are_the_servers(many: Console) -> None:
    page = many.page
    await many.go("menus", title="Menus")
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(25)
    first = await rows.first.inner_text()
    await many.press("Next page")
    await expect(rows).to_have_count(5)
    await many.press("Back")
    await expect(rows).to_have_count(25)
    assert await rows.first.inner_text() == first
    await many.press("Filter")
    await page.get_by_role("combobox", name="Field").fill("hunt")
    await page.get_by_role("textbox", name="Value").fill("false")
    await many.press("Add filter")
    await expect(rows).to_have_count(15)
    await expect(page).to_have_url(re.compile("filter_hunt=false"))
    await page.get_by_role("button", name="Remove filter: hunt is false").click()
    await expect(rows).to_have_count(25)
    await page.get_by_label("Order").select_option("Ascending")
    await expect(rows.first).not_to_have_text(first)


async def test_a_filter_that_fits_nothing_says_so(many: Console) -> None:
    await many.go("menus", filter_name="Nobody")
    await expect(many.page.get_by_text("Nothing fits.")).to_be_visible()
    await many.press("Show everything")
    await expect(many.page.locator("tbody tr")).to_have_count(25)


async def test_a_setting_of_the_account_is_changed(console: Console) -> None:
    await console.go("limits", title="Limits")
    await console.field("Twoway trunks").fill("-1")
    await console.press("Save")
    await expect(console.field("Twoway trunks")).to_have_attribute("aria-invalid", "true")
    await console.field("Twoway trunks").fill("7")
    await console.press("Save")
    await console.saved()
    limits = console.site.api("GET", f"/accounts/{console.account.id}/limits")
    assert limits["twoway_trunks"] == 7


async def test_an_id_that_nothing_has_is_told_with_its_request(console: Console) -> None:
    await console.go("users", "0123456789abcdef" * 2)
    alert = console.page.get_by_role("alert")
    await expect(alert).to_contain_text("This does not exist.")
    await expect(alert.get_by_role("link", name="bad_identifier")).to_be_visible()


async def test_an_address_that_names_nothing_helps(console: Console) -> None:
    await console.go("nonsense", "of", "mine")
    await console.expect_title("There is no such screen")
    await console.press("The start page of this account")
    await console.expect_title(console.account.name)
