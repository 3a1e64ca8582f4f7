"""Messages of voicemail boxes: leaving, hearing, moving, copying and deleting them."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import pytest

from crossbar.clock import GREGORIAN_OFFSET
from crossbar.families.voicemail.messages import CALLFLOW_CONFIG
from crossbar.storage import Batch, Key, Put, Row, Span
from tests.conftest import NOW, Answer, Api
from tests.contract.kit import multipart
from tests.families.support import BOB, make, refusal, row, stored

GREGORIAN = NOW + GREGORIAN_OFFSET
RETENTION = 8_038_800
UNKNOWN = "202701-" + "0" * 32
WAV = b"RIFF" + bytes(range(256)) * 4
JSON = "Content-Type: application/json"


def at(api: Api, box: str, *tail: str) -> str:
    return "/".join((api.account, "vmboxes", box, "messages", *tail))


async def leave(api: Api, box: str, **metadata: Any) -> str:
    """A new message's id."""
    message_id: str = (await api.put(at(api, box), metadata)).expect(201).data["id"]
    return message_id


async def record(api: Api, box: str, content: bytes = WAV, **metadata: Any) -> str:
    """A new message with audio; its id."""
    message_id = await leave(api, box, **metadata)
    (await upload(api, at(api, box, message_id, "raw"), content)).expect(201)
    return message_id


async def upload(api: Api, path: str, content: bytes, kind: str = "audio/mpeg") -> Answer:
    return await api.put(path, raw=content, headers={"Content-Type": kind})


async def listed(api: Api, box: str, query: str = "") -> list[Any]:
    rows: list[Any] = (await api.get(at(api, box) + query)).expect(200).data
    return rows


async def folder_of(api: Api, box: str, message_id: str) -> str:
    folder: str = (await api.get(at(api, box, message_id))).expect(200).data["folder"]
    return folder


async def test_a_message_without_facts_is_given_all_of_them(api: Api) -> None:
    box = await make(api, "vmboxes", mailbox="2001")
    answer = (await api.put(at(api, box), {})).expect(201)
    account = (await api.get(api.account)).data
    message_id = answer.data["id"]
    assert message_id.startswith("202701-")
    assert len(message_id) == 39
    assert answer.headers["location"] == at(api, box, message_id)
    metadata = answer.data.pop("metadata")
    assert answer.data == {
        "id": message_id,
        "name": "mailbox 2001 message 01-15-2027 08:00:00",
        "description": "voicemail message media",
        "source_type": "voicemail",
        "source_id": box,
        "media_source": "recording",
        "streamable": True,
        "utc_seconds": GREGORIAN,
    }
    assert len(metadata.pop("call_id")) == 32
    assert metadata == {
        "media_id": message_id,
        "caller_id_name": "0000000000",
        "caller_id_number": "0000000000",
        "from": f"0000000000@{account['realm']}",
        "from_user": "0000000000",
        "from_realm": account["realm"],
        "to": f"2001@{account['realm']}",
        "to_user": "2001",
        "to_realm": account["realm"],
        "length": 1,
        "timestamp": GREGORIAN,
        "folder": "new",
    }
    read = (await api.get(at(api, box, message_id))).expect(200)
    assert {**metadata, "call_id": read.data["call_id"]} == read.data
    assert read.body["revision"] == answer.body["revision"]


async def test_what_is_sent_is_kept_and_nothing_else_is(api: Api) -> None:
    box = await make(api, "vmboxes")
    sent = {
        "call_id": "a@b",
        "caller_id_name": "Ann",
        "caller_id_number": "+15550100",
        "folder": "saved",
        "from": "1001",
        "to": "2002",
        "length": 3000,
        "timestamp": GREGORIAN - 86400 * 40,
    }
    more = {"media_id": "x", "pvt_x": 1, "source_id": "x", "from_user": "x", "odd": 1}
    data = (await api.put(at(api, box), {**sent, **more})).expect(201).data
    assert data["id"].startswith("202612-")
    metadata = data["metadata"]
    assert metadata["from"].startswith("1001@")
    assert metadata["to"].startswith("2002@")
    assert metadata["media_id"] == data["id"]
    assert data["source_id"] == box
    assert "odd" not in metadata
    kept = {**sent, "from": metadata["from"], "to": metadata["to"]}
    assert {name: metadata[name] for name in sent} == kept


