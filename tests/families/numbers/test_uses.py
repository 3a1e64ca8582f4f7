"""Documents that carry numbers, and the numbers that others have."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.core.change import put_of
from crossbar.documents import next_revision
from crossbar.families.numbers import NUMBERS
from crossbar.storage import SYSTEM, Batch, Key, Remove
from tests.conftest import Api
from tests.families.numbers.support import M, N, path, state_of, stock, tenant, told
from tests.families.support import refusal

TRUNK = {"servers": [{"auth": {"auth_user": "pbx"}, "DIDs": {N: {}}}]}
MOBILE = {"name": "Cell", "device_type": "mobile", "mobile": {"mdn": N}}
CARRIERS = [
    ("callflows", {"numbers": [N, "2001"]}, "callflow"),
    ("connectivity", TRUNK, "trunkstore"),
    ("devices", MOBILE, "mobile"),
]
carriers = pytest.mark.parametrize(
    ("noun", "document", "kind"), CARRIERS, ids=[noun for noun, *_ in CARRIERS]
)


async def carry(api: Api, account: str, noun: str, document: Any, **more: Any) -> str:
    """Have a document of an account carry numbers; its id."""
    made = await api.put(f"/v2/accounts/{account}/{noun}", document, **more)
    doc_id: str = made.expect(201).data["id"]
    return doc_id


async def used_by(api: Api, account: str, number: str = N) -> tuple[str | None, str | None]:
    data = (await api.get(path(account, f"/{number}"))).expect(200).data
    return data.get("used_by"), data["_read_only"].get("used_by_id")


async def document_of(api: Api, number: str = N) -> Any:
    return await api.gateway.services.store.get(Key(SYSTEM, "phone_number", number))


@carriers
async def test_a_document_with_a_number_of_another_account_is_refused(
    api: Api, noun: str, document: Any, kind: str
) -> None:
    owner, _ = await tenant(api, "Owner")
    (await api.put(path(owner, f"/{N}"))).expect(201)
    account, _ = await tenant(api)
    refused = await api.put(f"/v2/accounts/{account}/{noun}", document)
    data = told(refused, 403, "forbidden")
    assert data["message"] == f"unauthorized to use {N}"
    assert (await used_by(api, owner)) == (None, None)
    await carry(api, owner, noun, document)
    assert (await used_by(api, owner))[0] == kind


@carriers
async def test_a_number_that_a_document_of_another_account_carries_is_not_taken(
    api: Api, noun: str, document: Any, kind: str
) -> None:
    account, _ = await tenant(api)
    doc_id = await carry(api, account, noun, document)
    other, _ = await tenant(api, "Other")
    told(await api.put(path(other, f"/{N}")), 409, "number_exists")
    (await api.delete(f"/v2/accounts/{account}/{noun}/{doc_id}")).expect(200)
    assert await document_of(api) is None
    (await api.put(path(other, f"/{N}"))).expect(201)


async def test_a_number_of_the_inventory_is_bought_before_it_is_used(api: Api) -> None:
    """Else an account could keep all others from it without paying."""
    await stock(api, N)
    account, token = await tenant(api)
    callflows = f"/v2/accounts/{account}/callflows"
    told(await api.put(callflows, {"numbers": [N]}, token=token), 403, "forbidden")
    (await api.put(path(account, f"/{N}/activate"), token=token)).expect(201)
    (await api.put(callflows, {"numbers": [N]}, token=token)).expect(201)


async def test_used_by_follows_the_documents(api: Api) -> None:
    account = api.master.account_id
    first = await carry(api, account, "callflows", {"numbers": [N]})
    assert await document_of(api) is not None
    (await api.put(path(account, f"/{N}"))).expect(201)
    assert await used_by(api, account) == ("callflow", first)
    callflow = f"{api.account}/callflows/{first}"
    (await api.patch(callflow, {"numbers": ["2001"]})).expect(200)
    assert await used_by(api, account) == (None, None)
    trunk = await carry(api, account, "connectivity", TRUNK)
    assert await used_by(api, account) == ("trunkstore", trunk)
    (await api.patch(callflow, {"numbers": [N]})).expect(200)
    assert await used_by(api, account) == ("callflow", first)
    (await api.delete(callflow)).expect(200)
    assert await used_by(api, account) == ("trunkstore", trunk)
    (await api.delete(f"{api.account}/connectivity/{trunk}")).expect(200)
    assert await used_by(api, account) == (None, None)


async def test_an_unknown_number_may_be_carried_by_two_accounts(api: Api) -> None:
    first, _ = await tenant(api, "First")
    second, _ = await tenant(api, "Second")
    one = await carry(api, first, "callflows", {"numbers": [N]})
    await carry(api, second, "callflows", {"numbers": [N]})
    assert await state_of(api, first, N) is None
    assert N not in (await api.get(path(first))).expect(200).data["numbers"]
    told(await api.put(path(first, f"/{N}")), 409, "number_exists")
    (await api.delete(f"/v2/accounts/{first}/callflows/{one}")).expect(200)
    (await api.put(path(second, f"/{N}"))).expect(201)
    assert (await used_by(api, second))[0] == "callflow"


async def test_what_a_callflow_carried_already_does_not_stop_its_changes(api: Api) -> None:
    """A number may be moved to another account by a port; the callflow can still be edited."""
    account = api.master.account_id
    (await api.put(path(account, f"/{N}"))).expect(201)
    callflow = await carry(api, account, "callflows", {"numbers": [N]})
    (await api.delete(path(account, f"/{N}?hard=true"))).expect(200)
    (await api.patch(f"{api.account}/callflows/{callflow}", {"name": "x"})).expect(200)


async def test_a_number_given_back_is_not_offered_while_a_callflow_carries_it(api: Api) -> None:
    await stock(api, N)
    account, token = await tenant(api)
    (await api.put(path(account, f"/{N}/activate"), token=token)).expect(201)
    callflow = await carry(api, account, "callflows", {"numbers": [N]})
    (await api.delete(path(account, f"/{N}"), token=token)).expect(200)
    other, theirs = await tenant(api, "Other")
    search = path(other, "?prefix=415&quantity=5")
    assert (await api.get(search, token=theirs)).expect(200).data == []
    told(await api.put(path(other, f"/{N}/activate"), token=theirs), 409, "number_exists")
    (await api.delete(f"/v2/accounts/{account}/callflows/{callflow}")).expect(200)
    assert (await api.get(search, token=theirs)).expect(200).data == [
        {"number": N, "state": "available"}
    ]
    (await api.put(path(other, f"/{N}/activate"), token=theirs)).expect(201)


async def test_the_number_of_a_mobile_device_comes_and_goes_with_it(api: Api) -> None:
    account, _ = await tenant(api)
    device = await carry(api, account, "devices", MOBILE)
    data = (await api.get(path(account, f"/{N}"))).expect(200).data
    assert (data["state"], data["used_by"]) == ("in_service", "mobile")
    assert data["_read_only"]["carrier_module"] == "knm_mdn"
    told(await api.delete(path(account, f"/{N}")), 400, "invalid_state_transition")
    told(await api.put(path(account, f"/{N}/reserve")), 400, "invalid_state_transition")
    taken = await api.put(f"{api.account}/devices", MOBILE)
    told(taken, 403, "forbidden")
    (await api.delete(f"/v2/accounts/{account}/devices/{device}")).expect(200)
    assert await state_of(api, account, N) is None


async def test_the_number_of_a_mobile_device_is_unique(api: Api) -> None:
    await carry(api, api.master.account_id, "devices", MOBILE)
    refusal(await api.put(f"{api.account}/devices", MOBILE), "mobile.mdn", "unique")


async def test_fix_finds_out_again_what_a_number_is_used_by(api: Api) -> None:
    """As after an earlier version, which did not write it down."""
    account = api.master.account_id
    (await api.put(path(account, f"/{N}"))).expect(201)
    (await api.put(path(account, f"/{M}"))).expect(201)
    callflow = await carry(api, account, "callflows", {"numbers": [N]})
    await forget_use(api, N)
    assert await used_by(api, account) == (None, None)
    assert (await api.post(path(account, f"/fix/{N}"))).expect(200).data == {}
    assert await used_by(api, account) == ("callflow", callflow)
    await forget_use(api, N)
    listed = (await api.post(path(account, "/fix"))).expect(200).data["numbers"]
    assert listed[N]["used_by"] == "callflow"
    assert "used_by" not in listed[M]


async def forget_use(api: Api, number: str) -> None:
    """Leave a number as an earlier version would have."""
    before = await document_of(api, number)
    after = {name: value for name, value in before.items() if not name.startswith("pvt_used")}
    after["_rev"] = next_revision(before["_rev"])
    put = put_of(NUMBERS, Key(SYSTEM, "phone_number", number), after, before["_rev"])
    await api.gateway.services.store.commit(Batch(puts=[put]))


async def test_a_mobile_device_takes_no_number_that_others_carry(api: Api) -> None:
    other, _ = await tenant(api, "Other")
    await carry(api, other, "callflows", {"numbers": [N]})
    told(await api.put(f"{api.account}/devices", MOBILE), 409, "number_exists")
    await carry(api, api.master.account_id, "callflows", {"numbers": [M]})
    await carry(api, api.master.account_id, "devices", MOBILE | {"mobile": {"mdn": M}})
    assert await used_by(api, api.master.account_id, M) != (None, None)


async def test_a_device_that_is_not_mobile_has_a_number_as_a_note(api: Api) -> None:
    owner, _ = await tenant(api, "Owner")
    (await api.put(path(owner, f"/{N}"))).expect(201)
    await carry(api, api.master.account_id, "devices", MOBILE | {"device_type": "softphone"})


async def test_a_callflow_of_an_earlier_version_lets_go_of_its_numbers(api: Api) -> None:
    """It is found by them, and has written no document for each."""
    callflow = await carry(api, api.master.account_id, "callflows", {"numbers": [N]})
    key = Key(SYSTEM, "phone_number", N)
    await api.gateway.services.store.commit(Batch(removes=[Remove(key)]))
    (await api.delete(f"{api.account}/callflows/{callflow}")).expect(200)
    assert await document_of(api) is None
