"""The console's files: what a browser is sent, what it keeps, and where it is sent on."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest

from crossbar.console import CONTENT_TYPES
from tests.conftest import Answer, Api
from tests.contract.kit import bare_exchange, http
from tests.ops.processes import ROOT

STATIC = ROOT / "crossbar/console/static"
FILES = sorted(
    path.relative_to(STATIC).as_posix()
    for path in STATIC.rglob("*")
    if path.suffix in CONTENT_TYPES
)
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def get(api: Api, path: str, **headers: str) -> Answer:
    """An answer as it was sent: neither inflated nor followed to elsewhere."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return await bare_exchange(api, http("GET", path, *lines))


async def test_every_file_is_served_as_it_is(api: Api) -> None:
    for name in FILES:
        answer = (await get(api, f"/console/{name}")).expect(200)
        assert answer.content == (STATIC / name).read_bytes(), name
        suffix = f".{name.rpartition('.')[2]}"
        assert answer.headers["content-type"] == CONTENT_TYPES[suffix]


async def test_a_file_is_compressed_for_who_can_read_it(api: Api) -> None:
    answer = await get(api, "/console/js/form/form.js", Accept_Encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.content) == (STATIC / "js/form/form.js").read_bytes()


async def test_a_file_that_a_browser_has_is_not_sent_again(api: Api) -> None:
    first = await get(api, "/console/")
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "no-cache"
    again = await get(api, "/console/", If_None_Match=tag)
    assert (again.status, again.content) == (304, b"")


async def test_nothing_can_be_loaded_from_elsewhere_or_run_from_the_page(api: Api) -> None:
    answer = await get(api, "/console/")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    page = answer.content.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", page) == []


async def test_the_console_is_told_where_the_socket_is(api: Api) -> None:
    answer = (await get(api, "/console/js/place.js")).expect(200)
    assert answer.content == b'export const SOCKET = "/websockets";\n'
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


class TestWithoutSocket:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"websockets.path": ""}

    async def test_there_is_none(self, api: Api) -> None:
        answer = (await get(api, "/console/js/place.js")).expect(200)
        assert answer.content == b'export const SOCKET = "";\n'


@pytest.mark.parametrize(
    "path",
    [
        "/console/nonsense",
        "/console/../app.py",
        "/console/%2e%2e/app.py",
        "/console/js/../../__init__.py",
        "/console/__init__.py",
        "/console/vendor/readme.txt",
        "/console/js/",
        "/console/js%2Fmain.js",
    ],
)
async def test_what_is_no_file_of_the_console_is_a_page_that_helps(api: Api, path: str) -> None:
    answer = (await get(api, path)).expect(404)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert b'href="/console/"' in answer.content


async def test_only_reading_is_offered(api: Api) -> None:
    for path in ("/console/", "/console/nonsense"):
        answer = (await bare_exchange(api, http("POST", path))).expect(405)
        assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("path", "headers"), [("/", BROWSER), ("/console", {}), ("/console?x=1", BROWSER)]
)
async def test_a_browser_is_sent_to_the_console(
    api: Api, path: str, headers: dict[str, str]
) -> None:
    answer = (await get(api, path, **headers)).expect(302)
    assert answer.headers["location"] == "/console/"


@pytest.mark.parametrize("headers", [{}, {"Accept": "*/*"}])
async def test_everybody_else_is_greeted(api: Api, headers: dict[str, str]) -> None:
    answer = (await get(api, "/", **headers)).expect(200)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert b"The API is at /v2/" in answer.content
