"""Account documents: defaults, uniqueness, and what is shown but never stored."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.families.accounts import accounts
from tests.conftest import Api
from tests.core.support import path_of
from tests.families.support import ANN, refusal, set_private, stored_account


async def test_a_new_account_has_its_defaults_and_shows_what_is_not_stored(api: Api) -> None:
    answer = (await api.put(api.account, {"name": "Branch office"})).expect(201)
    realm = answer.data.pop("realm")
    assert answer.headers["Location"] == f"{api.account}/{answer.data['id']}"
    assert realm.endswith(".sip.2600hz.com")
    assert len(realm.partition(".")[0]) == 6
    assert answer.data == {
        "id": answer.data["id"],
        "name": "Branch office",
        "timezone": "America/Los_Angeles",
        "enabled": True,
        "call_restriction": {},
        "music_on_hold": {},
        "preflow": {},
        "ringtones": {},
        "created": api.clock.gregorian(),
        "is_reseller": False,
        "reseller_id": api.master.account_id,
        "superduper_admin": False,
        "wnm_allow_additions": False,
        "billing_mode": "limits_only",
        "caller_id": {},
        "dial_plan": {},
        "language": "en-us",
    }
    account = await stored_account(api, answer.data["id"])
    shown = {"created", "enabled", "is_reseller", "reseller_id", "superduper_admin"}
    assert account.keys().isdisjoint({*shown, "wnm_allow_additions", "billing_mode", "api_key"})


async def test_what_clients_look_into_is_there_and_may_be_sent_back(api: Api) -> None:
    path = path_of(await api.create_account("Branch office"))
    read = (await api.get(path)).expect(200).data
    assert (read["caller_id"], read["dial_plan"], read["language"]) == ({}, {}, "en-us")
    own = {"external": {"number": "+14155550100"}}
    (await api.post(path, read)).expect(200)
    again = (await api.get(path)).expect(200).data
    assert again == read
    (await api.patch(path, {"caller_id": own, "language": "de-de"})).expect(200)
    changed = (await api.get(path)).expect(200).data
    assert (changed["caller_id"], changed["language"]) == (own, "de-de")
    cleared = await api.patch(path, {"caller_id": None, "language": None})
    assert cleared.expect(200).data == read
    for data in ((await api.get(api.account)).data, (await api.patch(api.account, {})).data):
        assert data["language"] == "en-us"


async def test_what_is_not_stored_is_shown_beside_the_account_too(
    api: Api, family: dict[str, str]
) -> None:
    account = path_of(family["A"])
    beside = {
        "created": api.clock.gregorian(),
        "enabled": True,
        "is_reseller": False,
        "reseller_id": api.master.account_id,
        "superduper_admin": False,
        "wnm_allow_additions": False,
        "billing_mode": "limits_only",
    }
    made = await api.put(api.account, {"name": "New"})
    read = await api.get(f"{account}?include_api_key=true")
    for answer in (made, read, await api.patch(account, {"name": "A"})):
        assert answer.body is not None
        facts = {"id": answer.data["id"], "modified": api.clock.gregorian(), **beside}
        assert answer.body["metadata"] == facts
        assert answer.data.items() >= beside.items()
    (await api.patch(account, {"enabled": False})).expect(200)
    assert (await api.get(account)).expect(200).body["metadata"]["enabled"] is False
    user = await api.get(f"{api.account}/users/{api.master.user_id}")
    assert user.expect(200).body["metadata"].keys() == {"id", "created", "modified"}


async def test_an_account_without_a_parent_in_the_path_is_the_callers_child(
    api: Api, family: dict[str, str]
) -> None:
    token = await api.account_token(family["A"])
    created = (await api.put("/v2/accounts", {"name": "New"}, token=token)).expect(201)
    tree = (await stored_account(api, created.data["id"]))["pvt_tree"]
    assert tree == [family["Master"], family["A"]]
    (await api.put("/v2/accounts", {"name": "Newer"}, token="")).expect(401)
    wanted = {"name": "Newest", "id": "f" * 32}
    assert (await api.put("/v2/accounts", wanted)).expect(201).data["id"] != "f" * 32


async def test_names_are_unique_in_the_whole_system_once_normalised(api: Api) -> None:
    first = await api.create_account("Acme, Inc.")
    for name in ("acme inc", "ACME-INC!"):
        clash = await api.put(path_of(first), {"name": name})
        assert refusal(clash, "name", "unique") == {
            "message": "Account name already in use",
            "cause": name,
        }
    await api.create_account("!!!")
    refusal(await api.put(api.account, {"name": "!!!"}), "name", "unique")
    (await api.patch(path_of(first), {"name": "Acme, INC"})).expect(200)
    refusal(await api.put(api.account, {"name": 5}), "name", "type")
    refusal(await api.put(api.account, {"name": ""}), "name", "minLength")


async def test_realms_are_unique_whatever_their_case_and_have_no_spaces(api: Api) -> None:
    first = await api.put(api.account, {"name": "A", "realm": "a .example.com "})
    assert first.expect(201).data["realm"] == "a.example.com"
    clash = await api.put(api.account, {"name": "B", "realm": "A.Example.com"})
    message = refusal(clash, "realm", "unique")["message"]
    assert message == "Account realm already in use"
    blank = (await api.put(api.account, {"name": "B", "realm": "   "})).expect(201)
    assert blank.data["realm"].endswith(".sip.2600hz.com")
    refusal(await api.put(api.account, {"name": "C", "realm": 5}), "realm", "type")


async def test_a_made_up_realm_that_is_taken_is_not_used(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six digits are soon used up by chance: the server chooses again instead of refusing."""
    (await api.put(api.account, {"name": "A", "realm": "ababab.sip.2600hz.com"})).expect(201)
    monkeypatch.setattr(accounts, "token_hex", lambda size: "ab" * size)
    answer = (await api.put(api.account, {"name": "B"})).expect(201)
    assert answer.data["realm"] == "abababab.sip.2600hz.com"


