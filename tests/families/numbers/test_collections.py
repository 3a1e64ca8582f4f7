"""Several numbers at once, and what is told of numbers that need not exist."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crossbar.app import open_gateway
from crossbar.families.numbers import classifiers_of
from crossbar.settings import Numbers, Settings, SettingsError
from tests.conftest import Api
from tests.families.numbers.support import M, N, path, stock, tenant, told
from tests.families.support import refusal

MANY = [f"+1415555{at:04}" for at in range(250)]


async def test_one_number_of_a_collection_is_told_as_itself(api: Api) -> None:
    collection = path(api.master.account_id, "/collection")
    made = (await api.put(collection, {"numbers": ["4155550100"], "name": "x"})).expect(201).data
    assert (made["id"], made["name"], made["state"]) == (N, "x", "in_service")
    assert made["error"] == []
    itself = {name: value for name, value in made.items() if name not in ("success", "error")}
    assert made["success"] == {N: itself}
    told(await api.put(collection, {"numbers": [N]}), 409, "number_exists")


async def test_each_number_of_a_collection_is_changed_by_itself(api: Api) -> None:
    account = api.master.account_id
    collection = path(account, "/collection")
    (await api.put(path(account, f"/{N}"))).expect(201)
    made = (await api.put(collection, {"numbers": [N, M, "2001"]})).expect(201).data
    assert set(made["success"]) == {M}
    assert {number: each["error"] for number, each in made["error"].items()} == {
        N: "number_exists",
        "2001": "not_reconcilable",
    }
    for verb in ("POST", "PATCH"):
        changed = await api.request(verb, collection, {"numbers": [N, M], "name": verb})
        data = changed.expect(200).data
        assert data["error"] == []
        assert {each["name"] for each in data["success"].values()} == {verb}
    gone = (await api.delete(collection, data={"numbers": [N, M]})).expect(200).data
    assert {each["state"] for each in gone["success"].values()} == {"deleted"}
    failed = (await api.delete(collection, data={"numbers": [N, M]})).expect(200).data
    assert failed["success"] == {}
    assert {each["error"] for each in failed["error"].values()} == {"not_found"}


async def test_many_numbers_are_bought_at_once(api: Api) -> None:
    await stock(api, *MANY)
    account, token = await tenant(api)
    sent = {"numbers": MANY}
    bought = await api.put(path(account, "/collection/activate"), sent, token=token)
    assert set(bought.expect(201).data["success"]) == set(MANY)
    listed = await api.get(path(account, "?paginate=false"), token=token)
    assert set(listed.expect(200).data["numbers"]) == set(MANY)


@pytest.mark.parametrize(
    ("sent", "rule"),
    [
        ({}, "required"),
        ({"numbers": N}, "type"),
        ({"numbers": [1]}, "type"),
        ({"numbers": []}, "minItems"),
        ({"numbers": [N, "4155550100"]}, "uniqueItems"),
    ],
)
async def test_a_collection_names_numbers_each_once(api: Api, sent: Any, rule: str) -> None:
    for verb, tail in (("PUT", "collection"), ("PUT", "collection/activate"), ("POST", "check")):
        answer = await api.request(verb, path(api.master.account_id, f"/{tail}"), sent)
        refusal(answer, "numbers", rule)


async def test_whether_numbers_are_to_be_had(api: Api) -> None:
    account = api.master.account_id
    await stock(api, N)
    (await api.put(path(account, f"/{M}"))).expect(201)
    sent = {"numbers": [N, M, "+14155550199", "2001"]}
    assert (await api.post(path(account, "/check"), sent)).expect(200).data == {
        N: "available",
        M: "unavailable",
        "+14155550199": "unknown",
        "2001": "error",
    }


async def test_numbers_have_classes(api: Api) -> None:
    account = api.master.account_id
    table = (await api.get(path(account, "/classifiers"))).expect(200).data
    assert list(table) == [
        "tollfree_us", "toll_us", "emergency", "caribbean", "did_us", "international", "unknown",
    ]  # fmt: skip
    assert [each["name"] for each in table.values()] == list(table)
    for raw, name in {
        N: "did_us", "8005550100": "tollfree_us", "+19005550100": "toll_us", "911": "emergency",
        "+12425550100": "caribbean", "+442071838750": "international", "2001": "unknown",
    }.items():  # fmt: skip
        found = (await api.get(path(account, f"/classifiers/{raw}"))).expect(200).data
        assert found["name"] == name, raw
        assert found["number"] == raw
        assert found["regex"] == table[name]["regex"]


def test_expressions_of_classes_mean_the_same_in_browsers() -> None:
    """JavaScript has none of what only others have: named groups ``(?P``, flags ``(?i)``."""
    for entry in classifiers_of(Numbers()).table.values():
        assert not re.search(r"\(\?[^:=!<]|\\[AzZ]|\[\[:", entry["regex"])


def test_a_file_may_name_the_classes(tmp_path: Path) -> None:
    file = tmp_path / "classes.json"
    file.write_text(json.dumps({"home": {"regex": r"^\+49(\d+)$", "secret": "x"}}))
    classifiers = classifiers_of(Numbers(classifiers=str(file)))
    shown = {"name": "home", "regex": r"^\+49(\d+)$", "friendly_name": "home"}
    assert classifiers.table == {"home": shown}
    assert classifiers.classified("+4930123456")["name"] == "home"
    assert classifiers.classified(N) == {"number": N, "e164": N}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting property name"),
        ('["a"]', "not a table of classes"),
        ('{"a": {}}', "not a table of classes"),
        ('{"a": {"regex": "(?=x)"}}', "no regular expression that RE2 takes"),
        (None, "No such file"),
    ],
)
def test_a_file_of_classes_that_is_wrong_is_told_so(
    tmp_path: Path, text: str | None, reason: str
) -> None:
    file = tmp_path / f"{abs(hash(text))}.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsError, match=reason):
        classifiers_of(Numbers(classifiers=str(file)))


async def test_a_gateway_does_not_start_with_a_file_of_classes_that_is_wrong(
    settings: Settings, tmp_path: Path
) -> None:
    wrong = replace(settings, numbers=Numbers(classifiers=str(tmp_path / "none.json")))
    with pytest.raises(SettingsError, match="No such file"):
        async with open_gateway(wrong):
            pass


E911 = {
    "locality": "Austin", "postal_code": "78701", "region": "TX", "street_address": "1 Main St",
}  # fmt: skip


async def test_features_are_for_numbers_that_may_have_them(api: Api) -> None:
    await stock(api, N)
    account, token = await tenant(api)
    (await api.put(path(account, f"/{N}/activate"), token=token)).expect(201)
    number = path(account, f"/{N}")
    fields = {
        "cnam": {"display_name": "Ann", "inbound_lookup": True},
        "e911": E911,
        "ringback": {"early": "x"},
        "force_outbound": True,
        "sms": {"enabled": True},
        "mms": {"enabled": False},
        "prepend": {"enabled": False},
    }
    data = (await api.patch(number, fields, token=token)).expect(200).data
    assert data["features"] == [
        "e911", "force_outbound", "inbound_cnam", "outbound_cnam", "ringback", "sms",
    ]  # fmt: skip
    assert data["e911"]["notification_contact_emails"] == []
    refused = await api.patch(number, {"failover": {"e164": M}}, token=token)
    assert told(refused, 403, "forbidden")["cause"] == "the number may not have failover"
    trunk: Any = {"servers": [{"auth": {}, "DIDs": {N: {}}}]}
    (await api.put(f"/v2/accounts/{account}/connectivity", trunk)).expect(201)
    data = (await api.patch(number, {"failover": {"e164": M}}, token=token)).expect(200).data
    assert "failover" in data["features"]
    # Nobody is kept from sending back what is there, nor from removing it.
    (await api.post(number, data, token=token)).expect(200)
    data = (await api.patch(number, {"cnam": None}, token=token)).expect(200).data
    assert "outbound_cnam" not in data["features"]


async def test_numbers_of_the_account_itself_have_no_features_from_outside(api: Api) -> None:
    account = api.master.account_id
    told(await api.put(path(account, f"/{N}"), {"e911": E911}), 403, "forbidden")
    (await api.put(path(account, f"/{N}"))).expect(201)
    told(
        await api.patch(path(account, f"/{N}"), {"cnam": {"display_name": "x"}}), 403, "forbidden"
    )


@pytest.mark.parametrize("overrides", [{"numbers.local_feature_override": True}])
async def test_a_setting_lets_them_have_features_all_the_same(api: Api) -> None:
    made = await api.put(path(api.master.account_id, f"/{N}"), {"e911": E911})
    assert made.expect(201).data["features"] == ["e911"]


async def test_operators_say_whom_a_number_is_from(api: Api) -> None:
    account, token = await tenant(api)
    number = path(account, f"/{N}")
    made = (await api.put(number, {"carrier_name": "managed"})).expect(201).data
    assert made["_read_only"]["carrier_module"] == "knm_managed"
    assert "carrier_name" not in made
    told(await api.patch(number, {"carrier_name": "local"}, token=token), 403, "forbidden")
    data = told(await api.patch(number, {"carrier_name": "nobody"}), 400, "invalid")
    assert data["cause"] == "carrier_name nobody"


async def test_the_fields_of_a_number_are_judged(api: Api) -> None:
    number = path(api.master.account_id, f"/{N}")
    refusal(
        await api.put(number, {"cnam": {"display_name": "x" * 16}}),
        "cnam.display_name",
        "maxLength",
    )
    refusal(await api.put(number, ["x"]), "data", "type")
    (await api.put(number)).expect(201)


@pytest.mark.parametrize("overrides", [{"limits.enabled": True, "numbers.activation_cost": 60}])
async def test_numbers_are_activated_at_a_pace(api: Api) -> None:
    await stock(api, N, M)
    account = api.master.account_id
    (await api.put(path(account, f"/{N}/activate"))).expect(201)
    answer = (await api.put(path(account, f"/{M}/activate"))).expect(429)
    assert answer.body["message"] == "too_many_requests"