@pytest.mark.parametrize(
    ("field", "wrong", "rule"),
    [
        ("caller_id_name", "x" * 36, "maxLength"),
        ("caller_id_number", "1" * 36, "maxLength"),
        ("folder", "inbox", "enum"),
        ("length", "long", "type"),
        ("timestamp", GREGORIAN_OFFSET - 1, "minimum"),
        ("timestamp", -1, "minimum"),
        ("timestamp", 2**62, "maximum"),
        ("timestamp", 1e300, "maximum"),
        ("timestamp", GREGORIAN + 0.5, "type"),
    ],
)
async def test_wrong_facts_are_refused(api: Api, field: str, wrong: Any, rule: str) -> None:
    box = await make(api, "vmboxes")
    refusal(await api.put(at(api, box), {field: wrong}), field, rule)
    assert await listed(api, box) == []


async def test_a_whole_number_with_a_fraction_is_a_time(api: Api) -> None:
    box = await make(api, "vmboxes")
    await leave(api, box, timestamp=float(GREGORIAN), length=2.0)
    assert (await listed(api, box))[0]["timestamp"] == GREGORIAN


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../../etc/passwd", "America", "\0" * 5])
async def test_a_zone_that_is_none_is_utc(api: Api, zone: str) -> None:
    box = await make(api, "vmboxes", timezone=zone)
    message_id = await record(api, box)
    answer = (await api.get(at(api, box, message_id, "raw"))).expect(200)
    assert "2027-01-15_08-00-00" in answer.headers["content-disposition"]


async def test_facts_and_audio_may_come_together(api: Api) -> None:
    box = await make(api, "vmboxes")
    body = multipart((JSON, b'{"data":{"length":5}}'), ("Content-Type: audio/mpeg", WAV))
    headers = {"Content-Type": "multipart/mixed; boundary=XX"}
    metadata = (await api.put(at(api, box), raw=body, headers=headers)).expect(201).data
    assert metadata["length"] == 5
    heard = await api.get(at(api, box, metadata["media_id"], "raw"))
    assert (heard.status, heard.content) == (200, WAV)
    part = ("Content-Type: audio/mpeg", WAV)
    two = await api.put(at(api, box), raw=multipart(part, part), headers=headers)
    refusal(two, "file", "maxItems")
    picture = multipart(("Content-Type: image/png", WAV))
    (await api.put(at(api, box), raw=picture, headers=headers)).expect(415)
    assert len(await listed(api, box)) == 1


async def test_messages_are_listed_newest_first_with_a_few_facts(api: Api) -> None:
    box, other = await make(api, "vmboxes"), await make(api, "vmboxes", mailbox="2")
    older = await leave(api, box, timestamp=GREGORIAN - 10)
    newer = await leave(api, box, folder="saved")
    elsewhere = await leave(api, other, timestamp=GREGORIAN - 5)
    rows = await listed(api, box)
    assert [one["media_id"] for one in rows] == [newer, older]
    keys = "timestamp from to caller_id_number caller_id_name call_id folder length media_id"
    assert rows[0].keys() == {*keys.split(), "transcribed"}
    assert rows[0]["transcribed"] is False
    everywhere = (await api.get(f"{api.account}/vmboxes/messages")).expect(200).data
    assert [next(iter(one.items())) for one in everywhere] == [
        (box, rows[0]),
        (other, (await listed(api, other))[0]),
        (box, rows[1]),
    ]
    assert everywhere[1][other]["media_id"] == elsewhere


