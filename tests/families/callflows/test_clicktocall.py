"""Click-to-call: who may press a button, whom it calls, and what is kept of it."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from crossbar.clock import GREGORIAN_OFFSET
from crossbar.core.jobs import FIRST_PAUSE, Jobs, waiting
from crossbar.core.journals import stretch_of
from crossbar.core.ports.switch import Command, NoSwitch, Switch
from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.families.callflows import CALL, CLICKTOCALL_HISTORY
from crossbar.families.callflows.clicktocall_calls import LATEST
from crossbar.numbers import normalized
from crossbar.storage import Batch, Key, Put, Row
from tests.conftest import NOW, Answer, Api
from tests.families.support import SlowSwitch, make, refusal, row

TIME = NOW + GREGORIAN_OFFSET


async def button(api: Api, **fields: Any) -> str:
    return f"{api.account}/clicktocall/{await make(api, 'clicktocall', **fields)}"


async def history(api: Api, path: str, length: int) -> Any:
    """What is kept of a button's calls, once it is so much."""
    rows: Any = None
    for _ in range(200):
        rows = (await api.get(f"{path}/history")).expect(200).data
        if len(rows) == length:
            break
        await asyncio.sleep(0.01)
    assert len(rows) == length
    return rows


def switch(monkeypatch: pytest.MonkeyPatch, outcome: Document) -> list[tuple[Command, float]]:
    """Connect a switch that makes calls; what it is ordered."""
    ordered = []

    async def order(_: NoSwitch, command: Command, timeout: float) -> Document:
        ordered.append((command, timeout))
        return outcome

    monkeypatch.setattr(NoSwitch, "order", order)
    return ordered


async def test_buttons_are_listed_by_name_and_extension(api: Api) -> None:
    path = await button(api, timeout=5)
    assert await row(api, "clicktocall") == {
        "id": path.rsplit("/", 1)[1],
        "name": "Support",
        "extension": "2001",
    }


