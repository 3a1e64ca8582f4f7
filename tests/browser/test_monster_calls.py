"""The calls of a Monster UI, in its order, from a page of another origin: all succeed.

The page is an empty one of ours, on another port than the server: the browser asks before each
call whether it may be made. What is asked, and in which order, was recorded from the real client.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import quote

from playwright.async_api import Browser, Page

from crossbar.clock import Clock
from tests.browser.support import Account, Site

FINE = 404
"""What the client takes for an empty answer, where it says so."""

LAST_WEEK = Clock().gregorian() - 7 * 86400

ASK = """async ([method, url, headers, body]) => {
    try {
        const answer = await fetch(url, {method, headers, body});
        const text = await answer.text();
        let read = null;
        try { read = JSON.parse(text) } catch { }
        return {status: answer.status, body: read};
    } catch (error) {
        return {status: 0, body: String(error)};
    }
}"""


class _Empty(BaseHTTPRequestHandler):
    """An empty page, whatever is asked."""

    def do_GET(self) -> None:
        page = b"<!doctype html><title>Elsewhere</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@asynccontextmanager
async def elsewhere(browser: Browser) -> AsyncIterator[Page]:
    """A page of another origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Empty)
    Thread(target=server.serve_forever, daemon=True).start()
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.goto(f"http://127.0.0.1:{server.server_port}/")
        yield page
    finally:
        await context.close()
        server.shutdown()
        server.server_close()


@dataclass
class Client:
    """The client in the page: what it knows, what it has asked for, and what went wrong."""

    page: Page
    root: str
    account: Account
    token: str = ""
    asked: int = 0
    faults: list[str] = field(default_factory=list)

    async def ask(
        self,
        method: str,
        path: str,
        data: Any = None,
        *,
        fine: int = 0,
        token: str | None = None,
        body: str | None = None,
        content_type: str = "application/json",
        **envelope: Any,
    ) -> Any:
        """The data that a call answers; ``None`` when it failed.

        ``fine`` is a status that the client takes well.
        """
        self.asked += 1
        headers = {"Content-Type": content_type}
        if (sent := self.token if token is None else token) != "":
            headers["X-Auth-Token"] = sent
        separator = "&" if "?" in path else "?"
        url = f"{self.root}/{path}" + (f"{separator}_={self.asked}" if method == "GET" else "")
        if data is not None:
            meta = {"version": "4.3.0", "ui": "monster-ui", "origin": "test"}
            whole = {**data, "ui_metadata": meta} if isinstance(data, dict) else data
            body = json.dumps({"data": whole, **envelope})
        answer = await self.page.evaluate(ASK, [method, url, headers, body])
        return self._judge(method, path, answer, fine)

    def _judge(self, method: str, path: str, answer: Mapping[str, Any], fine: int) -> Any:
        status, body = answer["status"], answer["body"]
        if 200 <= status < 300:
            return body.get("data") if isinstance(body, dict) else None
        if status != fine:
            self.faults.append(f"{method} {path}: {status} {json.dumps(body)[:300]}")
        return None

    def own(self, path: str = "") -> str:
        """A path below the account."""
        return f"accounts/{self.account.id}{'/' if path else ''}{path}"

    async def get(self, *paths: str, fine: int = 0) -> Any:
        """Read what is at paths below the account; the data of the last one."""
        data = None
        for path in paths:
            data = await self.ask("GET", self.own(path), fine=fine)
        return data

    async def put(self, path: str, data: Any, **more: Any) -> str:
        """Create something below the account; its id."""
        made = await self.ask("PUT", self.own(path), data, **more)
        return made.get("id", "") if isinstance(made, dict) else ""


def flow(module: str, data: Any = None, **children: Any) -> dict[str, Any]:
    """A node of a callflow."""
    return {"module": module, "data": data or {}, "children": children}


