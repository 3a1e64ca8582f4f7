"""The recipes where the API cannot reach: races, failing hooks, misuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crossbar.core import recipes, singletons, writing
from crossbar.core.change import Change, put_of
from crossbar.core.presenting import present
from crossbar.core.reading import PORTION
from crossbar.core.registry import Registry
from crossbar.core.requests import Action, Actor, Caller, Query, Request, Result
from crossbar.core.services import Services
from crossbar.core.shapes import Collection, Hooks, Route, Routes, Scope, Singleton, Stage, Unique
from crossbar.documents import Document, next_revision
from crossbar.errors import (
    Conflict,
    InvalidCredentials,
    MethodNotAllowed,
    NotFound,
    PreconditionFailed,
    RangeNotSatisfiable,
    UnsupportedMediaType,
    ValidationFailed,
)
from crossbar.families.logins import auth
from crossbar.storage import Batch, Key, Put
from tests.conftest import Api
from tests.core.conftest import ACCOUNT

CAT = "c" * 32
KEY = Key(ACCOUNT, "cat", CAT)


def cats(*normalize: Stage, **more: Any) -> Collection:
    more = {"hooks": Hooks(normalize=normalize), "summary": ("name",), **more}
    return Collection(noun="cats", doc_type="cat", schema="menus", **more)


def request(
    services: Services, action: Action, family: Collection | Singleton | Routes, **more: Any
) -> Request:
    """A request for the cat, or for all cats."""
    registry = Registry([family])
    on_all = action in (Action.LIST, Action.CREATE) or not isinstance(family, Collection)
    path = ["accounts", ACCOUNT, family.noun] if on_all else ["accounts", ACCOUNT, "cats", CAT]
    operations, params = registry.match(path)
    facts: dict[str, Any] = {"data": {}, "query": Query(filters=()), **more}
    who = {name: facts.pop(name) for name in ("caller", "account") if name in facts}
    actor = Actor(services=services, account_id=ACCOUNT, request_id="r", **who)
    return Request(actor=actor, operation=operations[action], ids=params, **facts)


async def put_cat(services: Services, document: Document, before: str | None = None) -> str:
    """Store the cat behind everybody's back."""
    revision = next_revision(before)
    stored = {**document, "_id": CAT, "_rev": revision, "pvt_type": "cat", "pvt_created": 1}
    await services.store.commit(Batch(puts=[Put(KEY, stored, before)]))
    return revision


def meddler(services: Services, times: int) -> Stage:
    """A stage during which somebody else writes the cat, so many times."""
    left = [times]

    async def meddle(change: Change) -> None:
        if left[0]:
            left[0] -= 1
            assert change.current is not None
            theirs = {"name": "Tom", "theirs": left[0]}
            await put_cat(services, theirs, change.current["_rev"])

    return meddle


async def test_a_patch_is_merged_over_what_another_writer_left(services: Services) -> None:
    await put_cat(services, {"name": "Tom"})
    asked = request(services, Action.PATCH, cats(meddler(services, 2)), data={"mine": 1})
    data = (await recipes.patch(asked)).data
    assert data["mine"] == 1
    assert data["theirs"] == 0


async def test_who_named_a_revision_is_told_of_the_race(services: Services) -> None:
    revision = await put_cat(services, {"name": "Tom"})
    asked = request(
        services, Action.PATCH, cats(meddler(services, 1)), data={}, if_match=(revision,)
    )
    with pytest.raises(Conflict):
        await recipes.patch(asked)


