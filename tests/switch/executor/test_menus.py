"""Menus, directories and time: where a call goes by what is pressed, and when it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from crossbar.clock import GREGORIAN_OFFSET
from crossbar.switch.executor.actions.directories import keys_of, names
from crossbar.switch.executor.calendar import applies
from tests.conftest import Api
from tests.families.support import make, shown
from tests.switch.executor.support import call, callflow, heard, node, path, simulated, then, verbs


async def menu_flow(api: Api, children: dict[str, Any] | None = None, **fields: Any) -> str:
    menu = await make(api, "menus", **fields)
    usual = {"1": node("play", id="sales"), "_": node("play", id="operator")}
    return await callflow(api, "5000", node("menu", children or usual, id=menu))


async def test_a_key_leads_to_its_child(api: Api) -> None:
    told = await simulated(api, await menu_flow(api), keys=["1"])
    assert heard(told)[-1] == "sales"
    assert told["steps"][0]["why"] == "1 was pressed"


async def test_wrong_keys_and_silence_use_up_the_tries(api: Api) -> None:
    told = await simulated(api, await menu_flow(api, retries=2), keys=["7", ""])
    assert heard(told) == [
        "menu-no_prompt",
        "menu-invalid_entry",
        "menu-no_prompt",
        "menu-exit",
        "menu-transferring_call",
        "operator",
    ]


async def test_a_file_of_a_web_server_may_greet(api: Api) -> None:
    menu = await make(api, "menus", media={"greeting": "https://a.example/hello.mp3"})
    told = await simulated(api, await callflow(api, "5000", node("menu", id=menu)), keys=["1"])
    [greeting] = verbs(told, "collect")[0]["sounds"]
    assert greeting == {"kind": "url", "name": "https://a.example/hello.mp3"}


async def test_timeout_and_max_retries_are_children(api: Api) -> None:
    silent = {"timeout": node("play", id="silent"), "max_retries": node("play", id="tried")}
    flow = await menu_flow(api, silent, retries=1)
    assert heard(await simulated(api, flow))[-1] == "silent"
    assert heard(await simulated(api, flow, keys=["9"]))[-1] == "tried"


async def test_a_number_can_be_dialed_in_a_menu_that_hunts(api: Api) -> None:
    await callflow(api, "1001", node("play", id="ann"))
    await callflow(api, "no_match", node("play", id="outside"))
    flow = await menu_flow(api, hunt=True, hunt_deny="^2")
    await callflow(api, "2001", node("play", id="denied"))
    told = await simulated(api, flow, keys=["1001"])
    assert path(told) == ["menu", "play", "play"]
    assert heard(told)[-2:] == ["ann", "operator"]  # the default child follows another callflow
    assert "denied" not in heard(await simulated(api, flow, keys=["2001"]))
    assert "outside" not in heard(await simulated(api, flow, keys=["3001"]))


async def test_the_record_pin_records_a_greeting_that_is_kept(api: Api) -> None:
    menu = await make(api, "menus", record_pin="9999", max_extension_length=4, retries=1)
    await callflow(api, "5000", node("menu", id=menu))
    device = await make(api, "devices", name="desk")
    made = await call(api, "5000", device=device, keys=["9999", "2", "1"])
    assert "vm-saved" in made.heard()
    media = (await shown(api, "menus", menu))["media"]["greeting"]
    stored = await shown(api, "media", media)
    assert (stored["media_source"], stored["content_type"]) == ("recording", "audio/wav")
    outside = await call(api, "5000", number="+14155550100", keys=["9999", "1"])
    assert "vm-record_greeting" not in outside.heard()


async def test_a_missing_menu_has_no_greeting_and_the_usual_tries(api: Api) -> None:
    flow = await callflow(api, "5000", node("menu", id="0" * 32))
    assert heard(await simulated(api, flow)).count("menu-no_prompt") == 3


async def people(api: Api, directory: str) -> str:
    ann = await callflow(api, "1001", node("play", id="ann"))
    abe = await callflow(api, "1002", node("play", id="abe"))
    for first, last, flow in (("Ann", "Lee", ann), ("Abe", "Kay", abe)):
        fields = {"first_name": first, "last_name": last, "directories": {directory: flow}}
        await make(api, "users", **fields)
    return await callflow(api, "411", node("directory", then("play", id="left"), id=directory))


async def test_a_directory_finds_people_by_their_keys(api: Api) -> None:
    directory = await make(api, "directories")
    flow = await people(api, directory)
    told = await simulated(api, flow, keys=["266", "1"])
    assert heard(told)[-2:] == ["ann", "left"]
    assert "dir-found" in heard(told)
    both = await simulated(api, flow, keys=["2", "5", "2", "1"])
    assert "dir-invalid_key" in heard(both)
    assert heard(both)[-2:] == ["ann", "left"]
    nobody = await simulated(api, flow, keys=["999"])
    assert "dir-no_results_found" in heard(nobody)


async def test_an_empty_directory_goes_on(api: Api) -> None:
    directory = await make(api, "directories")
    flow = await callflow(api, "411", node("directory", then("play", id="left"), id=directory))
    assert heard(await simulated(api, flow)) == ["dir-no_results_found", "left"]


def test_names_are_spelled_with_letters_alone() -> None:
    assert keys_of("Zoë O'Brien") == "9636274 36".replace(" ", "")
    user = {"first_name": "Ann", "last_name": "Lee"}
    assert names(user, "both") == ["266533", "533266"]
    assert names(user, "last_name") == ["533266"]


def gregorian(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    made = datetime(year, month, day, hour, minute, tzinfo=UTC)
    return int(made.timestamp()) + GREGORIAN_OFFSET


def noon(day: tuple[int, int, int]) -> datetime:
    return datetime(*day, 12, tzinfo=UTC)


def rule(**fields: Any) -> dict[str, Any]:
    return {"start_date": gregorian(2026, 1, 1), **fields}


@pytest.mark.parametrize(
    ("fields", "yes", "no"),
    [
        ({"cycle": "daily"}, (2026, 3, 5), None),
        ({"cycle": "daily", "interval": 2}, (2026, 1, 3), (2026, 1, 1)),
        ({"cycle": "date", "start_date": gregorian(2026, 12, 25)}, (2026, 12, 25), (2026, 12, 26)),
        ({"cycle": "weekly", "wdays": ["monday", "wensday"]}, (2026, 11, 25), (2026, 11, 26)),
        ({"cycle": "weekly", "interval": 2, "wdays": []}, (2026, 1, 14), (2026, 1, 7)),
        ({"cycle": "monthly", "days": [1, 15]}, (2026, 4, 15), (2026, 4, 16)),
        (
            {"cycle": "monthly", "ordinal": "first", "wdays": ["monday"]},
            (2026, 11, 2),
            (2026, 11, 9),
        ),
        (
            {"cycle": "monthly", "ordinal": "last", "wdays": ["friday"]},
            (2026, 11, 27),
            (2026, 11, 20),
        ),
        (
            {"cycle": "monthly", "ordinal": "every", "wdays": ["friday"]},
            (2026, 11, 20),
            (2026, 11, 21),
        ),
        (
            {"cycle": "monthly", "ordinal": "fifth", "wdays": ["monday"]},
            (2027, 1, 4),
            (2026, 12, 28),
        ),
        ({"cycle": "yearly", "month": 12, "days": [25]}, (2030, 12, 25), (2030, 11, 25)),
        (
            {"cycle": "yearly", "month": 11, "ordinal": "fourth", "wdays": ["thursday"]},
            (2026, 11, 26),
            (2026, 11, 19),
        ),
        ({"cycle": "daily", "start_date": gregorian(2027, 1, 1)}, (2027, 1, 1), (2026, 12, 31)),
        ({"cycle": "weekly", "enabled": False}, None, (2026, 11, 25)),
        ({"cycle": "date", "enabled": True}, (2026, 5, 5), None),
        ({}, None, (2026, 5, 5)),
    ],
)
def test_a_rule_holds_on_its_days(fields: Any, yes: Any, no: Any) -> None:
    made = rule(**fields)
    assert yes is None or applies(made, noon(yes))
    assert no is None or not applies(made, noon(no))


def test_a_rule_holds_within_its_hours() -> None:
    made = rule(cycle="daily", time_window_start=9 * 3600, time_window_stop=17 * 3600)
    hours = {
        hour: applies(made, datetime(2026, 5, 5, hour, tzinfo=UTC)) for hour in (8, 9, 12, 17, 18)
    }
    assert hours == {8: False, 9: True, 12: True, 17: True, 18: False}
    night = rule(cycle="daily", time_window_start=22 * 3600, time_window_stop=6 * 3600)
    assert not applies(night, datetime(2026, 5, 5, 23, tzinfo=UTC))


async def test_time_decides_where_a_call_goes(api: Api) -> None:
    open_rule = await make(
        api,
        "temporal_rules",
        name="Open",
        cycle="weekly",
        wdays=["monday"],
        time_window_start=9 * 3600,
        time_window_stop=17 * 3600,
    )
    holiday = await make(api, "temporal_rules", name="Xmas", cycle="yearly", month=12, days=[28])
    holidays = await make(api, "temporal_rules_sets", temporal_rules=[holiday])
    children = {
        holidays: node("play", id="holiday"),
        open_rule: node("play", id="open"),
        "_": node("play", id="closed"),
    }
    data = {"rules": [holidays, open_rule], "timezone": "America/New_York"}
    flow = await callflow(api, "1", node("temporal_route", children, **data))
    expected = {
        (2026, 11, 30, 14, 1): "open",  # 9:01 in New York
        (2026, 11, 30, 13, 59): "closed",
        (2026, 12, 1, 15, 0): "closed",
        (2026, 12, 28, 15, 0): "holiday",
    }
    for moment, sound in expected.items():
        told = await simulated(api, flow, timestamp=gregorian(*moment))
        assert heard(told) == [sound], moment
        assert ("rule Xmas holds" in told["steps"][0]["why"]) is (sound == "holiday")


async def test_rules_can_be_forced_by_telephone(api: Api) -> None:
    made = await make(api, "temporal_rules")
    await callflow(api, "1", node("temporal_route", rules=[made], action="menu"))
    assert "temporal-marked_enabled" in (await call(api, "1", keys=["5", "1"])).heard()
    assert (await shown(api, "temporal_rules", made))["enabled"] is True
    assert "temporal-marker_reset" in (await call(api, "1", keys=["3"])).heard()
    assert "enabled" not in await shown(api, "temporal_rules", made)
