"""Tokens with which an admin user acts as a user of an account below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import PASSWORD, Answer, Api, credentials
from tests.families.support import ANN, BOB, set_private

ADMIN = {"priv_level": "admin"}


@dataclass(frozen=True)
class Below:
    """Paths of an account, its admin Ann and its user Bob, and of an account below with an Ann."""

    account: str
    ann: str
    bob: str
    child: str
    other: str

    def acting(self, **changed: str) -> dict[str, str]:
        return {
            "account_id": self.child.rpartition("/")[2],
            "owner_id": self.other.rpartition("/")[2],
            **changed,
        }


@pytest.fixture
async def below(api: Api) -> Below:
    parent = await api.create_account("Parent")
    account, child = (
        f"/v2/accounts/{parent}",
        f"/v2/accounts/{await api.create_account('Child', parent)}",
    )

    async def user(path: str, sent: dict[str, str]) -> str:
        return f"{path}/users/{(await api.put(f'{path}/users', sent)).expect(201).data['id']}"

    ann, bob = await user(account, ANN | ADMIN), await user(account, BOB)
    return Below(account, ann, bob, child, await user(child, ANN))


async def log_in(api: Api, wanted: Any, username: str = "ann") -> Answer:
    password = {"ann": ANN, "bob": BOB}[username]["password"]
    sent = {**credentials(username, password, "Parent"), "as": wanted}
    return await api.put("/v2/user_auth", sent, token="")


async def token_as(api: Api, wanted: Any) -> str:
    token: str = (await log_in(api, wanted)).expect(201).body["auth_token"]
    return token


async def test_the_token_is_the_other_users(api: Api, below: Below) -> None:
    token = await token_as(api, below.acting())
    (await api.get(below.other, token=token)).expect(200)
    (await api.get(below.account, token=token)).expect(403)
    facts = (await api.get("/v2/token_auth", token=token)).expect(200).data
    assert (facts["account_id"], facts["owner_id"]) == tuple(below.acting().values())
    assert facts["as"] == below.acting()
    own = (await api.get("/v2/account", token=token)).expect(200)
    assert own.data["name"] == "Child"


@pytest.mark.parametrize("wanted", ["x", {}, {"account_id": None}, {"owner_id": 5}, [], True])
async def test_nonsense_is_refused(api: Api, below: Below, wanted: Any) -> None:
    (await log_in(api, wanted)).expect(401)
    (await log_in(api, None)).expect(201)


async def test_only_users_of_accounts_below_may_be_acted_as(api: Api, below: Below) -> None:
    stranger = await api.create_account("Stranger")
    theirs = (await api.put(f"/v2/accounts/{stranger}/users", BOB)).expect(201).data["id"]
    own = below.account.rpartition("/")[2]
    refused: list[dict[str, str]] = [
        {"account_id": own, "owner_id": below.bob.rpartition("/")[2]},
        {"account_id": stranger, "owner_id": theirs},
        {"account_id": api.master.account_id, "owner_id": api.master.user_id},
        below.acting(owner_id="0" * 32),
        below.acting(account_id="0" * 32),
    ]
    for wanted in refused:
        (await log_in(api, wanted)).expect(401)
    (await log_in(api, below.acting(), "bob")).expect(401)
    await set_private(api, below.acting()["account_id"], pvt_superduper_admin=True)
    (await log_in(api, below.acting())).expect(401)


@pytest.mark.parametrize(
    ("whose", "change"),
    [
        ("other", {"enabled": False}),
        ("other", None),
        ("child", {"enabled": False}),
        ("ann", {"enabled": False}),
        ("ann", {"priv_level": "user"}),
        ("ann", {"password": "another"}),
        ("account", {"enabled": False}),
    ],
)
async def test_the_token_dies_with_what_it_rests_on(
    api: Api, below: Below, whose: str, change: dict[str, Any] | None
) -> None:
    token = await token_as(api, below.acting())
    (await api.get(below.child, token=token)).expect(200)
    path = getattr(below, whose)
    done = await (api.delete(path) if change is None else api.patch(path, change))
    done.expect(200)
    (await api.get(below.child, token=token)).expect(401)


async def test_the_token_dies_when_the_account_is_moved_away(api: Api, below: Below) -> None:
    token = await token_as(api, below.acting())
    moved = await api.post(f"{below.child}/move", {"to": api.master.account_id})
    moved.expect(200)
    (await api.get(below.child, token=token)).expect(401)


async def test_the_token_dies_with_the_trial_of_the_account_below(api: Api, below: Below) -> None:
    child_id = below.acting()["account_id"]
    await set_private(api, child_id, pvt_trial_expires=api.clock.gregorian() + 60)
    token = await token_as(api, below.acting())
    (await api.get(below.child, token=token)).expect(200)
    api.clock.advance(60)
    (await api.get(below.child, token=token)).expect(401)


async def test_no_other_token_is_made_of_it(api: Api, below: Below) -> None:
    token = await token_as(api, below.acting())
    (await api.put("/v2/auth", {}, token=token, action="refresh_token")).expect(403)
    (await api.delete("/v2/token_auth", token=token)).expect(200)
    (await api.get(below.child, token=token)).expect(401)


async def test_restrictions_of_those_behind_hold_too(api: Api, below: Below) -> None:
    token = await token_as(api, below.acting())
    rules = {"_": {"_": {"accounts": [{"rules": {"#": ["GET"]}}]}}}
    restrictions = f"{below.account}/token_restrictions"
    (await api.post(restrictions, {"restrictions": rules})).expect(200)
    (await api.get(below.child, token=token)).expect(200)
    (await api.get(below.other, token=token)).expect(403)
    (await api.delete(restrictions)).expect(200)
    restrictions = f"{below.child}/token_restrictions"
    (await api.post(restrictions, {"restrictions": rules})).expect(200)
    (await api.get(below.other, token=token)).expect(403)


async def test_operators_act_as_anybody_below(api: Api, below: Below) -> None:
    sent = {**credentials("admin", PASSWORD, "Master"), "as": below.acting()}
    token = (await api.put("/v2/user_auth", sent, token="")).expect(201).body["auth_token"]
    (await api.get(below.other, token=token)).expect(200)
    (await api.get(api.account, token=token)).expect(403)