async def test_the_extension_rings_first_and_is_connected_with_the_contact(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered = switch(monkeypatch, {"call_id": "c1"})
    path = await button(api, custom_application_vars={"a": "1", "b": "2"})
    query = "contact=%2B1%20(415)%20555-0100&auto_answer=false"
    data = (await api.get(f"{path}/connect?{query}")).expect(200).data
    assert (await history(api, path, 1))[0]["call_id"] == "c1"
    assert ordered == [(Command("clicktocall.connect", api.master.account_id, data), 35)]
    doc_id = path.rsplit("/", 1)[1]
    assert re.fullmatch(f"c2c-{doc_id}-[0-9a-f]{{10}}", data.pop("outbound_call_id"))
    assert re.fullmatch("c2c-[0-9a-f]{32}", data.pop("call_id"))
    realm = (await api.get(api.account)).data["realm"]
    assert data.pop("custom_channel_vars") == {
        "account_id": api.master.account_id,
        "authorizing_id": doc_id,
        "authorizing_type": "clicktocall",
        "auto_answer_loopback": False,
        "inherit_codec": False,
        "retain_cid": False,
    }
    [leg] = data.pop("endpoints")
    assert leg == {
        "invite_format": "loopback",
        "route": "2001",
        "to_did": "2001",
        "to_realm": realm,
        "custom_channel_vars": {"retain_cid": False},
    }
    assert len(data.pop("export_custom_channel_vars")) == 4
    assert data == {
        "application_name": "transfer",
        "application_data": {"route": "+14155550100"},
        "continue_on_fail": True,
        "custom_application_vars": {"a": "1", "b": "2"},
        "dial_endpoint_method": "single",
        "ignore_early_media": True,
        "media": "process",
        "outbound_callee_id_number": "2001",
        "outbound_caller_id_name": "Support",
        "outbound_caller_id_number": "+14155550100",
        "timeout": 30,
    }


async def test_a_button_says_how_it_calls(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    switch(monkeypatch, {})
    path = await button(
        api,
        dial_first="contact",
        bypass_media="true",
        media={"ignore_early_media": False},
        timeout=7,
        caller_id_number="2009",
        outbound_callee_id_name="Us",
        outbound_callee_id_number="2008",
        presence_id="2007",
        ringback="tone",
        music_on_hold={"media_id": "waltz"},
        custom_sip_headers={"out": {"X-From": "web"}},
        custom_application_vars={"a": "1", "b": "2"},
    )
    sent = {"contact": 2002, "custom_application_vars": {"b": "3"}}
    data = (await api.post(f"{path}/connect", sent)).expect(200).data
    assert data["endpoints"][0]["route"] == "2002"
    assert data["application_data"] == {"route": "2001"}
    assert (data["media"], data["ignore_early_media"], data["timeout"]) == ("bypass", False, 7)
    # The contact is shown who calls, and the extension the contact.
    assert data["outbound_caller_id_name"] == "Us"
    assert data["outbound_caller_id_number"] == "2008"
    assert data["outbound_callee_id_name"] == "Support"
    assert data["outbound_callee_id_number"] == "2009"
    assert data["endpoints"][0]["custom_channel_vars"] == {"retain_cid": True}
    assert data["custom_channel_vars"]["retain_cid"] is True
    assert (data["presence_id"], data["ringback"]) == ("2007", "tone")
    assert (data["hold_media"], data["custom_sip_headers"]) == (
        "waltz",
        {"out": {"X-From": "web"}},
    )
    assert data["custom_application_vars"] == {"a": "1", "b": "3"}
    await history(api, path, 1)


@pytest.mark.parametrize("blocking", [True, "true"])
async def test_who_waits_is_told_what_came_of_it(
    api: Api, monkeypatch: pytest.MonkeyPatch, blocking: Any
) -> None:
    path = await button(api)
    sent = {"contact": "2002", "blocking": blocking}
    failed = {"timestamp": TIME, "contact": "2002", "result": "error", "cause": "no resources"}
    assert (await api.post(f"{path}/connect", sent)).expect(200).data == failed
    switch(monkeypatch, {"call_id": "c1"})
    api.clock.advance(1)
    made = {"timestamp": TIME + 1, "contact": "2002", "result": "success", "call_id": "c1"}
    assert (await api.post(f"{path}/connect", sent)).expect(200).data == made
    rows = await history(api, path, 2)
    assert [{**row, "id": ""} for row in rows] == [{**made, "id": ""}, {**failed, "id": ""}]


@pytest.mark.parametrize(("timeout", "seconds"), [(0, 30), (-1, 30), (10**12, 240)])
async def test_a_button_rings_for_a_bounded_time(api: Api, timeout: int, seconds: int) -> None:
    path = await button(api, timeout=timeout)
    data = (await api.get(f"{path}/connect?contact=2002")).expect(200).data
    assert data["timeout"] == seconds
    await history(api, path, 1)


async def test_why_nobody_answered_is_kept(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    switch(monkeypatch, {"call_id": "c1", "cause": "USER_BUSY"})
    path = await button(api)
    sent = {"contact": "2002", "blocking": True}
    made = (await api.post(f"{path}/connect", sent)).expect(200).data
    assert made == {"timestamp": TIME, "contact": "2002", "result": "error", "cause": "USER_BUSY"}


async def test_a_call_that_cannot_be_made_is_kept_as_failed(api: Api) -> None:
    path = await button(api)
    (await api.get(f"{path}/connect?contact=2002")).expect(200)
    (kept,) = await history(api, path, 1)
    assert (kept["result"], kept["cause"]) == ("error", "no resources")
    assert await history(api, await button(api, name="Other"), 0) == []


class TestASlowSwitch:
    @pytest.fixture
    def switch(self) -> Switch:
        return SlowSwitch()

    async def test_a_call_that_nobody_answers_in_time_has_failed(self, api: Api) -> None:
        path = await button(api)
        sent = {"contact": "2002", "blocking": True}
        slow = (await api.post(f"{path}/connect", sent)).expect(200).data
        assert (slow["result"], slow["cause"]) == ("error", "timed out")


async def test_history_that_cannot_be_kept_does_no_harm(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await button(api)
    done = asyncio.Event()

    async def order(_: NoSwitch, command: Command, timeout: float) -> Document:
        done.set()
        raise RuntimeError("the switch is on fire")

    monkeypatch.setattr(NoSwitch, "order", order)
    (await api.get(f"{path}/connect?contact=2002")).expect(200)
    await asyncio.wait_for(done.wait(), 5)
    await history(api, path, 0)
    # Somebody may have rung: the call is not made again, and kept as one nobody heard of.
    done.clear()
    services = api.gateway.services
    await services.jobs.idle(services)
    api.clock.advance(FIRST_PAUSE)
    await services.jobs.idle(services)
    (kept,) = await history(api, path, 1)
    assert (kept["timestamp"], kept["result"], kept["cause"]) == (TIME, "error", "timed out")
    assert not done.is_set()


class TestWithoutJobs:
    """A call that was asked for, as whoever does it later finds it."""

    @pytest.fixture
    def switch(self) -> Switch:
        return CountingSwitch()

    @pytest.fixture(autouse=True)
    def asleep(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def nothing_is_due(_: Jobs, services: Services) -> list[Row]:
            return []

        monkeypatch.setattr(Jobs, "_due", nothing_is_due)

    async def asked(self, api: Api, path: str) -> Document:
        """What the job is about that a press of the button has asked for."""
        (await api.get(f"{path}/connect?contact=2002")).expect(200)
        jobs, _ = await waiting(api.gateway.services)
        [about] = [job["about"] for job in jobs if job["kind"] == CALL.name]
        return dict(about)

    async def test_a_press_is_kept_before_it_is_answered(self, api: Api) -> None:
        path, services = await button(api), api.gateway.services
        about = await self.asked(api, path)
        assert await history(api, path, 0) == []
        for _ in range(2):  # one whose process died at the last moment is done again
            await CALL.run(services, about)
        (kept,) = await history(api, path, 1)
        assert (kept["result"], kept["call_id"]) == ("success", "c1")
        events = [each.event for each in await services.store.events(0)]
        [event] = [each for each in events if each.key.doc_type == "c2c_history"]
        assert event.summary["auth_account_id"] == api.master.account_id

    async def test_nobody_is_rung_when_the_caller_has_gone(self, api: Api) -> None:
        path, services = await button(api), api.gateway.services
        about = await self.asked(api, path)
        api.clock.advance(LATEST + 1)
        await CALL.run(services, about)
        (kept,) = await history(api, path, 1)
        assert (kept["result"], kept["cause"]) == ("error", "timed out")
        assert services.switch.ordered == 0  # type: ignore[attr-defined]

    async def test_nobody_is_rung_for_an_account_that_was_deleted(self, api: Api) -> None:
        account = await api.create_account("Doomed")
        sent = {"name": "x", "extension": "1"}
        path = f"/v2/accounts/{account}/clicktocall"
        made = (await api.put(path, sent)).expect(201).data["id"]
        about, services = await self.asked(api, f"{path}/{made}"), api.gateway.services
        (await api.delete(f"/v2/accounts/{account}")).expect(200)
        await CALL.run(services, about)
        assert services.switch.ordered == 0  # type: ignore[attr-defined]
        assert CALL.unfinished
        await CALL.unfinished(services, about)
        assert await services.store.count(stretch_of(CLICKTOCALL_HISTORY, account)) == 0


class CountingSwitch(NoSwitch):
    """A switch that makes every call; ``ordered`` is how many."""

    ordered = 0

    async def order(self, command: Command, timeout: float) -> Document:
        self.ordered += 1
        return {"call_id": "c1"}


async def test_history_is_for_a_month_at_a_time(api: Api) -> None:
    path = await button(api)
    month = 2_682_000
    (await api.post(f"{path}/connect", {"contact": "1", "blocking": True})).expect(200)
    api.clock.advance(month + 1)
    api.token = ""
    api.token = await api.login(api.master.username, "open sesame", api.master.account_name)
    assert await history(api, path, 0) == []

    async def between(query: str) -> Answer:
        return await api.get(f"{path}/history?{query}")

    for query in (f"created_to={TIME}", f"created_from={TIME}&created_to={TIME + month}"):
        assert len((await between(query)).expect(200).data) == 1
    assert (await between(f"created_to={TIME - 1}")).data == []
    assert (await between("created_from=x&created_to=-5")).data == []
    long = refusal(await between(f"created_from={TIME}"), "created_from", "date_range")
    assert long["cause"] == TIME + month + 1
    reversed_ = await between(f"created_from={TIME}&created_to={TIME - 1}")
    assert refusal(reversed_, "created_from", "date_range")["cause"] == TIME


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_button_for_everybody_needs_no_token(api: Api, method: str) -> None:
    path = await button(api, auth_required=False)
    open_ = f"{path}/connect?contact=2002&blocking=true"
    (await api.request(method, open_, token="")).expect(200)
    (await api.get(f"{path}/history", token="")).expect(401)
    (await api.get(path, token="")).expect(401)


async def test_other_buttons_are_for_those_whom_the_account_admits(api: Api) -> None:
    child, stranger = [await api.create_account(name) for name in ("Child", "Stranger")]
    token = await api.account_token(child)
    created = await api.put(
        f"/v2/accounts/{child}/clicktocall", {"name": "x", "extension": "1"}, token=token
    )
    path = f"/v2/accounts/{child}/clicktocall/{created.expect(201).data['id']}/connect"
    path += "?contact=2002&blocking=true"
    (await api.get(path, token="")).expect(401)
    (await api.get(path, token=await api.account_token(stranger))).expect(403)
    for caller in (token, api.token):
        (await api.get(path, token=caller)).expect(200)
    for allowed, status in ((["POST"], 403), (["GET"], 200)):
        rules = [{"rules": {"*/connect": allowed}}]
        levels = {"_": {"_": {"clicktocall": rules, "_": [{"rules": {"#": ["_"]}}]}}}
        limits = f"/v2/accounts/{child}/token_restrictions"
        (await api.post(limits, {"restrictions": levels})).expect(200)
        (await api.get(path, token=token)).expect(status)


@pytest.mark.parametrize(
    ("contact", "rule"),
    [(None, "required"), ("", "required"), (True, "type"), ([], "type"), ("2" * 129, "maxLength")],
)
async def test_a_contact_is_needed(api: Api, contact: Any, rule: str) -> None:
    path = await button(api)
    refusal(await api.post(f"{path}/connect", {"contact": contact}), "contact", rule)
    await history(api, path, 0)


async def set_whitelist(api: Api, path: str, patterns: list[str]) -> None:
    """Store a list as versions did that did not judge it."""
    store = api.gateway.services.store
    key = Key(api.master.account_id, "click2call", path.rsplit("/", 1)[1])
    stored = await store.get(key)
    assert stored
    await store.commit(Batch(puts=[Put(key, {**stored, "whitelist": patterns}, stored["_rev"])]))


async def test_a_list_of_contacts_is_of_expressions_that_can_be_matched(api: Api) -> None:
    whitelist = ["^\\+1415", "^(?!911)", "(a)\\1"]
    sent = {"name": "Support", "extension": "2001", "whitelist": whitelist}
    refused = (await api.put(f"{api.account}/clicktocall", sent)).expect(400).data
    assert refused.keys() == {"whitelist.1", "whitelist.2"}
    assert "no look-around" in refused["whitelist.1"]["error"]["message"]
    sent["whitelist"] = ["2"] * 201
    refusal(await api.put(f"{api.account}/clicktocall", sent), "whitelist", "maxItems")
    sent["whitelist"] = "2"
    refusal(await api.put(f"{api.account}/clicktocall", sent), "whitelist", "type")


async def test_a_button_calls_only_those_on_its_list(api: Api) -> None:
    path = await button(api, whitelist=["^\\+1415", "^(a+)+$"])
    await set_whitelist(api, path, ["(?=2)", "^\\+1415", "^(a+)+$"])
    sent = {"contact": "(415) 555-0100", "blocking": True}
    (await api.post(f"{path}/connect", sent)).expect(200)
    for contact in ("2125550100", "a" * 100 + "!"):
        answer = await api.post(f"{path}/connect", {"contact": contact, "blocking": True})
        refused = answer.expect(400).body
        expected = ("Contact doesn't match whitelist", normalized(contact))
        assert (refused["message"], refused["data"]) == expected
    await history(api, path, 1)


async def test_to_ask_about_a_button_does_not_press_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered = switch(monkeypatch, {"call_id": "c1"})
    path = await button(api)
    for query in ("contact=2002", "contact=2002&blocking=true"):
        (await api.request("HEAD", f"{path}/connect?{query}")).expect(200)
    (await api.get(f"{path}/connect?contact=2002&blocking=true")).expect(200)
    assert len(ordered) == 1
    await history(api, path, 1)
