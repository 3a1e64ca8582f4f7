"""Whatever a client sends, it gets an envelope that says what is wrong, and nothing half written."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conftest import Answer, Api
from tests.contract.conftest import on_every_store
from tests.contract.kit import UNKNOWN, bare_exchange, chunked, everything, http, multipart

pytestmark = on_every_store

LIMIT = 20_000
JSON = {"Content-Type": "application/json"}
DEEP = 101
"""More levels than the setting allows."""

UNREADABLE: dict[str, tuple[bytes, str]] = {
    "open object": (b'{"data":{"name":"Main"', "truncated_json around 22"),
    "open string": (b'{"data":{"name":"Ma', "truncated_json around 19"),
    "open array": (b'{"data":[1,', "truncated_json around 11"),
    "open after umlauts": ('{"data":{"name":"äö"'.encode(), "truncated_json around 22"),
    "blank": (b"  ", "truncated_json around 2"),
    "no JSON": (b"name=Main", "invalid_json around 0"),
    "single quotes": (b"{'data':{}}", "invalid_json around 1"),
    "trailing comma": (b'{"data":{},}', "invalid_json around 11"),
    "two texts": (b'{"data":{}}{"data":{}}', "invalid_json around 11"),
    "comment": (b'{"data":{}} // no', "invalid_json around 12"),
    "byte order mark": (b'\xef\xbb\xbf{"data":{}}', "invalid_json around 0"),
    "NUL": (b'{"data":{"name":"\x00"}}', "invalid_json around 17"),
    "bare NUL": (b"\x00", "invalid_json around 0"),
    "invalid UTF-8": (b'{"data":{"name":"\xff"}}', "invalid_json around 17"),
    "invalid UTF-8 after umlaut": (
        '{"data":{"name":"ä'.encode() + b'\xff"}}',
        "invalid_json around 19",
    ),
    "UTF-16": ('{"data":{}}'.encode("utf-16"), "invalid_json around 0"),
    "lone surrogate": (b'{"data":{"name":"\\ud800"}}', "invalid_json around 23"),
    "NaN": (b'{"data":{"x":NaN}}', "NaN is not JSON"),
    "infinity": (b'{"data":{"x":-Infinity}}', "-Infinity is not JSON"),
    "large integer": (b'{"data":{"x":9223372036854775808}}', "integers must fit into 64 bits"),
    "huge integer": (b'{"data":{"x":%s}}' % (b"9" * 9000), "integers must fit into 64 bits"),
    "huge exponent": (b'{"data":{"x":1e400}}', "numbers must fit into a double"),
    "vast exponent": (b'{"data":{"x":1e%s}}' % (b"9" * 5000), "numbers must fit into a double"),
    "hexadecimal": (b'{"data":{"x":0x10}}', "invalid_json around 14"),
    "leading zero": (b'{"data":{"x":010}}', "invalid_json around 14"),
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


@pytest.mark.parametrize("name", UNREADABLE)
async def test_a_body_that_is_no_envelope_is_refused_on_every_verb(api: Api, name: str) -> None:
    body, message = UNREADABLE[name]
    expected = {"json": {"invalid": {"message": message, "target": "body"}}}
    for verb in ("PUT", "POST", "PATCH", "DELETE", "GET"):
        answer = await api.request(verb, f"{api.account}/menus", raw=body, headers=JSON)
        assert invalid(answer) == expected, verb


@pytest.mark.parametrize("wrong", ["x", None, 5, 1.5, True, ""])
async def test_data_of_another_type_is_refused(api: Api, wrong: Any) -> None:
    answer = await api.request("PUT", f"{api.account}/menus", raw=None, data=None, verb="PUT")
    assert "data" not in invalid(answer)
    body = {"message": "Value did not match type(s): object, array", "target": "object, array"}
    import orjson

    raw = orjson.dumps({"data": wrong})
    for verb in ("PUT", "POST", "PATCH", "DELETE", "GET"):
        answer = await api.request(verb, f"{api.account}/menus", raw=raw, headers=JSON)
        assert invalid(answer) == {"data": {"type": {**body, "value": wrong}}}


@pytest.mark.parametrize("envelope", [{}, {"name": "Main"}, {"verb": "PUT"}])
async def test_an_envelope_without_data_is_refused(api: Api, envelope: Any) -> None:
    import orjson

    body = {"message": "Field is required but missing", "value": envelope}
    for verb in ("PUT", "POST", "PATCH", "DELETE", "GET"):
        answer = await api.request(
            verb, f"{api.account}/menus", raw=orjson.dumps(envelope), headers=JSON
        )
        assert invalid(answer) == {"data": {"required": body}}
