"""Tasks: made from a table, watched while they run, what failed kept."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from playwright.async_api import expect

from tests.browser.support import Console

MANY = 9000
"""Rows that no machine has done before somebody can stop it."""


async def test_a_table_is_imported_watched_and_kept(console: Console, tmp_path: Path) -> None:
    page, base = console.page, f"/accounts/{console.account.id}"
    table = tmp_path / "people.csv"
    table.write_text("first_name,last_name\n<i>Ann</i>,Lee\n,Nobody\nCy,Day\n")
    await console.go("tasks", title="Tasks")
    await console.press("New task")
    await console.expect_title("New task")
    await page.get_by_label("Category").select_option("menus")
    await page.get_by_label("Action").select_option("export")
    await expect(page.get_by_text("It needs no table.")).to_be_visible()
    await page.get_by_label("Category").select_option("users")
    await page.get_by_label("Action").select_option("import")
    async with page.expect_download() as download:
        await console.press("Download an empty table")
    empty = tmp_path / "empty.csv"
    await (await download.value).save_as(empty)
    assert "first_name" in next(csv.reader(empty.read_text().splitlines()))
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("colour\nred\n")
    await page.get_by_label("Table (CSV)").set_input_files(wrong)
    await console.press("Create task")
    await expect(page.get_by_role("alert")).to_contain_text("first_name")
    long = "".join(f"Ann{i},Lee\n" for i in range(40))
    table.write_text(f"first_name,last_name\n<i>Ann</i>,Lee\n{'x' * 200},Long\n{long}")
    await page.get_by_label("Table (CSV)").set_input_files(table)
    await console.press("Create task")
    await console.expect_title("Users: import")
    state = page.get_by_role("region", name="State")
    await expect(state).to_contain_text("partly done", timeout=20_000)
    await expect(state).to_contain_text("42 of 42 rows, 1 failed")
    failed = page.get_by_role("region", name="Rows that failed").last.locator("tbody tr")
    await expect(failed).to_have_count(1)
    await expect(failed).to_contain_text("Long")
    async with page.expect_download() as download:
        await console.press("Download errors")
    errors = tmp_path / "errors.csv"
    await (await download.value).save_as(errors)
    [row] = csv.DictReader(errors.read_text().splitlines())
    assert (row["last_name"], bool(row["error"])) == ("Long", True)
    names = [
        row.get("first_name") for row in console.site.api("GET", f"{base}/users?paginate=false")
    ]
    assert "<i>Ann</i>" in names


async def test_a_task_is_started_stopped_and_deleted(console: Console) -> None:
    page, base = console.page, f"/accounts/{console.account.id}"
    records = [{"first_name": f"Ann{i}", "last_name": "Lee"} for i in range(MANY)]
    wanted = f"{base}/tasks?category=users&action=import"
    console.site.api("PUT", wanted, {"records": records, "file_name": "many.csv"})
    await console.go("tasks", title="Tasks")
    row = page.get_by_role("region", name="Tasks").locator("tbody tr")
    await expect(row).to_contain_text("not started")
    await console.press("Start: Users: import")
    bar = page.get_by_role("progressbar")
    await expect(bar).to_be_visible()
    await expect(bar).to_have_js_property("max", MANY)
    await expect(row).to_contain_text(re.compile(rf"[1-9]\d* of {MANY} rows"))
    await console.press("Stop: Users: import")
    await expect(row.locator(".state")).to_have_text("stopped")
    async with page.expect_download() as download:
        await console.press("Input: Users: import")
    assert (await download.value).suggested_filename == "users import input.csv"
    await console.press("Delete: Users: import")
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("There are no tasks yet.")).to_be_visible()