async def test_who_loses_every_race_is_told_so(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PATIENCE", 0)
    await put_cat(services, {"name": "Tom"})
    lost = cats(meddler(services, writing.ATTEMPTS))
    with pytest.raises(Conflict):
        await recipes.patch(request(services, Action.PATCH, lost))
    won = cats(meddler(services, writing.ATTEMPTS - 1))
    await recipes.patch(request(services, Action.PATCH, won))


async def test_of_many_who_write_at_once_the_last_is_served_too(services: Services) -> None:
    await put_cat(services, {"name": "Tom"})
    slowest = cats(meddler(services, 3 * writing.ATTEMPTS))
    await recipes.patch(request(services, Action.PATCH, slowest))


async def test_a_deletion_that_lost_a_race_is_a_conflict(services: Services) -> None:
    await put_cat(services, {"name": "Tom"})
    family = cats(hooks=Hooks(deleting=(meddler(services, 1),)))
    with pytest.raises(Conflict):
        await recipes.delete(request(services, Action.DELETE, family))
    assert await services.store.get(KEY) is not None


async def test_a_private_change_that_lost_a_race_is_a_conflict(services: Services) -> None:
    await put_cat(services, {"name": "Tom"})
    asked, stored = request(services, Action.FETCH, cats()), {"_rev": "1-other"}
    change = Change(
        actor=asked.actor, request=asked, family=cats(), key=KEY, document=stored, current=stored
    )
    with pytest.raises(Conflict):
        await writing.commit_private(change)


async def test_a_reaction_that_fails_is_logged_and_undoes_nothing(
    services: Services, capfd: pytest.CaptureFixture[str]
) -> None:
    async def fail(change: Change) -> None:
        raise RuntimeError("reaction")

    family = cats(hooks=Hooks(committed=(fail,)))
    created = await recipes.create(request(services, Action.CREATE, family, data={"name": "Tom"}))
    assert await services.store.get(Key(ACCOUNT, "cat", created.data["id"])) is not None
    printed = capfd.readouterr()
    assert "committed_hook_failed" in printed.out + printed.err


@pytest.mark.parametrize("known", ["*", "theirs"])
async def test_a_write_can_be_made_to_depend_on_another_revision(
    services: Services, known: str
) -> None:
    revision = await put_cat(services, {"name": "Tom"})
    names = (revision if known == "theirs" else known,)
    asked = request(services, Action.PATCH, cats(), if_none_match=names)
    with pytest.raises(PreconditionFailed):
        await recipes.patch(asked)
    await recipes.patch(replace(asked, if_none_match=("1-other",), if_match=names))


async def test_a_new_document_has_no_revision_that_could_be_named(services: Services) -> None:
    asked = request(services, Action.CREATE, cats(), data={"name": "Tom"})
    for names in (("*",), ("1-x",)):
        with pytest.raises(PreconditionFailed):
            await recipes.create(replace(asked, if_match=names))
        await recipes.create(replace(asked, if_none_match=names))


async def test_a_body_that_cannot_be_read_is_refused_after_its_validation(
    services: Services,
) -> None:
    asked = request(services, Action.CREATE, cats(), body_is_readable=False)
    with pytest.raises(ValidationFailed):
        await recipes.create(asked)
    with pytest.raises(UnsupportedMediaType):
        await recipes.create(replace(asked, data={"name": "Tom"}))


async def test_a_list_can_be_sent_as_it_is_read(services: Services) -> None:
    await put_cat(services, {"name": "Tom"})
    query = Query(filters=(), is_chunked=True)
    result = await recipes.list_documents(request(services, Action.LIST, cats(), query=query))
    assert result.portions is not None
    assert [rows async for rows in result.portions] == [[{"id": CAT, "name": "Tom"}]]


@pytest.mark.parametrize("summary", [("name",), None])
async def test_rows_that_were_not_kept_are_made(
    services: Services, summary: tuple[str, ...] | None
) -> None:
    """An earlier version kept none; what is written now has one."""
    family = cats(summary=summary)
    await put_cat(services, {"name": "Tom"})
    made = request(services, Action.CREATE, family, data={"name": "Tim"})
    new = await recipes.create(made)
    rows = (
        [CAT, new.data["id"]]
        if summary is None
        else [{"id": CAT, "name": "Tom"}, {"id": new.data["id"], "name": "Tim"}]
    )
    query = Query(filters=(), ascending=True)
    listed = await recipes.list_documents(request(services, Action.LIST, family, query=query))
    assert sorted(listed.decoded(), key=str) == sorted(rows, key=str)


async def test_values_that_cannot_be_judged_are_no_clash(services: Services) -> None:
    names = Unique(path="name", values=lambda document: document["name"].split(), message="x")
    for family in (
        cats(unique=(names,)),
        Singleton(noun="cats", doc_type="cat", schema="menus"),
    ):
        action = Action.CREATE if isinstance(family, Collection) else Action.REPLACE
        asked = request(services, action, family, data={"name": 5})
        recipe = recipes.create if action is Action.CREATE else singletons.replace
        with pytest.raises(ValidationFailed) as refused:
            await recipe(asked)
        assert refused.value.fields.keys() == {"name"}


async def test_a_singleton_can_be_patched(services: Services) -> None:
    actions = frozenset({Action.PATCH, Action.FETCH})
    family = Singleton(noun="cats", doc_type="cat", schema="menus", actions=actions)
    patched = request(services, Action.PATCH, family, data={"name": "Tom", "mine": 1})
    await singletons.patch(patched)
    again = replace(patched, data={"mine": None})
    assert "mine" not in (await singletons.patch(again)).data
    stored = await singletons.fetch(request(services, Action.FETCH, family))
    assert stored.data["name"] == "Tom"


async def nothing(asked: Request) -> Result:
    return Result()


async def test_a_recipe_for_another_shape_refuses(services: Services) -> None:
    route = Route(path="", action=Action.REPLACE, handler=nothing, about="Do")
    family = Routes(noun="cats", routes=(route,), scopes=(Scope.ACCOUNT,))
    asked = request(services, Action.REPLACE, family)
    with pytest.raises(MethodNotAllowed):
        await recipes.replace(asked)
    with pytest.raises(NotFound):
        await singletons.fetch(asked)
    shown = {"id": CAT, "a": 1}
    assert await present(asked, {"_id": CAT, "a": 1, "pvt_b": 2}) == (shown, {"id": CAT})
    _, metadata = await present(asked, {"_id": CAT, "pvt_created": 1, "pvt_modified": 2})
    assert metadata == {"id": CAT, "created": 1, "modified": 2}


async def test_what_a_request_lacks_is_not_made_up(services: Services) -> None:
    asked = request(services, Action.LIST, cats())
    with pytest.raises(LookupError, match="no caller"):
        asked.require_caller()
    with pytest.raises(LookupError, match="no account"):
        asked.require_account()


async def test_a_caller_whose_account_has_just_gone_is_nobody(services: Services) -> None:
    caller = Caller(account_id="f" * 32, method="m", priv_level="user")
    with pytest.raises(InvalidCredentials):
        await auth.describe(request(services, Action.LIST, cats(), caller=caller))


async def test_data_of_a_write_must_be_an_object(api: Api) -> None:
    answer = (await api.put(f"{api.account}/menus", [1])).expect(400)
    assert answer.data["data"]["type"]["target"] == "object"


async def test_a_document_that_goes_while_its_row_is_made_is_left_out(services: Services) -> None:
    await put_cat(services, {"name": "Tom", "pvt_deleted": True})
    listed = await recipes.list_documents(request(services, Action.LIST, cats()))
    assert listed.decoded() == []


async def test_a_long_page_is_sent_as_it_is_read(services: Services) -> None:
    key = Key(ACCOUNT, "cat", "")
    family = cats()
    puts = []
    for number in range(PORTION + 10):
        document = {"_id": f"{number:032x}", "_rev": "1-a", "pvt_type": "cat", "name": "x"}
        puts.append(put_of(family, key._replace(doc_id=document["_id"]), document, None))
    await services.store.commit(Batch(puts=puts))
    for size, met in ((PORTION + 5, PORTION + 5), (PORTION + 20, PORTION + 10)):
        query = Query(filters=(), page_size=size, is_chunked=None)
        asked = request(services, Action.LIST, family, query=query)
        listed = await recipes.list_documents(asked)
        assert listed.portions is not None
        assert sum([len(rows) async for rows in listed.portions]) == met
        assert listed.page is not None
        assert listed.page.size == met
        assert bool(listed.page.next_start_key) == (met == size)


class TestLimited:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"lists.memory_limit": 2}

    async def test_a_list_that_is_too_long_to_be_sent_at_once_is_refused(
        self, services: Services
    ) -> None:
        family = cats()
        for number in range(3):
            asked = request(services, Action.CREATE, family, data={"name": str(number)})
            await recipes.create(asked)
        whole = Query(filters=(), paginate=False)
        with pytest.raises(RangeNotSatisfiable):
            await recipes.list_documents(request(services, Action.LIST, family, query=whole))
        filtered = Query(filters=(lambda _: True,))
        with pytest.raises(RangeNotSatisfiable):
            await recipes.list_documents(request(services, Action.LIST, family, query=filtered))
        short = Query(filters=(), page_size=2)
        await recipes.list_documents(request(services, Action.LIST, family, query=short))