async def test_a_time_zone_is_inherited(api: Api) -> None:
    parent = (await api.put(api.account, {"name": "A", "timezone": "Europe/Paris"})).data["id"]
    (await api.put(path_of(parent), {"name": "B"})).expect(201)
    for number, sent in enumerate(("inherit", None, "")):
        child = await api.put(path_of(parent), {"name": f"B{number}", "timezone": sent})
        assert child.expect(201).data["timezone"] == "Europe/Paris"
    own = await api.create_account("C", parent=parent)
    assert (await api.get(path_of(own))).data["timezone"] == "Europe/Paris"
    (await api.patch(path_of(own), {"timezone": "Asia/Tokyo"})).expect(200)
    inherited = await api.patch(path_of(own), {"timezone": "inherit"})
    assert inherited.expect(200).data["timezone"] == "Europe/Paris"
    assert (await api.patch(api.account, {"timezone": None})).data["timezone"] == (
        "America/Los_Angeles"
    )


async def test_an_end_of_a_contract_that_is_none_is_not_kept(api: Api) -> None:
    """Monster UI sends it with a representative, and shows no account afterwards that has it."""
    sent = {"name": "Customer", "contract": {"end_date": None, "representative": {"name": "Ann"}}}
    made = (await api.put(api.account, sent)).expect(201).data
    assert made["contract"] == {"representative": {"name": "Ann"}}


async def test_only_those_above_enable_and_disable_an_account(
    api: Api, family: dict[str, str]
) -> None:
    token = await api.account_token(family["B"])
    path = path_of(family["B"])
    ignored = (await api.patch(path, {"enabled": False}, token=token)).expect(200)
    assert ignored.data["enabled"] is True
    above = await api.account_token(family["A"])
    assert (await api.patch(path, {"enabled": False}, token=above)).data["enabled"] is False
    assert (await api.patch(path, {"name": "B"})).data["enabled"] is False
    replaced = await api.post(path, {"name": "B", "enabled": True})
    assert replaced.expect(200).data["enabled"] is True
    assert (await api.patch(api.account, {"enabled": False})).data["enabled"] is True


