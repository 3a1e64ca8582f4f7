"""What keys do during a conversation: who listens, what is meant, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from crossbar.documents import Document
from crossbar.switch.executor import (
    METAFLOW_ACTIONS,
    Book,
    Call,
    Dialing,
    Ear,
    Leg,
    Media,
    Metaflows,
    Side,
    Sound,
    Way,
    metaflows_of,
    run_metaflow,
)
from crossbar.switch.executor.script import Script, ScriptedMedia
from crossbar.switch.executor.shown import shown_leg, shown_sound
from tests.conftest import Api
from tests.families.support import make
from tests.switch.executor.support import callflow, node, person, phone, then

SOON = 0.02


def flow(module: str = "hangup", **data: Any) -> Document:
    return {"module": module, "data": data}


# Who listens to what


async def of(api: Api, device: str) -> Metaflows | None:
    return await metaflows_of(await book_of(api), device)


async def book_of(api: Api) -> Book:
    book = await Book.of(api.gateway.services, api.master.account_id, "call")
    assert book is not None
    return book


async def test_who_has_no_flows_is_not_listened_to(api: Api) -> None:
    device = await phone(api, "bare", metaflows={"binding_digit": "#", "listen_on": "both"})
    assert await of(api, device) is None
    assert await of(api, "") is None
    assert await of(api, "nobody") is None


async def test_what_the_account_the_device_and_the_user_say_is_one(api: Api) -> None:
    numbers = {"1": flow(), "2": flow("hold"), "3": flow()}
    account = {"numbers": numbers, "digit_timeout": 300}
    (await api.patch(api.account, {"metaflows": account})).expect(200)
    _user, device = await person(api, "Ann", metaflows={"numbers": {"2": flow("resume")}})
    patch = {"metaflows": {"numbers": {"2": flow("break"), "3": flow("play")}}}
    (await api.patch(f"{api.account}/devices/{device}", patch)).expect(200)
    found = await of(api, device)
    assert found is not None
    modules = {keys: each["module"] for keys, each in found.numbers.items()}
    assert modules == {"1": "hangup", "2": "resume", "3": "play"}
    assert (found.binding_key, found.timeout, found.listen_on) == ("*", 0.3, Side.SELF)


async def test_how_long_keys_are_waited_for_is_configured(api: Api) -> None:
    device = await phone(api, "ann", metaflows={"numbers": {"1": flow()}, "listen_on": "both"})
    found = await of(api, device)
    assert found is not None
    assert found.timeout == 0.8
    assert found.listens_to(Side.SELF)
    assert found.listens_to(Side.PEER)
    path = f"{api.account}/configs/metaflows"
    (await api.put(path, {"digit_timeout_ms": 1500})).expect(201)
    again = await of(api, device)
    assert again is not None
    assert again.timeout == 1.5


def test_whose_keys_count() -> None:
    listened = {each: Metaflows(listen_on=each) for each in Side}
    assert [each for each in Side if listened[each].listens_to(Side.SELF)] == ["self", "both"]
    assert [each for each in Side if listened[each].listens_to(Side.PEER)] == ["peer", "both"]


# What keys mean


def test_numbers_come_before_patterns_and_these_in_their_order() -> None:
    found = Metaflows(
        numbers={"12": flow("hold")},
        patterns={
            "^1([0-9]+)$": flow("transfer", target=""),
            "^(1)(.*)$": flow("play"),
            "(?=x)": flow("tts"),
            "^9": flow("say"),
        },
    )
    assert found.chosen("12") == flow("hold", collected="12")
    expected = flow("transfer", target="", collected="123", captures=["23"])
    assert found.chosen("123") == expected
    assert found.chosen("1") == flow("play", collected="1", captures=["1", ""])
    assert found.chosen("95") == flow("say", collected="95")
    assert found.chosen("8") is None
    assert Metaflows(numbers={"1": "junk"}, patterns={"1": "junk"}).chosen("1") is None


async def heard(*pressed: str, **settings: Any) -> list[Document]:
    """The flows that keys have run, which are pressed with pauses in between."""
    run: list[Document] = []
    numbers = {"1": flow("one"), "12": flow("two"), "*1": flow("star")}
    ear = Ear(Metaflows(timeout=SOON, numbers=numbers, **settings), run.append)
    for keys in pressed:
        for key in keys:
            ear.hear(key)
        await asyncio.sleep(SOON * 3)
    return run


async def test_the_binding_key_arms_and_a_pause_ends(api: Api) -> None:
    def modules(flows: list[Document]) -> list[str]:
        return [each["module"] for each in flows]

    assert modules(await heard("1", "*1", "1")) == ["one"]
    assert modules(await heard("*12", "*", "12", "*3", "*1")) == ["two", "one"]
    assert modules(await heard("**1")) == ["star"]
    assert modules(await heard("*1", "#12", binding_key="#")) == ["two"]
    assert modules(await heard("*" + "1" * 10_000, "*1")) == ["one"]


async def test_who_does_not_listen_any_more_runs_nothing() -> None:
    run: list[Document] = []
    ear = Ear(Metaflows(timeout=SOON, numbers={"1": flow()}), run.append)
    ear.hear("*")
    ear.hear("1")
    ear.close()
    await asyncio.sleep(SOON * 2)
    assert run == []


# What comes of it


@dataclass(slots=True, kw_only=True)
class ScriptedTalk:
    """A conversation that notes what is to be done to it, verb by verb."""

    other: Media | None
    is_caller: bool = True
    is_held: bool = False
    is_taped: bool = False
    answers: bool = True
    told: list[tuple[Any, ...]] = field(default_factory=list)

    async def hold(self, music: Sound | None, own: Sound | None, key: str) -> None:
        self.is_held = True
        names = [shown_sound(each)["name"] if each else "" for each in (music, own)]
        self.told.append(("hold", *names, key))

    async def resume(self) -> None:
        self.is_held = False
        self.told.append(("resume",))

    async def stop_sounds(self) -> None:
        self.told.append(("stop_sounds",))

    async def stop_tapes(self) -> None:
        self.is_taped = False
        self.told.append(("stop_tapes",))

    async def mask(self, is_masked: bool) -> None:
        self.told.append(("mask", is_masked))

    async def send(
        self,
        side: Side,
        number: str,
        *,
        callflow_id: str = "",
        steps: Document | None = None,
        is_transfer: bool = False,
    ) -> None:
        where = callflow_id if steps is None else steps
        self.told.append(("send", side, number, where, is_transfer))

    async def consult(
        self, leg: Leg, *, seconds: float, music: Sound | None, takeback: str
    ) -> None:
        name = shown_sound(music)["name"] if music else ""
        shown = leg.caller.number
        self.told.append(("consult", shown_leg(leg)["name"], shown, seconds, name, takeback))

    async def hand_over(self, legs: Sequence[Leg], dialing: Dialing, *, keeps: Side) -> bool:
        names = [shown_leg(leg)["name"] for leg in legs]
        self.told.append(("hand_over", names, dialing.timeout, keeps))
        return self.answers

    async def set_level(self, way: Way, level: int) -> None:
        self.told.append(("set_level", way, level))

    async def set_pitch(self, way: Way, factor: float) -> None:
        self.told.append(("set_pitch", way, factor))


@dataclass(slots=True, kw_only=True)
class Asked:
    """Somebody in a call who asks for metaflows."""

    api: Api
    own: ScriptedMedia
    peer: ScriptedMedia
    talk: ScriptedTalk
    call: Call

    by_keys: bool = True

    async def __call__(self, module: str, children: Document | None = None, /, **data: Any) -> str:
        """Run a flow; how it ended."""
        return await run_metaflow(
            node(module, children, **data),
            book=await book_of(self.api),
            call=self.call,
            media=self.own,
            talk=self.talk,
            by_keys=self.by_keys,
        )

    def heard(self) -> tuple[list[str], list[str]]:
        """What both sides have heard."""
        own, peer = (
            [
                sound.get("name", sound.get("text", ""))
                for each in media.told
                for sound in each.get("sounds", ())
            ]
            for media in (self.own, self.peer)
        )
        return own, peer

    def verbs(self) -> list[str]:
        """What was done to the own leg."""
        return [each["verb"] for each in self.own.told]


@pytest.fixture
def asked(api: Api) -> Asked:
    own, peer = (ScriptedMedia(script=Script(), clock=api.clock) for _ in range(2))
    call = Call(
        call_id="a", account_id=api.master.account_id, dialed="102", from_number="101", realm="r"
    )
    return Asked(api=api, own=own, peer=peer, talk=ScriptedTalk(other=peer), call=call)


async def test_sounds_are_for_both_or_one(asked: Asked) -> None:
    media = await make(asked.api, "media")
    await asked("play", then("say", text="5", type="number", leg="peer"), id=media)
    await asked("tts", text="Hi")
    await asked("tts", text="Ho", leg="both", terminators=[])
    assert asked.heard() == ([media, "Hi", "Ho"], [media, "5", "Ho"])
    assert await asked("play") == "nothing is to be played"
    asked.talk.other = None
    await asked("play", id="hold-music")
    assert asked.heard()[0][-1] == "hold-music"


async def test_one_holds_and_connects_again(asked: Asked) -> None:
    await asked("hold", moh_aleg="a", unhold_key="7")
    await asked("hold_control")
    await asked("hold_control", action="hold", moh_bleg="b")
    await asked("resume")
    assert asked.talk.told == [
        ("hold", "a", "a", "7"),
        ("resume",),
        ("hold", "b", "", "1"),
        ("resume",),
    ]
    asked.talk.other = None
    assert await asked("hold") == "there is nobody else in the call"


async def test_music_on_hold_is_that_of_the_phone(asked: Asked) -> None:
    media = await make(asked.api, "media")
    music = {"media_id": media}
    asked.call.device_id = await phone(asked.api, "ann", music_on_hold=music)
    await asked("hold")
    assert asked.talk.told == [("hold", media, "", "1")]


async def test_recordings_begin_end_and_are_masked(asked: Asked) -> None:
    await asked("record_call", label="mine")
    asked.talk.is_taped = True
    assert await asked("record_call", action="start") == "a recording runs already"
    await asked("record_call", action="mask")
    await asked("record_call", action="unmask")
    await asked("record_call", action="toggle")
    assert [each.get("label") for each in asked.own.told] == ["mine"]
    assert asked.talk.told == [("mask", True), ("mask", False), ("stop_tapes",)]
    await asked("record_call", action="whatever")
    assert asked.verbs() == ["tape", "tape"]


async def test_the_other_side_is_sent_away(asked: Asked) -> None:
    assert await asked("transfer", target="103") == "who asks is no phone of the account"
    asked.call = replace(asked.call, device_id="desk")
    await asked("transfer", then("play", id="x"), captures=["103"], target="")
    assert asked.talk.told == [("send", Side.PEER, "103", "", True)]
    assert asked.verbs() == ["hang_up"]


async def test_a_transfer_needs_somebody_and_somewhere(asked: Asked) -> None:
    why = "there is nowhere to transfer the call to"
    assert await asked("transfer", captures=["no_match"]) == why
    asked.talk.other = None
    assert await asked("transfer", target="103") == "there is nobody else in the call"
    assert asked.talk.told == []


async def test_somebody_is_asked_first(asked: Asked) -> None:
    number = {"internal": {"number": "1001"}}
    asked.call.device_id = await phone(asked.api, "ann", caller_id=number)
    data = {"transfer_type": "attended", "target": "103"}
    await asked("transfer", **data)
    await asked("transfer", **data, timeout=5, moh="music", takeback_dtmf="#")
    assert asked.talk.told == [
        ("consult", "103", "1001", 20, "", "*1"),
        ("consult", "103", "1001", 5, "music", "#"),
    ]


async def test_who_called_goes_on_in_a_callflow(asked: Asked) -> None:
    made = await callflow(asked.api, "500", node("hangup"))
    await asked("callflow", id=made)
    asked.talk.is_caller = False
    await asked("callflow", id=made)
    asked.by_keys = False
    await asked("callflow", captures="501")
    assert asked.talk.told == [
        ("send", Side.SELF, "102", made, False),
        ("send", Side.PEER, "102", made, False),
        ("send", Side.SELF, "501", "", False),
    ]
    asked.talk.told.clear()
    steps = node("play", id="bye")
    await asked("callflow", flow=steps)
    data, after = {"voice_url": "http://x"}, then("hangup")
    await asked("pivot", after, **data)
    assert asked.talk.told == [
        ("send", Side.SELF, "102", steps, False),
        ("send", Side.SELF, "102", {"module": "pivot", "data": data, "children": after}, False),
    ]
    assert await asked("pivot") == "no server is named"
    assert await asked("callflow", id="nothing") == "there is no such callflow"
    assert await asked("callflow") == "no callflow is named"


async def test_a_call_moves_to_another_phone_of_its_user(asked: Asked) -> None:
    user, first = await person(asked.api, "Ann")
    await phone(asked.api, "desk", owner_id=user)
    asked.call.device_id, asked.call.owner_id = first, user
    assert await asked("move") == "the conversation went on elsewhere"
    assert asked.talk.told == [("hand_over", ["desk"], 20, Side.PEER)]
    asked.talk.answers = False
    assert await asked("move") == "nobody has answered"
    assert await asked("move", device_id=first) == "there is nobody to ring"


async def test_a_call_is_brought_to_a_device_a_user_or_a_number(asked: Asked) -> None:
    user, first = await person(asked.api, "Bob")
    await callflow(asked.api, "500", node("user", id=user))
    data = {"target_type": "device", "target_id": first}
    assert await asked("intercept", **data) == "the leg talks with somebody"
    for kind, target in (("device", first), ("user", user), ("number", "500")):
        await asked("intercept", target_type=kind, target_id=target, unbridged_only=False)
    assert asked.talk.told == [("hand_over", ["Bobphone"], 20, Side.SELF)] * 3
    asked.talk.other = None
    await asked("intercept", **data)
    assert len(asked.talk.told) == 4
    data = {"target_type": "number", "target_id": "501"}
    assert await asked("intercept", **data) == "there is nobody to ring"


async def test_sound_is_changed_within_limits(asked: Asked) -> None:
    await asked("audio_level", action="start", level=9, mode="read")
    await asked("audio_level", action="start", level=-2)
    await asked("audio_level", action="stop", level=3)
    await asked("sound_touch", action="start", adjust_in_octaves=1, sending_leg=True)
    await asked("sound_touch", action="start", pitch=1e9)
    await asked("sound_touch", action="stop", adjust_in_semitones=3)
    assert asked.talk.told == [
        ("set_level", Way.FROM, 4),
        ("set_level", Way.TO, -2),
        ("set_level", Way.TO, 0),
        ("set_pitch", Way.FROM, 2.0),
        ("set_pitch", Way.TO, 4.0),
        ("set_pitch", Way.TO, 1.0),
    ]


async def test_what_comes_after_and_what_does_not(asked: Asked) -> None:
    await asked("break", then("relate", conference_id="x"))
    await asked("nothing", then("resume"))
    await asked("hangup", then("resume"))
    assert asked.talk.told == [("stop_sounds",), ("resume",)]
    assert asked.verbs() == ["hang_up"]


NAMES = [
    *("action", "id", "leg", "level", "mode", "text", "moh_aleg", "moh_bleg", "moh", "unhold_key"),
    *("target", "captures", "timeout", "transfer_type", "target_id", "target_type", "device_id"),
    *("owner_id", "unbridged_only", "pitch", "collected", "adjust_in_octaves", "terminators"),
    *(
        "adjust_in_semitones",
        "language",
        "takeback_dtmf",
        "media_name",
        "time_limit",
        "flow",
        "voice_url",
    ),
]


@pytest.mark.parametrize("module", METAFLOW_ACTIONS)
async def test_data_that_means_nothing_breaks_nothing(asked: Asked, module: str) -> None:
    junks: list[Any] = [None, 5, -1, "x", [], ["x"], {}, True]
    for junk in junks:
        asked.own.ended = None
        assert await asked(module, **dict.fromkeys(NAMES, junk)) != "the step has failed"
