"""From declarations to operations, and from paths to operations."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.app import REGISTRY
from crossbar.core.registry import Operation, Registry
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import (
    EVERYWHERE,
    Access,
    Collection,
    Family,
    Nesting,
    Route,
    Routes,
    Scope,
    Singleton,
    field_index,
)
from crossbar.errors import NoSuchPath


async def handle(request: Request) -> Result:
    return Result(data=request.ids)


def collection(**more: Any) -> Collection:
    facts: dict[str, Any] = {"noun": "cats", "doc_type": "cat", "schema": "cats", "summary": ()}
    return Collection(**facts | more)


def route(path: str, action: Action = Action.FETCH, **more: Any) -> Route:
    return Route(path=path, action=action, handler=handle, about="Do", **more)


def templates(*families: Family) -> set[tuple[str, str]]:
    return {(each.action.value, each.template) for each in Registry(families).operations()}


def find(registry: Registry, path: str, action: Action) -> Operation:
    return registry.match(path.split("/"))[0][action]


def test_a_collection_is_found_by_the_type_of_its_documents() -> None:
    assert REGISTRY.collection("user").noun == "users"
    with pytest.raises(LookupError):
        REGISTRY.collection("unicorn")


def test_a_collection_has_a_list_and_items() -> None:
    base, item = "/accounts/{account_id}/cats", "/accounts/{account_id}/cats/{cat_id}"
    assert templates(collection()) == {
        ("list", base),
        ("create", base),
        ("fetch", item),
        ("replace", item),
        ("patch", item),
        ("delete", item),
    }


def test_actions_that_are_left_out_are_not_offered() -> None:
    only = templates(collection(actions=frozenset({Action.LIST}), scopes=(Scope.SYSTEM,)))
    assert only == {("list", "/cats")}


def test_a_route_takes_the_place_of_the_standard_action_at_its_path() -> None:
    registry = Registry([collection(routes=(route("", Action.LIST), route("{cat_id}/raw")))])
    assert find(registry, "accounts/x/cats", Action.LIST).handler is handle
    assert find(registry, "accounts/x/cats", Action.CREATE).handler is not handle
    assert find(registry, "accounts/x/cats/y", Action.FETCH).handler is not handle
    assert len(list(registry.operations())) == len(Action) + 1


def test_a_singleton_is_one_document() -> None:
    family = Singleton(noun="limits", doc_type="limits", schema="limits")
    path = "/accounts/{account_id}/limits"
    assert templates(family) == {("fetch", path), ("replace", path)}
    assert find(Registry([family]), "accounts/x/limits", Action.FETCH).in_account


def test_routes_take_access_from_their_family_unless_they_have_their_own() -> None:
    routes = (route(""), route("{name}", access=Access.PUBLIC))
    registry = Registry([Routes(noun="dogs", routes=routes, access=Access.SUPERDUPER)])
    assert find(registry, "dogs", Action.FETCH).access is Access.SUPERDUPER
    assert find(registry, "dogs/rex", Action.FETCH).access is Access.PUBLIC


def test_a_family_below_another_asks_for_its_parent() -> None:
    nested = (Nesting(noun="users", doc_type="user", index="owner_id"),)
    registry = Registry([collection(nested=nested, routes=(route("{cat_id}/raw"),))])
    listing = find(registry, "accounts/a/users/u/cats", Action.LIST)
    assert listing.parent is not None
    assert listing.parent.entry == "owner_id"
    raw = find(registry, "accounts/a/users/u/cats/c/raw", Action.FETCH)
    for operation in (listing, raw):
        assert operation.parent is not None
        assert (operation.parent.doc_type, operation.parent.param) == ("user", "user_id")
    assert find(registry, "accounts/a/cats", Action.LIST).parent is None


def test_what_a_parent_owns_exists_only_there_and_is_restricted_as_the_parents() -> None:
    nested = (Nesting(noun="owners", doc_type="owner", index="owner_id"),)
    index = field_index("owner_id")
    family = collection(
        scopes=(), nested=nested, indexes=(index,), routes=(route("{cat_id}/raw"),)
    )
    base = "/accounts/{account_id}/owners/{owner_id}/cats"
    assert {path for _, path in templates(family)} == {
        base,
        f"{base}/{{cat_id}}",
        f"{base}/{{cat_id}}/raw",
    }
    for operation in Registry([family]).operations():
        assert (operation.noun, operation.depth) == ("owners", 3)
        assert operation.in_account
        assert operation.is_known({"owner_id": "o"}, {"owner_id": "o"})
        assert not operation.is_known({"owner_id": "o"}, {"owner_id": "other"})


def test_routes_may_live_below_every_document_of_an_account() -> None:
    system = collection(noun="dogs", doc_type="dog", scopes=(Scope.SYSTEM,))
    notes = Routes(
        noun="notes", routes=(route(""),), scopes=(Scope.ACCOUNT,), nested=(EVERYWHERE,)
    )
    offered = {path for _, path in templates(collection(), system, notes) if "notes" in path}
    assert offered == {
        "/accounts/{account_id}/notes",
        "/accounts/{account_id}/cats/{cat_id}/notes",
    }
    path = "accounts/a/cats/c/notes"
    operation = find(Registry([collection(), notes]), path, Action.FETCH)
    assert operation.loads
    assert (operation.noun, operation.depth) == ("notes", 5)


def test_a_route_that_names_a_document_has_it_loaded_unless_told_otherwise() -> None:
    routes = (
        route("{cat_id}/raw"),
        route("{cat_id}/dry", loads=False),
        route("status"),
    )
    registry = Registry([collection(routes=routes)])
    raw = find(registry, "accounts/a/cats/c/raw", Action.FETCH)
    assert raw.loads
    assert raw.id_param == "cat_id"
    assert not find(registry, "accounts/a/cats/c/dry", Action.FETCH).loads
    assert not find(registry, "accounts/a/cats/status", Action.FETCH).loads


def test_literals_win_over_parameters() -> None:
    registry = Registry([collection(routes=(route("status"),))])
    assert find(registry, "accounts/a/cats/status", Action.FETCH).handler is handle
    operations, params = registry.match(["accounts", "a", "cats", "other"])
    assert params == {"account_id": "a", "cat_id": "other"}
    assert operations[Action.FETCH].handler is not handle


@pytest.mark.parametrize("path", ["", "dogs", "accounts", "accounts/a", "accounts/a/cats/c/x"])
def test_a_path_that_nothing_lives_at_is_refused(path: str) -> None:
    with pytest.raises(NoSuchPath):
        Registry([collection()]).match(path.split("/"))


def test_an_empty_token_is_no_parameter() -> None:
    with pytest.raises(NoSuchPath):
        Registry([collection()]).match(["accounts", "a", "cats", ""])


def test_what_is_declared_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="declared twice: list /accounts"):
        Registry([collection(), collection()])


def test_one_place_cannot_have_two_names() -> None:
    family = collection(routes=(route("{kitten_id}/raw"),))
    with pytest.raises(ValueError, match=r"\{kitten_id\} is \{cat_id\}"):
        Registry([family])


def test_only_a_collections_operation_has_a_collection() -> None:
    family = Routes(noun="dogs", routes=(route(""),))
    with pytest.raises(TypeError, match="/dogs belongs to no collection"):
        _ = find(Registry([family]), "dogs", Action.FETCH).collection
    cats = collection()
    assert find(Registry([cats]), "accounts/a/cats", Action.LIST).collection is cats


def test_a_listing_at_the_root_is_in_no_account() -> None:
    assert not find(REGISTRY, "accounts", Action.CREATE).in_account
    assert find(REGISTRY, "accounts/a/users", Action.LIST).in_account


def test_every_operation_is_found_at_its_own_path() -> None:
    for operation in REGISTRY.operations():
        tokens = ["x" if part.startswith("{") else part for part in operation.path]
        assert REGISTRY.match(tokens)[0][operation.action] is operation
        assert operation.about