async def log_in(client: Client) -> str:
    """What is asked until the launcher is there; the user's id."""
    for kind in ("", "/logo", "/icon", "/logo"):
        await client.ask("GET", f"whitelabel/127.0.0.1{kind}", fine=FINE, token="undefined")
    account = client.account
    digest = hashlib.md5(f"{account.username}:{account.password}".encode()).hexdigest()
    sent = {"credentials": digest, "account_name": account.name}
    login = await client.page.evaluate(
        ASK,
        [
            "PUT",
            f"{client.root}/user_auth",
            {"Content-Type": "application/json"},
            json.dumps({"data": sent}),
        ],
    )
    client.token = login["body"]["auth_token"]
    user_id: str = login["body"]["data"]["owner_id"]
    assert client.token.count(".") == 2
    await client.get("external_numbers", fine=FINE)
    whole = await client.ask("GET", client.own())
    user = await client.get(f"users/{user_id}")
    apps = [app["id"] for app in await client.get("apps_store")]
    assert len(apps) == 9
    changed = await client.ask("PATCH", client.own(f"users/{user_id}"), {"appList": apps})
    assert changed["appList"] == apps
    assert changed.keys() >= user.keys()
    whole["ui_restrictions"] = {"myaccount": {"account": {"show_tab": True}}}
    await client.ask("POST", client.own(), whole)
    await client.get("ledgers/total", "braintree/customer", "alerts", fine=FINE)
    await client.get("limits", f"users/{user_id}")
    await client.ask("POST", "auth/tokeninfo", {"token": client.token}, token="")
    user["ui_help"] = {"myaccount": {"show": False}}
    await client.ask("POST", client.own(f"users/{user_id}"), user)
    return user_id


NUMBERS = "phone_numbers?filter_state=" + quote('["in_service","port_in"]') + "&paginate=false"


async def dashboard(client: Client) -> None:
    await client.get("", "users?paginate=false", "devices?with_status=true&paginate=false")
    if await client.get("vmboxes?filter_type=mainVMBox") == []:
        box = {"type": "mainVMBox", "mailbox": "0", "name": "Main", "delete_after_notify": True}
        await client.get(f"vmboxes/{await client.put('vmboxes', box)}")
    await client.get(NUMBERS, "phone_numbers/classifiers", "channels?paginate=false")
    await client.get("callflows?has_type=type&paginate=false", "directories")


async def add_user(client: Client) -> str:
    await client.get("users", "callflows?paginate=false")
    await client.get("devices?paginate=false&with_status=true", "multi_factor", "security")
    await client.get("callflows", "vmboxes")
    user = {
        "first_name": "Carl",
        "last_name": "Moe",
        "username": "carl@example.com",
        "email": "carl@example.com",
        "password": "s3cret word",
        "priv_level": "user",
        "presence_id": "7998",
        "caller_id": {"internal": {"name": "Carl Moe", "number": "7998"}},
        "vm_to_email_enabled": True,
        "send_email_on_creation": False,
    }
    user_id = await client.put("users", user)
    box = {"owner_id": user_id, "mailbox": "7998", "name": "Carl Moe's VMBox"}
    more = {"envelope_type": "caller_and_time", "skip_envelope": False}
    box_id = await client.put("vmboxes", {**box, **more})
    rings = {"id": user_id, "can_call_self": False, "timeout": 20}
    callflow = {
        "owner_id": user_id,
        "type": "mainUserCallflow",
        "name": "Carl Moe SmartPBX's Callflow",
        "numbers": ["7998"],
        "contact_list": {"exclude": False},
        "flow": flow("user", rings, _=flow("voicemail", {"id": box_id})),
    }
    callflow_id = await client.put("callflows", callflow)
    book = {"name": "SmartPBX Directory", "confirm_match": False, "max_dtmf": 0, "min_dtmf": 3}
    directory = await client.put("directories", {**book, "sort_by": "last_name"})
    whole = await client.get(f"users/{user_id}")
    whole["directories"] = {directory: callflow_id}
    await client.ask("POST", client.own(f"users/{user_id}"), whole)
    shown = await client.get(f"callflows/{callflow_id}")
    assert shown["metadata"].keys() >= {user_id, box_id}
    await client.get(f"callflows?filter_owner_id={user_id}", f"vmboxes/{box_id}")
    return user_id


