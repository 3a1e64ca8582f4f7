"""What a list does not show is not found out by its filters, whatever path the list is at."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api
from tests.contract.test_powers import House, house

__all__ = ["house"]

PIN, PASSWORD = "8642", "sip secret"


async def desk_of(api: Api, house: House) -> str:
    """A device of the administrator's, at which he is logged in and an agent."""
    boss = f"{house.path}/users/{house.boss_id}"
    queue = (await api.put(f"{house.path}/queues", {"name": "Q"}, token=house.boss)).data["id"]
    roster = f"{house.path}/queues/{queue}/roster"
    (await api.post(roster, [house.boss_id], token=house.boss)).expect(200)
    pin = {"hotdesk": {"id": "12", "pin": PIN}}
    (await api.patch(boss, pin, token=house.boss)).expect(200)
    device = {
        "name": "Desk",
        "owner_id": house.boss_id,
        "sip": {"username": "desk", "password": PASSWORD},
        "hotdesk": {"users": {house.boss_id: {}}},
    }
    made = await api.put(f"{house.path}/devices", device, token=house.boss)
    device_id: str = made.expect(201).data["id"]
    return device_id


@pytest.mark.parametrize(
    ("path", "name", "secret"),
    [
        ("agents", "hotdesk.pin", PIN),
        ("devices/{device}/hotdesks", "hotdesk.pin", PIN),
        ("hotdesks", "sip.password", PASSWORD),
        ("users/{boss}/hotdesks", "sip.password", PASSWORD),
        ("users/{boss}/devices", "sip.password", PASSWORD),
    ],
)
async def test_a_secret_of_documents_that_another_path_lists(
    api: Api, house: House, path: str, name: str, secret: str
) -> None:
    device = await desk_of(api, house)
    listed = f"{house.path}/{path.format(device=device, boss=house.boss_id)}"
    questions = {
        f"filter_{name}={secret}": 1,
        f'filter_any_{name}=["{secret}","x"]': 1,
        f"has_key={name}": 1,
        f"filter_{name}=wrong": 0,
        f"filter_not_{name}={secret}": 0,
        f"key_missing={name}": 0,
    }
    for asked, found in questions.items():
        for_boss = (await api.get(f"{listed}?{asked}", token=house.boss)).expect(200)
        assert len(for_boss.data) == found, asked
        for_user = (await api.get(f"{listed}?{asked}", token=house.user)).expect(200)
        is_negative = asked.startswith(("filter_not_", "key_missing"))
        assert len(for_user.data) == (1 if is_negative else 0), asked


async def test_an_agent_is_shown_without_the_secrets_of_the_user(api: Api, house: House) -> None:
    await desk_of(api, house)
    path = f"{house.path}/agents/{house.boss_id}"
    shown = (await api.get(path, token=house.user)).expect(200).data
    assert shown["hotdesk"]["id"] == "12"
    assert "pin" not in shown["hotdesk"]
    assert (await api.get(path, token=house.boss)).expect(200).data["hotdesk"]["pin"] == PIN


async def test_who_may_only_list_finds_by_what_the_list_shows(api: Api, house: House) -> None:
    path = f"{house.path}/vmboxes"
    made = []
    for mailbox in ("7", "8", "9"):
        box = {"name": f"Box {mailbox}", "mailbox": mailbox, "type": "main", "skip_greeting": True}
        made.append((await api.put(path, box, token=house.boss)).expect(201).data["id"])
    of_boxes = [{"rules": {"/": ["GET"], made[-1]: ["GET"]}}]
    everywhere = [{"rules": {"#": ["_"]}}]
    sent = {"restrictions": {"_": {"admin": {"vmboxes": of_boxes, "_": everywhere}}}}
    (await api.post(f"{house.path}/token_restrictions", sent)).expect(200)

    async def found(asked: str, **more: Any) -> list[str]:
        rows = (await api.get(f"{path}?{asked}", **more)).expect(200).data
        return sorted(row["mailbox"] for row in rows)

    for asked in ("filter_type=main", "filter_skip_greeting=true", "has_key=type"):
        for beside in ("&filter_mailbox=8", "&filter_mailbox=8&full_docs=true"):
            assert await found(f"{asked}{beside}", token=house.boss) == []
        assert await found(asked, token=house.boss) == ["9"]
        assert await found(asked) == ["7", "8", "9"]
    for asked in ("filter_mailbox=8", "filter_name=Box%208", "filter_mailbox=8&created_from=1"):
        assert await found(asked, token=house.boss) == ["8"]
