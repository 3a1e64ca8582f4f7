"""How documents rewrite the numbers and names of calls."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.switch.executor.formatters import (
    CALLED,
    INBOUND,
    MOST,
    NAMES,
    NUMBERS,
    NUMBERS_IN,
    OUTBOUND,
    rewritten,
    rewritten_caller,
    rewritten_headers,
    usual_formatters,
)
from crossbar.switch.executor.media import CallerId
from tests.conftest import Api
from tests.switch.executor.support import callflow, node, phone, simulated, verbs

pytestmark = pytest.mark.any_store

NUMBER = "+14155550100"


@pytest.mark.parametrize(
    ("rule", "made"),
    [
        ({"regex": r"^\+1(\d{3})(\d+)$", "prefix": "9", "suffix": "#"}, "9415#"),
        ({"regex": r"^\+1", "prefix": "9"}, f"9{NUMBER}"),
        ({"prefix": "00"}, f"00{NUMBER}"),
        ({"regex": r"^\+44", "prefix": "9"}, NUMBER),
        ({"regex": r"^\+44", "strip": True}, ""),
        ({"strip": True}, ""),
        ({"value": "100"}, "100"),
        ({"regex": r"^\+44", "value": "100"}, "100"),
        ({"match_invite_format": True}, "4155550100"),
        ({"direction": "outbound", "value": "100"}, "100"),
        ({"direction": "both", "value": "100"}, "100"),
        ({"direction": "inbound", "value": "100"}, NUMBER),
        ({"regex": r"(?=.)", "prefix": "9"}, NUMBER),  # RE2 has no look-around
        ({"prefix": "1\r\nX: "}, f"1X: {NUMBER}"),
        ({"prefix": "1" * 500}, "1" * 128),
        ([{"regex": r"^\+44", "prefix": "1"}, {"value": "2"}, {"value": "3"}], "2"),
        ([], NUMBER),
        (["no rule", None], NUMBER),
        ("no rules", NUMBER),
    ],
)
def test_a_rule_rewrites_what_its_pattern_finds(rule: Any, made: str) -> None:
    assert rewritten(NUMBER, {"to_did": rule}, CALLED, OUTBOUND, "npan") == made


def test_of_several_names_of_a_field_the_first_with_rules_counts() -> None:
    rules = {"from": {"value": "1"}, "caller_id_number": {"value": "2", "direction": "inbound"}}
    assert rewritten(NUMBER, rules, NUMBERS, OUTBOUND) == NUMBER
    assert rewritten(NUMBER, rules, NUMBERS_IN, INBOUND) == "2"
    assert rewritten("Ann", rules, NAMES, OUTBOUND) == "Ann"
    assert rewritten(NUMBER, None, NUMBERS, OUTBOUND) == NUMBER


def test_headers_are_rewritten_or_removed() -> None:
    rules = {"x_plan": {"value": "silver"}, "x_note": {"strip": True}}
    headers = {"X-Plan": "gold", "X-Note": "any", "X-Other": "kept"}
    assert rewritten_headers(headers, rules) == {"X-Plan": "silver", "X-Other": "kept"}


def test_a_caller_of_whom_nothing_is_left_is_anonymous() -> None:
    gone = {"caller_id_number": {"strip": True}, "caller_id_name": {"strip": True}}
    ann = CallerId(name="Ann", number="1001")
    assert rewritten_caller(ann, gone) == CallerId(number="anonymous")
    assert rewritten_caller(CallerId(), gone) == CallerId()
    assert rewritten_caller(ann, {"caller_id_number": {"strip": True}}) == CallerId(name="Ann")


def test_so_many_rules_are_looked_at() -> None:
    rules = [{"regex": "^x"}] * MOST
    assert rewritten(NUMBER, {"to_did": [*rules, {"value": "1"}]}, CALLED, OUTBOUND) == NUMBER
    assert rewritten(NUMBER, {"to_did": [*rules[1:], {"value": "1"}]}, CALLED, OUTBOUND) == "1"


async def carrier(api: Api, **fields: Any) -> None:
    usual = {"name": "any", "rules": [r"^(\+1\d{10})$"], "gateways": [{"server": "any.example"}]}
    (await api.put("/v2/resources", usual | fields)).expect(201)


async def leaves(api: Api) -> list[tuple[str, str, str]]:
    """Whom gateways are asked for, and who is shown there."""
    shown = {"external": {"name": "Acme", "number": "+12125550111"}}
    ann = await phone(api, "ann", caller_id=shown)
    flow = await callflow(api, "no_match", node("offnet"))
    told = await simulated(api, flow, to="4155550100", **{"from": {"device_id": ann}})
    [ring] = verbs(told, "ring")
    return [
        (each["name"], each.get("caller_id_number", ""), each.get("caller_id_name", ""))
        for each in ring["legs"]
    ]


async def test_a_carrier_is_told_what_its_rules_make(api: Api) -> None:
    rules = {
        "to_did": {"regex": r"^9\+(\d+)$", "prefix": "00"},
        "outbound_caller_id_number": [{"regex": r"^\+1(\d{10})$"}],
        "outbound_caller_id_name": {"strip": True},
    }
    gateways = [{"server": "any.example", "prefix": "9"}]
    await carrier(api, gateways=gateways, formatters=rules)
    assert await leaves(api) == [("0014155550100 at any.example", "2125550111", "")]


async def test_where_a_carrier_has_no_rules_those_of_the_system_count(api: Api) -> None:
    usual = [{"from": {"value": "1"}}, {"from": {"value": "2"}, "to_did": {"prefix": "7"}}]
    config = {"default": {"default_formatters": usual}}
    (await api.post("/v2/system_configs/stepswitch", config)).expect(200)
    assert usual_formatters(api.gateway.services) == {**usual[1], **usual[0]}
    await carrier(api)
    own = {"from": {"value": "3"}}
    await carrier(api, formatters=own, gateways=[{"server": "own.example"}], weight_cost=60)
    assert [each[:2] for each in await leaves(api)] == [
        (f"7{NUMBER} at any.example", "1"),
        (f"{NUMBER} at own.example", "3"),
    ]


async def test_a_phone_is_shown_callers_as_it_wants_them(api: Api) -> None:
    rules = {"caller_id_number": {"regex": r"^\+1(\d{10})$", "prefix": "9"}}
    ben = await phone(api, "ben", formatters=rules)
    flow = await callflow(api, "100", node("device", id=ben))
    told = await simulated(api, flow, to="100", **{"from": {"number": "+12125550111"}})
    [ring] = verbs(told, "ring")
    assert [each["caller_id_number"] for each in ring["legs"]] == ["92125550111"]
