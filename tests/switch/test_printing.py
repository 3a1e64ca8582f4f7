"""What a switch sends of a fax: its file, or what is at its address."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from crossbar.core.ports import Pages, Unprintable
from crossbar.documents import Document
from crossbar.storage import Key
from crossbar.switch.printing import Printed, printed
from tests.conftest import Api
from tests.families.webhooks.receiver import Got, Receiver, receiving

NUMBERS = {"to_number": "+14155550100", "from_number": "+14155550101"}
PDF = b"%PDF-1.4 " + bytes(range(256))


class Paper:
    """Makes one page of everything; ``seen`` is of what."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    async def print(self, content: bytes) -> Pages:
        self.seen.append(content)
        return Pages(b"II*", 1)


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"webhooks.allow_private_addresses": True, "schemas.blocked_hosts": []}


@pytest.fixture
def paper(api: Api) -> Paper:
    paper = Paper()
    object.__setattr__(api.gateway.services, "paper", paper)
    return paper


async def pages_of(api: Api, path: str = "", **more: Any) -> Printed:
    """The pages of a new fax."""
    options = more or {"raw": PDF, "headers": {"Content-Type": "application/pdf"}}
    query = "?to_number=4155550100&from_number=4155550101" if not more else ""
    made = await api.put(f"{api.account}/faxes/outgoing{query}", **options)
    services, account_id = api.gateway.services, api.master.account_id
    fax = await services.store.get(Key(account_id, "fax", made.expect(201).data["id"]))
    assert fax is not None
    return await printed(services, account_id, fax)


def answering(receiver: Receiver, content: bytes, content_type: str, status: int = 200) -> None:
    def answer(got: Got) -> web.Response:
        return web.Response(body=content, content_type=content_type, status=status)

    receiver.answer = answer


async def test_the_file_of_a_fax_is_printed(api: Api, paper: Paper) -> None:
    assert await pages_of(api) == Printed(Pages(b"II*", 1))
    assert paper.seen == [PDF]


async def test_a_document_is_fetched_as_the_fax_says(api: Api, paper: Paper) -> None:
    async with receiving() as receiver:
        answering(receiver, PDF, "application/pdf")
        asked = {"method": "post", "content": "a=1", "content_type": "application/x-a"}
        document = {"url": f"{receiver.url}/a.pdf", **asked, "referer": "https://acme.example"}
        found = await pages_of(api, data={**NUMBERS, "document": document})
    assert found == Printed(Pages(b"II*", 1), PDF, "application/pdf")
    assert paper.seen == [PDF]
    [got] = receiver.got
    assert (got.method, got.path, got.body) == ("POST", "/a.pdf", b"a=1")
    assert got.headers["content-type"] == "application/x-a"
    assert got.headers["referer"] == "https://acme.example"


async def reason(api: Api, url: str) -> str:
    with pytest.raises(Unprintable) as refused:
        await pages_of(api, data={**NUMBERS, "document": {"url": url}})
    return str(refused.value)


async def test_what_cannot_be_fetched_is_told(api: Api, paper: Paper) -> None:
    most = api.gateway.services.settings.http.max_upload_size
    async with receiving() as receiver:
        answering(receiver, b"gone", "text/plain", 404)
        assert "status 404" in await reason(api, receiver.url)
        answering(receiver, b"hello", "text/html")
        assert "text/html, not a PDF" in await reason(api, receiver.url)
        answering(receiver, bytes(most + 1), "image/tiff")
        assert "too large" in await reason(api, receiver.url)
        url = receiver.url
    assert "cannot be fetched" in await reason(api, url)
    assert paper.seen == []


async def test_a_file_that_is_gone_is_told(api: Api, paper: Paper) -> None:
    facts = {"fax.pdf": {"id": "0" * 32, "length": 1, "content_type": "application/pdf"}}
    fax: Document = {**NUMBERS, "_id": "a", "pvt_attachments": facts}
    with pytest.raises(Unprintable, match="not there"):
        await printed(api.gateway.services, api.master.account_id, fax)
