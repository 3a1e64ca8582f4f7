"""What tasks are made of: what is told of that, and what is wrong with input."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Answer, Api
from tests.families.support import refusal
from tests.families.tasks.support import ask, done, facts, made, parsed, table


async def test_what_tasks_can_do_is_told_to_everybody(api: Api) -> None:
    told = (await api.get("/v2/tasks", token="")).expect(200).data["tasks"]
    assert {"accounts", "billing", "compaction", "number_management", "rates", "users"} <= {*told}
    rates = told["rates"]["import"]
    assert rates["expected_content"] == "text/csv"
    assert rates["mandatory"] == ["prefix", "rate_cost"]
    assert "ratedeck_id" in rates["optional"]
    assert "expected_content" not in told["number_management"]["list"]
    vmboxes = told["vmboxes"]["import"]
    assert vmboxes["mandatory"] == ["mailbox", "name"]
    assert {"id", "pin", "notify.callback.number"} <= {*vmboxes["optional"]}


async def test_what_is_told_is_narrowed(api: Api) -> None:
    one = (await api.get("/v2/tasks?category=rates&action=delete")).expect(200).data["tasks"]
    assert {category: [*actions] for category, actions in one.items()} == {"rates": ["delete"]}
    deletes = (await api.get("/v2/tasks?action=delete")).expect(200).data["tasks"]
    assert {name for actions in deletes.values() for name in actions} == {"delete"}
    unknown = (await api.get("/v2/tasks?category=nothing")).expect(404)
    assert (unknown.body["message"], unknown.data) == (
        "bad identifier",
        ["unknown category or action"],
    )


@pytest.mark.parametrize("query", ["", "?category=menus", "?action=import"])
async def test_a_task_is_of_an_action(api: Api, query: str) -> None:
    answer = (await api.put(f"{api.account}/tasks{query}", {})).expect(400)
    assert answer.body["message"] == "invalid request"


async def test_a_task_is_of_a_known_action(api: Api) -> None:
    answer = (await ask(api, "menus", "paint", b"name\nMain\n")).expect(404)
    assert (answer.body["message"], answer.data) == ("bad identifier", ["unknown_category_action"])


async def test_records_become_a_table_with_all_their_keys(api: Api) -> None:
    records = [
        {"name": "Main", "timeout": 5000, "flags": ["a", "b"]},
        {"name": 'Say "hi", you', "hunt": False, "ui_metadata": {"a": 1}, "record_pin": None},
    ]
    data = {"records": records, "file_name": "menus.json"}
    wanted = f"{api.account}/tasks?category=menus&action=import"
    task_id = (await api.put(wanted, data)).expect(201).data["id"]
    assert (await facts(api, task_id))["file_name"] == "menus.json"
    path = f"{api.account}/tasks/{task_id}"
    first, _second = parsed(await api.get(f"{path}/input"))
    assert first["timeout"] == "5000"
    assert [*first] == ["name", "timeout", "flags", "hunt", "ui_metadata", "record_pin"]
    (await api.patch(path)).expect(200)
    await api.gateway.services.jobs.idle(api.gateway.services)
    made = (await api.get(f"{api.account}/menus?full_docs=true")).expect(200).data
    by_name = {menu["name"]: menu for menu in made}
    assert (by_name["Main"]["timeout"], by_name["Main"]["flags"]) == (5000, ["a", "b"])
    other = by_name['Say "hi", you']
    assert (other["hunt"], other["ui_metadata"]) == (False, {"a": 1})


async def test_the_action_may_be_named_beside_the_records(api: Api) -> None:
    data = {"category": "menus", "action": "import", "records": [{"name": "Main"}]}
    task = (await api.put(f"{api.account}/tasks", data)).expect(201).data["_read_only"]
    assert (task["category"], task["action"], task["total_count"]) == ("menus", "import", 1)


async def test_records_are_objects_and_at_least_one(api: Api) -> None:
    wanted = f"{api.account}/tasks?category=menus&action=import"
    refusal(await api.put(wanted, {"records": []}), "records", "minItems")
    refusal(await api.put(wanted, {"records": ["a"]}), "records.0", "type")
    refusal(await api.put(wanted, {"file_name": "a"}), "records", "required")


async def test_rows_are_expected_where_an_action_has_some(api: Api) -> None:
    for answer in (
        await ask(api, "menus", "import"),
        await api.put(f"{api.account}/tasks?category=menus&action=import", {"name": "Main"}),
        await api.put(
            f"{api.account}/tasks?category=menus&action=import",
            raw=b"name\nMain",
            headers={"Content-Type": "application/octet-stream"},
        ),
    ):
        assert answer.expect(400).body["message"] == "bad request"
        assert answer.data == {"expected_content": "text/csv"}


async def test_columns_that_are_missing_are_named(api: Api) -> None:
    answer = (await ask(api, "vmboxes", "import", table({"pin": "1234"}))).expect(400)
    assert answer.body["message"] == "bad request"
    assert answer.data == {"missing_mandatory_fields": ["mailbox", "name"]}


async def test_rows_without_a_value_that_is_needed_are_told(api: Api) -> None:
    rows = table(
        {"name": "Ann", "mailbox": "1", "id": ""},
        {"name": "", "mailbox": "2", "id": ""},
        {"name": "", "mailbox": "", "id": "a" * 32},
    )
    answer = (await ask(api, "vmboxes", "import", rows)).expect(400)
    assert answer.data == {"missing_mandatory_values": [",2,"]}
    short = (await ask(api, "vmboxes", "import", b"name,mailbox\nAnn\n")).expect(400)
    assert short.data == {"missing_mandatory_values": ["Ann"]}
    many = b"name,mailbox\n" + b"Ann,\n" * 5000
    told = (await ask(api, "vmboxes", "import", many)).expect(400).data
    assert told["missing_mandatory_values"] == ["Ann,"] * 20


async def test_rows_with_an_id_need_no_other_column(api: Api) -> None:
    rows = table({"id": "a" * 32, "pin": "1234"}, {"id": "", "pin": "1"})
    answer = (await ask(api, "vmboxes", "import", rows)).expect(400)
    assert answer.data == {"missing_mandatory_values": [",1"]}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"name,name\nMain,Other", 1),
        (b"name,\nMain,Other", 1),
        (b"name\nMain,Other", 2),
        (b"name\n\xff", 2),
        (b"name\nMain\rOther", 2),
        (b'name\n"' + b"x" * 70_000, 2),
        (b"\n\n", None),
        (b".a,first_name,last_name\nx,A,L\n", 1),
        (b"a..b,first_name,last_name\nx,A,L\n", 1),
        (b"a" + b".a" * 5000 + b",first_name,last_name\nx,A,L\n", 1),
    ],
)
async def test_what_is_no_table_is_refused(api: Api, content: bytes, line: Any) -> None:
    told = refusal(await ask(api, "menus", "import", content), "csv", "format")
    assert told.get("cause") == line
    assert (await api.get(f"{api.account}/tasks")).data == []


async def test_a_table_without_rows_is_done_at_once(api: Api) -> None:
    told, rows = await done(api, "menus", "import", b"\xef\xbb\xbfname\r\n")
    assert (told["status"], told["total_count"], rows) == ("success", 0, [])


async def test_blank_lines_and_quoted_line_breaks_are_counted_as_what_they_are(api: Api) -> None:
    content = b'\xef\xbb\xbfname,flags\r\n\r\n"Two\nlines",a;b\r\n\r\nLast'
    told, rows = await done(api, "menus", "import", content)
    assert (told["status"], told["total_count"]) == ("success", 2)
    assert [row["name"] for row in rows] == ["Two\nlines", "Last"]


async def test_an_action_without_rows_takes_none(api: Api) -> None:
    told, _ = await done(api, "menus", "export", b"whatever\nit is\n")
    assert told["status"] == "success"
    (await api.get(f"{api.account}/tasks/{told['id']}/input")).expect(404)


async def test_operators_make_tasks_of_their_own_account(api: Api) -> None:
    answer = await api.put("/v2/tasks?category=menus&action=export")
    task_id = answer.expect(201).data["id"]
    assert (await facts(api, task_id))["account_id"] == api.master.account_id
    shop = await api.create_account("Shop")
    token = await api.account_token(shop)
    (await api.put("/v2/tasks?category=menus&action=export", token=token)).expect(403)


async def test_tasks_are_found_by_what_is_told_of_them(api: Api) -> None:
    first = await made(api, "menus", "export")
    second = await made(api, "menus", "import", b"name\nMain\n")
    (await api.patch(f"{api.account}/tasks/{second}")).expect(200)
    await api.gateway.services.jobs.idle(api.gateway.services)

    async def found(query: str) -> list[str]:
        answer: Answer = await api.get(f"{api.account}/tasks{query}")
        return [row["id"] for row in answer.expect(200).data]

    assert sorted(await found("")) == sorted([first, second])
    assert await found("?filter_status=pending") == [first]
    assert await found("?filter_action=import") == [second]
    page = (await api.get(f"{api.account}/tasks?page_size=1")).expect(200)
    assert len(page.data) == 1
    rest = await found(f"?page_size=1&start_key={page.body['next_start_key']}")
    assert sorted([page.data[0]["id"], *rest]) == sorted([first, second])
