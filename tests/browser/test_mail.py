"""Mails: whose texts they have, changing and trying them, what was sent."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.support import Console

TEMPLATE = "new_user"


async def test_a_mail_is_changed_tried_and_inherited_again(console: Console) -> None:
    page, api = console.page, console.site.api
    path = f"/accounts/{console.account.id}/notifications"
    await console.go("notifications", title="Mail")
    await page.get_by_label("Find a mail").fill("new user")
    row = page.get_by_role("region", name="Templates").locator("tbody tr")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("inherited")
    await row.get_by_role("link").click()
    await console.press("Texts")
    await expect(page.get_by_role("button", name="Use the inherited one")).to_have_count(0)
    plain = page.get_by_label("Plain text")
    await expect(plain).not_to_have_value("")
    await page.get_by_label("HTML").fill("<p>Hello {{ user.first_name }</p>")
    await console.press("Save the texts")
    await expect(page.get_by_role("alert")).to_contain_text("does not compile")
    await page.get_by_label("HTML").fill("<p>Grüße, {{ user.first_name }}</p>")
    await console.press("Save the texts")
    await console.saved()
    reply = console.site.client.connection
    headers = {"X-Auth-Token": console.site.client.token, "Accept": "text/html"}
    reply.request("GET", f"/v2{path}/{TEMPLATE}", headers=headers)
    assert reply.getresponse().read().decode() == "<p>Grüße, {{ user.first_name }}</p>"
    await page.get_by_label("Send it, to try it, to").fill("ann@example.com")
    async with page.expect_request("**/preview") as asked:
        await console.press("Send a test mail")
    sent = ((await asked.value).post_data_json or {})["data"]
    assert sent["to"] == {"type": "specified", "email_addresses": ["ann@example.com"]}
    await expect(page.get_by_text("The mail is on its way.")).to_be_visible()
    await until_sent(console)
    await console.go("notifications", "smtplog", title="Mails that were sent")
    log = page.get_by_role("region", name="Mails").locator("tbody tr").filter(has_text="ann@")
    await expect(log).to_have_count(1)
    await expect(log.locator(".state")).to_have_text("sent")
    await log.get_by_role("link").click()
    await expect(page.get_by_text("<p>Grüße, ")).to_be_visible()  # never markup
    await console.go("notifications", title="Mail")
    mine = (
        page.get_by_role("region", name="Templates")
        .locator("tbody tr")
        .filter(has_text="changed here")
    )
    await mine.get_by_role("link").click()
    await console.press("Use the inherited one")
    await page.get_by_role("dialog").get_by_role("button", name="Use the inherited one").click()
    await console.expect_title("Mail")
    rows = api("GET", path)
    assert [each for each in rows if each.get("account_overridden")] == []


async def until_sent(console: Console) -> None:
    """Wait until the log has the mail: a job sends it."""
    for _ in range(100):
        log = console.site.api("GET", f"/accounts/{console.account.id}/notifications/smtplog")
        if any(mail.get("to") for mail in log):  # that of the new account has reached nobody
            return
        await console.page.wait_for_timeout(50)
    raise AssertionError("no mail was sent")