async def main_number(client: Client) -> None:
    await client.get("groups", "callflows?has_key=group_id", "callflows?has_key=featurecode")
    await client.get("devices?filter_device_type=mobile&has_key=mobile", "children")
    await client.ask("GET", client.own("external_numbers"), fine=FINE)
    await client.get("temporal_rules?has_key=type", "media", "menus")
    await client.get("temporal_rules_sets?has_key=type&filter_type=main_holidays")
    await client.get("callflows?has_value=type&key_missing=owner_id&key_missing=group_id")
    for value in ("flow.module=qubicle", "type=baseGroup", "ui_is_main_number_cf=true"):
        await client.get(f"callflows?filter_{value}")
    await client.get(
        "cdrs/interaction?created_from=63900000000&created_to=63900600000&page_size=50"
    )
    menu = await client.put(
        "menus",
        {
            "name": "MainOpenHoursMenu",
            "type": "main",
            "record_pin": "1234",
            "media": {"exit_media": True, "invalid_media": True, "transfer_media": True},
        },
    )
    for number in ("MainOpenHours", "undefinedMainNumber", "undefinedconf"):
        fields = {"name": number, "type": "main", "numbers": [number]}
        await client.put("callflows", {**fields, "flow": flow("menu", {"id": menu})})
    codes = (
        ({"numbers": ["*73"]}, "call_forward[action=deactivate]", "73"),
        ({"patterns": [r"^\*97([0-9]*)$"]}, "voicemail[action=check]", "97"),
        ({"patterns": [r"\*72([0-9]*)$"]}, "call_forward[action=activate]", "72"),
    )
    for where, name, number in codes:
        module, _, action = name.partition("[action=")
        made = {**where, "featurecode": {"name": name, "number": number}}
        node = flow(module, {"action": action.rstrip("]")})
        await client.put("callflows", {**made, "flow": node})
    speech = {"name": "Greeting", "media_source": "tts", "streamable": True, "type": "virtual"}
    said = {"voice": "female/en-US", "text": "Welcome"}
    await client.put("media", {**speech, "tts": said})


async def callflows(client: Client, user_id: str) -> None:
    origins = ("voip", "migration", "mobile", "callqueues")
    parts = "&".join(f"filter_not_ui_metadata.origin={each}" for each in origins)
    await client.get(f"callflows?filter_not_numbers=no_match&{parts}")
    await client.get("search?t=callflow&q=name_and_number&v=79")
    await client.get("phone_numbers/classifiers", "users?paginate=false", "media")
    await client.get("configs/kazoo_endpoint")
    device = {
        "name": "Carl's phone",
        "device_type": "sip_device",
        "owner_id": user_id,
        "enabled": True,
        "sip": {
            "method": "password",
            "invite_format": "contact",
            "username": "user_carl",
            "password": "t0psecret",
            "expire_seconds": "360",
        },
        "media": {
            "audio": {"codecs": ["PCMU", "G722"]},
            "video": {"codecs": []},
            "encryption": {"enforce_security": False, "methods": []},
            "fax_option": False,
        },
        "call_restriction": {"undefined": {"action": "inherit"}},
        "contact_list": {"exclude": False},
        "call_forward": {"enabled": False},
        "outbound_flags": [],
        "ignore_completed_elsewhere": False,
        "suppress_unregister_notifications": False,
    }
    device_id = await client.put("devices", device)
    await client.get("devices", f"devices/{device_id}")


async def account_wizard(client: Client) -> None:
    await client.get("children?ascending=true", "service_plans", "users", "apps_store")
    new = {
        "name": f"{client.account.name} customer",
        "realm": "",
        "language": "en-US",
        "timezone": "Europe/Berlin",
        "contact": {"billing": {"first_name": "Dora", "last_name": "Nye"}},
        "call_restriction": {},
        "ui_restrictions": {},
        "contract": {},
    }
    made = await client.ask("PUT", client.own(), new, accept_charges=True)
    customer = Client(client.page, client.root, Account(made["id"], made["name"]), client.token)
    limits = await customer.get("limits")
    apps = await customer.get("apps_store")
    await customer.ask("POST", customer.own("limits"), limits, accept_charges=True)
    await customer.put("callflows", {"numbers": ["no_match"], "flow": flow("offnet")})
    admin = {"first_name": "Dora", "last_name": "Nye", "username": "dora@example.com"}
    login = {"password": "s3cret word", "priv_level": "admin", "email": "dora@example.com"}
    await customer.put("users", {**admin, **login})
    await customer.get("", "users", "limits", "multi_factor", "security", "tree")
    await customer.get("callflows?filter_numbers=no_match", "apps_store/blacklist")
    await customer.get("ledgers/total", fine=FINE)
    await customer.ask("PUT", customer.own("ledgers/credit"), CREDIT)
    await customer.get("services/summary")
    app = customer.own(f"apps_store/{apps[0]['id']}")
    await customer.ask("PUT", app, {"allowed_users": "all", "users": []})
    await customer.ask("POST", app, {"allowed_users": "admins", "users": []})
    await customer.ask("DELETE", app, {})
    hidden = {"blacklist": [apps[0]["id"]]}
    await customer.ask("POST", customer.own("apps_store/blacklist"), hidden)
    client.asked += customer.asked
    client.faults += customer.faults


