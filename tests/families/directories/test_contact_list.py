"""The contact list: what callflows reach, with names and numbers."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.documents import Document
from tests.conftest import Api
from tests.families.support import ANN, make

VOICEMAIL = {"module": "voicemail", "data": {}, "children": {}}


async def contacts(api: Api) -> Any:
    return (await api.get(f"{api.account}/contact_list")).expect(200).data


async def flow(api: Api, module: str, data: Document, *numbers: str, **more: Any) -> str:
    children = more.pop("children", {})
    api.clock.advance(1)  # so that ids grow, and the order is known
    node = {"module": module, "data": data, "children": children}
    return await make(api, "callflows", numbers=list(numbers), flow=node, **more)


async def test_extensions_are_named_after_who_answers(api: Api) -> None:
    assert await contacts(api) == []
    user_id = await make(api, "users", **ANN)
    device_id = await make(api, "devices")
    await flow(api, "user", {"id": user_id}, "2001", "2002", name="Ignored")
    await flow(api, "device", {"id": device_id}, "+14155550100", "2003", children={"_": VOICEMAIL})
    assert await contacts(api) == [
        {"name": "Ann Lee", "internal_number": "2002"},
        {"name": "Desk", "external_number": "+14155550100", "internal_number": "2003"},
    ]


async def test_what_has_a_name_of_its_own_is_shown_with_its_module(api: Api) -> None:
    user_id = await make(api, "users", **ANN)
    menu = {"module": "menu", "data": {}, "children": {}}
    await flow(api, "user", {"id": user_id}, "2001", name="Front", children={"_": menu})
    await flow(api, "sleep", {}, "2002", name="Nap")
    api.clock.advance(1)
    await make(api, "callflows", numbers=["2003"], name="Plain")
    await flow(api, "sleep", {}, "2004")
    assert await contacts(api) == [
        {"name": "Front (user)", "internal_number": "2001"},
        {"name": "Nap (sleep)", "internal_number": "2002"},
        {"name": "Plain", "internal_number": "2003"},
    ]


async def test_a_room_without_a_name_in_its_callflow_lends_its_own(api: Api) -> None:
    room = await make(api, "conferences")
    await flow(api, "conference", {"id": room}, "2001")
    gone = await make(api, "menus", name="Gone")
    await flow(api, "menu", {"id": gone}, "2002")
    (await api.delete(f"{api.account}/menus/{gone}")).expect(200)
    await flow(api, "menu", {"id": "0" * 32}, "2003")
    assert await contacts(api) == [{"name": "Standup (conference)", "internal_number": "2001"}]


async def test_feature_codes_are_named_after_what_they_do(api: Api) -> None:
    await flow(api, "do_not_disturb", {"action": "toggle"}, "*78")
    assert await contacts(api) == [{"name": "do_not_disturb (toggle)", "internal_number": "*78"}]


async def test_who_does_not_want_to_be_listed_is_not(api: Api) -> None:
    hidden = await make(api, "users", **ANN, contact_list={"exclude": True})
    await flow(api, "user", {"id": hidden}, "2001")
    await flow(api, "sleep", {}, "2002", name="Nap", contact_list={"exclude": True})
    await make(api, "callflows", numbers=[], patterns=["^3"], name="Pattern")
    assert await contacts(api) == []


@pytest.mark.parametrize(
    ("includes", "names"),
    [
        (["extension"], ["Ann Lee"]),
        (["custom", "featurecode"], ["Nap (sleep)", "do_not_disturb (toggle)"]),
        ([], ["Ann Lee", "Nap (sleep)", "do_not_disturb (toggle)"]),
        ("extension", ["Ann Lee", "Nap (sleep)", "do_not_disturb (toggle)"]),
    ],
)
async def test_an_account_says_which_kinds_it_lists(
    api: Api, includes: Any, names: list[str]
) -> None:
    await flow(api, "user", {"id": await make(api, "users", **ANN)}, "2001")
    await flow(api, "sleep", {}, "2002", name="Nap")
    await flow(api, "do_not_disturb", {"action": "toggle"}, "*78")
    (await api.patch(api.account, {"contact_list": {"includes": includes}})).expect(200)
    assert [row["name"] for row in await contacts(api)] == names


class TestExtensionsOnly:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"accounts.contact_list_includes": ["extension"]}

    async def test_accounts_that_do_not_say_list_what_the_server_says(self, api: Api) -> None:
        user_id = await make(api, "users", **ANN)
        await flow(api, "user", {"id": user_id}, "2001")
        await flow(api, "menu", {}, "2002", name="Menu")
        extension = {"name": "Ann Lee", "internal_number": "2001"}
        custom = {"name": "Menu (menu)", "internal_number": "2002"}
        assert await contacts(api) == [extension]
        own = {"contact_list": {"includes": ["custom"]}}
        (await api.patch(api.account, own)).expect(200)
        assert await contacts(api) == [custom]
