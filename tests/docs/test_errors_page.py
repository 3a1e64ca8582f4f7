"""The page of errors knows every code and every rule that a refusal may have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def calls() -> Iterator[ast.Call]:
    """Every call in the package."""
    for path in sorted((ROOT / "crossbar").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield node


def text_of(node: ast.expr) -> str:
    """A text that is written out; "" for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_what_refusals_are_given_is_on_the_page() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("|")]
    told = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    codes, rules = set(), set()
    for call in calls():
        codes |= {text_of(each.value) for each in call.keywords if each.arg == "code"}
        if ast.unparse(call.func).endswith(("refusals.add", "ValidationFailed.of")):
            rules |= {text_of(each) for each in call.args[1:2]}
    assert len(codes) > 10
    assert codes - told - {""} == set()
    assert len(rules) > 20
    assert rules - told - {""} == set()