CREDIT = {
    "amount": 10,
    "source": {"service": "adjustments", "id": "0123456789abcdef0123456789abcdef"},
    "usage": {"type": "credit", "quantity": 0, "unit": "USD"},
    "description": "Credit",
}


async def others(client: Client) -> None:
    """Numbers, port requests, trunks, faxes, messages, my account, a brand."""
    await client.ask("GET", "phone_numbers?prefix=415&quantity=15&offset=0")
    await client.get("phone_numbers/carriers_info", NUMBERS)
    for state in ("suspended", "progressing", "completed"):
        await client.get(f"port_requests?by_types={state}&modified_from={LAST_WEEK}")
        await client.get(f"descendants/port_requests?by_types={state}")
    trunks = {"account": {"auth_realm": "trunks.example.com"}, "servers": []}
    connectivity = await client.put("connectivity", trunks)
    await client.get("connectivity", f"connectivity/{connectivity}")
    await client.get("faxboxes", "faxes/inbox", "faxes/outbox", "vmboxes/messages")
    await client.get("storage", fine=FINE)
    await client.get("transactions?reason=no_calls", "services/summary")
    brand = {"company_name": "Example", "domain": "monster.example.com"}
    await client.put("whitelabel", brand)
    picture = "data:image/png;base64,iVBORw0KGgo="
    for kind in ("logo", "icon"):
        path = client.own(f"whitelabel/{kind}")
        await client.ask("POST", path, body=picture, content_type="application/x-base64")
    await client.ask("GET", "whitelabel/monster.example.com", token="undefined")
    await client.ask("GET", "whitelabel/monster.example.com/logo", token="undefined")
    await client.ask("POST", client.own("whitelabel"), brand)
    await client.get("whitelabel/domains")
    await client.ask("DELETE", client.own("whitelabel"), {})


async def webhooks(client: Client) -> None:
    await client.ask("GET", "webhooks")
    await client.get("webhooks")


async def test_no_call_of_the_client_is_blocked_or_fails(site: Site, browser: Browser) -> None:
    account = site.create_account("Monster")
    site.api("PUT", f"/accounts/{account.id}/reseller", {})
    for app in site.api("GET", f"/accounts/{account.id}/apps_store"):
        path = f"/accounts/{account.id}/apps_store/{app['id']}"
        site.api("PUT", path, {"allowed_users": "all", "users": []})
    async with elsewhere(browser) as page:
        client = Client(page, f"{site.origin}/v2", account)
        await log_in(client)
        await dashboard(client)
        user_id = await add_user(client)
        await main_number(client)
        await callflows(client, user_id)
        await account_wizard(client)
        await others(client)
        await webhooks(client)
    assert client.faults == []
    assert client.asked > 110


async def test_a_refused_token_is_read_and_followed_by_a_login(
    site: Site, browser: Browser, account: Account
) -> None:
    """A page sees the status of all that is refused: else it could not log in again."""
    async with elsewhere(browser) as page:
        client = Client(page, f"{site.origin}/v2", account)
        for method, path, status in refusals(account):
            answer = await page.evaluate(
                ASK,
                [
                    method,
                    f"{client.root}/{path}",
                    {"Content-Type": "application/json", "X-Auth-Token": "a.b.c"},
                    "{" if method == "PUT" else None,
                ],
            )
            assert answer["status"] == status, (method, path, answer)
            assert answer["body"]["status"] == "error"


def refusals(account: Account) -> Iterator[tuple[str, str, int]]:
    """Calls that are refused, and how."""
    yield "GET", f"accounts/{account.id}", 401
    yield "GET", "nothing/at/all", 404
    yield "PATCH", "nothing", 404
    yield "PUT", "user_auth", 400
    yield "DELETE", "whitelabel/x.example.com", 405
