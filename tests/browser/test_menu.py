"""The menu: every family is in it, in groups, and is found by typing."""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect

from tests.browser.support import Console

FAMILIES = """
async () => {
  const {loadModel} = await import("./js/model.js");
  const {grouped, titleOfFamily} = await import("./js/groups.js");
  const families = (await loadModel()).families();
  const groups = grouped(families).map(([group, part]) => [group, part.map(({noun}) => noun)]);
  return {all: families.map(({noun}) => [noun, titleOfFamily(noun)]), groups};
}
"""
"""What the page itself knows of them."""


def menu(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Account")


async def test_nothing_is_lost(console: Console) -> None:
    page = console.page
    found = await page.evaluate(FAMILIES)
    grouped = [noun for _, nouns in found["groups"] for noun in nouns]
    assert sorted(grouped) == sorted(noun for noun, _ in found["all"])
    # What is new has to be given a place where people look for it.
    assert "More" not in dict(found["groups"]), dict(found["groups"])["More"]
    titles = [title for _, title in found["all"]]
    assert len(titles) == len({*titles})
    closed = menu(page).locator("h2 button[aria-expanded=false]")
    for left in range(await closed.count(), 0, -1):
        await expect(closed).to_have_count(left)
        await closed.first.click()
    await expect(closed).to_have_count(0)
    links = [text.strip() for text in await menu(page).get_by_role("link").all_inner_texts()]
    assert {title for noun, title in found["all"] if noun != "children"} <= {*links}


async def test_typing_finds_a_family_in_whatever_group(console: Console) -> None:
    page = console.page
    links = menu(page).locator(".group").get_by_role("link")
    for typed, title in (
        ("temporal_rules_s", ""),
        ("cdrs", "Call records"),
        ("CALL REC", "Call records"),
    ):
        await page.get_by_label("Find a family").fill(typed.replace("_", " "))
        await expect(links).to_have_count(1)
        if title:
            await expect(links).to_have_text(title)
    await page.get_by_label("Find a family").fill("billing")
    await expect(links.filter(has_text="Ledgers")).to_be_visible()
    await page.get_by_label("Find a family").fill("xyzzy")
    await expect(menu(page).get_by_text("No family fits.")).to_be_visible()


async def test_what_was_opened_stays_open(console: Console) -> None:
    page = console.page
    numbers = menu(page).get_by_role("link", name="Phone numbers")
    await expect(numbers).to_be_hidden()
    await console.press("Numbers, carriers")
    await expect(numbers).to_be_visible()
    await page.reload()
    await expect(numbers).to_be_visible()
    await console.press("Numbers, carriers")
    await expect(numbers).to_be_hidden()
    await console.go("phone_numbers", title="Phone numbers")
    await expect(numbers).to_be_visible()  # where one is, is never hidden
