"""Whose sounds are heard where the system says something."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from crossbar.switch.asterisk import Program
from crossbar.switch.asterisk.prompts import RECORDED, SPOKEN
from crossbar.switch.asterisk.sounds import Sounds
from crossbar.switch.executor import Prompt
from tests.conftest import Api
from tests.sounding import share, tone
from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import until

EXECUTOR = Path(__file__).parents[3] / "crossbar/switch/executor"
FAMILIES = "vm|cf|cw|conf|dir|agent|dnd|menu|fault|hotdesk|park|pickup|temporal|disa|camper"


async def prompt(api: Api, path: str, language: str, name: str = "vm-enter_pass") -> str:
    """A sound for a prompt in a language; its id."""
    made = (await api.put(path, {"prompt_id": name, "language": language})).expect(201).data
    raw = f"{path}/{quote(made['id'], safe='')}/raw"
    headers = {"Content-Type": "audio/wav"}
    (await api.post(raw, raw=tone(0.2, 1100), headers=headers)).expect(200)
    doc_id: str = made["id"]
    return doc_id


@pytest.mark.thorough
async def test_an_account_hears_its_own_prompt_and_others_do_not(office: Office) -> None:
    other = await office.neighbour("Other")
    await office.sound(1100, 8, prompt_id="vm-enter_pass", language="en")
    for each in (office, other):
        box = {"name": "Box", "mailbox": "1", "pin": "1234", "require_pin": True}
        made = (await each.api.put(f"{each.path}/vmboxes", box)).expect(201).data
        await each.callflow("*97", "voicemail", made["id"], action="check")
    ann, carl = await office.phone("ann"), await other.phone("carl")
    await ann.call("*97")
    await ann.hears(1100)
    await carl.call("*97")
    await until(lambda: carl.loudness() > 100)
    assert share(carl.latest(), carl.rate, 1100) < 0.3


class TestLookedUp:
    """The order in which sounds are looked for."""

    @pytest.fixture
    def sounds(self, api: Api, asterisk: Program, tmp_path: Path) -> Sounds:
        return Sounds(api.gateway.services, asterisk.sounds, tmp_path / "sounds")

    async def test_the_nearest_language_and_the_account_come_first(
        self, api: Api, sounds: Sounds
    ) -> None:
        async def heard(account_id: str, language: str = "de-at") -> Any:
            wanted = Prompt(name="vm-enter_pass", language=language)
            [found] = await sounds.addresses(account_id, [wanted])
            return found

        own, child = api.master.account_id, await api.create_account("Child")
        packaged = await heard(own)
        assert packaged == "sound:vm-password"
        await prompt(api, "/v2/media", "de")
        of_system = await heard(own)
        assert of_system != packaged
        assert await heard(own, "fr") == packaged
        await prompt(api, f"{api.account}/media", "de")
        german = await heard(own)
        assert german not in (of_system, packaged)
        await prompt(api, f"{api.account}/media", "de-at")
        assert await heard(own) not in (german, of_system, packaged)
        assert await heard(own, "de-de") == german
        # An account below hears what is the system's.
        assert await heard(child) == of_system
        config = {"default": {"support_account_overrides": False}}
        (await api.post("/v2/system_configs/media", config)).expect(200)
        assert await heard(own) == of_system

    async def test_what_is_recorded_nowhere_is_spoken(self, sounds: Sounds) -> None:
        wanted = Prompt(name="vm-main_menu", language="en-us")
        [found] = await sounds.addresses("a", [wanted])
        assert Path(found.removeprefix("sound:")).with_suffix(".wav").exists()
        assert await sounds.addresses("a", [Prompt(name="tea-time", language="en-us")]) == []

    def test_whatever_flows_say_can_be_heard(self, asterisk: Program) -> None:
        names = set()
        for file in EXECUTOR.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    names |= {*re.findall(rf"^(?:{FAMILIES})-[a-z_0-9-]+$", node.value)}
        assert asterisk.sounds
        recorded = {each.stem for each in asterisk.sounds.glob("*.*")}

        def is_heard(name: str) -> bool:
            parts = RECORDED.get(name, name).split()
            return name in SPOKEN or recorded.issuperset(parts)

        assert len(names) > 90
        assert [name for name in sorted(names) if not is_heard(name)] == []