async def test_filters_and_pages_look_at_the_metadata(api: Api) -> None:
    box = await make(api, "vmboxes")
    for number in range(5):
        folder = "new" if number % 2 else "saved"
        await leave(api, box, timestamp=GREGORIAN - number, length=number, folder=folder)
    assert [one["length"] for one in await listed(api, box, "?filter_folder=new")] == [1, 3]
    assert [one["length"] for one in await listed(api, box, "?filter_length=2")] == [2]
    first = await api.get(at(api, box) + "?page_size=2")
    more = await listed(api, box, f"?page_size=2&start_key={first.body['next_start_key']}")
    assert [one["length"] for one in [*first.data, *more]] == [0, 1, 2, 3]
    chunked = (await api.get(at(api, box) + "?is_chunked=true")).expect(200)
    assert len(chunked.data) == 5


async def test_a_list_covers_a_range_of_time(api: Api) -> None:
    box = await make(api, "vmboxes")
    for age in (-100, 0, 100, RETENTION + 100):
        await leave(api, box, timestamp=GREGORIAN - age, length=age)

    async def lengths(query: str) -> list[int]:
        return [one["length"] for one in await listed(api, box, query)]

    assert await lengths("") == [0, 100]
    assert await lengths(f"?created_from={GREGORIAN - 50}") == [0]
    assert await lengths(f"?created_to={GREGORIAN - 50}") == [100]
    assert await lengths(f"?created_to={GREGORIAN + 100}&created_from={GREGORIAN}") == [-100, 0]
    assert await lengths("?created_from=abc&created_to=0") == [0, 100]
    assert await lengths(f"?ascending=true&end_key={GREGORIAN + 1000}") == [100, 0]
    assert await lengths("?end_key=0") == [0, 100]


async def test_a_range_that_is_none_or_too_long_is_refused(api: Api) -> None:
    box = await make(api, "vmboxes")
    turned = f"?created_from={GREGORIAN}&created_to={GREGORIAN - 1}"
    details = refusal(await api.get(at(api, box) + turned), "created_from", "date_range")
    assert details == {
        "message": f"created_to {GREGORIAN - 1} is prior to created_from {GREGORIAN}",
        "cause": GREGORIAN,
    }
    long = await api.get(f"{at(api, box)}?created_from={GREGORIAN - RETENTION - 1}")
    details = refusal(long, "created_from", "date_range")
    assert details["cause"] == GREGORIAN
    assert f"more than {RETENTION} seconds" in details["message"]


async def test_what_is_too_old_looks_deleted_and_cannot_change(api: Api) -> None:
    box = await make(api, "vmboxes")
    old = await leave(api, box, timestamp=GREGORIAN - RETENTION - 1, folder="new")
    fresh = await leave(api, box)
    path = at(api, box, old)
    read = (await api.get(path)).expect(200).data
    assert (read["folder"], read["retention"]) == ("deleted", "enforced")
    assert read["retention_message"]
    query = f"?created_from={GREGORIAN - RETENTION - 9}&created_to={GREGORIAN - RETENTION}"
    (shown,) = await listed(api, box, query)
    assert (shown["folder"], shown["retention"]) == ("deleted", "enforced")
    assert await listed(api, box, f"{query}&filter_folder=new") == []
    for answer in (
        await api.post(path, {"folder": "saved"}),
        await api.post(path, {"source_id": box}),
        await api.post(path, {"source_id": [box]}),
        await api.delete(path),
        await upload(api, f"{path}/raw", WAV),
    ):
        refusal(answer, old, "date_range")
    several = (await api.post(at(api, box), {"messages": [old, fresh], "folder": "saved"})).data
    assert several == {"succeeded": [fresh], "failed": {old: "prior_to_retention_duration"}}
    assert (await row(api, "vmboxes"))["messages"] == 1


