"""What requests look like on the wire: paths, methods, bodies, CORS, what became of old paths."""

from __future__ import annotations

import pytest
from aiohttp import FormData

from crossbar.storage import Unreachable
from tests.conftest import Api
from tests.contract.kit import bare_exchange, http
from tests.dialects.v1.support import Client, client_of


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "PURGE"])
async def test_an_unknown_path_is_404_whatever_the_method(v1: Client, method: str) -> None:
    v1.key = ""
    for path in ("/nope", "/ranks/1/nope", "/ranks/batch/1/2", "//ranks", "/"):
        answer = await v1.request(method, path)
        assert answer.kind == (404, "NotFoundHttpException"), path


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/ranks", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("POST", "/ranks/1", {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}),
        ("GET", "/ranks/search", set()),
        ("PURGE", "/ranks", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("POST", "/me", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/users/1/tasks/attach", {"POST", "OPTIONS"}),
    ],
)
async def test_a_method_that_is_not_offered_is_405(
    v1: Client, method: str, path: str, allowed: set[str]
) -> None:
    v1.key = ""
    answer = await v1.request(method, path)
    if not allowed:
        allowed = {"POST", "OPTIONS"}
    assert answer.kind == (405, "MethodNotAllowedHttpException")
    assert set(answer.headers["Allow"].split(", ")) == allowed


async def test_head_is_get_without_a_body(v1: Client) -> None:
    answer = await v1.request("HEAD", "/ranks")
    assert (answer.status, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "body", [b"{", b"[1]", b'"x"', b'{"name": "a", "name": "b"}', b"\xff", b"nul", b'{"a": NaN}']
)
async def test_what_is_no_object_is_refused(v1: Client, body: bytes) -> None:
    answer = await v1.request("POST", "/ranks", body)
    assert answer.kind == (422, "ValidationException")
    assert answer.errors


@pytest.mark.parametrize("body", [b"", b"  ", b"[]", b"{}", b"null"])
async def test_an_empty_body_is_an_empty_object(v1: Client, body: bytes) -> None:
    assert (await v1.request("POST", "/ranks/search", body)).status == 200
    assert (await v1.request("POST", "/ranks", body)).expect(422).errors.keys() == {"name"}


async def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(v1: Client) -> None:
    headers = (
        *("Content-Type: application/json", "Expect: 100-continue"),
        f"Authorization: Bearer {v1.key}",
    )
    request = http("POST", "/v1/ranks", *headers, body=b'{"name":"Private"}')
    answer = (await bare_exchange(v1.api, request)).expect(100)
    assert answer.content.startswith(b"HTTP/1.1 201 ")


async def test_forms_are_bodies_too(v1: Client) -> None:
    answer = await v1.request("POST", "/ranks", data={"name": "Private", "order": "3"})
    assert (answer.expect(201).data["name"], answer.data["order"]) == ("Private", 3)
    form = FormData({"name": "Major"}, default_to_multipart=True)
    assert (await v1.request("POST", "/ranks", data=form)).expect(201).data["name"] == "Major"
    linked = {"resources[0][order]": "1", "resources[]": "x"}
    answer = await v1.request("POST", "/users/1/tasks/attach", data=linked)
    assert answer.status in (404, 422)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary",
        b"--x\r\n",
        b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y--\r\n--x--\r\n",
        b"".join(
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' for _ in range(101)
        )
        + b"--x--\r\n",
    ],
)
async def test_a_broken_form_is_refused(v1: Client, body: bytes) -> None:
    sent = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await v1.request("POST", "/ranks", data=body, **sent)
    assert answer.kind == (422, "ValidationException")
    nobody = await client_of(v1.api, scopes=())
    assert (await nobody.request("POST", "/ranks", data=body, **sent)).status == 403


async def test_a_body_that_is_not_encoded_as_it_says_is_refused(v1: Client) -> None:
    sent = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await v1.request("POST", "/ranks", data=b"no gzip at all", **sent)
    assert answer.kind == (422, "ValidationException")


@pytest.mark.parametrize("method", ["put", "PATCH", "Delete"])
async def test_a_form_may_stand_for_another_method(v1: Client, method: str) -> None:
    rank = await v1.make("/ranks", name="Private")
    sent = {"_method": method, "name": "Major"}
    answer = await v1.request("POST", f"/ranks/{rank['id']}", data=sent)
    assert answer.expect(200).data["name"] == ("Private" if method == "Delete" else "Major")
    assert (await v1.get("/ranks/1")).status == (404 if method == "Delete" else 200)


async def test_a_method_that_nothing_stands_for_is_no_method(v1: Client) -> None:
    answer = await v1.request("POST", "/ranks", data={"_method": "get", "name": "Private"})
    assert answer.status == 201
    assert (await v1.post("/ranks", {"_method": "delete", "name": "Major"})).status == 201


async def test_scripts_of_any_page_may_ask(api: Api, v1: Client) -> None:
    asked = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "authorization, x-perscom-id, x-anything",
    }
    nobody = Client(api, v1.account_id)
    answer = await nobody.request("OPTIONS", "/ranks/1", **asked)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "DELETE" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"]
    assert allowed == "authorization, x-perscom-id, x-anything"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    for path in ("/ranks", "/nope"):
        answered = await v1.get(path, Origin="https://app.example")
        assert answered.headers["Access-Control-Allow-Origin"] == "*"


async def test_an_error_says_what_and_which_request(v1: Client) -> None:
    answer = await v1.post("/statuses", {"text_color": "red"})
    error = answer.expect(422).body["error"]
    assert set(error) == {"message", "type", "errors", "request_id"}
    assert error["request_id"] == answer.headers["X-Request-ID"]
    assert set(error["errors"]) == {"name", "text_color", "bg_color"}
    assert error["message"].endswith("(and 2 more)")


async def test_paths_of_the_old_interface_are_gone(api: Api) -> None:
    for path in ("/v1/accounts", f"/v1/accounts/{api.master.account_id}/users", "/v1/user_auth"):
        answer = await api.get(path, token="")
        assert (answer.status, answer.body["message"]) == (410, "gone")


async def test_bytes_of_any_kind_are_no_server_error(v1: Client) -> None:
    for path in ("/ranks?limit=%ff&page=%00", "/ranks?include=%ff,x.y.z", "/%ff", "/ranks/%2e%2e"):
        assert (await v1.get(path)).status in (200, 404, 422)
    body = {"name": "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")}
    assert (await v1.post("/ranks", body)).status == 201


async def test_a_store_that_fails_tells_when_to_try_again(
    v1: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise Unreachable("disk 7")

    monkeypatch.setattr(v1.api.gateway.services.store, "commit", fail)
    refused = (await v1.post("/ranks", {"name": "Private"})).expect(503)
    assert (b"disk" in refused.content, refused.headers["Retry-After"]) == (False, "5")
