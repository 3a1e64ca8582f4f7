"""No browser guesses what an answer is: it is what its media type says, whatever is in it."""

from __future__ import annotations

from itertools import product

import pytest

from tests.conftest import Answer, Api
from tests.contract.kit import bare_exchange, create_all, http
from tests.each import one_gateway_for_each


def guarded(answer: Answer) -> bool:
    return bool(answer.headers.get("x-content-type-options") == "nosniff")


PATHS = (
    "/",
    "/nope",
    "/docs",
    "/docs/errors",
    "/docs/assets/swagger-ui.css",
    "/console",
    "/console/",
    "/console/nope",
    "/v1/spec.yaml",
    "/v1/ranks",
    "/v1/nope",
    "/v1/accounts",
    "/v1.1/usage.json",
    "/v1.1/watch?x",
    "/v1.1/nope",
    "/v2/openapi.json",
    "/v2/schemas",
    "/v2/nope",
)
METHODS = ("GET", "HEAD", "OPTIONS", "DELETE", "PUT")


@one_gateway_for_each(product(METHODS, PATHS), " ".join)
async def test_every_path_whatever_is_answered(api: Api, asked: tuple[str, str]) -> None:
    method, path = asked
    for headers in ((), ("Origin: https://x.example", "Accept: text/html")):
        answer = await bare_exchange(api, http(method, path, *headers))
        assert guarded(answer), (answer.status, headers)


async def test_downloads_tables_and_lists_that_are_sent_as_they_are_read(api: Api) -> None:
    media = f"{api.account}/media"
    [sound] = await create_all(api, media, [{"name": "Hello"}])
    headers = {"Content-Type": "audio/wav"}
    assert guarded(await api.post(f"{media}/{sound}/raw", raw=b"<html>", headers=headers))
    for path in (
        f"{media}/{sound}/raw",
        f"{media}?accept=csv",
        f"{media}?is_chunked=true",
        f"{media}?jsonp=run",
        f"{media}/{sound}",
    ):
        assert guarded((await api.get(path)).expect(200)), path
    known = {"If-None-Match": "*"}
    assert guarded((await api.get(f"{media}/{sound}", headers=known)).expect(304))


@pytest.mark.parametrize("request_line", [b"nonsense", b"GET / HTTP/9.9", b"CONNECT x:1 HTTP/1.1"])
async def test_what_is_no_request(api: Api, request_line: bytes) -> None:
    answer = await bare_exchange(api, request_line + b"\r\nHost: x\r\n\r\n")
    assert answer.status >= 400
    assert guarded(answer)