async def test_an_account_may_keep_messages_for_a_time_of_its_own(api: Api) -> None:
    box = await make(api, "vmboxes")
    old = await leave(api, box, timestamp=GREGORIAN - 3601)
    await leave(api, box, timestamp=GREGORIAN - 3599)
    key = Key(api.master.account_id, *CALLFLOW_CONFIG)
    config = {"_rev": "1-a", "voicemail": {"message_retention_duration": 3600}}
    await api.gateway.services.store.commit(Batch(puts=[Put(key, config, None, sort=None)]))
    assert (await row(api, "vmboxes"))["messages"] == 1
    assert (await api.get(at(api, box, old))).expect(200).data["folder"] == "deleted"
    refusal(await api.post(at(api, box, old), {"folder": "saved"}), old, "date_range")
    assert len(await listed(api, box)) == 1
    long = await api.get(f"{at(api, box)}?created_from={GREGORIAN - 3601}")
    refusal(long, "created_from", "date_range")


async def test_a_message_changes_its_folder(api: Api) -> None:
    box = await make(api, "vmboxes")
    message_id = await record(api, box)
    path = at(api, box, message_id)
    assert (await api.post(path, {"folder": "deleted"})).expect(200).data["folder"] == "deleted"
    assert await folder_of(api, box, message_id) == "deleted"
    assert (await api.post(path, {"folder": "nowhere"})).expect(200).data["folder"] == "saved"
    assert (await api.post(f"{path}?folder=new", {})).expect(200).data["folder"] == "new"
    assert (await api.post(path, {}, folder="deleted")).expect(200).data["folder"] == "deleted"
    assert (await api.get(f"{path}/raw")).content == WAV
    stale = await api.post(path, {"folder": "new"}, headers={"If-Match": "1-0"})
    assert stale.status == 412


async def test_a_message_belongs_to_one_box(api: Api) -> None:
    box, other = await make(api, "vmboxes"), await make(api, "vmboxes", mailbox="2")
    message_id = await record(api, box)
    wrong = at(api, other, message_id)
    for answer in (
        await api.get(wrong),
        await api.post(wrong, {"folder": "saved"}),
        await api.delete(wrong),
        await api.get(f"{wrong}/raw"),
        await upload(api, f"{wrong}/raw", WAV),
        await api.post(at(api, other, "raw"), {"messages": [message_id]}),
    ):
        assert answer.expect(404).data["cause"] == message_id
    (await api.get(at(api, box, box))).expect(404)


async def test_a_message_moves_to_another_box_with_its_audio(api: Api) -> None:
    box, other = await make(api, "vmboxes"), await make(api, "vmboxes", mailbox="77")
    old = await record(api, box, timestamp=GREGORIAN - 100, folder="saved", length=9)
    moved = (await api.post(at(api, box, old), {"source_id": other})).expect(200).data
    assert moved["id"] != old
    assert (moved["source_id"], moved["history"]) == (other, [box])
    metadata = moved["metadata"]
    assert (metadata["folder"], metadata["length"]) == ("new", 9)
    assert metadata["timestamp"] == GREGORIAN
    assert metadata["media_id"] == moved["id"]
    assert metadata["to"].startswith("77@")
    (await api.get(at(api, box, old))).expect(404)
    assert (await listed(api, box)) == []
    assert (await api.get(at(api, other, moved["id"], "raw"))).content == WAV


async def test_one_of_two_moves_at_once_finds_nothing_left(api: Api) -> None:
    box, other = await make(api, "vmboxes"), await make(api, "vmboxes", mailbox="77")
    old = await record(api, box)
    posts = [api.post(at(api, box, old), {"source_id": other}) for _ in range(4)]
    statuses = sorted(answer.status for answer in await asyncio.gather(*posts))
    assert statuses == [200, 404, 404, 404]
    assert len(await listed(api, other)) == 1


