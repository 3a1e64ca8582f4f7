"""A verb in the request instead of its method (docs/protocol.md §2.4)."""

from __future__ import annotations

import pytest

from tests.conftest import Api
from tests.contract.conftest import Tree, on_any_store
from tests.contract.kit import ids

pytestmark = on_any_store

MENU = {"name": "Main"}


@pytest.fixture
async def menu(api: Api) -> str:
    created = (await api.put(f"{api.account}/menus", MENU)).expect(201)
    return f"{api.account}/menus/{created.data['id']}"


@pytest.mark.parametrize("verb", ["PUT", "put", "Put"])
@pytest.mark.parametrize("where", ["query", "envelope", "data"])
async def test_post_creates_with_the_verb_put_in_any_place(
    api: Api, verb: str, where: str
) -> None:
    path = f"{api.account}/menus"
    if where == "query":
        answer = await api.post(f"{path}?verb={verb}", MENU)
    elif where == "envelope":
        answer = await api.post(path, MENU, verb=verb)
    else:
        answer = await api.post(path, {**MENU, "verb": verb})
    created = answer.expect(201).data["id"]
    assert answer.headers["Location"] == f"{path}/{created}"
    assert ids(await api.get(path)) == [created]


async def test_post_runs_the_verb_that_it_names(api: Api, menu: str) -> None:
    patched = (await api.post(menu, {"hunt": False}, verb="PATCH")).expect(200)
    assert (patched.data["name"], patched.data["hunt"]) == ("Main", False)
    read = (await api.post(f"{menu}?verb=get", {})).expect(200)
    assert read.data == patched.data
    assert read.headers["ETag"]
    deleted = (await api.post(menu, {}, verb="delete")).expect(200)
    assert deleted.data["_read_only"] == {"deleted": True}
    (await api.get(menu)).expect(404)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_every_method_with_a_body_runs_the_verb(api: Api, menu: str, method: str) -> None:
    answer = await api.request(method, f"{menu}?verb=POST", {"name": "Other"})
    assert answer.expect(200).data["name"] == "Other"


async def test_data_beats_the_query_and_the_query_beats_the_envelope(api: Api, menu: str) -> None:
    sent = {"name": "Other", "verb": "PATCH"}
    answer = await api.post(f"{menu}?verb=DELETE", sent, verb="GET")
    assert answer.expect(200).data["name"] == "Other"
    answer = await api.post(f"{menu}?verb=GET", {}, verb="DELETE")
    assert answer.expect(200).data["name"] == "Other"
    (await api.get(menu)).expect(200)


@pytest.mark.parametrize("verb", ["DELETE", "POST", "PATCH"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_read_changes_nothing_whatever_verb_it_names(
    api: Api, menu: str, verb: str, method: str
) -> None:
    before = (await api.get(menu)).expect(200)
    answer = (await api.request(method, f"{menu}?verb={verb}&name=Other")).expect(200)
    assert answer.headers["ETag"] == before.headers["ETag"]
    after = (await api.get(menu)).expect(200)
    assert (after.data, after.body["revision"]) == (before.data, before.body["revision"])


async def test_a_read_of_a_list_with_the_verb_put_is_the_list(api: Api, menu: str) -> None:
    answer = (await api.get(f"{api.account}/menus?verb=PUT")).expect(200)
    assert len(answer.data) == 1
    assert "Location" not in answer.headers


@pytest.mark.parametrize("verb", ["DELETE", "PATCH", "POST", "HEAD", "OPTIONS", "FROB", "GET PUT"])
async def test_a_verb_that_the_path_does_not_offer_is_405(api: Api, menu: str, verb: str) -> None:
    for method in ("GET", "PUT", "POST"):
        answer = await api.request(method, f"{api.account}/menus?verb={verb.replace(' ', '%20')}")
        assert answer.expect(405).body["message"] == "invalid_method"
        assert answer.headers["Allow"] == "GET, HEAD, PUT"


@pytest.mark.parametrize("verb", ["", 5, None, ["PUT"], {"a": "PUT"}, True])
async def test_what_is_no_verb_is_not_looked_at(api: Api, menu: str, verb: object) -> None:
    (await api.put(f"{api.account}/menus", MENU, verb=verb)).expect(201)
    (await api.post(f"{api.account}/menus", MENU, verb=verb)).expect(405)


@pytest.mark.parametrize("name", ["_method", "method", "X-HTTP-Method-Override"])
async def test_other_names_and_headers_are_no_tunnel(api: Api, menu: str, name: str) -> None:
    answer = await api.post(f"{menu}?{name}=DELETE", {"name": "Other"}, headers={name: "DELETE"})
    assert answer.expect(200).data["name"] == "Other"


async def test_restrictions_see_what_is_really_done(api: Api, tree: Tree) -> None:
    path, token = f"/v2/accounts/{tree.parent}", tree.tokens["parent"]
    menu = (await api.put(f"{path}/menus", MENU)).expect(201).data["id"]
    for allowed in (["GET"], ["POST"], ["DELETE"]):
        rules = {"_": {"_": {"menus": [{"rules": {"#": allowed}}]}}}
        (await api.post(f"{path}/token_restrictions", {"restrictions": rules})).expect(200)
        expected = 403 if allowed != ["GET"] else 200
        answer = await api.get(f"{path}/menus/{menu}?verb=DELETE", token=token)
        answer.expect(expected)
        answer = await api.post(f"{path}/menus/{menu}?verb=GET", {}, token=token)
        answer.expect(expected)
    (await api.post(f"{path}/menus/{menu}?verb=DELETE", {}, token=token)).expect(200)
