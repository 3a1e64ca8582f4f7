"""Patterns: what clients may send, and that none of ours can be kept busy."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import pytest

import crossbar
from crossbar.personnel.components import COMPONENTS
from crossbar.personnel.values import schema_of
from crossbar.validation.patterns import LONGEST, LONGEST_LIKE, Expression, Like, Unusable
from crossbar.validation.schemas import BrokenSchema, Schemas
from crossbar.visitors.search import E_MAIL

MOMENT = 0.2
"""Seconds of CPU. What is linear takes a tenth of it at most, what is quadratic some of them."""


def takes_a_moment(work: Callable[[], object]) -> bool:
    began = time.process_time()
    work()
    return time.process_time() - began < MOMENT


def test_a_match_tells_what_was_found() -> None:
    found = Expression(r"^\*(?P<code>3)(\d*)(x)?").matched("*3101")
    assert found is not None
    assert (found.text, found.groups, found.longest) == ("*3101", ("3", "101"), "101")
    assert found.named == {"code": "3"}
    plain = Expression("10").matched("2101")
    assert plain is not None
    assert plain.longest == "10"
    assert Expression("^x").matched("y") is None


@pytest.mark.parametrize(
    ("pattern", "text", "captured"),
    [
        (r"^00(\d+)", "00141", "141"),
        (r"(?P<rest>.+)", "é1", "é1"),
        ("[[:alpha:]]+@(x)", "a@x", "x"),
        ("2", "2", None),
        ("(x)", "y", None),
        ("(.)", "\ud800", "?"),
    ],
)
def test_an_expression_captures(pattern: str, text: str, captured: str | None) -> None:
    assert Expression(pattern).captured(text) == captured


def test_an_expression_is_found_anywhere() -> None:
    assert Expression("1$").finds("21")
    assert not Expression("^1$").finds("21")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "missing )"),
        ("(?=a)", "(?="),
        ("(?<!a)b", "(?<!"),
        (r"(a)\1", r"\1"),
        ("(?>a)", "(?>"),
        ("a++", "++"),
        (r"(?:\pL{50}){20}", "too large"),
        ("\ud800", "without meaning"),
        ("a" * (LONGEST + 1), str(LONGEST)),
    ],
)
def test_what_is_no_usable_expression_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(Unusable) as refused:
        Expression(pattern)
    assert reason in str(refused.value)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(.*a){20}$", "(a?){50}a{50}$"])
def test_no_expression_runs_for_ever(pattern: str) -> None:
    expression = Expression(pattern)
    assert takes_a_moment(lambda: expression.finds("a" * 10_000 + "!"))


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a%", "abc", True),
        ("a%", "ba", False),
        ("%", "", True),
        ("_", "é", True),
        ("_", "ab", False),
        ("%.c", "abc", False),
        ("a\n%_", "a\n\nb", True),
        ("\\d[+", "\\d[+", True),
        ("%b%b%", "abab", True),
        ("_%", "", False),
        ("\ud800", "?", True),
    ],
)
def test_text_is_like_a_pattern(pattern: str, text: str, fits: bool) -> None:
    assert Like(pattern).fits(text) is fits


@pytest.mark.parametrize(
    "pattern", ["%_" * 9 + "z", "%_" * 127 + "z", "%a_" * 80 + "z", "%a%" * 85]
)
@pytest.mark.parametrize("text", ["a" * 200_000, "ab" * 100_000])
def test_no_text_is_compared_for_ever(pattern: str, text: str) -> None:
    like = Like(pattern)
    assert takes_a_moment(lambda: like.fits(text))


def test_the_pattern_of_a_like_has_an_end() -> None:
    with pytest.raises(Unusable):
        Like("%" * (LONGEST_LIKE + 1))


def patterns_of(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        if isinstance(named := schema.get("patternProperties"), dict):
            yield from named
        for inner in schema.values():
            yield from patterns_of(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from patterns_of(inner)


def test_every_pattern_of_a_schema_is_one_for_a_linear_engine() -> None:
    schemas = Schemas()
    written = [schemas.document(name) for name in schemas.names()]
    computed = [schema_of(component) for component in COMPONENTS.values()]
    patterns = set(patterns_of([*written, *computed]))
    assert len(patterns) > 25
    for pattern in patterns:
        Expression(pattern)


def test_a_schema_cannot_ask_for_a_backtracking_engine() -> None:
    schemas = Schemas()
    schemas.register({"$id": "slow", "properties": {"x": {"pattern": "^(a+)+$"}}})
    text = "a" * 100_000 + "!"
    assert takes_a_moment(lambda: schemas.apply("slow", {"x": text}))
    schemas.register({"$id": "greedy", "pattern": "^(?!a)"})
    with pytest.raises(BrokenSchema):
        schemas.apply("greedy", {})


def own_patterns() -> Iterator[tuple[str, Callable[[str], object]]]:
    """The regular expressions of modules that clients reach, and how they are used."""
    for found in pkgutil.walk_packages(crossbar.__path__, "crossbar."):
        if found.name.endswith(("__main__", ".markdown")):
            continue
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                uses = re.findall(rf"\b{name}\.(\w+)\(", inspect.getsource(module))
                is_whole = set(uses) <= {"match", "fullmatch"}
                use = value.fullmatch if uses and is_whole else value.findall
                is_text = isinstance(value.pattern, str)
                yield f"{found.name}.{name}", use if is_text else partial(_encoded, use)


def _encoded(use: Callable[[bytes], object], text: str) -> object:
    return use(text.encode())


LONG = 20_000
PIECES = [*"aA1 .,-_@[({\"'\\/:=<;%\n", "a.", "1-", "W/", '\\"', "a=", "é"]


def test_no_expression_of_ours_is_slow_on_a_long_text() -> None:
    slow = {
        name
        for name, use in own_patterns()
        for before, piece in product(("", "a@"), PIECES)
        if not takes_a_moment(partial(use, before + piece * (LONG // len(piece)) + "\x00@"))
    }
    assert slow == set()


def test_addresses_are_told_from_words() -> None:
    assert E_MAIL.fullmatch("ann@mail.example.com")
    assert not any(map(E_MAIL.fullmatch, ("ann", "ann@host", "a@b@c.d", "@x.y", "a@x.")))