async def test_a_message_is_copied_and_the_copies_have_audio_of_their_own(api: Api) -> None:
    boxes = [await make(api, "vmboxes", mailbox=str(number)) for number in range(3)]
    message_id = await record(api, boxes[0])
    sent = {"source_id": [boxes[1], boxes[2], boxes[1], "f" * 32]}
    copied = (await api.post(at(api, boxes[0], message_id), sent)).expect(200).data
    assert copied["failed"] == {"f" * 32: "not_found"}
    assert len(copied["succeeded"]) == 2
    (await api.delete(at(api, boxes[0], message_id))).expect(200)
    for box, copy in zip(boxes[1:], copied["succeeded"], strict=True):
        assert (await api.get(at(api, box, copy, "raw"))).content == WAV
        assert await folder_of(api, box, copy) == "new"


@pytest.mark.parametrize(
    ("wrong", "rule"), [("", "required"), ([], "required"), (7, "type"), ([7], "type")]
)
async def test_a_box_to_move_to_must_be_named(api: Api, wrong: Any, rule: str) -> None:
    box = await make(api, "vmboxes")
    message_id = await leave(api, box)
    refusal(await api.post(at(api, box, message_id), {"source_id": wrong}), "source_id", rule)
    sent = {"source_id": wrong, "messages": [message_id]}
    refusal(await api.post(at(api, box), sent), "source_id", rule)
    unknown = {"source_id": "f" * 32, "messages": [message_id]}
    assert (await api.post(at(api, box), unknown)).expect(404).data["cause"] == "f" * 32
    (await api.post(at(api, box, message_id), unknown)).expect(404)
    assert await folder_of(api, box, message_id) == "new"


async def test_a_deleted_message_is_gone_with_its_audio(api: Api) -> None:
    box = await make(api, "vmboxes")
    message_id = await record(api, box)
    before = await stored(api, "mailbox_message", message_id)
    path = at(api, box, message_id)
    (await api.delete(path, headers={"If-Match": "1-0"})).expect(412)
    deleted = (await api.delete(path)).expect(200).data
    assert (deleted["folder"], deleted["_read_only"]) == ("deleted", {"deleted": True})
    (await api.get(path)).expect(404)
    (await api.delete(path)).expect(404)
    assert await listed(api, box) == []
    after = await stored(api, "mailbox_message", message_id)
    assert after["metadata"]["folder"] == "deleted"
    (facts,) = before["pvt_attachments"].values()
    store = api.gateway.services.store
    with pytest.raises(KeyError):
        [chunk async for chunk in store.read_attachment(api.master.account_id, facts["id"])]


async def test_several_are_moved_each_for_itself(api: Api) -> None:
    box, other = await make(api, "vmboxes"), await make(api, "vmboxes", mailbox="2")
    ids = [await leave(api, box) for _ in range(3)]
    sent = {"messages": [*ids, ids[0], UNKNOWN], "folder": "saved"}
    result = (await api.post(at(api, box), sent)).expect(200).data
    assert result == {"succeeded": ids, "failed": {UNKNOWN: "not_found"}}
    moved = (await api.post(at(api, box), {"messages": ids[:2], "source_id": other})).data
    assert len(moved["succeeded"]) == 2
    assert {one["media_id"] for one in await listed(api, other)} == {*moved["succeeded"]}
    copied = (await api.post(at(api, box), {"messages": ids[2:], "source_id": [other]})).data
    assert len(copied["succeeded"]) == 1
    assert len(await listed(api, other)) == 3
    assert [one["media_id"] for one in await listed(api, box)] == ids[2:]


@pytest.mark.parametrize(
    ("wrong", "rule"), [(None, "required"), ([], "required"), ("x", "type"), ([1], "type")]
)
async def test_several_must_be_named(api: Api, wrong: Any, rule: str) -> None:
    box = await make(api, "vmboxes")
    sent = {} if wrong is None else {"messages": wrong}
    refusal(await api.post(at(api, box), {**sent, "folder": "new"}), "messages", rule)
    refusal(await api.post(at(api, box, "raw"), sent), "messages", rule)
    (await api.post(at(api, box), [])).expect(400)


