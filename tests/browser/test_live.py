"""What goes on now: calls and phones appear, change and go without anybody asking."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Locator, Route, WebSocketRoute, expect

from tests.browser.support import Console
from tests.browser.switch import Switch, now

CALL = {
    "uuid": "a1@192.0.2.10",
    "direction": "inbound",
    "caller_id_name": "<b>Bob & Co</b>",
    "caller_id_number": "+14155550100",
    "destination": "101",
}


@pytest.fixture
def switch(console: Console) -> Iterator[Switch]:
    switch = Switch(console.site, console.account.id)
    yield switch
    switch.close()


def calls(console: Console) -> Locator:
    return console.page.get_by_role("region", name="Running calls").get_by_role("row")


def phones(console: Console) -> Locator:
    return console.page.get_by_role("region", name="Registered phones").get_by_role("row")


def connection(console: Console) -> Locator:
    return console.page.locator(".connectedness")


async def test_a_call_comes_is_answered_and_goes(console: Console, switch: Switch) -> None:
    page = console.page
    await console.go("channels", title="Live")
    await expect(connection(console)).to_have_text("Live")
    await expect(page.get_by_text("No call runs now.")).to_be_visible()
    switch.tell("channel.create", CALL, at=now() - 65)
    row = calls(console).nth(1)
    await expect(row).to_contain_text("ringing")
    await expect(row).to_contain_text("<b>Bob & Co</b>")  # data is never markup
    await expect(row).to_contain_text(re.compile(r"1:0[5-9]|1:[1-5]\d"))
    shown = await row.locator("td.number").inner_text()
    await expect(row.locator("td.number")).not_to_have_text(shown)
    switch.tell("channel.answer", {"uuid": CALL["uuid"]})
    await expect(row).to_contain_text("talking")
    switch.tell("channel.hold", {"uuid": CALL["uuid"]})
    await expect(row).to_contain_text("on hold")
    await expect(row).to_contain_text("+14155550100")
    await expect(row).to_contain_text("101")
    switch.tell("channel.create", {**CALL, "uuid": "b", "caller_id_name": ""})
    await expect(calls(console)).to_have_count(3)
    switch.tell("channel.destroy", {"uuid": CALL["uuid"]})
    await expect(calls(console)).to_have_count(2)


async def test_a_call_is_hung_up_and_a_refusal_is_told(console: Console, switch: Switch) -> None:
    page = console.page
    switch.tell("channel.create", CALL)
    await console.go("channels", title="Live")
    url = "**/channels/a1*"
    said = {
        "data": {"message": "no telephone switch is connected"},
        "message": "switch_unavailable",
    }

    async def refuse(route: Route) -> None:
        assert route.request.post_data_json == {"data": {}, "action": "hangup"}
        await route.fulfill(status=403, json={"status": "error", "error": "403", **said})

    await page.route(url, refuse)
    await console.press("Hang up: +14155550100")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Hang up").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("no telephone switch is connected")
    await page.unroute(url)
    await dialog.get_by_role("button", name="Hang up").click()
    await expect(dialog).to_have_count(0)
    switch.tell("channel.destroy", {"uuid": CALL["uuid"]})
    await expect(page.get_by_text("No call runs now.")).to_be_visible()


async def test_phones_come_and_are_removed(console: Console, switch: Switch) -> None:
    page, api, base = console.page, console.site.api, f"/accounts/{console.account.id}"
    user = api("PUT", f"{base}/users", {"first_name": "Cy", "last_name": "Day"})
    sip = {"username": "cy1", "password": "correct horse"}
    api("PUT", f"{base}/devices", {"name": "Desk", "sip": sip, "owner_id": user["id"]})
    await console.go("registrations", title="Live")
    await expect(page.get_by_text("No phone is registered.")).to_be_visible()
    await expect(connection(console)).to_have_text("Live")
    about = {"contact": "sip:cy1@192.0.2.7:5060", "network_ip": "192.0.2.7", "user_agent": "T46"}
    switch.tell("register", {"username": "cy1", "expires": 300, **about})
    row = phones(console).nth(1)
    for text in ("cy1", "Cy Day", "192.0.2.7", "T46"):
        await expect(row).to_contain_text(text)
    await console.press("Remove registration: cy1")
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("No phone is registered.")).to_be_visible()
    assert api("GET", f"{base}/registrations/count") == {"count": 0}


async def test_what_was_missed_is_read_when_the_socket_is_back(
    console: Console, switch: Switch
) -> None:
    page = console.page
    sockets: list[WebSocketRoute] = []

    async def through(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        if len(sockets) in (2, 3):
            await socket.close()
            return
        socket.connect_to_server()

    await page.route_web_socket("**/websockets", through)
    await page.reload()
    await console.go("channels", title="Live")
    await expect(connection(console)).to_have_text("Live")
    await sockets[0].close()
    await expect(connection(console)).to_contain_text("Not connected")
    switch.tell("channel.create", CALL)
    await expect(connection(console)).to_have_text("Live")
    assert len(sockets) == 4
    await expect(calls(console)).to_have_count(2)
    switch.tell("channel.destroy", {"uuid": CALL["uuid"]})
    await expect(page.get_by_text("No call runs now.")).to_be_visible()


async def test_without_a_socket_it_reads_now_and_then(console: Console, switch: Switch) -> None:
    page = console.page

    async def nowhere(route: Route) -> None:
        await route.fulfill(body='export const SOCKET = "";', content_type="text/javascript")

    await page.route("**/js/place.js", nowhere)
    await page.reload()
    await console.go("channels", title="Live")
    await expect(connection(console)).to_contain_text("no socket")
    await expect(page.get_by_text("No call runs now.")).to_be_visible()
    switch.tell("channel.create", CALL)
    await expect(calls(console)).to_have_count(2, timeout=20_000)