async def test_a_child_of_a_disabled_account_starts_disabled(
    api: Api, family: dict[str, str]
) -> None:
    (await api.patch(path_of(family["A"]), {"enabled": False})).expect(200)
    silent = await api.put(path_of(family["A"]), {"name": "X1"})
    assert silent.expect(201).data["enabled"] is False
    eager = await api.put(path_of(family["A"]), {"name": "X2", "enabled": True})
    assert eager.expect(201).data["enabled"] is False
    enabled = await api.patch(path_of(eager.data["id"]), {"enabled": True})
    assert enabled.expect(200).data["enabled"] is True
    born_disabled = await api.put(api.account, {"name": "X9", "enabled": False})
    assert born_disabled.expect(201).data["enabled"] is False


async def test_replacing_drops_what_is_not_sent_and_ignores_what_is_only_shown(
    api: Api, family: dict[str, str]
) -> None:
    path = path_of(family["A"])
    before = (await api.patch(path, {"org": "Acme", "mine": 1})).expect(200).data
    await set_private(api, family["A"], pvt_notification_preference="teletype")
    shown = (await api.get(f"{path}?include_api_key=true")).data
    assert shown["notification_preference"] == "teletype"
    lies = {
        "api_key": "0" * 64,
        "billing_mode": "free",
        "created": 1,
        "is_reseller": True,
        "notification_preference": "mine",
        "reseller_id": family["E"],
        "superduper_admin": True,
        "trial_time_left": 10**9,
        "wnm_allow_additions": True,
        "pvt_superduper_admin": True,
        "pvt_tree": [],
    }
    kept = {"name": "A", "realm": before["realm"], "timezone": before["timezone"]}
    (await api.post(path, kept | lies)).expect(200)
    after = (await api.get(f"{path}?include_api_key=true")).data
    dropped = {"org", "mine"}
    assert after == {name: value for name, value in shown.items() if name not in dropped}
    stored = await stored_account(api, family["A"])
    assert stored.keys().isdisjoint(name for name in lies if not name.startswith("pvt_"))
    assert (await api.post(path, {"name": "A"})).data["realm"] == before["realm"]


async def test_billing_mode_depends_on_who_asks(api: Api, family: dict[str, str]) -> None:
    async def mode(name: str, asking: str) -> str:
        token = await api.account_token(family[asking])
        shown: str = (await api.get(path_of(family[name]), token=token)).data["billing_mode"]
        return shown

    assert await mode("B", "Master") == "limits_only"
    assert await mode("B", "A") == "normal"
    (await api.put(f"{path_of(family['A'])}/reseller")).expect(201)
    assert await mode("B", "A") == "limits_only"
    assert await mode("B", "Master") == "manual"
    assert await mode("C", "B") == "manual"


async def test_a_new_api_key_replaces_the_old_one_and_is_for_admin_users(
    api: Api, family: dict[str, str]
) -> None:
    path = f"{path_of(family['A'])}/api_key"
    old = (await api.get(path)).expect(200).data["api_key"]
    assert len(old) == 64
    (await api.put(path, {}, token=await api.account_token(family["A"]))).expect(403)
    (await api.put(f"{path_of(family['A'])}/users", ANN)).expect(201)
    user = await api.login("ann", "s3cret", "A")
    (await api.put(path, {}, token=user)).expect(403)
    (await api.get(path, token=user)).expect(403)
    new = (await api.put(path, {})).expect(201).data["api_key"]
    assert new != old
    assert (await api.get(path)).data == {"api_key": new}
    (await api.put("/v2/api_auth", {"api_key": old})).expect(404)
    (await api.put("/v2/api_auth", {"api_key": new})).expect(201)


class TestKeysAreShown:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"accounts.include_api_key": True}

    async def test_documents_show_the_key_when_a_setting_says_so(self, api: Api) -> None:
        assert (await api.get(api.account)).data["api_key"] == api.master.api_key


class TestDirectAccounts:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"accounts.allow_subaccounts_for_direct": False}

    async def test_only_resellers_have_accounts_below_them(self, api: Api) -> None:
        direct = await api.create_account("Direct")
        path = path_of(direct)
        refused = await api.put(path, {"name": "Below"})
        assert refusal(refused, "account", "forbidden")["cause"] == direct
        (await api.put(f"{path}/reseller")).expect(201)
        (await api.put(path, {"name": "Below"})).expect(201)