async def test_several_are_deleted_by_id_by_folder_or_all(api: Api) -> None:
    box = await make(api, "vmboxes")
    saved = [await leave(api, box, folder="saved") for _ in range(2)]
    new = [await leave(api, box) for _ in range(3)]
    await leave(api, box, timestamp=GREGORIAN - RETENTION - 1)
    by_id = (await api.delete(at(api, box), data={"messages": [new[0], UNKNOWN]})).expect(200)
    assert by_id.data == {"succeeded": [new[0]], "failed": {UNKNOWN: "not_found"}}
    by_folder = (await api.delete(f"{at(api, box)}?folder=saved")).expect(200).data
    assert {*by_folder["succeeded"]} == {*saved}
    everything = (await api.delete(f"{at(api, box)}?folder=nowhere")).expect(200).data
    assert {*everything["succeeded"]} == {*new[1:]}
    assert everything["failed"] == {}
    assert await listed(api, box) == []


async def test_audio_is_named_by_caller_and_local_time_and_comes_in_ranges(api: Api) -> None:
    box = await make(api, "vmboxes", timezone="America/New_York")
    message_id = await record(api, box, caller_id_number="+1/555")
    path = at(api, box, message_id, "raw")
    whole = (await api.get(path)).expect(200)
    assert whole.headers["content-type"] == "audio/mpeg"
    name = whole.headers["content-disposition"]
    assert name == 'attachment; filename="+1_555_2027-01-15_03-00-00.mp3"'
    part = (await api.get(path, headers={"Range": "bytes=4-7"})).expect(206)
    assert part.content == WAV[4:8]


async def test_audio_may_be_replaced_but_only_by_audio(api: Api) -> None:
    box = await make(api, "vmboxes", media_extension="wav")
    message_id = await leave(api, box)
    path = at(api, box, message_id, "raw")
    missing = (await api.get(path)).expect(404)
    assert missing.data["cause"] == "voicemail message does not have any audio file"
    first = (await upload(api, path, b"one")).expect(201)
    assert first.data["media_id"] == message_id
    (await upload(api, path, b"two", "application/octet-stream")).expect(201)
    heard = await api.get(path)
    assert heard.content == b"two"
    assert heard.headers["content-disposition"].endswith('.wav"')
    (await upload(api, path, b"<p>", "text/html")).expect(415)
    refusal(await api.put(path, {}), "file", "required")
    assert (await api.get(path)).content == b"two"


async def test_several_are_downloaded_as_one_archive(api: Api) -> None:
    box = await make(api, "vmboxes")
    number = "../555"
    ids = [await record(api, box, one, caller_id_number=number) for one in (b"one", b"two")]
    path = at(api, box, "raw")
    answer = (await api.post(path, {"messages": ids})).expect(200)
    assert answer.headers["content-type"] == "application/zip"
    request_id = answer.headers["x-request-id"]
    assert answer.headers["content-disposition"] == f'attachment; filename="{request_id}.zip"'
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    stem = "___555_2027-01-15_00-00-00"
    assert archive.namelist() == [f"{stem}.mp3", f"{stem}_2.mp3"]
    assert [archive.read(name) for name in archive.namelist()] == [b"one", b"two"]
    assert (await api.post(path, {"messages": [UNKNOWN]})).expect(404).data["cause"] == UNKNOWN
    silent = await leave(api, box)
    (await api.post(path, {"messages": [silent]})).expect(404)


async def test_a_large_archive_is_whole(api: Api) -> None:
    box = await make(api, "vmboxes")
    content = bytes(700_000)
    ids = [await record(api, box, content) for _ in range(3)]
    answer = (await api.post(at(api, box, "raw"), {"messages": ids})).expect(200)
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert [archive.read(name) == content for name in archive.namelist()] == [True] * 3


