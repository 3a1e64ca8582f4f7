"""Recordings: their list, their audio, what clients may say of them, how they go."""

from __future__ import annotations

import base64

from crossbar.documents import Document
from tests.conftest import Api
from tests.families.support import make, refusal
from tests.families.switch.support import TIME, teller

AUDIO = bytes(range(256)) * 10


def recording(call_id: str, **more: object) -> Document:
    content = base64.b64encode(AUDIO).decode()
    audio = {"content_type": "audio/mpeg", "content": content}
    return {"call_id": call_id, "start": TIME - 60, "duration": 50, "audio": audio, **more}


async def test_a_recording_is_listed_and_played(api: Api) -> None:
    user = await make(api, "users")
    fs1 = await teller(api)
    await fs1.tell("recording", recording("a", owner_id=user))
    await fs1.tell("recording", {"call_id": "b", "start": TIME - 10})
    path = f"{api.account}/recordings"
    rows = (await api.get(path)).expect(200).data
    assert [row["call_id"] for row in rows] == ["b", "a"]
    assert rows[1]["_read_only"] == {"content_types": ["audio/mpeg"]}
    assert "audio" not in rows[1]
    [own] = (await api.get(f"{api.account}/users/{user}/recordings")).expect(200).data
    assert own["id"] == rows[1]["id"] == "202701-a"
    assert (await api.get(f"{path}/202701-a")).expect(200).data == own
    played = await api.get(f"{path}/202701-a", headers={"Accept": "audio/mpeg"})
    assert played.expect(200).content == AUDIO
    assert 'filename="a.mp3"' in played.headers["Content-Disposition"]
    part = {"Accept": "audio/mpeg", "Range": "bytes=0-9"}
    assert (await api.get(f"{path}/202701-a", headers=part)).expect(206).content == AUDIO[:10]
    (await api.get(f"{path}/202701-b", headers={"Accept": "audio/mpeg"})).expect(404)
    (await api.get(f"{path}/unknown")).expect(404)


async def test_a_recording_is_told_once(api: Api) -> None:
    fs1 = await teller(api)
    await fs1.tell("recording", recording("a"))
    await fs1.tell("recording", recording("a", name="other"))
    [row] = (await api.get(f"{api.account}/recordings")).expect(200).data
    assert "name" not in row
    broken = recording("c", audio={"content_type": "audio/mpeg", "content": "%"})
    told = (await fs1.send(fs1.event("recording", broken))).expect(200).data
    assert [*told["refused"][0]["data"]] == ["data.audio.content"]


async def test_a_long_recording_is_sent_in_pieces(api: Api) -> None:
    fs1 = await teller(api)
    sound = bytes(range(256)) * 2400  # 600 kB: several pieces in either store
    audio = {"content_type": "audio/mpeg", "content": base64.b64encode(sound).decode()}
    await fs1.tell("recording", recording("long", audio=audio))
    path = f"{api.account}/recordings/202701-long"
    accept = {"Accept": "audio/mpeg"}
    assert (await api.get(path, headers=accept)).expect(200).content == sound
    for wanted, part in (
        ("bytes=200000-600000", sound[200_000:600_001]),
        ("bytes=-5", sound[-5:]),
        ("bytes=614390-", sound[614_390:]),
    ):
        answer = (await api.get(path, headers={**accept, "Range": wanted})).expect(206)
        assert answer.content == part
        assert answer.headers["Content-Length"] == str(len(part))
    beyond = {**accept, "Range": "bytes=2000000-"}
    assert (await api.get(path, headers=beyond)).expect(200).content == sound
    head = (await api.request("HEAD", path, headers=accept)).expect(200)
    assert (head.headers["Content-Length"], head.headers["Accept-Ranges"]) == (
        str(len(sound)),
        "bytes",
    )
    shown = (await api.get(path, headers={"Accept": "*/*"})).expect(200)
    assert shown.data["call_id"] == "long"


async def test_clients_change_their_own_notes_only(api: Api) -> None:
    fs1 = await teller(api)
    await fs1.tell("recording", recording("a"))
    path = f"{api.account}/recordings/202701-a"
    refusal(await api.patch(path, {"call_id": "b"}), "call_id", "forbidden")
    refusal(await api.patch(path, {"user_metadata": 1}), "user_metadata", "type")
    await api.patch(path, {"user_metadata": {"note": "call back", "x": 1}})
    await api.patch(path, {"user_metadata": {"x": None}})
    shown = (await api.patch(path, {})).expect(200).data
    assert shown["user_metadata"] == {"note": "call back"}
    assert (await api.get(path)).data == shown
    cleared = (await api.patch(path, {"user_metadata": None})).expect(200).data
    assert "user_metadata" not in cleared
    (await api.patch(path, {}, headers={"If-Match": '"1-x"'})).expect(412)
    (await api.put(path, {})).expect(405)


async def test_a_recording_goes_with_its_audio(api: Api) -> None:
    fs1 = await teller(api)
    await fs1.tell("recording", recording("a"))
    path = f"{api.account}/recordings"
    gone = (await api.delete(f"{path}/202701-a")).expect(200).data
    assert gone["_read_only"]["deleted"] is True
    assert (await api.get(path)).data == []
    (await api.get(f"{path}/202701-a")).expect(404)
    later = api.clock.unix() + 86_400 * 2
    left = [each async for each in api.gateway.services.store.attachments(later)]
    assert left == []
