"""People: added in one step, with what is typed into a telephone, and removed again."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.support import Console


def people(console: Console) -> dict[str, list[str]]:
    path = f"/accounts/{console.account.id}/people"
    return {row["name"]: row["extensions"] for row in console.site.api("GET", path)}


async def test_a_person_is_added_shown_and_undone(console: Console) -> None:
    page = console.page
    await console.go("people", title="People")
    await console.press("Add a person")
    await console.expect_title("Add a person")
    await console.field("Name").fill("Bob Kay")
    await console.press("Add")
    await console.expect_title("Bob Kay is ready")
    assert people(console)["Bob Kay"] == ["1001"]
    person = console.site.api("GET", f"/accounts/{console.account.id}/people")
    found = next(row for row in person if row["name"] == "Bob Kay")
    made = console.site.api("GET", f"/accounts/{console.account.id}/people/{found['id']}")
    sip = made["devices"][0]["sip"]
    phone = page.get_by_role("region", name="Set up Bob Kay")
    for part in ("username", "password", "realm", "proxy", "transport"):
        await expect(phone).to_contain_text(sip[part])
    picture = phone.get_by_role("img")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("img => img.complete && img.naturalWidth > 50")
    await phone.get_by_role("button", name="Copy all: Bob Kay").click()
    await expect(phone.get_by_role("button", name="Copy all: Bob Kay")).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == sip["text"]
    login = page.get_by_role("region", name="Login and extension")
    await expect(login).to_contain_text("bob.kay")
    await expect(login).to_contain_text(f"PIN {made['vmboxes'][0]['pin']}")
    await console.photograph("person")
    await console.press("Undo")
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await console.expect_title("People")
    assert "Bob Kay" not in people(console)


async def test_what_is_refused_is_said_at_its_field(console: Console) -> None:
    flows = f"/accounts/{console.account.id}/callflows"
    console.site.api("PUT", flows, {"numbers": ["2001"]})
    await console.go("people", title="Add a person", show="new")
    await console.field("Name").fill("Eve Dow")
    await console.field("Extension").fill("2001")
    await console.press("Add")
    alert = console.page.get_by_role("alert")
    await expect(alert).to_contain_text("A callflow or a voicemail box has the extension")
    await expect(console.field("Extension")).to_have_attribute("aria-invalid", "true")
    await console.field("Extension").fill("2002")
    await console.press("Add")
    await console.expect_title("Eve Dow is ready")
    assert people(console)["Eve Dow"] == ["2002"]


async def test_a_person_is_looked_at_later_and_removed(console: Console) -> None:
    page = console.page
    path = f"/accounts/{console.account.id}/people"
    console.site.api("PUT", path, {"name": "Bob Kay"})
    await console.go("people", title="People")
    row = page.get_by_role("row").filter(has_text="Bob Kay")
    await expect(row).to_contain_text("1001")
    await row.get_by_role("link").click()
    await console.expect_title("Bob Kay")
    await expect(page.get_by_role("region", name="Set up Bob Kay")).to_be_visible()
    await expect(page.get_by_text("The password is told this once.")).to_have_count(0)
    await page.go_back()
    await console.expect_title("People")
    await page.get_by_role("button", name="Remove: Bob Kay").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(page.get_by_role("row").filter(has_text="Bob Kay")).to_have_count(0)
    assert "Bob Kay" not in people(console)
