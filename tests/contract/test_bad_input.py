"""Whatever body comes, an envelope says what is wrong with it, and nothing is half written."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from tests.conftest import Answer, Api
from tests.contract.conftest import on_any_store
from tests.contract.kit import UNKNOWN, bare_exchange, chunked, http, multipart, refusal

pytestmark = on_any_store

LIMIT = 20_000
JSON = {"Content-Type": "application/json"}
MULTIPART = "Content-Type: multipart/mixed; boundary=XX"
VERBS = ("PUT", "POST", "PATCH", "DELETE", "GET")
DEEP = 101
"""More levels than the setting allows."""

UNREADABLE: dict[str, tuple[bytes, str]] = {
    "first name": (b'{"data":{"first_name":"Ann"', "truncated_json around 28"),
    "open object": (b'{"data":{"name":"Main"', "truncated_json around 23"),
    "open string": (b'{"data":{"name":"Ma', "truncated_json around 20"),
    "open array": (b'{"data":[1,', "truncated_json around 12"),
    "open after umlauts": ('{"data":{"name":"äö"'.encode(), "truncated_json around 23"),
    "blank": (b"  ", "truncated_json around 3"),
    "no JSON": (b"name=Main", "invalid_json around 1"),
    "single quotes": (b"{'data':{}}", "invalid_json around 2"),
    "trailing comma": (b'{"data":{},}', "invalid_json around 12"),
    "two texts": (b'{"data":{}}{"data":{}}', "invalid_json around 12"),
    "comment": (b'{"data":{}} // no', "invalid_json around 13"),
    "byte order mark": (b'\xef\xbb\xbf{"data":{}}', "invalid_json around 1"),
    "NUL": (b'{"data":{"name":"\x00"}}', "invalid_json around 18"),
    "bare NUL": (b"\x00", "invalid_json around 1"),
    "invalid UTF-8": (b'{"data":{"name":"\xff"}}', "invalid_json around 18"),
    "invalid UTF-8 after umlaut": (
        '{"data":{"name":"ä'.encode() + b'\xff"}}',
        "invalid_json around 20",
    ),
    "UTF-16": ('{"data":{}}'.encode("utf-16"), "invalid_json around 1"),
    "lone surrogate": (b'{"data":{"name":"\\ud800"}}', "invalid_json around 18"),
    "NaN": (b'{"data":{"x":NaN}}', "NaN is not JSON"),
    "infinity": (b'{"data":{"x":-Infinity}}', "-Infinity is not JSON"),
    "large integer": (b'{"data":{"x":9223372036854775808}}', "integers must fit into 64 bits"),
    "huge integer": (b'{"data":{"x":%s}}' % (b"9" * 9000), "integers must fit into 64 bits"),
    "huge exponent": (b'{"data":{"x":1e400}}', "numbers must fit into a double"),
    "vast exponent": (b'{"data":{"x":1e%s}}' % (b"9" * 5000), "numbers must fit into a double"),
    "hexadecimal": (b'{"data":{"x":0x10}}', "invalid_json around 15"),
    "leading zero": (b'{"data":{"x":010}}', "invalid_json around 15"),
    "duplicate key": (b'{"data":{},"data":{}}', "duplicate key 'data'"),
    "key spelled twice": (b'{"data":{},"Data":{}}', "duplicate key 'data'"),
    "dashed key spelled twice": (
        b'{"data":{},"auth_token":"","Auth-Token":""}',
        "duplicate key 'auth_token'",
    ),
    "duplicate key in data": (b'{"data":{"x":1,"x":1}}', "duplicate key 'x'"),
    "duplicate key in a list": (b'{"data":{"x":[{"y":1,"y":2}]}}', "duplicate key 'y'"),
    "too deep": (b'{"data":' + b"[" * DEEP + b"]" * DEEP + b"}", "nested deeper than 100 levels"),
    "far too deep": (b"[" * 9000, "nested deeper than 100 levels"),
    "deep objects": (b'{"a":' * 3000 + b"1" + b"}" * 3000, "nested deeper than 100 levels"),
    "list": (b"[1]", "All JSON must be valid"),
    "string": (b'"x"', "All JSON must be valid"),
    "number": (b"5", "All JSON must be valid"),
    "null": (b"null", "All JSON must be valid"),
    "true": (b"true", "All JSON must be valid"),
}
"""Bodies that are no envelope, with the message that says why."""


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"http.max_upload_size": LIMIT}


@pytest.fixture(autouse=True)
async def nothing_written(api: Api) -> AsyncIterator[None]:
    """No test of this module leaves a document behind."""
    store = api.gateway.services.store
    before = await store.last_event()
    yield
    assert await store.last_event() == before


def invalid(answer: Answer) -> Any:
    """The data of a 400 validation error."""
    assert answer.expect(400).body["message"] == "validation error"
    return answer.data


async def test_a_body_that_is_no_envelope_is_refused_on_every_verb(api: Api) -> None:
    failures = []
    for name, (body, message) in UNREADABLE.items():
        expected = {"json": {"invalid": {"message": message, "target": "body"}}}
        for verb in VERBS:
            answer = await api.request(verb, f"{api.account}/menus", raw=body, headers=JSON)
            wrong = refusal(answer, 400, "validation error", expected)
            failures += [f"{verb} {name}: {wrong}"] if wrong else []
    assert failures == []


@pytest.mark.parametrize("wrong", ["x", None, 5, 1.5, True, ""])
async def test_data_of_another_type_is_refused_on_every_verb(api: Api, wrong: Any) -> None:
    details = {
        "message": "Value did not match type(s): object, array",
        "target": "object, array",
        "value": wrong,
    }
    raw = orjson.dumps({"data": wrong})
    for verb in VERBS:
        answer = await api.request(verb, f"{api.account}/menus", raw=raw, headers=JSON)
        assert invalid(answer) == {"data": {"type": details}}, verb


@pytest.mark.parametrize("envelope", [{}, {"name": "Main"}, {"verb": "PUT"}])
async def test_an_envelope_without_data_is_refused_on_every_verb(api: Api, envelope: Any) -> None:
    details = {"message": "Field is required but missing", "value": envelope}
    raw = orjson.dumps(envelope)
    for verb in VERBS:
        answer = await api.request(verb, f"{api.account}/menus", raw=raw, headers=JSON)
        assert invalid(answer) == {"data": {"required": details}}, verb


@pytest.mark.parametrize("data", [[], [{}], ["x"], [{"name": "Main"}]])
async def test_a_list_is_no_document(api: Api, data: Any) -> None:
    details = {
        "message": "Value did not match type(s): object",
        "target": "object",
        "value": data,
    }
    answer = await api.put(f"{api.account}/menus", data)
    assert invalid(answer) == {"data": {"type": details}}
    answer = await api.put("/v2/user_auth", data, token="")
    assert invalid(answer) == {"data": {"type": details}}
    invalid(await api.put("/v2/schemas/menus/validation", data))
    invalid(await api.post(f"{api.account}/move", data))


async def test_an_empty_body_is_an_empty_document(api: Api) -> None:
    required = {
        "name": {"required": {"message": "Field is required but missing", "value": "name"}}
    }
    assert invalid(await api.put(f"{api.account}/menus", raw=b"", headers=JSON)) == required
    assert invalid(await api.put(f"{api.account}/menus")) == required
    (await api.get(f"{api.account}/menus", raw=b"", headers=JSON)).expect(200)
    (await api.delete(f"{api.account}/menus/{UNKNOWN}", raw=b"", headers=JSON)).expect(404)


async def test_a_body_over_the_limit_is_413_however_it_is_sent(api: Api) -> None:
    path, token = f"{api.account}/menus", f"X-Auth-Token: {api.token}"
    large = b'{"data":{}}'.ljust(LIMIT + 1)
    head = ("PUT", path, token, "Content-Type: application/json")
    pieces = "Transfer-Encoding: chunked"
    parts = multipart(("Content-Type: application/json", large))
    requests = [
        http(*head, body=large),
        http(*head, pieces, body=chunked(large), length=False),
        http(*head, pieces, body=chunked(large[:9], large[9:]), length=False),
        http(*head, "Content-Encoding: gzip", body=gzip.compress(b" " * LIMIT * 100)),
        http("PUT", path, token, "Content-Type: audio/wav", body=large),
        http("PUT", path, token, MULTIPART, pieces, body=chunked(parts), length=False),
    ]
    message = f"Payload or Files must not be more than {LIMIT} bytes"
    expected = {"file": {"maxSize": {"message": message, "target": LIMIT}}}
    for number, request in enumerate(requests):
        answer = (await bare_exchange(api, request)).expect(413)
        assert (answer.body["message"], answer.data) == ("validation error", expected), number


async def test_a_body_of_just_the_limit_is_read(api: Api) -> None:
    path, token = f"{api.account}/menus", f"X-Auth-Token: {api.token}"
    body = b'{"data":{}}'.ljust(LIMIT)
    head = ("PUT", path, token, "Content-Type: application/json")
    whole = await bare_exchange(api, http(*head, body=body))
    pieces = http(*head, "Transfer-Encoding: chunked", body=chunked(body), length=False)
    assert invalid(whole).keys() == invalid(await bare_exchange(api, pieces)).keys() == {"name"}


BROKEN_CODINGS = {
    "no gzip": ("gzip", b'{"data":{"name":"Main"}}'),
    "cut gzip": ("gzip", gzip.compress(b'{"data":{"name":"Main"}}')[:-12]),
    "no deflate": ("deflate", b'{"data":{"name":"Main"}}'),
    "cut deflate": ("deflate", zlib.compress(b'{"data":{"name":"Main"}}')[:-8]),
}


@pytest.mark.parametrize("name", BROKEN_CODINGS)
async def test_a_body_that_cannot_be_unpacked_is_refused(api: Api, name: str) -> None:
    coding, body = BROKEN_CODINGS[name]
    headers = {**JSON, "Content-Encoding": coding}
    for verb in VERBS:
        answer = await api.request(verb, f"{api.account}/menus", raw=body, headers=headers)
        assert answer.expect(400).body["message"] in ("validation error", "parse_error"), verb


BROKEN_PARTS = {
    "no boundary": ("multipart/form-data", b"x"),
    "long boundary": (f"multipart/form-data; boundary={'X' * 100}", b"x"),
    "no part": ("multipart/form-data; boundary=XX", b"x" * 50),
    "no end": (
        "multipart/form-data; boundary=XX",
        b'--XX\r\nContent-Type: application/json\r\n\r\n{"data":{"name":"Main"}}',
    ),
    "header without colon": (
        "multipart/form-data; boundary=XX",
        multipart(("no header", b"x")),
    ),
    "header with NUL": ("multipart/mixed; boundary=XX", multipart(("A: b\x00", b"x"))),
    "long header": ("multipart/mixed; boundary=XX", multipart(("A: " + "b" * 9000, b"x"))),
    "nested": (
        "multipart/mixed; boundary=XX",
        multipart(
            (
                "Content-Type: multipart/mixed; boundary=YY",
                multipart(("A: b", b"x"), boundary="YY"),
            )
        ),
    ),
    "very many": ("multipart/mixed; boundary=XX", multipart(*[("A: b", b"")] * 101)),
    "bad base64": (
        "multipart/mixed; boundary=XX",
        multipart(("Content-Type: audio/wav\r\nContent-Transfer-Encoding: base64", b"!!!")),
    ),
}


@pytest.mark.parametrize("name", BROKEN_PARTS)
async def test_broken_multipart_bodies_are_refused(api: Api, name: str) -> None:
    content_type, body = BROKEN_PARTS[name]
    for verb in VERBS:
        answer = await api.request(
            verb, f"{api.account}/menus", raw=body, headers={"Content-Type": content_type}
        )
        [rule] = invalid(answer)["file"].values()
        assert rule["message"], verb


async def test_a_malformed_json_part_is_refused_like_a_body(api: Api) -> None:
    body = multipart(("Content-Type: application/json", b'{"data":'))
    answer = await api.put(f"{api.account}/menus", raw=body, headers=dict([MULTIPART.split(": ")]))
    assert invalid(answer).keys() == {"json"}


@pytest.mark.parametrize("content", [b"!!!", b"data:audio/wav;base64,!!!", b"AAA", "ä".encode()])
async def test_broken_base64_is_refused(api: Api, content: bytes) -> None:
    expected = {"file": {"encoding": {"message": "failed to decode base64 data"}}}
    for headers in (
        {"Content-Type": "application/base64"},
        {"Content-Type": "audio/wav", "Content-Transfer-Encoding": "base64"},
    ):
        answer = await api.put(f"{api.account}/media", raw=content, headers=headers)
        assert invalid(answer) == expected


async def test_a_document_of_very_many_keys_is_refused_quickly(api: Api) -> None:
    """Also one whose last key is there twice: looking for it takes no quadratic time."""
    names = [f"k{number}" for number in range(2000)]
    text = ",".join(f'"{name}":1' for name in names)
    answer = await api.put(
        f"{api.account}/menus", raw=f'{{"data":{{{text}}}}}'.encode(), headers=JSON
    )
    assert invalid(answer).keys() == {"name"}
    twice = f'{{"data":{{{text},"k1999":1}}}}'.encode()
    answer = await api.put(f"{api.account}/menus", raw=twice, headers=JSON)
    assert invalid(answer)["json"]["invalid"]["message"] == "duplicate key 'k1999'"
