"""The documentation that the gateway serves: complete, and from nowhere else."""

from __future__ import annotations

import asyncio
import re
import threading
from html.parser import HTMLParser

import pytest
from aiohttp.test_utils import make_mocked_request

from crossbar import errors
from crossbar.app import DESCRIBED
from crossbar.dialects.documentation import anchor_of
from crossbar.dialects.pages import Page
from crossbar.errors import CrossbarError
from tests.conftest import Api

HTML_PAGES = ("/docs", "/docs/", "/docs/errors", *(each.page for each in DESCRIBED))


class Reader(HTMLParser):
    """What a page links to and loads, its ids, and what a strict policy would not run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src", "data-document"):
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")
            if name.startswith("on") or name == "style":
                self.inline.append(f"{tag} {name}")
        if tag == "style" or (tag == "script" and "src" not in dict(attrs)):
            self.inline.append(tag)


async def read(api: Api, path: str) -> Reader:
    async with api.client.get(path) as answer:
        assert answer.status == 200, path
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        return Reader(await answer.text())


@pytest.mark.parametrize("path", HTML_PAGES)
async def test_a_page_needs_nothing_but_this_server(api: Api, path: str) -> None:
    page = await read(api, path)
    assert page.inline == []
    for link in page.links:
        target, _, anchor = link.partition("#")
        assert target.startswith("/") or (not target and anchor in page.ids), link
        async with api.client.get(target or path) as answer:
            assert answer.status == 200, link


async def test_the_index_lists_every_dialect(api: Api) -> None:
    page = await read(api, "/docs")
    for each in DESCRIBED:
        assert {each.document, each.page} <= {*page.links}
        assert (await read(api, each.page)).links.count(each.document) == 1


async def test_every_code_has_a_place_on_the_page_of_errors(api: Api) -> None:
    ids = (await read(api, "/docs/errors")).ids
    assert len(ids) == len({*ids})
    for found in vars(errors).values():
        if isinstance(found, type) and issubclass(found, CrossbarError):
            is_general = bool(found.__subclasses__())
            assert is_general or anchor_of(found.code) in ids, found
    assert all(re.fullmatch(r"[\w-]+", each) for each in ids)


async def test_assets_are_kept_by_browsers_and_compressed(api: Api) -> None:
    path = "/docs/assets/swagger-ui-bundle.js"
    async with api.client.get(path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        known = {"If-None-Match": answer.headers["ETag"]}
        assert b"SwaggerUIBundle" in await answer.read()
    async with api.client.get(path, headers=known) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
    async with api.client.head(path) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
    async with api.client.delete(path) as answer:
        assert answer.status == 405


@pytest.mark.parametrize(
    "path", ["/", "/docs/", "/console/", "/v2/nope", "/v1/nope", "/v1.1/nope", "/v1.1/watch?x"]
)
async def test_no_answer_tells_what_the_server_is_made_of(api: Api, path: str) -> None:
    for method in ("GET", "OPTIONS", "DELETE"):
        async with api.client.request(method, path) as answer:
            assert answer.headers["Server"] == "Crossbar", method


@pytest.mark.parametrize("path", ["/docs/nothing", "/docs/assets/nothing.js", "/crossbar/cli.py"])
async def test_other_addresses_are_nowhere(api: Api, path: str) -> None:
    answer = await api.get(path, token="")
    assert answer.expect(404).body["message"] == "not_found"


async def test_a_page_is_made_once_and_not_on_the_loop() -> None:
    threads = []

    def make() -> bytes:
        threads.append(threading.current_thread())
        return b"content"

    page, request = Page("text/plain", make), make_mocked_request("GET", "/")
    answers = await asyncio.gather(*(page.answer(request) for _ in range(5)))
    assert {answer.body for answer in answers} == {b"content"}
    assert threading.main_thread() not in threads
    assert len(threads) == 1
