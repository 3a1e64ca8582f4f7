"""Media: documents, and audio that goes up and comes down again."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from crossbar.storage import Key
from tests.conftest import Answer, Api
from tests.families.support import FIELDS, make, refusal, row, shown, stored

WAV = b"RIFF" + bytes(range(256)) * 4


async def upload(api: Api, path: str, content: bytes = WAV, **headers: str) -> Answer:
    sent = {"Content-Type": "audio/wav", **headers}
    return await api.post(path, raw=content, headers=sent)


async def stored_attachments(api: Api, doc_id: str) -> dict[str, Any]:
    attachments: dict[str, Any] = (await stored(api, "media", doc_id)).get("pvt_attachments", {})
    return attachments


async def test_media_are_listed_without_flags_and_with_a_language(api: Api) -> None:
    doc_id = await make(api, "media", language="fr-FR", flags=["a"])
    assert await row(api, "media") == {
        "id": doc_id,
        "name": "Greeting",
        "media_source": "upload",
        "language": "fr-fr",
        "is_prompt": False,
    }


async def test_a_language_is_text(api: Api) -> None:
    refusal(
        await api.put(f"{api.account}/media", {"name": "x", "language": 5}), "language", "type"
    )


@pytest.mark.parametrize("tail", ["", "/raw"])
async def test_audio_that_went_up_comes_down(api: Api, tail: str) -> None:
    doc_id = await make(api, "media", media_source="recording")
    path = f"{api.account}/media/{doc_id}"
    document = (await upload(api, f"{path}{tail}?filename=hello.wav")).expect(200).data
    assert document["content_type"] == "audio/wav"
    assert document["content_length"] == len(WAV)
    assert document["media_source"] == "upload"
    assert document["name"] == "Greeting"
    raw = (await api.get(f"{path}/raw")).expect(200)
    assert raw.content == WAV
    assert raw.headers["Content-Type"] == "audio/wav"
    assert raw.headers["Content-Disposition"] == 'attachment; filename="hello.wav"'
    part = await api.get(f"{path}/raw", headers={"Range": "bytes=4-7"})
    assert part.expect(206).content == WAV[4:8]


@pytest.mark.parametrize(
    ("accept", "is_audio"),
    [
        ("audio/wav", True),
        ("audio/*", True),
        ("video/mp4, application/json;q=0.5", True),
        ("application/base64", True),
        ("application/json, audio/wav;q=0.5", False),
        ("*/*, audio/wav;q=0.5", False),
        ("text/csv, application/x-json", False),
        ("", False),
    ],
)
async def test_reading_answers_audio_to_whom_wants_audio_most(
    api: Api, accept: str, is_audio: bool
) -> None:
    doc_id = await make(api, "media")
    path = f"{api.account}/media/{doc_id}"
    (await upload(api, path)).expect(200)
    answer = (await api.get(path, headers={"Accept": accept})).expect(200)
    assert (answer.content == WAV) is is_audio


async def test_without_audio_there_is_nothing_to_download(api: Api) -> None:
    doc_id = await make(api, "media")
    assert (await api.get(f"{api.account}/media/{doc_id}/raw")).expect(404).data["cause"] == doc_id
    (await api.get(f"{api.account}/media/{'0' * 32}/raw")).expect(404)


async def test_base64_is_decoded_and_a_data_uri_names_its_type(api: Api) -> None:
    doc_id = await make(api, "media")
    path = f"{api.account}/media/{doc_id}/raw"
    sent = b"data:audio/mpeg;base64," + base64.b64encode(WAV)
    headers = {"Content-Type": "application/x-base64"}
    document = (await upload(api, path, sent, **headers)).expect(200).data
    assert document["content_type"] == "audio/mpeg"
    assert (await api.get(path)).content == WAV
    bare = await upload(api, path, base64.b64encode(WAV), **headers)
    refusal(bare, "content_type", "enum")
    assert refusal(await upload(api, path, b"%%%", **headers), "file", "encoding")


async def test_new_audio_replaces_the_old_which_is_removed(api: Api) -> None:
    doc_id = await make(api, "media")
    path = f"{api.account}/media/{doc_id}/raw"
    (await upload(api, path)).expect(200)
    ((name, old),) = (await stored_attachments(api, doc_id)).items()
    assert name.endswith(".wav")
    (await upload(api, path, b"new")).expect(200)
    ((_, new),) = (await stored_attachments(api, doc_id)).items()
    assert (await api.get(path)).content == b"new"
    store = api.gateway.services.store
    with pytest.raises(KeyError):
        [chunk async for chunk in store.read_attachment(api.master.account_id, old["id"])]
    (await api.delete(f"{api.account}/media/{doc_id}")).expect(200)
    with pytest.raises(KeyError):
        [chunk async for chunk in store.read_attachment(api.master.account_id, new["id"])]


async def test_replacing_the_metadata_keeps_the_audio(api: Api) -> None:
    doc_id = await make(api, "media")
    path = f"{api.account}/media/{doc_id}"
    (await upload(api, path)).expect(200)
    (await api.post(path, {**FIELDS["media"], "description": "x"})).expect(200)
    assert (await shown(api, "media", doc_id))["description"] == "x"
    assert (await api.get(f"{path}/raw")).content == WAV


async def test_an_upload_needs_exactly_one_file(api: Api) -> None:
    doc_id = await make(api, "media")
    path = f"{api.account}/media/{doc_id}/raw"
    refusal(await api.post(path, {}), "file", "required")
    part = b"--x\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n"
    headers = {"Content-Type": "multipart/mixed; boundary=x"}
    two = await api.post(path, raw=part * 2 + b"--x--\r\n", headers=headers)
    assert refusal(two, "file", "maxItems")["target"] == 1
    (await api.post(path, raw=part + b"--x--\r\n", headers=headers)).expect(200)


async def test_what_is_no_audio_is_not_read(api: Api) -> None:
    doc_id = await make(api, "media")
    path = f"{api.account}/media/{doc_id}/raw"
    assert (await upload(api, path, WAV, **{"Content-Type": "image/png"})).status in (400, 415)
    assert await stored_attachments(api, doc_id) == {}
    refusal(await upload(api, path, b""), "file", "required")


async def prompt(api: Api, base: str, **data: Any) -> str:
    """The id of a new prompt."""
    sent = {"prompt_id": "vm-hello", **data}
    doc_id: str = (await api.put(f"{base}/media", sent)).expect(201).data["id"]
    return doc_id


async def test_a_prompt_is_known_by_its_language_and_what_it_says(api: Api) -> None:
    doc_id = await prompt(api, api.account, language="fr-FR")
    assert doc_id == "fr-fr/vm-hello"
    path = f"{api.account}/media/fr-fr%2Fvm-hello"
    shown_prompt = (await api.get(path)).expect(200).data
    assert (shown_prompt["name"], shown_prompt["language"]) == (doc_id, "fr-fr")
    assert (await row(api, "media"))["is_prompt"] is True
    again = {"prompt_id": "vm-hello", "language": "FR-fr"}
    (await api.put(f"{api.account}/media", again)).expect(409)
    created = await api.put(f"{api.account}/media", {"prompt_id": "other", "name": "Mine"})
    assert created.expect(201).headers["Location"].endswith("/media/en-us%2Fother")
    assert created.data["name"] == "Mine"
    (await upload(api, f"{path}/raw")).expect(200)
    assert (await api.get(f"{path}/raw")).expect(200).content == WAV


async def test_a_prompt_stays_what_it_is(api: Api) -> None:
    await prompt(api, api.account)
    path = f"{api.account}/media/en-us%2Fvm-hello"
    for other in ({"prompt_id": "bye"}, {"language": "fr-fr"}):
        answer = await api.post(path, {"prompt_id": "vm-hello", "name": "x", **other})
        refusal(answer, "prompt_id", "invalid")
    kept = (await api.post(path, {"name": "x", "language": "EN-us"})).expect(200).data
    assert kept["prompt_id"] == "vm-hello"
    doc_id = await make(api, "media")
    answer = await api.post(f"{api.account}/media/{doc_id}", {"name": "x", "prompt_id": "late"})
    assert refusal(answer, "prompt_id", "invalid")["cause"] == "late"
    odd = {"name": "x", "prompt_id": 5, "language": []}
    answer = await api.put(f"{api.account}/media", odd)
    refusal(answer, "prompt_id", "type")
    refusal(answer, "language", "type")
    answer = await api.put(f"{api.account}/media", {"prompt_id": "x", "language": []})
    refusal(answer, "language", "type")


async def test_prompts_are_removed_for_good_and_others_when_asked(api: Api) -> None:
    await prompt(api, api.account)
    (await api.delete(f"{api.account}/media/en-us%2Fvm-hello")).expect(200)
    await prompt(api, api.account)
    store = api.gateway.services.store
    for hard in (False, True):
        doc_id = await make(api, "media")
        (await api.delete(f"{api.account}/media/{doc_id}", data={"hard_delete": hard})).expect(200)
        left = await store.get(Key(api.master.account_id, "media", doc_id))
        assert (left is None) is hard


async def test_languages_and_prompts_are_counted_and_listed(api: Api) -> None:
    path = f"{api.account}/media"
    for what in ("languages", "prompts", "languages/fr-fr", "prompts/vm-hello"):
        assert (await api.get(f"{path}/{what}")).expect(200).data == []
    french = await prompt(api, api.account, language="fr-fr")
    english = await prompt(api, api.account)
    (await upload(api, f"{path}/fr-fr%2Fvm-hello/raw")).expect(200)
    silent = await make(api, "media", language="")
    counts = (await api.get(f"{path}/languages")).expect(200).data
    assert counts == [{"": 1, "en-us": 1, "fr-fr": 1}]
    assert (await api.get(f"{path}/prompts")).expect(200).data == [{"vm-hello": 2}]
    assert (await api.get(f"{path}/languages/FR-fr")).expect(200).data == [french]
    assert (await api.get(f"{path}/languages/missing")).expect(200).data == [silent]
    assert (await api.get(f"{path}/prompts/vm-hello")).expect(200).data == [
        {"id": french, "has_attachments": True},
        {"id": english, "has_attachments": False},
    ]


async def test_everybody_reads_system_media_and_operators_write_them(api: Api) -> None:
    await prompt(api, "/v2", language="fr-fr")
    path = "/v2/media/fr-fr%2Fvm-hello"
    (await upload(api, f"{path}/raw")).expect(200)
    token = await api.account_token(await api.create_account("Child"))
    for read in ("", "/languages", "/prompts", "/prompts/vm-hello", "/languages/fr-fr"):
        assert len((await api.get(f"/v2/media{read}", token=token)).expect(200).data) == 1
    assert (await api.get(path, token=token)).expect(200).data["prompt_id"] == "vm-hello"
    assert (await api.get(f"{path}/raw", token=token)).expect(200).content == WAV
    (await api.get("/v2/media/languages", token="")).expect(401)
    for verb, where in (("PUT", "/v2/media"), ("POST", path), ("POST", f"{path}/raw")):
        (await api.request(verb, where, {"name": "x"}, token=token)).expect(403)
    (await api.delete(path, token=token)).expect(403)
    (await api.get(f"{api.account}/media/fr-fr%2Fvm-hello")).expect(404)
    (await api.delete(path)).expect(200)
    (await api.get(path)).expect(404)
