"""What browsers of other origins need (docs/protocol.md §10.3)."""

from __future__ import annotations

import pytest

from tests.conftest import Api
from tests.contract.conftest import on_any_store
from tests.contract.kit import UNKNOWN, label, operations, path_of, verbs_at

pytestmark = on_any_store

ORIGIN = {"Origin": "https://ui.example.com"}
ALLOWED = (
    *("content-type", "depth", "user-agent", "x-http-method-override", "x-file-size"),
    *("x-requested-with", "if-modified-since", "x-file-name", "cache-control", "x-auth-token"),
    *("x-kazoo-cluster-id", "if-match", "authorization"),
)
EXPOSED = (
    *("content-type", "x-auth-token", "x-request-id", "x-kazoo-cluster-id", "location", "etag"),
)


async def test_a_preflight_of_every_path_needs_no_token_and_names_its_verbs(api: Api) -> None:
    failures = []
    for operation in operations():
        offered = verbs_at(operation)
        headers = {**ORIGIN, "Access-Control-Request-Method": offered[-1]}
        answer = await api.request("OPTIONS", path_of(operation), token="", headers=headers)
        methods = answer.headers["Access-Control-Allow-Methods"].split(", ")
        right = methods[0] == offered[-1] and sorted(methods) == sorted([*offered, "OPTIONS"])
        if answer.status != 200 or answer.content or not right:
            failures.append(f"{label(operation)}: {answer.status} {methods}")
    assert failures == []


@pytest.mark.parametrize(
    "name", ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"]
)
async def test_each_of_three_headers_makes_a_preflight(api: Api, name: str) -> None:
    for path in (api.account, f"/v2/accounts/{UNKNOWN}/menus", f"{api.account}/menus/"):
        answer = await api.request("OPTIONS", path, token="", headers={name: "x"})
        assert answer.expect(200).content == b""
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Access-Control-Max-Age"] == "86400"
        allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
        exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
        assert {*ALLOWED} <= {*allowed}
        assert {*EXPOSED} <= {*exposed}
        assert answer.headers["X-Request-ID"]


async def test_options_without_any_of_them_is_405(api: Api) -> None:
    answer = await api.request("OPTIONS", f"{api.account}/menus", token="")
    assert answer.expect(405).headers["Allow"] == "GET, HEAD, PUT"
    assert answer.body["message"] == "invalid_method"


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//",
        "/nope",
        "/docs/",
        "/docs/nope",
        "/console/",
        "/console/nope",
        "/v2",
        "/v2/",
        "/v2/nope",
        "/v2/%FF",
        "/v2/account/menus",
        "/v2/accounts/x/nope",
        f"/v2/accounts/{UNKNOWN}/menus",
        "/v2/openapi.json",
        "/v1/accounts",
        "/v1/nope",
        "/v1/ranks",
        "/v1/spec.yaml",
        "/v1.1/nope.json",
        "/v1.1/usage.json",
        "/v1.1/watch?x",
        "/v3/menus",
    ],
)
async def test_every_path_may_be_asked_for(api: Api, path: str, method: str) -> None:
    """A page that may not ask cannot tell 404 from a server that is down."""
    headers = {**ORIGIN, "Access-Control-Request-Method": method}
    answer = await api.request("OPTIONS", path, token="", headers=headers)
    assert answer.status in (200, 204)
    assert answer.content == b""
    assert answer.headers["Access-Control-Allow-Origin"] in ("*", ORIGIN["Origin"])
    allowed = answer.headers["Access-Control-Allow-Methods"].split(", ")
    assert method in allowed or path.startswith("/v1.1")
    assert answer.headers["Access-Control-Allow-Headers"]


async def test_what_does_not_exist_can_be_read_about_by_pages(api: Api) -> None:
    for path in ("/nope", "/v2/nope"):
        answer = (await api.get(path, headers=ORIGIN)).expect(404)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_preflight_needs_no_good_token(api: Api) -> None:
    """The page cannot know that its token has expired before it may ask."""
    api.clock.advance(7200)
    for path in (f"{api.account}/menus?auth_token={api.token}", "/v2/nope"):
        headers = {**ORIGIN, "Access-Control-Request-Method": "PUT"}
        (await api.request("OPTIONS", path, headers=headers)).expect(200)
    (await api.get(f"{api.account}/menus")).expect(401)


async def test_a_preflight_does_not_promise_what_is_no_verb(api: Api) -> None:
    headers = {**ORIGIN, "Access-Control-Request-Method": "FROB"}
    answer = await api.request("OPTIONS", f"{api.account}/menus", headers=headers)
    assert answer.expect(200).headers["Access-Control-Allow-Methods"] == "GET, PUT, OPTIONS"


@pytest.mark.parametrize(
    "name", ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"]
)
async def test_answers_carry_the_headers_when_asked_from_elsewhere(api: Api, name: str) -> None:
    path = f"{api.account}/menus"
    for answer in (
        await api.get(path, headers={name: "x"}),
        await api.put(path, {"name": "Main"}, headers={name: "x"}),
        await api.get(f"{path}?accept=csv", headers={name: "x"}),
        await api.get(f"{path}?is_chunked=true", headers={name: "x"}),
    ):
        assert answer.status in (200, 201)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Access-Control-Allow-Methods"] == "GET, PUT, OPTIONS"


async def test_other_answers_do_not(api: Api) -> None:
    answer = (await api.get(f"{api.account}/menus")).expect(200)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


async def test_whatever_is_answered_can_be_read(api: Api) -> None:
    """Answers that are no envelope too: files, lists in pieces, tables, what is not modified."""
    brand = {"domain": "cors.example.com"}
    (await api.put(f"{api.account}/whitelabel", brand)).expect(201)
    page = {"Content-Type": "text/html"}
    (await api.post(f"{api.account}/whitelabel/welcome", raw=b"<p>", headers=page)).expect(200)
    tag = (await api.get(f"{api.account}/users")).headers["ETag"]
    for path, headers, status in (
        ("/v2/whitelabel/cors.example.com/welcome", {}, 200),
        ("/v2/whitelabel/cors.example.com/welcome", {"Range": "bytes=0-1"}, 206),
        (f"{api.account}/users?is_chunked=true", {}, 200),
        (f"{api.account}/users?jsonp=f", {}, 200),
        (f"{api.account}/users", {"Accept": "text/csv"}, 200),
        (f"{api.account}/menus", {"Accept": "text/csv"}, 204),
        (f"{api.account}/users", {"If-None-Match": tag}, 304),
    ):
        answer = await api.get(path, headers={**ORIGIN, **headers})
        assert answer.expect(status).headers["Access-Control-Allow-Origin"] == "*", path


async def test_errors_always_do(api: Api) -> None:
    for answer in (
        await api.post(api.account),
        await api.patch("/v2/user_auth", {}),
        await api.get(f"{api.account}/menus", headers={"Accept": "image/png"}),
        await api.put(f"{api.account}/menus", {"name": "x"}, headers={"If-Match": "x"}),
        await api.put(f"{api.account}/api_key", raw=b"x", headers={"Content-Type": "image/png"}),
        await api.put("/v2/user_auth", raw=b"x" * 65_537, token=""),
        await api.get(f"{api.account}/menus/{UNKNOWN}"),
        await api.get(f"{api.account}/menus", token=""),
        await api.put(f"{api.account}/menus", {}),
        await api.put(f"{api.account}/menus", raw=b"{"),
        await api.get("/v2/nope"),
        await api.get("/v1/accounts"),
    ):
        assert answer.status >= 400
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "OPTIONS" in answer.headers["Access-Control-Allow-Methods"]
