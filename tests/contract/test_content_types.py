"""Media types of requests: envelopes, forms, multipart, files, base64 (docs/protocol.md §2.2)."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from tests.conftest import Answer, Api
from tests.contract.conftest import on_any_store
from tests.contract.kit import bare_exchange, http, multipart

pytestmark = on_any_store

MENU = {"name": "Main"}
ENVELOPE = orjson.dumps({"data": MENU})
AUDIO = b"RIFF\x00\xff audio"
FORM = "application/x-www-form-urlencoded"


async def send(api: Api, content_type: str | None, body: bytes) -> Answer:
    headers = {"Content-Type": content_type} if content_type else {}
    return await api.put(f"{api.account}/menus", raw=body, headers=headers)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/json;",
        "application/x-json",
        FORM,
        f"{FORM}; charset=UTF-8",
    ],
)
async def test_an_envelope_comes_under_many_names(api: Api, content_type: str) -> None:
    assert (await send(api, content_type, ENVELOPE)).expect(201).data["name"] == "Main"


async def test_an_envelope_without_a_media_type_is_json(api: Api) -> None:
    target = f"{api.account}/menus?auth_token={api.token}"
    (await bare_exchange(api, http("PUT", target, body=ENVELOPE))).expect(201)


async def test_what_bare_curl_sends_is_read_with_signs_that_forms_use(api: Api) -> None:
    name = "a=b&c=d+e%20f"
    answer = await send(api, FORM, b"  " + orjson.dumps({"data": {"name": name}}))
    assert answer.expect(201).data["name"] == name


async def test_a_real_form_is_an_envelope_and_needs_data(api: Api) -> None:
    answer = await send(api, FORM, b"name=Main&x=%C3%A4")
    refused = answer.expect(400).data["data"]["required"]
    assert refused["message"] == "Field is required but missing"
    assert refused.keys() == {"message", "target"}  # it may have been a file: it is not repeated
    answer = await send(api, FORM, b"data=Main")
    assert answer.expect(400).data.keys() == {"data"}


async def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(api: Api) -> None:
    target = f"{api.account}/menus?auth_token={api.token}"
    waiting = ("Content-Type: application/json", "Expect: 100-continue")
    answer = (await bare_exchange(api, http("PUT", target, *waiting, body=ENVELOPE))).expect(100)
    assert answer.content.startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/mixed"])
@pytest.mark.parametrize(
    "part",
    ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"],
)
async def test_the_json_part_of_a_multipart_body_is_the_envelope(
    api: Api, kind: str, part: str
) -> None:
    body = multipart(
        (f'Content-Disposition: form-data; name="x"\r\nContent-Type: {part}', ENVELOPE),
        ("Content-Type: audio/wav", AUDIO),
    )
    answer = await send(api, f'{kind}; boundary="XX"', body)
    assert answer.expect(201).data["name"] == "Main"


@pytest.mark.parametrize(
    "content_type", ["image/png", "text/plain", "application/pdf", "audio/wav", "x"]
)
async def test_another_media_type_is_415_after_validation(api: Api, content_type: str) -> None:
    (await send(api, content_type, ENVELOPE)).expect(400)
    answer = await api.post(
        f"{api.account}/limits", raw=ENVELOPE, headers={"Content-Type": content_type}
    )
    assert answer.expect(415).body["message"] == "unsupported_media_type"
    (await api.get(f"{api.account}/limits", headers={"If-Match": "*"})).expect(412)


async def test_an_action_does_not_read_another_media_type_either(api: Api) -> None:
    headers = {"Content-Type": "image/png"}
    before = (await api.get(f"{api.account}/api_key")).data
    (await api.put(f"{api.account}/api_key", raw=b"x", headers=headers)).expect(415)
    assert (await api.get(f"{api.account}/api_key")).data == before


@pytest.fixture
async def media(api: Api) -> str:
    sent = {"name": "Music", "media_source": "upload"}
    created = (await api.put(f"{api.account}/media", sent)).expect(201)
    return f"{api.account}/media/{created.data['id']}/raw"


async def upload(api: Api, path: str, body: bytes, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.post(path, raw=body, headers=sent)


async def downloaded(api: Api, path: str) -> tuple[str, bytes]:
    answer = (await api.get(path)).expect(200)
    return answer.headers["Content-Type"], answer.content


def encoded(content: bytes, head: str = "") -> bytes:
    return head.encode() + base64.b64encode(content)


UPLOADS: dict[str, tuple[bytes, dict[str, Any]]] = {
    "raw": (AUDIO, {"Content_Type": "audio/wav"}),
    "raw with parameters": (AUDIO, {"Content_Type": "Audio/WAV; codecs=1"}),
    "transfer encoding": (
        encoded(AUDIO),
        {"Content_Type": "audio/wav", "Content_Transfer_Encoding": "BASE64"},
    ),
    "data URI": (encoded(AUDIO, "data:audio/wav;base64,"), {"Content_Type": "application/base64"}),
    "data URI under x": (
        encoded(AUDIO, "data:audio/WAV;base64,"),
        {"Content_Type": "application/x-base64"},
    ),
    "data URI with its own type": (
        encoded(AUDIO, "data:audio/wav;base64,"),
        {"Content_Type": "audio/wav", "Content_Transfer_Encoding": "base64"},
    ),
    "data URI of the type that it is sent as": (
        encoded(AUDIO, "data:audio/wav;base64,"),
        {"Content_Type": "audio/wav"},
    ),
    "data URI in a part": (
        multipart(("Content-Type: audio/wav", encoded(AUDIO, "data:audio/wav;base64,"))),
        {"Content_Type": "multipart/mixed; boundary=XX"},
    ),
    "wrapped lines": (
        base64.encodebytes(AUDIO * 20),
        {"Content_Type": "audio/wav", "Content_Transfer_Encoding": "base64"},
    ),
    "multipart": (
        multipart(("Content-Type: audio/wav", AUDIO)),
        {"Content_Type": "multipart/mixed; boundary=XX"},
    ),
    "multipart with base64": (
        multipart(
            ("Content-Type: audio/wav\r\nContent-Transfer-Encoding: base64", encoded(AUDIO))
        ),
        {"Content_Type": "multipart/form-data; boundary=XX"},
    ),
}


@pytest.mark.parametrize("name", UPLOADS)
@pytest.mark.each_store
async def test_a_file_arrives_whole_however_it_is_sent(api: Api, media: str, name: str) -> None:
    body, headers = UPLOADS[name]
    (await upload(api, media, body, **headers)).expect(200)
    content = AUDIO * 20 if name == "wrapped lines" else AUDIO
    assert await downloaded(api, media) == ("audio/wav", content)


async def test_base64_without_a_type_is_no_audio(api: Api, media: str) -> None:
    answer = await upload(api, media, encoded(AUDIO), Content_Type="application/base64")
    assert answer.expect(400).data["content_type"]["enum"]["value"] == "application/octet-stream"
    (await api.get(media)).expect(404)


async def test_a_type_with_a_line_break_is_refused(api: Api, media: str) -> None:
    body = encoded(AUDIO, "data:audio/wav\r\nX-Evil: 1;base64,")
    (await upload(api, media, body, Content_Type="application/base64")).expect(400)
    (await api.get(media)).expect(404)


async def test_a_file_is_named_by_the_parameter(api: Api, media: str) -> None:
    target = f"{media}?filename=a%22b%0D%0Ac.wav"
    (await upload(api, target, AUDIO, Content_Type="audio/wav")).expect(200)
    disposition = (await api.get(media)).expect(200).headers["Content-Disposition"]
    assert disposition == 'attachment; filename="a_b__c.wav"'


async def test_several_files_are_refused(api: Api, media: str) -> None:
    body = multipart(("Content-Type: audio/wav", AUDIO), ("Content-Type: audio/wav", AUDIO))
    answer = await upload(api, media, body, Content_Type="multipart/mixed; boundary=XX")
    assert answer.expect(400).data["file"]["maxItems"]["target"] == 1


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ("bytes=0-3", 206, AUDIO[:4]),
        ("bytes=4-", 206, AUDIO[4:]),
        ("bytes=-5", 206, AUDIO[-5:]),
        ("bytes=0-999", 206, AUDIO),
        ("bytes=99-", 200, AUDIO),
        ("bytes=0-1,3-4", 200, AUDIO),
        ("bytes=" + "9" * 5000 + "-", 200, AUDIO),
        ("items=0-1", 200, AUDIO),
    ],
)
@pytest.mark.each_store
async def test_ranges_of_a_download(
    api: Api, media: str, asked: str, status: int, expected: bytes
) -> None:
    (await upload(api, media, AUDIO, Content_Type="audio/wav")).expect(200)
    answer = (await api.get(media, headers={"Range": asked})).expect(status)
    assert answer.content == expected
    assert answer.headers["Accept-Ranges"] == "bytes"
    if status == 206:
        start = AUDIO.index(expected)
        span = f"bytes {start}-{start + len(expected) - 1}/{len(AUDIO)}"
        assert answer.headers["Content-Range"] == span
