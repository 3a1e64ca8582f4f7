"""The words of every refusal, for every status that can be reached (docs/protocol.md §4)."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from crossbar.storage import StoreError, Unreachable
from tests.conftest import Answer, Api, credentials
from tests.contract.conftest import Tree, on_every_store
from tests.contract.kit import UNKNOWN, bare_exchange, http

pytestmark = on_every_store

MENU = {"name": "Main"}
ANN = {"first_name": "Ann", "last_name": "Lee", "username": "ann", "password": "s3cret"}


def says(answer: Answer, status: int, message: str, data: Any) -> None:
    """The answer is this refusal, in exactly these words."""
    answer.expect(status)
    assert answer.body["message"] == message
    assert answer.data == data
    assert answer.body["status"] == "error"
    assert answer.body["error"] == str(status)


async def test_400_names_every_field_and_the_rule_it_breaks(api: Api) -> None:
    long = "1" * 36
    answer = await api.put(
        f"{api.account}/users", {"first_name": "", "call_forward": {"number": long}}
    )
    first = {
        "message": "String must be at least 1 characters",
        "target": 1,
        "cause": "",
        "value": "",
    }
    forward = {
        "message": "String must not be more than 35 characters",
        "target": 35,
        "cause": long,
        "value": long,
    }
    last = {"message": "Field is required but missing", "value": "last_name"}
    expected = {
        "first_name": {"minLength": first},
        "last_name": {"required": last},
        "call_forward.number": {"maxLength": forward},
    }
    says(answer, 400, "validation error", expected)


async def test_400_for_a_value_that_is_taken_comes_with_the_other_faults(api: Api) -> None:
    (await api.put(f"{api.account}/users", ANN)).expect(201)
    taken = {"message": "Username must be unique within account", "cause": "ann"}
    answer = await api.put(f"{api.account}/users", {**ANN, "username": "ANN"})
    says(answer, 400, "validation error", {"username": {"unique": taken}})
    answer = await api.put(f"{api.account}/users", {**ANN, "first_name": ""})
    assert answer.expect(400).data.keys() == {"username", "first_name"}


async def test_400_for_a_user_name_without_a_password(api: Api) -> None:
    answer = await api.put(f"{api.account}/users", {**ANN, "password": None})
    message = "The password must be provided when updating the username"
    says(answer, 400, "validation error", {"password": {"required": {"message": message}}})


async def test_400_for_a_login_to_a_disabled_account(api: Api) -> None:
    account_id = await api.create_account("Closed")
    (await api.put(f"/v2/accounts/{account_id}/users", ANN)).expect(201)
    (await api.patch(f"/v2/accounts/{account_id}", {"enabled": False})).expect(200)
    answer = await api.put("/v2/user_auth", credentials("ann", "s3cret", "Closed"), token="")
    expected = {"account": {"disabled": {"message": "account disabled"}}}
    says(answer, 400, "validation error", expected)


async def test_401_never_says_what_was_wrong(api: Api) -> None:
    answers = [
        await api.put("/v2/user_auth", credentials(*wrong), token="")
        for wrong in (
            ("admin", "wrong", "Master"),
            ("nobody", "open sesame", "Master"),
            ("admin", "open sesame", "Nowhere"),
        )
    ]
    answers.append(await api.get(api.account, token=""))
    for answer in answers:
        says(answer, 401, "invalid_credentials", {"message": "invalid credentials"})
        assert "WWW-Authenticate" not in answer.headers


async def test_403(api: Api, tree: Tree) -> None:
    answer = await api.get(f"/v2/accounts/{tree.parent}", token=tree.tokens["child"])
    says(answer, 403, "forbidden", {"message": "forbidden"})


async def test_403_by_restrictions_names_them_as_the_cause(api: Api, tree: Tree) -> None:
    rules = {"_": {"_": {"menus": [{"rules": {"/": ["GET"]}}]}}}
    path = f"/v2/accounts/{tree.parent}"
    (await api.post(f"{path}/token_restrictions", {"restrictions": rules})).expect(200)
    token = tree.tokens["parent"]
    (await api.get(f"{path}/menus", token=token)).expect(200)
    cause = {"cause": "access denied by token restrictions", "message": "forbidden"}
    says(await api.put(f"{path}/menus", MENU, token=token), 403, "forbidden", cause)
    says(await api.get(f"{path}/users", token=token), 403, "forbidden", cause)


async def test_404(api: Api) -> None:
    says(await api.get("/v2/nope"), 404, "not_found", {"message": "not found"})
    says(await api.get(f"{api.account}/nope"), 404, "not_found", {"message": "not found"})
    cause = {"message": "bad identifier", "cause": UNKNOWN}
    says(await api.get(f"{api.account}/menus/{UNKNOWN}"), 404, "bad_identifier", cause)
    says(await api.get("/v2/schemas/nope"), 404, "bad_identifier", {**cause, "cause": "nope"})
    answer = await api.get(f"{api.account}/menus?page_size=0")
    says(answer, 404, "faulty_request", {"message": "page size must be at least 1"})


async def test_404_for_an_unknown_api_key_does_not_repeat_it(api: Api) -> None:
    answer = await api.put("/v2/api_auth", {"api_key": UNKNOWN * 2}, token="")
    says(answer, 404, "bad identifier", [])


async def test_405(api: Api) -> None:
    answer = await api.patch(f"{api.account}/menus", {})
    says(answer, 405, "invalid_method", {"message": "method not allowed"})
    assert answer.headers["Allow"] == "GET, HEAD, PUT"
    stays = {"message": "method not allowed", "cause": "the master account cannot be removed"}
    says(await api.delete(api.account), 405, "invalid_method", stays)


async def test_406_and_415_teach(api: Api) -> None:
    answer = await api.get(api.account, headers={"Accept": "image/png"})
    message = "none of the accepted media types is available here"
    says(answer, 406, "not_acceptable", {"message": message})
    answer = await api.post(
        f"{api.account}/limits", raw=b"x", headers={"Content-Type": "image/png"}
    )
    message = "this endpoint does not read that media type"
    says(answer, 415, "unsupported_media_type", {"message": message})


async def test_409(api: Api) -> None:
    sent = {**MENU, "id": UNKNOWN}
    (await api.put(f"{api.account}/menus", sent)).expect(201)
    answer = await api.put(f"{api.account}/menus", sent)
    says(answer, 409, "datastore_conflict", {"message": "conflicting documents"})


async def test_409_for_an_account_with_others_below_it(api: Api, tree: Tree) -> None:
    answer = await api.delete(f"/v2/accounts/{tree.parent}")
    expected = {"message": "account has descendants"}
    says(answer, 409, "account_has_descendants", expected)
    (await api.get(f"/v2/accounts/{tree.parent}")).expect(200)


async def test_410(api: Api) -> None:
    message = "API version 1 is not supported. Please upgrade to version 2."
    says(await api.get(f"/v1/accounts/{UNKNOWN}"), 410, "gone", {"message": message})


async def test_412(api: Api) -> None:
    path = f"{api.account}/menus/{(await api.put(f'{api.account}/menus', MENU)).data['id']}"
    answer = await api.post(path, MENU, headers={"If-Match": '"1-other"'})
    message = "the document's revision is not what If-Match or If-None-Match asks for"
    says(answer, 412, "precondition_failed", {"message": message})


async def test_501_for_a_method_that_the_protocol_does_not_know(api: Api) -> None:
    expected = {"message": "not implemented"}
    says(await api.request("PROPFIND", "/v2/schemas"), 501, "not_implemented", expected)
    answer = await bare_exchange(api, http("TRACE", "/v2/schemas"))
    says(answer, 501, "not_implemented", expected)


@pytest.mark.parametrize("error", [Unreachable("disk on fire"), StoreError("disk on fire")])
async def test_503_when_the_store_fails_does_not_say_how(
    api: Api, error: StoreError, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(api.gateway.services.store, "commit", fail)
    answer = await api.put(f"{api.account}/menus", MENU)
    says(answer, 503, "datastore_unreachable", {"message": "datastore timeout"})
    assert answer.headers["Retry-After"] == "5"
    monkeypatch.undo()
    (await api.put(f"{api.account}/menus", MENU)).expect(201)


async def test_500_for_a_defect_does_not_show_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(api.gateway.services.store, "get", fail)
    answer = await api.get(f"{api.account}/menus/{UNKNOWN}")
    says(answer, 500, "unspecified_fault", {"message": "unspecified fault"})
    assert b"secret" not in answer.content


async def test_a_stream_that_fails_in_the_middle_is_cut_off(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No second answer follows the first half: clients see that something is missing."""
    for number in range(60):
        (await api.put(f"{api.account}/menus", {"name": f"Menu {number}"})).expect(201)
    store = api.gateway.services.store
    lines = store.lines

    async def fail_after_one_chunk(span: Any) -> Any:
        async for portion in lines(span):
            yield portion[:55]
            raise Unreachable("disk on fire")

    monkeypatch.setattr(store, "lines", fail_after_one_chunk)
    target = f"{api.account}/menus?is_chunked=true&paginate=false&auth_token={api.token}"
    with capture_logs() as logged:
        answer = await bare_exchange(api, http("GET", target))
    assert [each["error"] for each in logged if each["event"] == "answer_cut_off"] != []
    assert answer.status == 200
    assert answer.content.count(b"HTTP/1.1") == 0
    assert b'"status"' not in answer.content
    assert not answer.content.endswith(b"0\r\n\r\n")


async def test_an_envelope_without_data_is_repeated_without_its_secrets(api: Api) -> None:
    sent = b'{"username":"ann","password":"hunter2-marker"}'
    headers = {"Content-Type": "application/json"}
    answer = await api.put(f"{api.account}/users", raw=sent, headers=headers)
    refused = answer.expect(400).data["data"]["required"]
    assert refused["value"]["username"] == "ann"
    assert b"hunter2-marker" not in answer.content


async def test_a_file_without_its_media_type_is_not_repeated(api: Api) -> None:
    """What is sent without saying what it is counts as a form, whose names may be anything."""
    sent = b"username,password\nann,hunter2-marker\n"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await api.put(f"{api.account}/tasks?category=a&action=b", raw=sent, headers=headers)
    refused = answer.expect(400).data["data"]["required"]
    assert "Content-Type" in refused["target"]
    assert b"hunter2-marker" not in answer.content