async def test_boxes_are_listed_with_counts_of_what_is_kept(api: Api) -> None:
    box = await make(api, "vmboxes")
    assert "folders" not in await row(api, "vmboxes")
    before = await api.get(f"{api.account}/vmboxes")
    for folder in ("new", "new", "saved", "deleted"):
        await leave(api, box, folder=folder)
    shown = await row(api, "vmboxes")
    assert (shown["messages"], shown["folders"]) == (3, {"new": 2, "saved": 1})
    after = await api.get(f"{api.account}/vmboxes")
    assert after.body["revision"] != before.body["revision"]
    chunked = (await api.get(f"{api.account}/vmboxes?is_chunked=true")).data
    assert chunked == after.data
    assert (await api.get(f'{api.account}/vmboxes?fields=["name"]')).data == [
        {"id": box, "name": "Ann"}
    ]
    (whole,) = (await api.get(f"{api.account}/vmboxes?full_docs=true")).data
    assert "messages" not in whole


async def test_listing_boxes_reads_no_message(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    box = await make(api, "vmboxes")
    await leave(api, box)
    scanned: list[str] = []
    store = api.gateway.services.store
    scan = store.scan

    def noted(span: Span) -> AsyncIterator[Row]:
        scanned.append(span.doc_type)
        return scan(span)

    monkeypatch.setattr(store, "scan", noted)
    assert (await row(api, "vmboxes"))["messages"] == 1
    assert scanned == ["vmbox"]


async def test_with_a_box_its_messages_are_deleted(api: Api) -> None:
    box = await make(api, "vmboxes")
    for folder in ("new", "saved"):
        await leave(api, box, folder=folder)
    (await api.delete(f"{api.account}/vmboxes/{box}")).expect(200)
    (await api.get(at(api, box))).expect(404)
    rows = (await api.get(f"{api.account}/vmboxes/messages")).expect(200).data
    assert [one[box]["folder"] for one in rows] == ["deleted", "deleted"]


async def test_a_users_boxes_and_their_messages(api: Api) -> None:
    bob = (await api.put(f"{api.account}/users", BOB)).expect(201).data["id"]
    own = await make(api, "vmboxes", owner_id=bob)
    other = await make(api, "vmboxes", mailbox="2")
    message_id = await leave(api, own)
    await leave(api, other)
    path = f"{api.account}/users/{bob}/vmboxes"
    (box,) = (await api.get(path)).expect(200).data
    assert (box["id"], box["messages"]) == (own, 1)
    ((only,),) = [one.items() for one in (await api.get(f"{path}/messages")).expect(200).data]
    assert (only[0], only[1]["media_id"]) == (own, message_id)
    (await api.get(f"{path}/{own}/messages/{message_id}")).expect(200)


async def test_lamps_follow_every_change(api: Api) -> None:
    box, other = await make(api, "vmboxes"), await make(api, "vmboxes", mailbox="2")
    told = api.gateway.services.switch.told  # type: ignore[attr-defined]
    message_id = await leave(api, box)
    await api.post(at(api, box, message_id), {"folder": "saved"})
    await api.post(at(api, box, message_id), {"source_id": [other]})
    await api.post(at(api, box, message_id), {"source_id": other})
    assert {command.name for command in told} == {"vmboxes.update_mwi"}
    assert [command.data["vmbox_id"] for command in told] == [box, box, other, box, other]


@pytest.mark.parametrize("overrides", [{"voicemail.transcribe_format": "wav"}])
async def test_only_audio_that_can_be_transcribed_is_to_be(api: Api) -> None:
    box = {"name": "Ann", "mailbox": "1", "transcribe": True}
    wrong = await api.put(f"{api.account}/vmboxes", box)
    refusal(wrong, "media_extension", "invalid")
    (await api.put(f"{api.account}/vmboxes", {**box, "media_extension": "wav"})).expect(201)
    (await api.put(f"{api.account}/vmboxes", {"name": "Bob", "mailbox": "2"})).expect(201)
