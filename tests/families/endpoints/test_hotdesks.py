"""Hotdesks: who is logged in where, from three sides."""

from __future__ import annotations

from typing import Any

from tests.conftest import Api
from tests.families.support import ANN, BOB, make


async def make_later(api: Api, noun: str, **data: Any) -> str:
    """A document whose id is greater than those of the documents before."""
    api.clock.advance(1)
    return await make(api, noun, **data)


async def desks(api: Api) -> tuple[list[str], list[str]]:
    """Two users and three devices; the first user is at two of them, the second at one."""
    ann, bob = [await make_later(api, "users", **user) for user in (ANN, BOB)]
    devices = [
        await make_later(api, "devices", name="One", hotdesk={"users": {ann: {}}}),
        await make_later(api, "devices", name="Two", hotdesk={"users": {ann: {}, bob: {}}}),
        await make_later(api, "devices", name="Owned", owner_id=ann),
    ]
    return [ann, bob], devices


async def rows(api: Api, path: str) -> Any:
    return (await api.get(f"{api.account}{path}")).expect(200).data


async def test_every_login_of_the_account_is_listed_by_user(api: Api) -> None:
    assert await rows(api, "/hotdesks") == []
    _, (one, two, _) = await desks(api)
    first = {"device_id": one, "device_name": "One"}
    second = {"device_id": two, "device_name": "Two"}
    assert await rows(api, "/hotdesks") == [second, second, first]
    assert await rows(api, "/hotdesks?ascending=true") == [first, second, second]
    assert await rows(api, "/hotdesks?filter_name=One") == [first]
    later = api.clock.gregorian() + 1
    assert await rows(api, f"/hotdesks?created_from={later}") == []
    assert await rows(api, f"/devices/{two}/hotdesks?created_from={later}") == []


async def test_logins_come_in_pages(api: Api) -> None:
    await desks(api)
    for order in ("", "&ascending=true"):
        whole = await rows(api, f"/hotdesks?paginate=false{order}")
        assert len(whole) == 3
        path = f"{api.account}/hotdesks?page_size=1{order}"
        found, answer = [], await api.get(path)
        while True:
            assert answer.expect(200).body["page_size"] == 1
            found += answer.data
            key = answer.body.get("next_start_key")
            if key is None:
                break
            answer = await api.get(f"{path}&start_key={key}")
        assert found == whole
    (await api.get(f"{api.account}/hotdesks?page_size=0")).expect(404)


async def test_the_devices_of_a_user_are_those_with_a_login(api: Api) -> None:
    (ann, bob), (one, two, _) = await desks(api)
    assert await rows(api, f"/users/{ann}/hotdesks") == [
        {"device_id": two, "device_name": "Two"},
        {"device_id": one, "device_name": "One"},
    ]
    assert [row["device_id"] for row in await rows(api, f"/users/{bob}/hotdesks")] == [two]
    (await api.patch(f"{api.account}/devices/{two}", {"hotdesk": {}})).expect(200)
    assert await rows(api, f"/users/{bob}/hotdesks") == []


async def test_the_users_of_a_device_are_shown_with_few_features(api: Api) -> None:
    (ann, bob), (_, two, owned) = await desks(api)
    changes = {
        "do_not_disturb": {"enabled": True},
        "hotdesk": {"enabled": True, "pin": "1234"},
        "flags": ["a"],
        "smartpbx": {"find_me": {"enabled": True}},
        "features": ["odd"],
    }
    (await api.patch(f"{api.account}/users/{ann}", changes)).expect(200)
    path = f"/devices/{two}/hotdesks"
    listed = {row["id"]: row for row in await rows(api, path)}
    assert listed.keys() == {ann, bob}
    assert listed[ann] == {
        "id": ann,
        "features": ["find_me", "hotdesk", "vm_to_email"],
        "username": "ann",
        "first_name": "Ann",
        "last_name": "Lee",
        "priv_level": "user",
    }
    assert [row["id"] for row in await rows(api, f"{path}?filter_username=bob")] == [bob]
    (await api.delete(f"{api.account}/users/{bob}")).expect(200)
    assert [row["id"] for row in await rows(api, path)] == [ann]
    assert await rows(api, f"/devices/{owned}/hotdesks") == []
