"""Work that several changes make together: one commit, and what becomes of it when it is late."""

from __future__ import annotations

import pytest

from crossbar.core.change import Change
from crossbar.core.requests import Actor
from crossbar.core.writing import Work
from crossbar.errors import Conflict
from crossbar.families.endpoints import USERS
from crossbar.storage import SYSTEM, Batch, Claim, ClaimTaken, Key
from tests.conftest import Api
from tests.families.support import ANN


async def actor_of(api: Api) -> Actor:
    account = await api.gateway.services.accounts.get(api.master.account_id)
    assert account is not None
    return Actor(
        services=api.gateway.services,
        account_id=account.account_id,
        account=account,
        request_id="test",
    )


async def test_what_is_not_there_does_not_follow_from_a_change(api: Api) -> None:
    users = f"{api.account}/users"
    gone = (await api.put(users, ANN)).expect(201).data["id"]
    (await api.delete(f"{users}/{gone}")).expect(200)
    work = Work(await actor_of(api))
    for doc_id in (gone, "0" * 32):
        assert await work.other(USERS, Key(api.master.account_id, "user", doc_id)) is None
    await work.commit()


async def test_a_value_that_is_free_again_is_a_lost_race(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = await actor_of(api)
    key = Key(actor.account_id, "user", "a" * 32)
    work = Work(actor)
    await work.save(Change(actor=actor, family=USERS, key=key, document=dict(ANN), current=None))

    async def taken(batch: Batch) -> int:
        raise ClaimTaken({Claim("of another time", SYSTEM, "x"): key})

    with monkeypatch.context() as patched:
        patched.setattr(actor.services.store, "commit", taken)
        with pytest.raises(Conflict):
            await work.commit()
    (await api.get(f"{api.account}/users/{key.doc_id}")).expect(404)
