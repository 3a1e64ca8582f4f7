"""The page about events names every type and every field."""

from __future__ import annotations

import json
import re
from pathlib import Path

from crossbar.families.switch.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "switch-events.md").read_text(encoding="utf-8")

LEGS = ("channel.", "stream.")


def rows(heading: str) -> dict[str, str]:
    """The rows below a table's head: the rest of each by its first cell."""
    table = PAGE.split(heading, 1)[1].split("\n\n", 1)[0]
    return {
        found[1]: found[2]
        for line in table.splitlines()
        if (found := re.match(r"\| `([^`]+)`[^|]*\| (.*) \|$", line))
    }


def test_every_type_is_told_of() -> None:
    told = PAGE.split("| type | what happened |", 1)[1].split("\n\n", 1)[0]
    for name in KINDS:
        tail = name.removeprefix("channel").removeprefix("stream")
        assert f"`{name}`" in told or f"`{tail}`" in told, name


def test_every_field_is_named_and_what_is_needed_is_bold() -> None:
    fields = rows("| type | fields |")
    schemas = {
        f"{name.split('.')[0]}.*" if name.startswith(LEGS) else name: kind.schema
        for name, kind in KINDS.items()
    }
    assert fields.keys() == schemas.keys()
    for name, schema in schemas.items():
        judged = json.loads((ROOT / "schemas" / f"{schema}.json").read_text(encoding="utf-8"))
        named = fields[name].split(", ")
        assert {each for each in named if each.startswith("**")} == {
            f"**{each}**" for each in judged["required"]
        }, name
        assert {each.strip("*") for each in named} == judged["properties"].keys(), name
