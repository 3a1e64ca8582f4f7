"""Who may register: whom the documents name, as long as they do."""

from __future__ import annotations

from typing import Any

import baresip
import pytest

from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import Phone, until


async def is_refused(phone: Phone) -> None:
    """It cannot register."""
    with pytest.raises(baresip.RegistrationError) as refused:
        await phone.register()
    assert refused.value.status in (401, 403), refused.value


async def names(office: Office, account_id: str = "") -> list[Any]:
    """The user names of phones that are registered, by REST."""
    await office.station.teller.settled()
    path = f"/v2/accounts/{account_id or office.account_id}/registrations"
    rows = (await office.api.get(path)).expect(200).data
    return [each["username"] for each in rows]


async def test_a_registration_is_read_by_rest_until_it_is_taken_back(office: Office) -> None:
    ann = await office.phone("ann")
    [row] = await office.rows("registrations")
    assert row["username"] == "ann"
    assert row["authorizing_id"] == ann.device_id
    assert row["contact"].startswith("sip:ann")
    assert 0 < row["expires"] <= 60
    assert await office.rows("devices/status") == [
        {"device_id": ann.device_id, "registered": True}
    ]
    await ann.agent.unregister()
    assert await names(office) == []


async def test_a_wrong_password_is_refused(office: Office) -> None:
    await office.device("ann")
    await is_refused(await office.shop.phone("ann", "guessed wrong", office.realm))
    await is_refused(await office.shop.phone("nobody", "secret of ann", office.realm))


async def test_two_accounts_use_the_same_user_name(office: Office) -> None:
    await office.phone("ann")
    other = await office.api.create_account("Other")
    account = await office.api.gateway.services.accounts.get(other)
    assert account is not None
    sip = {"username": "ann", "password": "secret of another"}
    asked = {"name": "Ann", "sip": sip}
    (await office.api.put(f"/v2/accounts/{other}/devices", asked)).expect(201)
    await is_refused(await office.shop.phone("ann", "secret of ann", account.realm))
    await (await office.shop.phone("ann", "secret of another", account.realm)).register()
    assert await names(office) == ["ann"]
    assert await names(office, other) == ["ann"]


async def test_numbers_of_another_account_are_not_reached(office: Office) -> None:
    await office.phone("ben", "102")
    other = await office.api.create_account("Other")
    account = await office.api.gateway.services.accounts.get(other)
    assert account is not None
    sip = {"username": "eve", "password": "secret of eve"}
    (await office.api.put(f"/v2/accounts/{other}/devices", {"name": "Eve", "sip": sip})).expect(
        201
    )
    eve = await office.shop.phone("eve", "secret of eve", account.realm)
    await eve.register()
    with pytest.raises(baresip.CallFailed) as refused:
        await eve.call("102")
    assert refused.value.status == 404


@pytest.mark.parametrize("what", ["device", "user", "account"])
async def test_what_is_disabled_neither_registers_nor_calls_at_once(
    office: Office, what: str
) -> None:
    user = {"first_name": "Ann", "last_name": "Ames"}
    user_id = (await office.api.put(f"{office.path}/users", user)).expect(201).data["id"]
    ann = await office.phone("ann", owner_id=user_id)
    await office.phone("ben", "102")
    paths = {
        "device": f"{office.path}/devices/{ann.device_id}",
        "user": f"{office.path}/users/{user_id}",
        "account": office.path,
    }
    (await office.api.patch(paths[what], {"enabled": False})).expect(200)
    with pytest.raises(baresip.CallFailed) as refused:
        await ann.call("102")
    assert refused.value.status in (401, 403, 603), refused.value
    await is_refused(ann)
    left = [] if what == "account" else ["ben"]
    await until(lambda: len(office.station.exchange.contacts.addresses()) == len(left))
    assert await names(office) == left


async def test_a_changed_password_is_the_one_that_counts(office: Office) -> None:
    ann = await office.phone("ann")
    sip = {"username": "ann", "password": "quite another"}
    path = f"{office.path}/devices/{ann.device_id}"
    (await office.api.patch(path, {"sip": sip})).expect(200)
    await is_refused(ann)
    await (await office.shop.phone("ann", "quite another", office.realm)).register()


async def test_what_a_phone_is_called_counts_at_once(office: Office) -> None:
    ann = await office.phone("ann")
    device, secret = f"{office.path}/devices/{ann.device_id}", "secret of ann"
    (await office.api.patch(device, {"sip": {"username": "anna"}})).expect(200)
    await is_refused(ann)
    anna = await office.shop.phone("anna", secret, office.realm)
    await anna.register()
    users = [
        (await office.api.put(f"{office.path}/users", {"first_name": name, "last_name": "Lee"}))
        .expect(201)
        .data["id"]
        for name in ("Bea", "Cara")
    ]
    for owner in users:
        (await office.api.patch(device, {"owner_id": owner})).expect(200)
        await office.callflow(f"2{users.index(owner)}0", "user", owner)
    ben = await office.phone("ben")
    await ben.call("210")
    await ben.hears(anna.tone)
    await ben.hang_up()
    with pytest.raises(baresip.CallFailed):
        await ben.call("200")
    (await office.api.patch(office.path, {"realm": "new.example.org"})).expect(200)
    await is_refused(anna)
    await (await office.shop.phone("anna", secret, "new.example.org")).register()


async def test_phones_are_made_to_register_anew(office: Office) -> None:
    ann, ben = await office.phone("ann", "101"), await office.phone("ben")
    (await office.api.delete(f"{office.path}/registrations/ann")).expect(200)
    assert await names(office) == ["ben"]
    with pytest.raises(baresip.CallFailed):
        await ben.call("101")
    await ann.register()
    await ben.call("101")
    (await office.api.delete(f"{office.path}/registrations")).expect(200)
    assert await names(office) == []


async def test_no_password_is_handed_to_asterisk(office: Office) -> None:
    await office.device("ann")
    ask = office.station.tables.answer
    name = f"ann@{office.realm}"
    told = [
        await ask(table, "single", {"id": name}, {})
        for table in ("ps_endpoints", "ps_auths", "ps_aors")
    ]
    assert all(told)
    assert "secret" not in "".join(told)
    assert await ask("ps_endpoints", "single", {"id": f"ann@{office.realm}.example"}, {}) == ""
