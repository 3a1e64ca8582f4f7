"""Every family's documents as rows: found from the families, done as the REST API does."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from crossbar.families.tasks.of_families import NOT_AS_ROWS
from tests.conftest import Api
from tests.families.support import ANN, FIELDS, make
from tests.families.tasks.support import ask, done, table

NOT_HERE = {"api_keys", "port_requests", "cccps"}
SPELLED_ANEW = {"external_numbers", "resources"}
"""Families that do not keep what the test sends as it was sent."""

NOUNS = sorted(FIELDS.keys() - NOT_HERE)


async def known(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get("/v2/tasks", token="")).expect(200).data["tasks"]
    return found


def cell(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


@pytest.mark.parametrize("noun", NOUNS)
async def test_documents_of_every_family_are_made_written_out_and_deleted(
    api: Api, noun: str
) -> None:
    actions = (await known(api))[noun]
    assert actions.keys() == {"import", "delete", "export"}
    fields = {name: cell(value) for name, value in FIELDS[noun].items()} or {"flags": "a;b"}
    for name in actions["import"]["mandatory"]:
        assert name in fields, "what a document needs is mandatory, and nothing else"
    told, (row,) = await done(api, noun, "import", table(fields))
    assert told["status"] == "success", row
    document = (await api.get(f"{api.account}/{noun}/{row['id']}")).expect(200).data
    if noun not in SPELLED_ANEW:
        assert document.items() >= FIELDS[noun].items()
    told, rows = await done(api, noun, "export")
    assert row["id"] in [each["id"] for each in rows]
    told, _ = await done(api, noun, "delete", table({"id": row["id"]}))
    assert told["status"] == "success"
    (await api.get(f"{api.account}/{noun}/{row['id']}")).expect(404)


async def test_accounts_are_made_changed_listed_and_deleted(api: Api) -> None:
    told, (row,) = await done(api, "accounts", "import", table({"name": "Shop", "flags": "a"}))
    assert told["status"] == "success"
    path = f"/v2/accounts/{row['id']}"
    assert (await api.get(path)).expect(200).data["flags"] == ["a"]
    changed = table({"id": row["id"], "name": "Shoe shop"})
    told, _ = await done(api, "accounts", "import", changed)
    assert told["status"] == "success"
    assert (await api.get(path)).expect(200).data["name"] == "Shoe shop"
    _, listed = await done(api, "accounts", "export")
    assert [(each["id"], each["name"]) for each in listed] == [(row["id"], "Shoe shop")]
    ids = [{"id": each} for each in (row["id"], api.master.account_id, "f" * 32)]
    told, rows = await done(api, "accounts", "delete", table(*ids))
    assert (told["status"], told["success_count"]) == ("partial", 1)
    assert [each["error"] for each in rows] == [
        "",
        "an account does not go by a task of its own",
        "bad field(s) account_id",
    ]
    (await api.get(path)).expect(404)


async def test_columns_are_paths_and_cells_become_what_the_schema_says(api: Api) -> None:
    rows = table(
        {
            "name": "Desk",
            "enabled": "false",
            "sip.username": "desk",
            "sip.expire_seconds": "600",
            "sip.custom_sip_headers.in": '{"X-A":"b"}',
            "media.audio.codecs": "PCMU;PCMA",
            "call_forward.number": "0123",
            "own": '{"a":[1]}',
            "other": "1",
            "pvt_secret": "x",
        }
    )
    told, (row,) = await done(api, "devices", "import", rows)
    assert told["status"] == "success", row
    device = (await api.get(f"{api.account}/devices/{row['id']}")).expect(200).data
    assert (device["enabled"], device["sip"]["expire_seconds"]) == (False, 600)
    assert device["sip"]["username"] == "desk"
    assert device["sip"]["custom_sip_headers"]["in"] == {"X-A": "b"}
    assert device["media"]["audio"]["codecs"] == ["PCMU", "PCMA"]
    assert device["call_forward"]["number"] == "0123"
    assert (device["own"], device["other"]) == ({"a": [1]}, "1")
    assert "pvt_secret" not in device


async def test_a_row_with_an_id_changes_the_document(api: Api) -> None:
    menu_id = await make(api, "menus", timeout=5000, retries=2)
    rows = table({"id": menu_id, "name": "", "retries": "4"})
    told, (row,) = await done(api, "menus", "import", rows)
    assert (told["status"], row["id"]) == ("success", menu_id)
    menu = (await api.get(f"{api.account}/menus/{menu_id}")).expect(200).data
    assert (menu["name"], menu["retries"], menu["timeout"]) == ("Main", 4, 5000)
    told, (row,) = await done(api, "menus", "import", table({"id": "e" * 32, "name": "New"}))
    assert row["id"] == "e" * 32
    (await api.get(f"{api.account}/menus/{row['id']}")).expect(200)


async def test_what_is_wrong_with_a_row_is_in_its_error(api: Api) -> None:
    rows = table(
        {"name": "Ann", "mailbox": "2001", "pin": ""},
        {"name": "Bob", "mailbox": "2001", "pin": ""},
        {"name": "Cid", "mailbox": "2003", "pin": "123456789"},
    )
    told, (first, second, third) = await done(api, "vmboxes", "import", rows)
    assert (told["status"], told["success_count"], told["failure_count"]) == ("partial", 1, 2)
    assert first["error"] == ""
    assert second["error"] == "mailbox: Invalid mailbox number or already exists"
    assert third["error"].startswith("pin: ")
    assert second["id"] == ""


async def test_columns_without_a_value_are_left_out(api: Api) -> None:
    rows = table({"name": "Main", "record_pin": "", "error": "of another task"})
    task = (await ask(api, "menus", "import", rows)).expect(201).data
    (await api.patch(f"{api.account}/tasks/{task['id']}")).expect(200)
    services = api.gateway.services
    await services.jobs.idle(services)
    output = (await api.get(f"{api.account}/tasks/{task['id']}/output")).content.decode()
    assert output.splitlines()[0] == "name,id"


async def test_users_log_in_with_the_password_of_their_row(api: Api) -> None:
    told, _ = await done(api, "users", "import", table(ANN))
    assert told["status"] == "success"
    assert await api.login("ann", "s3cret", api.master.account_name)


async def test_a_row_does_what_its_author_may(api: Api) -> None:
    shop = await api.create_account("Shop")
    other = await api.create_account("Other")
    token = await api.account_token(shop)
    path = f"/v2/accounts/{shop}"
    ids = table({"id": other})
    told, (row,) = await done(api, "accounts", "delete", ids, path=path, token=token)
    assert (told["status"], row["error"]) == ("failure", "forbidden")
    (await api.get(f"/v2/accounts/{other}")).expect(200)


async def test_tasks_are_for_administrators(api: Api) -> None:
    await make(api, "users", username="eve", password="s3cret99", priv_level="user")
    eve = await api.login("eve", "s3cret99", api.master.account_name)
    (await ask(api, "menus", "export", token=eve)).expect(403)
    (await api.get(f"{api.account}/tasks", token=eve)).expect(403)


async def test_an_author_who_is_gone_does_nothing_any_more(api: Api) -> None:
    boss_id = await make(api, "users", username="boss", password="s3cret99", priv_level="admin")
    boss = await api.login("boss", "s3cret99", api.master.account_name)
    rows = table({"name": "One"}, {"name": "Two"})
    task_id = (await ask(api, "menus", "import", rows, token=boss)).expect(201).data["id"]
    (await api.delete(f"{api.account}/users/{boss_id}")).expect(200)
    (await api.patch(f"{api.account}/tasks/{task_id}")).expect(200)
    services = api.gateway.services
    await services.jobs.idle(services)
    task = (await api.get(f"{api.account}/tasks/{task_id}")).data["_read_only"]
    assert (task["status"], task["failure_count"]) == ("internal_error", 1)
    assert (await api.get(f"{api.account}/menus")).data == []
    output = (await api.get(f"{api.account}/tasks/{task_id}/output")).content
    assert b"who made the task is not allowed to act any more" in output


async def test_ids_that_are_words_of_the_api_are_unknown(api: Api) -> None:
    for noun, word in (("media", "languages"), ("webhooks", "attempts"), ("resources", "jobs")):
        told, (row,) = await done(api, noun, "delete", table({"id": word}))
        assert (told["status"], row["error"]) in (
            ("failure", "bad identifier"),
            ("failure", "not found"),
        )


async def test_whatever_is_written_out_can_be(api: Api) -> None:
    for category, actions in (await known(api)).items():
        for name, told in actions.items():
            if "expected_content" not in told:
                task, rows = await done(api, category, name)
                assert task["status"] == "success" or category == "compaction", (task, rows)


async def test_what_has_no_rows_is_not_offered(api: Api) -> None:
    found = await known(api)
    assert not {*NOT_AS_ROWS} & {*found}
    assert found["visitors"].keys() == {"delete", "export"}
