"""What every answer carries around its data (docs/protocol.md §3)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from crossbar import __version__
from tests.conftest import NOW, Answer, Api
from tests.contract.conftest import on_any_store
from tests.contract.kit import UNKNOWN

pytestmark = on_any_store

MENU = {"name": "Main"}
TIMESTAMP = "2027-01-15T08:00:00Z"
OLD = "Fri, 01 Jan 1999 00:00:00 GMT"


@pytest.fixture
async def menu(api: Api) -> Answer:
    return (await api.put(f"{api.account}/menus", MENU)).expect(201)


def without_data(answer: Answer) -> dict[str, Any]:
    return {name: value for name, value in answer.body.items() if name != "data"}


async def test_one_document_is_answered_with_exactly_these_keys(api: Api, menu: Answer) -> None:
    answer = (await api.get(f"{api.account}/menus/{menu.data['id']}")).expect(200)
    assert NOW == 1_800_000_000
    assert without_data(answer) == {
        "auth_token": api.token,
        "metadata": {
            "id": menu.data["id"],
            "created": NOW + 62_167_219_200,
            "modified": NOW + 62_167_219_200,
        },
        "node": answer.body["node"],
        "request_id": answer.headers["x-request-id"],
        "revision": menu.body["revision"],
        "status": "success",
        "timestamp": TIMESTAMP,
        "version": __version__,
    }
    assert re.fullmatch(r"[\w-]{22}", answer.body["node"])
    assert re.fullmatch(r"1-[0-9a-f]{32}", answer.body["revision"])


async def test_a_list_adds_its_size_and_the_revision_of_its_content(
    api: Api, menu: Answer
) -> None:
    answer = (await api.get(f"{api.account}/menus")).expect(200)
    assert answer.data == [{"id": menu.data["id"], "name": "Main", "flags": []}]
    assert answer.body["page_size"] == 1
    assert re.fullmatch(r"[0-9a-f]{32}", answer.body["revision"])
    assert not {"start_key", "next_start_key", "metadata"} & answer.body.keys()
    again = (await api.get(f"{api.account}/menus")).expect(200)
    assert again.body["revision"] == answer.body["revision"]
    (await api.post(f"{api.account}/menus/{menu.data['id']}", {"name": "Other"})).expect(200)
    changed = (await api.get(f"{api.account}/menus")).expect(200)
    assert changed.body["revision"] != answer.body["revision"]


async def test_nothing_is_ever_null_in_an_envelope(api: Api, menu: Answer) -> None:
    one = f"{api.account}/menus/{menu.data['id']}"
    answers = [
        await api.get(one),
        await api.post(one, MENU),
        await api.patch(one, {"hunt": True}),
        await api.delete(one),
        await api.get("/v2/token_auth"),
        await api.get(f"{api.account}/limits"),
        await api.get(f"{api.account}/api_key"),
        await api.get(one),
        await api.get("/v2/schemas", token=""),
    ]
    assert [answer.body for answer in answers if None in answer.body.values()] == []


@pytest.mark.parametrize(
    ("verb", "status"), [("GET", 200), ("POST", 200), ("PATCH", 200), ("DELETE", 200)]
)
async def test_only_creation_is_201(api: Api, menu: Answer, verb: str, status: int) -> None:
    answer = await api.request(verb, f"{api.account}/menus/{menu.data['id']}", MENU)
    answer.expect(status)
    assert menu.status == 201
    assert "location" not in answer.headers
    assert "auth_token" in answer.body


async def test_a_created_document_is_at_its_location(api: Api, menu: Answer) -> None:
    location = menu.headers["location"]
    assert location == f"{api.account}/menus/{menu.data['id']}"
    assert (await api.get(location)).expect(200).data == menu.data


async def test_the_location_of_a_path_with_slash_and_query_is_clean(api: Api) -> None:
    answer = (await api.put(f"{api.account}/menus/?x=1", MENU)).expect(201)
    assert answer.headers["location"] == f"{api.account}/menus/{answer.data['id']}"


async def test_logging_out_answers_without_data(api: Api) -> None:
    answer = (await api.delete("/v2/token_auth")).expect(200)
    assert "data" not in answer.body
    (await api.get("/v2/token_auth")).expect(401)


async def test_a_login_carries_the_new_token_beside_its_data(api: Api) -> None:
    key = (await api.get(f"{api.account}/api_key")).expect(200).data["api_key"]
    answer = (await api.put("/v2/api_auth", {"api_key": key}, token="")).expect(201)
    assert answer.body["auth_token"].count(".") == 2
    assert answer.body["revision"] == "automatic"
    assert "auth_token" not in answer.data
    assert answer.data["account_id"] == api.master.account_id


async def test_an_anonymous_answer_has_neither_token_nor_version(api: Api) -> None:
    answer = (await api.get("/v2/schemas", token="")).expect(200)
    assert not {"auth_token", "version"} & answer.body.keys()


async def test_the_headers_of_a_read(api: Api, menu: Answer) -> None:
    answer = await api.get(f"{api.account}/menus/{menu.data['id']}")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["ETag"] == f'"{menu.body["revision"]}"'
    assert answer.headers["Expires"] == OLD
    assert answer.headers["Content-Language"] == "en"
    assert answer.headers["Vary"] == "accept-language, accept"
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_write_carries_neither_etag_nor_expiry(api: Api, menu: Answer) -> None:
    one = f"{api.account}/menus/{menu.data['id']}"
    for answer in (menu, await api.post(one, MENU), await api.delete(one)):
        assert not {"ETag", "Expires"} & set(answer.headers)


async def test_what_has_no_revision_is_answered_with_the_requests(api: Api) -> None:
    answers = [
        await api.get(path)
        for path in (
            "/v2/token_auth",
            f"{api.account}/limits",
            f"{api.account}/about",
            f"{api.account}/api_key",
            f"{api.account}/api_key",
        )
    ]
    answers.append(await api.delete("/v2/token_auth"))
    for answer in answers:
        assert answer.expect(200).body["revision"] == answer.body["request_id"]
        assert "ETag" not in answer.headers


async def test_a_refusal_has_no_revision(api: Api) -> None:
    assert "revision" not in (await api.get(f"{api.account}/menus/{UNKNOWN}")).expect(404).body


async def test_error_answers_are_plain_json_too(api: Api) -> None:
    for answer in (
        await api.get(f"{api.account}/menus/{UNKNOWN}"),
        await api.get("/v2/nope"),
        await api.put(f"{api.account}/menus", raw=b"{"),
        await api.get(api.account, token=""),
        await api.get(api.account, headers={"Accept": "image/png"}),
    ):
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.body["status"] == "error"


@pytest.mark.parametrize("accepted", ["gzip", "gzip, deflate", "br;q=1.0, gzip;q=0.5"])
async def test_large_answers_are_compressed_for_who_accepts_it(api: Api, accepted: str) -> None:
    answer = await api.get("/v2/schemas", headers={"Accept-Encoding": accepted})
    assert answer.expect(200).headers["Content-Encoding"] == "gzip"
    assert "callflows" in answer.data


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "br", ""])
async def test_answers_are_not_compressed_for_who_does_not(api: Api, accepted: str) -> None:
    answer = await api.get("/v2/schemas", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.expect(200).headers
    assert "callflows" in answer.data


async def test_small_answers_are_not_compressed(api: Api, menu: Answer) -> None:
    path = f"{api.account}/about"
    answer = await api.get(path, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.expect(200).headers
