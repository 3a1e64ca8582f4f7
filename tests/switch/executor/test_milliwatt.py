"""Numbers by which lines are tested: a tone, and an echo."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api
from tests.switch.executor.support import Made, call, callflow, node, phone

pytestmark = pytest.mark.any_store

TONE, ECHO = "5555555551", "5555555552"


async def configure(api: Api, **values: Any) -> None:
    config = {"default": values}
    (await api.post("/v2/system_configs/milliwatt", config)).expect(200)


def does(made: Made) -> list[str]:
    return [each["verb"] for each in made.media.told]


async def test_a_number_plays_a_tone_and_hangs_up(api: Api) -> None:
    await callflow(api, "no_match", node("offnet"))
    made = await call(api, TONE, device=await phone(api, "desk"))
    assert does(made) == ["answer", "wait", "play", "hang_up"]
    [played] = (each for each in made.media.told if each["verb"] == "play")
    assert played["sounds"] == [{"kind": "tone", "frequencies": [2600]}]
    assert made.media.elapsed == pytest.approx(30.5)


async def test_the_tone_is_as_the_configuration_says(api: Api) -> None:
    tone = {
        "number": ["100"],
        "frequencies": ["1004", "no", "9999"],
        "frequency_on": 1000,
        "frequency_off": 0,
        "duration": 3000,
    }
    await configure(api, tone=tone)
    made = await call(api, "100", device=await phone(api, "desk"))
    [played] = (each for each in made.media.told if each["verb"] == "play")
    assert played["sounds"] == [{"kind": "tone", "frequencies": [1004]}]
    assert made.media.elapsed == pytest.approx(3.5)


async def test_a_number_lets_callers_hear_themselves(api: Api) -> None:
    made = await call(api, f"1{ECHO}", device=await phone(api, "desk"))
    assert does(made) == ["answer", "wait", "echo", "hang_up"]


async def test_a_number_that_has_a_callflow_is_that_callflows(api: Api) -> None:
    await callflow(api, TONE, node("play", id="own"))
    assert (await call(api, TONE, device=await phone(api, "desk"))).heard() == ["own"]


async def test_callers_may_always_be_tested_but_not_if_they_call_for_help(api: Api) -> None:
    await configure(api, echo={"caller_id": ["+14155550100"], "number": []})
    await callflow(api, "1", node("play", id="own"))
    await callflow(api, "911", node("play", id="help"))
    assert "echo" in does(await call(api, "1", number="4155550100"))
    assert (await call(api, "1", number="+14155550101")).heard() == ["own"]
    assert (await call(api, "911", number="+14155550100")).heard() == ["help"]
