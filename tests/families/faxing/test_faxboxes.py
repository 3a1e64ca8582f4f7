"""Fax boxes: their addresses, and lists that show them whole."""

from __future__ import annotations

import re

import pytest

from tests.conftest import Api
from tests.families.support import make, refusal, row, shown


async def test_a_box_is_given_an_address_that_it_keeps(api: Api) -> None:
    path = f"{api.account}/faxboxes"
    created = (await api.put(path, {"name": "Office", "smtp_email_address": "mine"})).expect(201)
    address, doc_id = created.data["smtp_email_address"], created.data["id"]
    assert re.fullmatch(r"[0-9a-f]{8}\.fax\.kazoo\.io", address)
    one = f"{path}/{doc_id}"
    replaced = await api.post(one, {"name": "Shop", "smtp_email_address": "mine"})
    patched = await api.patch(one, {"smtp_email_address": "mine"})
    for answer in (replaced, patched, await api.get(one)):
        assert answer.expect(200).data["smtp_email_address"] == address
    assert (await api.get(f"{path}?filter_smtp_email_address=mine")).data == []


@pytest.mark.parametrize("overrides", [{"fax.smtp_domain": "fax.example"}])
async def test_the_domain_of_addresses_is_a_setting(api: Api) -> None:
    created = (await api.put(f"{api.account}/faxboxes", {"name": "Office"})).expect(201)
    assert created.data["smtp_email_address"].endswith(".fax.example")


async def test_boxes_are_listed_whole_with_their_addresses(api: Api) -> None:
    doc_id = await make(api, "faxboxes", caller_id="+15550100", odd=[1])
    listed = await row(api, "faxboxes")
    assert listed == await shown(api, "faxboxes", doc_id)
    assert listed["odd"] == [1]
    assert listed["retries"] == 1
    some = (await api.get(f'{api.account}/faxboxes?fields=["name"]')).data
    assert some == [{"id": doc_id, "name": "Office"}]
    newer = await make(api, "faxboxes")
    rows = (await api.get(f"{api.account}/faxboxes")).data
    assert [one["id"] for one in rows] == sorted([doc_id, newer], reverse=True)


async def test_an_own_address_is_unique_in_the_whole_system(api: Api) -> None:
    doc_id = await make(api, "faxboxes", custom_smtp_email_address="Fax@Example.com")
    other = f"/v2/accounts/{await api.create_account('Other')}/faxboxes"
    sent = {"name": "Theirs", "custom_smtp_email_address": "fax@example.COM"}
    details = refusal(await api.put(other, sent), "custom_smtp_email_address", "unique")
    assert details["message"] == "email address must be unique"
    await make(api, "faxboxes", custom_smtp_email_address="")
    await make(api, "faxboxes", custom_smtp_email_address="")
    (await api.delete(f"{api.account}/faxboxes/{doc_id}")).expect(200)
    (await api.put(other, sent)).expect(201)


async def test_a_patch_keeps_what_it_does_not_name(api: Api) -> None:
    doc_id = await make(api, "faxboxes", retries=3, attempts=2)
    patched = (await api.patch(f"{api.account}/faxboxes/{doc_id}", {"caller_id": "1"})).expect(200)
    kept = [patched.data[name] for name in ("name", "retries", "attempts", "caller_id")]
    assert kept == ["Office", 3, 2, "1"]


async def test_permitted_senders_are_patterns(api: Api) -> None:
    sent = {"name": "Office", "smtp_permission_list": [".*@example.com", "(?=a)"]}
    refusal(await api.put(f"{api.account}/faxboxes", sent), "smtp_permission_list.1", "error")
    await make(api, "faxboxes", smtp_permission_list=[".*@example.com", "[[:alpha:]]+@x"])
