"""Tasks from beginning to end: made, started, stopped, listed, read, removed."""

from __future__ import annotations

from tests.conftest import Api
from tests.families.tasks.support import TABLE, done, facts, idle, made, parsed, table

MENUS = [{"name": f"Menu {number}"} for number in range(7)]


async def test_rows_become_documents(api: Api) -> None:
    told, rows = await done(api, "menus", "import", table(*MENUS))
    assert (told["status"], told["total_count"]) == ("success", 7)
    assert (told["success_count"], told["failure_count"]) == (7, 0)
    listed = (await api.get(f"{api.account}/menus")).expect(200).data
    assert {(row["id"], row["name"]) for row in rows} == {
        (menu["id"], menu["name"]) for menu in listed
    }
    assert [row["name"] for row in rows] == [menu["name"] for menu in MENUS]


async def test_a_task_waits_runs_and_ends(api: Api) -> None:
    tasks = f"{api.account}/tasks"
    task_id = await made(api, "menus", "import", table(*MENUS), query="&file_name=menus.csv")
    assert len(task_id) == 30
    told = await facts(api, task_id)
    assert told == {
        "id": task_id,
        "account_id": api.master.account_id,
        "auth_account_id": api.master.account_id,
        "category": "menus",
        "action": "import",
        "file_name": "menus.csv",
        "created": told["created"],
        "total_count": 7,
        "status": "pending",
        "csvs": ["in.csv"],
    }
    refused = (await api.patch(f"{tasks}/{task_id}/stop")).expect(404)
    assert refused.data == {"reason": "task is not running", "cause": task_id}
    started = (await api.patch(f"{tasks}/{task_id}")).expect(200).data["_read_only"]
    assert started["status"] == "executing"
    again = (await api.patch(f"{tasks}/{task_id}")).expect(404)
    assert again.data == {"reason": "task already started", "cause": task_id}
    await idle(api)
    told = await facts(api, task_id)
    assert told["status"] == "success"
    assert told["node"].startswith("crossbar@")
    assert told["start_timestamp"] <= told["end_timestamp"]
    (row,) = (await api.get(tasks)).expect(200).data
    assert row == told
    assert row["csvs"] == ["in.csv", "out.csv"]
    (await api.delete(f"{tasks}/{task_id}")).expect(200)
    (await api.get(f"{tasks}/{task_id}")).expect(404)
    assert (await api.get(tasks)).expect(200).data == []


async def test_files_are_read_by_path_and_by_accept(api: Api) -> None:
    content = table(*MENUS)
    task_id = await made(api, "menus", "import", content)
    path = f"{api.account}/tasks/{task_id}"
    assert (await api.get(f"{path}/input")).expect(200).content == content
    (await api.get(f"{path}/output")).expect(404)
    (await api.get(path, headers=TABLE)).expect(404)
    (await api.patch(path)).expect(200)
    await idle(api)
    output = await api.get(f"{path}/output")
    assert [row["name"] for row in parsed(output)] == [menu["name"] for menu in MENUS]
    name = f'filename="menus_import_{task_id}_out.csv"'
    assert name in output.headers["Content-Disposition"]
    assert (await api.get(path, headers=TABLE)).content == output.content
    assert (await api.get(f"{path}?accept=csv&csv_name=in.csv")).content == content
    (await api.get(f"{path}?accept=csv&csv_name=other.csv")).expect(404)


async def test_what_is_exported_is_imported_again(api: Api) -> None:
    for menu in ({"name": '=1+1, "x"\nü', "ui_metadata": {"a": 1}, "flags": ["b", "c"]}, *MENUS):
        (await api.put(f"{api.account}/menus", menu)).expect(201)
    before = (await api.get(f"{api.account}/menus?full_docs=true")).expect(200).data
    told, rows = await done(api, "menus", "export")
    assert (told["status"], told["success_count"], len(rows)) == ("success", 8, 8)
    assert "total_count" not in told
    (task,) = (await api.get(f"{api.account}/tasks")).data
    exported = (await api.get(f"{api.account}/tasks/{task['id']}/output")).content
    gone, _ = await done(api, "menus", "delete", exported)
    assert (gone["status"], gone["success_count"]) == ("success", 8)
    assert (await api.get(f"{api.account}/menus")).data == []
    other = await api.create_account("Other")
    path = f"/v2/accounts/{other}"
    told, _ = await done(api, "menus", "import", exported, path=path)
    assert told["status"] == "success"
    after = (await api.get(f"{path}/menus?full_docs=true")).expect(200).data
    assert sorted(after, key=lambda menu: menu["id"]) == sorted(
        before, key=lambda menu: menu["id"]
    )
