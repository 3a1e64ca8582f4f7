"""Voicemail boxes: their numbers, and what lists show."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api
from tests.families.support import FIELDS, make, refusal, shown

BAD_MAILBOX = "Invalid mailbox number or already exists"


@pytest.mark.parametrize("taken", ["12", "012", 12])
async def test_box_numbers_are_unique_as_integers(api: Api, taken: Any) -> None:
    await make(api, "vmboxes", mailbox="12")
    clash = await api.put(f"{api.account}/vmboxes", {"name": "Second", "mailbox": taken})
    assert refusal(clash, "mailbox", "unique")["message"] == BAD_MAILBOX


@pytest.mark.parametrize("mailbox", ["b259464ca", "12a", "-1", "1.5", "١٢", -3, "012 "])
async def test_a_box_may_have_any_text_that_no_other_has(api: Api, mailbox: Any) -> None:
    doc_id = await make(api, "vmboxes", mailbox=mailbox)
    assert (await shown(api, "vmboxes", doc_id))["mailbox"] == str(mailbox)
    clash = await api.put(f"{api.account}/vmboxes", {"name": "Second", "mailbox": str(mailbox)})
    assert refusal(clash, "mailbox", "unique")["message"] == BAD_MAILBOX


async def test_texts_are_compared_as_they_stand(api: Api) -> None:
    for mailbox in ("b2", "B2", "0b2", "12"):
        await make(api, "vmboxes", mailbox=mailbox)


@pytest.mark.parametrize("wrong", [True, None, [], "", 1.5])
async def test_a_box_number_of_another_type_is_left_to_the_schema(api: Api, wrong: Any) -> None:
    answer = (await api.put(f"{api.account}/vmboxes", {"name": "A", "mailbox": wrong})).expect(400)
    assert "unique" not in answer.data["mailbox"]


async def test_a_box_number_is_kept_as_text(api: Api) -> None:
    doc_id = await make(api, "vmboxes", mailbox=7)
    assert (await shown(api, "vmboxes", doc_id))["mailbox"] == "7"
    await make(api, "vmboxes", mailbox="0")


async def test_boxes_are_listed_by_name_with_their_number_of_messages(api: Api) -> None:
    await make(api, "vmboxes", name="bob", mailbox="1", messages=7, folders={"new": 7})
    doc_id = await make(api, "vmboxes", name="Ann", mailbox="2", owner_id="0" * 32)
    path = f"{api.account}/vmboxes"
    listed = (await api.get(f"{path}?ascending=true")).data
    assert [box["name"] for box in listed] == ["Ann", "bob"]
    assert listed[0] == {
        "id": doc_id,
        "name": "Ann",
        "mailbox": "2",
        "owner_id": "0" * 32,
        "messages": 0,
        "flags": [],
    }
    assert listed[1]["messages"] == 0
    assert "messages" not in await shown(api, "vmboxes", listed[1]["id"])


async def test_who_names_addresses_to_tell_is_warned_of_a_rename(api: Api) -> None:
    addresses = {"notify_email_addresses": ["ann@example.com"]}
    box = FIELDS["vmboxes"]
    made = (await api.put(f"{api.account}/vmboxes", box | addresses)).expect(201)
    path = f"{api.account}/vmboxes/{made.data['id']}"
    replaced = (await api.post(path, box | addresses)).expect(200)
    patched = (await api.patch(path, addresses)).expect(200)
    for answer in (made, replaced, patched):
        assert answer.headers["Warning"].startswith("214 ")
        assert answer.data["notify_email_addresses"] == ["ann@example.com"]
    unwarned: list[dict[str, Any]] = [{"name": "x"}, {"notify_email_addresses": []}]
    for sent in unwarned:
        assert "Warning" not in (await api.patch(path, sent)).expect(200).headers
    assert "Warning" not in (await api.get(path)).expect(200).headers


class TestWithOtherSettings:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"voicemail.max_pin_length": 4, "voicemail.transcribe": True}

    async def test_pins_are_shorter_and_new_boxes_transcribe(self, api: Api) -> None:
        refused = await api.put(f"{api.account}/vmboxes", FIELDS["vmboxes"] | {"pin": "12345"})
        assert refusal(refused, "pin", "maxLength")["target"] == 4
        doc_id = await make(api, "vmboxes", pin="1234")
        path = f"{api.account}/vmboxes/{doc_id}"
        assert (await api.get(path)).data["transcribe"] is True
        replaced = (await api.post(path, FIELDS["vmboxes"])).expect(200)
        assert replaced.data["transcribe"] is False
        other = await make(api, "vmboxes", mailbox="2002", transcribe=False)
        assert (await shown(api, "vmboxes", other))["transcribe"] is False
