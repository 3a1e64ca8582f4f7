"""``HEAD``: what ``GET`` would answer, without its content, whatever can be read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Answer, Api
from tests.contract.conftest import on_every_store
from tests.contract.kit import (
    UNKNOWN,
    bare_exchange,
    create_all,
    http,
    label,
    operations,
    path_of,
    verb_of,
)

VARYING = {"x-request-id", "date", "connection", "transfer-encoding"}


def facts_of(answer: Answer) -> dict[str, Any]:
    """What an answer says of itself, apart from what differs between any two.

    Request ids compress to different lengths; of no bytes HEAD need not say the length.
    """
    told = {name: text for name, text in answer.headers.items() if name not in VARYING}
    if "content-encoding" in told or told.get("content-length") == "0":
        del told["content-length"]
    return {**told, "status": answer.status}


async def difference(api: Api, path: str, *headers: str) -> str | None:
    """What HEAD says that GET does not; ``None`` when both say the same."""
    sent = (f"X-Auth-Token: {api.token}", *headers)
    read = await bare_exchange(api, http("GET", path, *sent))
    asked = await bare_exchange(api, http("HEAD", path, *sent))
    if asked.content:
        return f"a body: {asked.content[:100]!r}"
    wanted, got = facts_of(read), facts_of(asked)
    return None if wanted == got else f"{got} instead of {wanted}"


@on_every_store
async def test_whatever_can_be_read_can_be_asked_about(api: Api) -> None:
    found = []
    for operation in operations():
        if verb_of(operation) == "GET":
            path = path_of(operation, account_id=api.master.account_id)
            if wrong := await difference(api, path):
                found.append(f"{label(operation)}: {wrong}")
    assert found == []


async def test_documents_lists_tables_and_files(api: Api) -> None:
    menus, media = f"{api.account}/menus", f"{api.account}/media"
    [menu] = await create_all(api, menus, [{"name": "Main"}])
    [sound] = await create_all(api, media, [{"name": "Hello"}])
    (await api.post(f"{media}/{sound}/raw", raw=b"RIFF", headers={"Content-Type": "audio/wav"}))
    for path, *headers in (
        (f"{menus}/{menu}",),
        (f"{menus}/{menu}", "If-None-Match: *"),
        (menus, "Accept-Encoding: gzip"),
        (f"{menus}?is_chunked=true",),
        (f"{menus}?accept=csv",),
        (f"{api.account}/groups?accept=csv",),
        (f"{media}/{sound}/raw",),
        (f"{media}/{sound}/raw", "Range: bytes=1-2"),
        ("/v2/schemas", "Accept-Encoding: gzip"),
    ):
        assert await difference(api, path, *headers) is None, path


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nope",
        "/docs/",
        "/console",
        "/console/",
        "/console/nope",
        "/v1/spec.yaml",
        "/v1/nope",
        "/v1/ranks",
        "/v1.1/nope",
        "/v1.1/usage",
        "/v1.1/watch?x",
        f"/v1.1/watch/{UNKNOWN}/{UNKNOWN}",
        "/v2/nope",
    ],
)
async def test_pages_and_refusals_of_every_dialect(api: Api, path: str) -> None:
    assert await difference(api, path) is None
    assert await difference(api, path, "Accept: text/html") is None


async def test_what_cannot_be_read_says_so(api: Api) -> None:
    answer = await api.request("HEAD", "/v2/accounts")
    assert (answer.expect(405).headers["Allow"], answer.content) == ("PUT", b"")
