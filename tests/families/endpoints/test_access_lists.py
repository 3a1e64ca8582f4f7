"""Access lists: a part of the account's document and of devices', with a path of its own."""

from __future__ import annotations

import asyncio

import pytest

from crossbar.core import writing
from crossbar.core.ports.switch import Command
from tests.conftest import Api
from tests.families.support import interrupt_commits, make, refusal, shown, told

LIST = {"cidrs": ["192.0.2.0/24"], "order": "allow,deny", "note": "ours"}


async def holders(api: Api) -> dict[str, tuple[str, Command]]:
    """The paths of an account's and of a device's list, with what the switch is to hear."""
    device_id = await make(api, "devices", mac_address="00:1a:2b:3c:4d:5e")
    account_id = api.master.account_id
    facts = {
        api.account: {"id": account_id, "type": "account"},
        f"{api.account}/devices/{device_id}": {"id": device_id, "type": "device"},
    }
    return {
        path: (f"{path}/access_lists", Command("access_lists.flush", account_id, about))
        for path, about in facts.items()
    }


async def test_a_list_is_read_replaced_and_removed_where_it_is_kept(api: Api) -> None:
    for document, (path, flushed) in (await holders(api)).items():
        assert (await api.get(path)).expect(200).data == {}
        assert (await api.post(path, LIST)).expect(200).data == LIST
        assert (await api.get(path)).data == LIST
        assert (await api.get(document)).data["access_lists"] == LIST
        shorter = {"cidrs": [], "order": "deny,allow"}
        assert (await api.post(path, shorter)).data == shorter
        told_then = told(api, "access_lists.flush")
        assert told_then[-2:] == [flushed, flushed]
        assert (await api.delete(path)).expect(200).data == {}
        assert (await api.get(path)).data == {}
        assert "access_lists" not in (await api.get(document)).data
        assert len(told(api, "access_lists.flush")) == len(told_then) + 1


async def test_a_wrong_list_is_refused_and_nothing_changes(api: Api) -> None:
    for path, _ in (await holders(api)).values():
        (await api.post(path, LIST)).expect(200)
        answer = await api.post(path, {"order": "none", "cidrs": [5]})
        refusal(answer, "order", "enum")
        refusal(answer, "cidrs.0", "type")
        refusal(await api.post(path, {}), "cidrs", "required")
        refusal(await api.post(path, []), "data", "type")
        assert (await api.get(path)).data == LIST


async def test_the_document_around_a_list_stays_what_it_was(api: Api) -> None:
    device_id = await make(api, "devices", mac_address="00:1a:2b:3c:4d:5e")
    before = await shown(api, "devices", device_id)
    (await api.post(f"{api.account}/devices/{device_id}/access_lists", LIST)).expect(200)
    assert await shown(api, "devices", device_id) == {**before, "access_lists": LIST}
    again = {"name": "Other", "mac_address": "001a2b3c4d5e"}
    refusal(await api.put(f"{api.account}/devices", again), "mac_address", "unique")


async def test_users_have_no_access_lists(api: Api) -> None:
    (await api.get(f"{api.account}/users/{api.master.user_id}/access_lists")).expect(404)


async def test_a_condition_names_the_revision_of_the_document_around(api: Api) -> None:
    device_id = await make(api, "devices")
    path = f"{api.account}/devices/{device_id}"
    revision = (await api.get(path)).body["revision"]
    listed = await api.get(f"{path}/access_lists")
    assert listed.body["revision"] == revision
    stale = await api.post(f"{path}/access_lists", LIST, headers={"If-Match": '"1-0"'})
    stale.expect(412)
    fresh = await api.post(f"{path}/access_lists", LIST, headers={"If-Match": f'"{revision}"'})
    assert fresh.expect(200).body["revision"] != revision


async def test_a_body_of_another_kind_is_refused_last(api: Api) -> None:
    path = f"{api.account}/access_lists"
    sent = {"headers": {"Content-Type": "image/png"}, "raw": b"png"}
    refusal(await api.post(path, **sent), "cidrs", "required")


async def test_writers_that_meet_are_all_heard(api: Api) -> None:
    device_id = await make(api, "devices")
    path = f"{api.account}/devices/{device_id}"
    answers = await asyncio.gather(
        *(api.post(f"{path}/access_lists", {**LIST, "n": number}) for number in range(5)),
        *(api.patch(path, {"name": f"Desk {number}"}) for number in range(5)),
    )
    assert {answer.status for answer in answers} == {200}


@pytest.mark.parametrize(("failures", "status"), [(1, 200), (99, 409)])
async def test_a_write_of_another_process_is_not_lost(
    api: Api, monkeypatch: pytest.MonkeyPatch, failures: int, status: int
) -> None:
    monkeypatch.setattr(writing, "PATIENCE", 0)
    interrupt_commits(api, monkeypatch, failures)
    (await api.post(f"{api.account}/access_lists", LIST)).expect(status)
