"""Of several things wrong with a request, the one that clients are told (docs/protocol.md §0).

Each test sends a request with two faults that are neighbours in the table, and then without the
first one.
"""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.storage import Key
from tests.conftest import Answer, Api
from tests.contract.conftest import Tree, on_any_store
from tests.contract.kit import GARBAGE, UNKNOWN

pytestmark = on_any_store

MENU = {"name": "Main"}
JSON = {"Content-Type": "application/json"}
UNREADABLE = {"Content-Type": "application/pdf"}
PICTURE = {"Accept": "image/png"}
HOUR = 3600


async def make_menu(api: Api) -> str:
    created = (await api.put(f"{api.account}/menus", MENU)).expect(201)
    return f"{api.account}/menus/{created.data['id']}"


def says(answer: Answer, status: int, message: str) -> None:
    """The answer is this refusal."""
    answer.expect(status)
    assert answer.body["message"] == message


async def test_version_1_beats_a_malformed_body(api: Api) -> None:
    says(await api.put("/v1/accounts", raw=b"{"), 410, "gone")
    says(await api.put("/v2/accounts", raw=b"{", headers=JSON), 400, "validation error")


async def test_a_path_of_no_version_beats_a_malformed_body(api: Api) -> None:
    says(await api.put("/x/accounts", raw=b"{", headers=JSON), 404, "not_found")


async def test_a_malformed_body_beats_an_unknown_verb(api: Api) -> None:
    says(await api.request("PROPFIND", "/v2", raw=b"{", headers=JSON), 400, "validation error")
    says(await api.request("PROPFIND", "/v2"), 501, "not_implemented")


async def test_a_malformed_body_beats_401(api: Api) -> None:
    path = f"{api.account}/menus"
    answer = await api.put(path, raw=b"{", token="", headers=JSON)
    says(answer, 400, "validation error")
    says(await api.put(path, MENU, token=""), 401, "invalid_credentials")


async def test_a_malformed_body_beats_an_unknown_path(api: Api) -> None:
    answer = await api.put("/v2/nope", raw=b"[1]", headers=JSON)
    says(answer, 400, "validation error")
    says(await api.put("/v2/nope", {}), 404, "not_found")


async def test_a_malformed_body_beats_an_expired_token(api: Api) -> None:
    api.clock.advance(HOUR)
    answer = await api.put(api.account, raw=b"{", headers=JSON)
    says(answer, 400, "validation error")


async def test_an_unknown_verb_beats_an_expired_token(api: Api) -> None:
    api.clock.advance(HOUR)
    says(await api.request("PROPFIND", "/v2/schemas"), 501, "not_implemented")


@pytest.mark.parametrize(
    "path", ["/v2/nope", "/v2/schemas", "/v2", f"/v2/accounts/{UNKNOWN}", "/v2/accounts/x/nope"]
)
async def test_an_expired_token_is_refused_on_any_url(api: Api, path: str) -> None:
    api.clock.advance(HOUR)
    answer = await api.get(path)
    says(answer, 401, "invalid credentials")
    assert answer.data == {}
    (await api.patch("/v2/schemas", {})).expect(401)
    (await api.get("/v2/schemas", token="")).expect(200)


async def test_an_unknown_path_and_a_wrong_verb_beat_an_unknown_account(api: Api) -> None:
    says(await api.get(f"/v2/accounts/{UNKNOWN}/nope", token=""), 404, "not_found")
    says(await api.patch(f"/v2/accounts/{UNKNOWN}/menus", {}, token=""), 405, "invalid_method")
    says(await api.get(f"/v2/accounts/{UNKNOWN}/menus", token=""), 404, "bad_identifier")


async def test_a_wrong_verb_beats_401(api: Api) -> None:
    for token in ("", GARBAGE):
        answer = await api.patch(f"{api.account}/menus", {}, token=token)
        says(answer, 405, "invalid_method")
    says(await api.get(f"{api.account}/menus", token=""), 401, "invalid_credentials")


