"""Odd paths, queries and headers: an envelope, no server error, nothing written."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from crossbar.storage import LARGEST, Batch, Key, Put
from tests.conftest import Answer, Api
from tests.contract.conftest import on_every_store
from tests.contract.kit import bare_exchange, create_all, http, refusal

pytestmark = on_every_store


@pytest.fixture
async def token(api: Api) -> AsyncIterator[str]:
    """The header that authenticates; what is sent with it writes nothing."""
    store = api.gateway.services.store
    before = await store.last_event()
    yield f"X-Auth-Token: {api.token}"
    assert await store.last_event() == before


async def read(api: Api, target: str, *headers: str | bytes) -> Answer:
    return await bare_exchange(api, http("GET", target, *headers))


IDS = {
    "$": "$",
    "dollar.dot": "dollar.dot",
    "%24where": "$where",
    "a%2Fb": "a/b",
    "a%2fb%2F": "a/b/",
    "%00": "\x00",
    "a%00b": "a\x00b",
    "..": "..",
    "%2e%2e": "..",
    "%2E%2E%2F%2E%2E": "../..",
    "%C3%A4": "ä",
    "%F0%9F%98%80": "😀",
    "%E2%80%AE": "\u202e",
    "%zz": "%zz",
    "%": "%",
    "%2": "%2",
    "a+b": "a+b",
    "a b".replace(" ", "%20"): "a b",
    "a;b=c": "a;b=c",
    "{menu_id}": "{menu_id}",
    "undefined": "undefined",
    "null": "null",
    "pvt_type": "pvt_type",
    "_design": "_design",
    "'%20OR%201=1--": "' OR 1=1--",
    "a" * 3000: "a" * 800 + "…",
}
"""Ids as they are sent, and as they are answered."""


async def test_an_odd_id_is_unknown(api: Api, token: str) -> None:
    failures = []
    for sent, meant in IDS.items():
        answer = await read(api, f"{api.account}/menus/{sent}", token)
        expected = {"message": "bad identifier", "cause": meant}
        failures.append((sent, refusal(answer, 404, "bad_identifier", expected)))
        target = f"{api.account}/users/{sent}/devices/{sent}"
        for verb in ("POST", "PATCH", "DELETE"):
            answer = await bare_exchange(api, http(verb, target, token))
            failures.append((sent, refusal(answer, 404, "bad_identifier", expected)))
        answer = await read(api, f"/v2/schemas/{sent}")
        failures.append((sent, refusal(answer, 404, "bad_identifier", expected)))
        answer = await read(api, f"/v2/accounts/{sent}", token)
        failures.append((sent, refusal(answer, 404, "bad identifier")))
    assert [(sent[:30], wrong) for sent, wrong in failures if wrong] == []


PATHS = (
    "/v2/accounts/%FF",
    "/v2/accounts/%C3%28",
    "/v2/accounts/%ED%A0%80",
    "/v2/../v2/schemas",
    "/v2/schemas/../schemas",
    "/v2/./schemas",
    "/v2/%2Fschemas",
    "/v2/accounts/x/" + "menus/" * 900,
    "/v2/" + "a" * 8000,
    "/v2/" + "%20" * 2000,
)


async def test_an_odd_path_leads_nowhere(api: Api, token: str) -> None:
    found = {path[:40]: refusal(await read(api, path, token), 404, "not_found") for path in PATHS}
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


QUERIES = (
    *("", "&&&", "=", "=x", "&=&a=&", "%", "%zz=%zz", "a=%ff", "%ff", "x" * 6000, "&" * 6000),
    *("filter_=", "filter_.=.", "filter_..a..=1", "filter_a.99999999999999999999=1"),
    *("filter_a=[", 'filter_a=["x",1,{}]', "filter_a=" + "[" * 3000),
    *("has_key", "has_key=", "has_key=%00", "created_from=x", "created_from=-1"),
    *("created_to=99999999999999999999999999", "modified_to=%D9%A3", "bookmark=."),
    *("start_key=x", "start_key=%00", "start_key=%F0%9F%98%80", "start_key=W10"),
    *("start_key=WzEsMl0", "start_key=" + "Wz" * 1800, "end_key=%00", "fields=[]"),
    *("ascending=maybe&descending=perhaps", "paginate=0", "pretty_print=1&jsonp=1"),
    *("jsonp=" + "a" * 200, "jsonp=alert(1)", "full_docs=true&is_chunked=false"),
    *("verb=", "accept=", "auth_token=", "_=123"),
)


async def test_an_odd_query_is_answered(api: Api, token: str) -> None:
    found = {}
    for query in QUERIES:
        answer = await read(api, f"{api.account}/menus?{query}", token)
        if answer.status != 200 or answer.data != []:
            found[query[:40]] = answer.content[:200]
    assert found == {}


UNUSABLE = {
    "invalid page size": tuple(
        f"page_size={size}" for size in ("", "x", "1.5", "true", "1_0", "%D9%A3", "+1")
    ),
    "page size must be at least 1": ("page_size=-1", "page_size=0", "page_size=-" + "9" * 30),
    "invalid chunk size": ("chunk_size=0", "chunk_size=-1", "chunk_size=x"),
    "chunk size must be lower than 50": ("chunk_size=51", "chunk_size=" + "9" * 30),
}


async def test_an_unusable_size_is_refused(api: Api, token: str) -> None:
    found = {}
    for message, queries in UNUSABLE.items():
        for query in queries:
            answer = await read(api, f"{api.account}/menus?{query}", token)
            found[query] = refusal(answer, 404, "faulty_request", {"message": message})
    assert {query: wrong for query, wrong in found.items() if wrong} == {}


async def test_a_broken_key_is_refused_whatever_its_length(api: Api, token: str) -> None:
    for name in ("start_key", "end_key"):
        expected = {
            name: {
                "invalid": {
                    "message": f"{name} looks like a next_start_key, and is none",
                    "target": "a next_start_key as it was given, or a value of what the list is"
                    " sorted by",
                }
            }
        }
        for key in ("WyIi", "WyIi" * 900):
            answer = await read(api, f"{api.account}/menus?{name}={key}", token)
            assert refusal(answer, 400, "validation error", expected) is None, key


async def test_unusable_fields_are_refused(api: Api, token: str) -> None:
    target = 'a JSON array of names, such as ["name"]'
    expected = {
        "fields": {"invalid": {"message": "invalid fields query string", "target": target}}
    }
    for fields in ("x", "{}", '"id"', "[1]", "[", "", "%00"):
        answer = await read(api, f"{api.account}/menus?fields={fields}", token)
        assert refusal(answer, 400, "validation error", expected) is None, fields


HEADERS: dict[str, list[bytes]] = {
    "X-Request-ID": [b"\xff", b"a b", b"x" * 500, b"", b"<script>"],
    "X-Auth-Account-ID": [b""],
    "Accept-Encoding": [b"\xff", b"gzip;q=x", b",,,", b"gzip;q=1.1.1"],
    "Accept": [b"*/*;q=x", b",,application/json", b"application/json;q=1.2.3, */*", b""],
    "If-None-Match": [b"\xff", b'"', b"W/", b",", b'"a" "b"'],
    "X-Forwarded-For": [b"\xff", b",,,", b"127.0.0.1", b"not an address", b"x" * 5000],
    "Range": [b"bytes=" + b"9" * 5000 + b"-", b"bytes=-", b"bytes=5-1", b"lines=1-2", b"\xff"],
    "Content-Type": [b"\xff", b";", b"/", b"multipart/form-data", b"a" * 5000],
    "Content-Length": [b"0"],
    "Content-Transfer-Encoding": [b"\xff", b"base64"],
    "X-File-Name": [b"\xff", b'"; filename="x', b"..\\..\\x", b"x" * 5000],
    "Origin": [b"\xff", b"null", b""],
    "X-Pretty-Print": [b"\xff", b"true"],
    "Cookie": [b"\xff", b"a=b; c"],
}


async def test_odd_header_values_do_not_hinder_a_read(api: Api, token: str) -> None:
    path = f"{api.account}/menus?accept=json"
    found = {}
    for name, values in HEADERS.items():
        for value in values:
            answer = await read(api, path, token, name.encode() + b": " + value)
            found[name, value[:30]] = answer.status
    assert {sent: status for sent, status in found.items() if status != 200} == {}


CREDENTIALS = (
    b"X-Auth-Token: \xff",
    b"X-Auth-Token: undefined",
    b"X-Auth-Token: a.b.c",
    b"X-Auth-Token: " + b"x" * 7000,
    b"Authorization: Bearer \xff",
    b"Authorization: Bearer",
    b"Authorization: Basic \xff",
    b"Authorization: Basic !!!",
    b"Authorization: Basic Og==",
    b"Authorization: Basic /w==",
    b"Authorization: Digest x",
    b"Authorization: \xff",
)


async def test_an_odd_credential_is_none(api: Api) -> None:
    for header in CREDENTIALS:
        answer = await read(api, api.account, header)
        assert refusal(answer, 401, "invalid_credentials") is None, header[:40]
        (await read(api, "/v2/schemas", header)).expect(200)


async def test_a_file_name_that_is_no_utf_8_is_replaced(api: Api, token: str) -> None:
    (await api.get(f"{api.account}/menus")).expect(200)
    target = f"{api.account}/children?accept=csv"
    answer = await read(api, "/v2/schemas?accept=csv", b"X-File-Name: a\xff\x22b.csv")
    assert answer.expect(200).headers["content-disposition"] == 'attachment; filename="a__b.csv"'
    assert (await read(api, target, token)).status == 204


BELOW_HTTP = {
    "unknown method": http("FOO", "/v2/schemas"),
    "lower-case method": http("get", "/v2/schemas"),
    "raw umlaut": http("GET", "/v2/schemas/ä"),
    "raw byte": http("GET", b"/v2/schemas/\xff"),
    "long target": http("GET", "/v2/schemas/" + "a" * 70_000),
    "long header": http("GET", "/v2/schemas", "A: " + "a" * 70_000),
    "broken header": http("GET", "/v2/schemas", "no colon"),
    "broken URL": http("GET", "http://[x/v2"),
    "broken chunk": http("PUT", "/v2/x", "Transfer-Encoding: chunked", body=b"zz", length=False),
    "two lengths": http("PUT", "/v2/x", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "negative length": http("PUT", "/v2/x", "Content-Length: -5"),
    "unknown coding": http("PUT", "/v2/x", "Content-Encoding: br", body=b"x"),
}


async def test_what_is_not_http_is_400(api: Api) -> None:
    for name, request in BELOW_HTTP.items():
        answer = await bare_exchange(api, request)
        assert refusal(answer, 400, "parse_error") is None, name
        assert answer.data["message"], name
        (await api.get("/v2/schemas", token="")).expect(200)


async def test_a_document_cannot_grow_beyond_what_the_store_holds(api: Api) -> None:
    path = f"{api.account}/menus"
    [menu] = await create_all(api, path, [{"name": "x"}])
    store, key = api.gateway.services.store, Key(api.master.account_id, "menu", menu)
    stored = await store.get(key)
    assert stored is not None
    grown = {**stored, "filler": "x" * (LARGEST - 1000)}
    await store.commit(Batch(puts=(Put(key, grown, stored["_rev"]),)))
    answer = (await api.patch(f"{path}/{menu}", {"more": "y" * 1_000_000})).expect(413)
    assert answer.body["message"] == "document_too_large"
    (await api.patch(f"{path}/{menu}", {"filler": None})).expect(200)
    assert "more" not in (await api.get(f"{path}/{menu}")).expect(200).data
