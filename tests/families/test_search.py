"""Search: by the beginning of names and numbers, in what the caller may see."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import Api
from tests.families.porting.support import customer_of
from tests.families.support import make, refusal


async def find(api: Api, path: str = "", **asked: Any) -> list[Any]:
    """What a search answers; below the master account unless a path is given."""
    return (await ask(api, path, **asked)).expect(200).data  # type: ignore[no-any-return]


async def ask(api: Api, path: str = "", token: str | None = None, **asked: Any) -> Any:
    query = "&".join(f"{name}={quote(str(value))}" for name, value in asked.items())
    return await api.get(f"{path or api.account}/search?{query}", token=token)


async def flow(api: Api, name: str, *numbers: str) -> str:
    node = {"module": "hangup", "data": {}, "children": {}}
    return await make(api, "callflows", name=name, numbers=list(numbers), flow=node)


async def test_people_are_found_by_either_name(api: Api) -> None:
    ann = await make(api, "users", first_name="Ann-Marie", last_name="O'Lee")
    await make(api, "users", first_name="Bob", last_name="Marie")
    row = {"id": ann, "name": "Ann-Marie O'Lee", "first_name": "annmarie", "last_name": "olee"}
    for beginning in ("ann", "ANN m", "annmarieo", "o'l"):
        assert await find(api, t="user", q="name", v=beginning) == [row], beginning
    assert await find(api, t="user", q="name", v="nn") == []
    assert await find(api, t="user", q="number", v="ann") == []


async def test_callflows_are_found_by_name_and_number(api: Api) -> None:
    sales = await flow(api, "Sales", "1000", "+14155550100")
    await flow(api, "Support", "2000")
    by_name = {"id": sales, "name": "Sales"}
    with_numbers = {**by_name, "numbers": ["1000", "+14155550100"]}
    assert await find(api, t="callflow", q="name", v="sal") == [by_name]
    assert await find(api, t="callflow", q="number", v="(1) 415") == [with_numbers]
    assert await find(api, t="callflow", q="name_and_number", v="10") == [with_numbers]
    assert await find(api, t="callflow", q="name_and_number", v="SALES") == [with_numbers]
    assert len(await find(api, t="callflow", q="number", v="1")) == 2


async def test_a_search_has_pages(api: Api) -> None:
    made = [await make(api, "menus", name=f"Menu {number:02}") for number in range(12)]
    for ascending in (False, True):
        asked: dict[str, Any] = {"t": "menu", "q": "name", "v": "menu", "page_size": 5}
        found: list[str] = []
        answer = await ask(api, **asked, ascending=str(ascending).lower())
        while True:
            found += [row["id"] for row in answer.expect(200).data]
            if "next_start_key" not in answer.body:
                break
            key = answer.body["next_start_key"]
            answer = await ask(api, **asked, ascending=str(ascending).lower(), start_key=key)
        assert found == (made if ascending else made[::-1])
    assert len(await find(api, t="menu", q="name", v="", paginate="false")) == 12


@pytest.mark.parametrize("overrides", [{"lists.memory_limit": 2}])
async def test_more_than_may_be_sent_at_once_is_refused(api: Api) -> None:
    for number in range(3):
        await make(api, "menus", name=f"Menu {number}")
    answer = await ask(api, t="menu", q="name", v="menu", paginate="false")
    assert answer.status == 416


async def test_accounts_below_the_callers_are_found(api: Api) -> None:
    reseller = await customer_of(api, "Acme Reseller")
    below = await api.create_account("Acme Inc.", reseller.account_id)
    await api.create_account("Acme Other")
    for path in ("/v2", reseller.path):
        answer = await ask(api, path, reseller.admin, t="account", q="name", v="acme")
        [row] = answer.expect(200).data
        assert (row["id"], row["name"], row["descendants_count"]) == (below, "Acme Inc.", 0)
        assert row["realm"]
    rows = await find(api, "/v2", t="account", q="name", v="acme")
    assert {row["name"]: row["descendants_count"] for row in rows} == {
        "Acme Reseller": 1,
        "Acme Inc.": 0,
        "Acme Other": 0,
    }
    assert [row["id"] for row in await find(api, t="account", q="id", v=below)] == [below]
    realm = (await api.get(f"/v2/accounts/{below}")).data["realm"]
    assert [row["id"] for row in await find(api, t="account", q="realm", v=realm)] == [below]


async def test_what_is_found_is_what_may_be_listed(api: Api) -> None:
    child = await customer_of(api)
    await make(api, "users", first_name="Ann", last_name="Lee")
    for path, token, asked, status in (
        (api.account, child.admin, {"t": "user", "q": "name"}, 403),
        (child.path, child.user, {"t": "user", "q": "name"}, 200),
        ("/v2", child.user, {"t": "user", "q": "name"}, 200),
        (child.path, child.user, {"t": "api_key", "q": "name"}, 403),
        (child.path, child.admin, {"t": "odd", "q": "name"}, 200),
        (child.path, child.admin, {"t": "phone_number", "q": "name"}, 200),
    ):
        answer = await ask(api, path, token, **asked, v="")
        assert answer.status == status, (asked, answer.content)
        if status == 200:
            assert all(row.get("name", "").endswith("Doe") for row in answer.data)
    (await ask(api, "/v2", "", t="user", q="name", v="")).expect(401)


async def test_what_is_deleted_is_not_found(api: Api) -> None:
    doc_id = await make(api, "menus", name="Gone")
    (await api.delete(f"{api.account}/menus/{doc_id}")).expect(200)
    assert await find(api, t="menu", q="name", v="gone") == []


async def test_what_a_search_needs(api: Api) -> None:
    refusal(await ask(api, q="name", v="x"), "t", "required")
    refusal(await ask(api, t="user", v="x"), "q", "required")
    refusal(await ask(api, t="user", q="name"), "v", "required")
    assert refusal(await ask(api, t="user", q="odd", v="x"), "q", "enum")["cause"] == "odd"
    refusal(await ask(api, t="account", q="number", v="x"), "q", "enum")
    (await api.put(f"{api.account}/search", {})).expect(405)


async def test_several_fields_are_searched_at_once(api: Api) -> None:
    sales = await flow(api, "Sales", "1000")
    path = f"{api.account}/search/multi"
    found = (await api.get(f"{path}?t=callflow&by_name=sa&by_number=99")).expect(200).data
    assert found == {"name": [{"id": sales, "name": "Sales"}], "number": []}
    assert refusal(await api.get(f"{path}?t=callflow"), "multi", "enum")["target"]
    refusal(await api.get(f"{path}?t=callflow&by_odd=1"), "q", "enum")
    refusal(await api.get(f"{path}?by_name=1"), "t", "required")
    assert (await api.get("/v2/search/multi?t=account&by_name=x")).expect(200).data == {"name": []}