async def test_an_unknown_account_beats_401(api: Api) -> None:
    says(await api.get(f"/v2/accounts/{UNKNOWN}", token=""), 404, "bad_identifier")
    says(await api.get("/v2/accounts/x", token=""), 404, "bad identifier")
    says(await api.get(api.account, token=""), 401, "invalid_credentials")


async def test_401_beats_an_answer_that_nobody_can_read(api: Api) -> None:
    says(await api.get(api.account, token="", headers=PICTURE), 401, "invalid_credentials")


async def test_403_beats_406(api: Api, tree: Tree) -> None:
    path = f"/v2/accounts/{tree.child}/menus"
    answer = await api.get(path, token=tree.tokens["sibling"], headers=PICTURE)
    says(answer, 403, "forbidden")
    says(await api.get(path, headers=PICTURE), 406, "not_acceptable")


async def test_406_beats_an_unknown_document_and_validation(api: Api) -> None:
    path = f"{api.account}/menus/{UNKNOWN}"
    says(await api.get(path, headers=PICTURE), 406, "not_acceptable")
    says(await api.get(path), 404, "bad_identifier")
    answer = await api.put(f"{api.account}/menus", {}, headers=PICTURE)
    says(answer, 406, "not_acceptable")


async def test_an_unknown_scoping_document_beats_an_unknown_document(api: Api) -> None:
    path = f"{api.account}/users/{UNKNOWN}/devices/{'f' * 32}"
    for answer in (await api.get(path), await api.post(path, {}), await api.delete(path)):
        says(answer, 404, "bad_identifier")
        assert answer.data["cause"] == UNKNOWN


async def test_an_unknown_document_beats_validation_412_and_415(api: Api) -> None:
    path = f"{api.account}/menus/{UNKNOWN}"
    says(await api.post(path, {}), 404, "bad_identifier")
    says(await api.post(path, MENU, headers={"If-Match": '"1-x"'}), 404, "bad_identifier")
    says(await api.post(path, raw=b"x", headers=UNREADABLE), 404, "bad_identifier")
    says(await api.delete(path, headers={"If-Match": "*"}), 404, "bad_identifier")


async def test_validation_beats_412(api: Api) -> None:
    path, stale = await make_menu(api), {"If-Match": '"9-stale"'}
    says(await api.post(path, {}, headers=stale), 400, "validation error")
    says(await api.patch(path, {"name": 5}, headers=stale), 400, "validation error")
    says(await api.post(path, MENU, headers=stale), 412, "precondition_failed")


async def test_validation_beats_415(api: Api) -> None:
    path = await make_menu(api)
    says(await api.post(path, raw=b"x", headers=UNREADABLE), 400, "validation error")


async def test_412_beats_415(api: Api) -> None:
    path = f"{api.account}/limits"
    (await api.post(path, {})).expect(200)
    both = {**UNREADABLE, "If-Match": '"9-stale"'}
    says(await api.post(path, raw=b"x", headers=both), 412, "precondition_failed")
    says(await api.post(path, raw=b"x", headers=UNREADABLE), 415, "unsupported_media_type")


@pytest.mark.each_store
async def test_412_and_415_beat_a_conflict(api: Api) -> None:
    path = f"{api.account}/menus"
    sent: dict[str, Any] = {**MENU, "id": UNKNOWN}
    (await api.put(path, sent)).expect(201)
    says(await api.put(path, sent, headers={"If-Match": "*"}), 412, "precondition_failed")
    says(await api.put(path, sent), 409, "datastore_conflict")


async def test_a_refused_request_leaves_nothing_behind(api: Api) -> None:
    path = await make_menu(api)
    key = Key(api.master.account_id, "menu", path.rpartition("/")[2])
    store = api.gateway.services.store
    before = await store.get(key)
    events = await store.last_event()
    other = {"name": "Other"}
    (await api.post(path, other, headers={"If-Match": '"9-stale"'})).expect(412)
    (await api.post(path, other, headers=PICTURE)).expect(406)
    (await api.post(path, other, token=GARBAGE)).expect(401)
    (await api.post(path, {"name": ""})).expect(400)
    assert await store.get(key) == before
    assert await store.last_event() == events
