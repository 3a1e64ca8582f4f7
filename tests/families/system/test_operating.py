"""Migrations, questions to the server, and what it is doing."""

from __future__ import annotations

import pytest

from crossbar.core.nodes import NODE_HASH, node_name
from tests.conftest import Api
from tests.families.support import refusal

OLD = {"voicemail_to_email": {"enabled": True}, "fax_to_email": {}, "first_occurrence": {}}
NAME = "notify_to_teletype"


async def test_a_migration_is_listed_and_told_of(api: Api) -> None:
    listed = (await api.get(f"{api.account}/migrations")).expect(200).data
    assert list(listed) == [NAME]
    one = (await api.get(f"{api.account}/migrations/{NAME}")).expect(200).data
    assert one == {"id": NAME, "description": listed[NAME], "performed": False}
    (await api.get(f"{api.account}/migrations/other")).expect(404)


async def test_a_migration_changes_the_account_and_is_remembered(api: Api) -> None:
    child = await api.create_account("Child")
    account, path = f"/v2/accounts/{child}", f"/v2/accounts/{child}/migrations/{NAME}"
    (await api.patch(account, {"notifications": OLD})).expect(200)
    sent = {"perform_migration": "now"}
    done = (await api.post(path, sent)).expect(200).data
    assert done == {"performed_on": [child]}
    assert list((await api.get(account)).data["notifications"]) == ["first_occurrence"]
    one = (await api.get(path)).data
    assert one["performed"] is True
    assert one["performed_time"] == api.clock.gregorian()
    assert (await api.get(f"{api.account}/migrations/{NAME}")).data["performed"] is False
    (await api.post(path, sent)).expect(200)


async def test_those_below_are_migrated_if_asked_for(api: Api) -> None:
    child = await api.create_account("Child")
    plain = await api.create_account("Plain", child)
    reseller = await api.create_account("Reseller", child)
    (await api.put(f"/v2/accounts/{reseller}/reseller")).expect(201)
    customer = await api.create_account("Customer", reseller)
    path = f"/v2/accounts/{child}/migrations/{NAME}"
    sent = {"perform_migration": "now", "include_descendants": True}
    done = (await api.post(path, sent)).expect(200).data["performed_on"]
    assert (done[0], {*done}) == (child, {child, plain})
    done = (await api.post(path, {**sent, "include_resellers": True})).data["performed_on"]
    assert {*done} == {child, plain, reseller, customer}
    performed = await api.get(f"/v2/accounts/{customer}/migrations/{NAME}")
    assert performed.data["performed"] is True


async def test_a_migration_is_asked_for_by_word(api: Api) -> None:
    path = f"{api.account}/migrations"
    refusal(await api.post(f"{path}/{NAME}", {}), "perform_migration", "invalid")
    answer = await api.post(f"{path}/other", {"perform_migration": "now"})
    refusal(answer, "migration", "invalid")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("crossbar", "crossbar "),
        ("crossbar/status", "crossbar "),
        ("crossbar/operations", "fetch /sup/{module}"),
        ("accounts/status", "accounts: 1"),
        ("jobs/status", "waiting: "),
        ("jobs/kinds", "event_log: 1"),
        ("journals/status", "attachment_handler_error: empty"),
        ("store/status", "the store answers"),
        ("configs/status", "topup"),
        ("crossbar/find_account_by_id/none", "no such account"),
        ("crossbar/find_account_by_name/none", "no such account"),
    ],
)
async def test_questions_are_answered_in_text(api: Api, path: str, text: str) -> None:
    (await api.put("/v2/system_configs/topup", {"default": {"enable": True}})).expect(201)
    assert text in (await api.get(f"/v2/sup/{path}")).expect(200).data


async def test_accounts_are_found_by_what_they_are_called(api: Api) -> None:
    child = await api.create_account("Child")
    realm = (await api.get(f"/v2/accounts/{child}")).data["realm"]
    for path in (f"id/{child}", "name/Child", "name/child", f"realm/{realm}"):
        found = (await api.get(f"/v2/sup/crossbar/find_account_by_{path}")).expect(200).data
        assert found == f"{child} Child"


@pytest.mark.parametrize(
    "path", ["", "/os", "/crossbar/stop", "/crossbar/cmd/ls", "/crossbar/find_account_by_id"]
)
async def test_nothing_else_can_be_run(api: Api, path: str) -> None:
    (await api.get(f"/v2/sup{path}")).expect(404)


async def test_the_status_tells_of_the_node(api: Api) -> None:
    for path in ("/v2/system_status", f"{api.account}/system_status"):
        answer = (await api.get(path)).expect(200)
        node = answer.data["local"]["crossbar"][node_name()]
        assert node["md5"] == NODE_HASH == answer.body["node"]
        assert node["used_memory"].endswith("MB")
        assert node["globals"]["accounts"] == 1
        assert "channels" not in node


async def test_both_are_for_operators(api: Api) -> None:
    child = await api.create_account("Child")
    token = await api.account_token(child)
    for path in ("sup/crossbar", "system_status", f"accounts/{child}/system_status"):
        (await api.get(f"/v2/{path}", token=token)).expect(403)
