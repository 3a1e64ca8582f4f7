"""Every operation that upstream publishes is offered here, or it is said why not.

The published operations are kept beside the project, one a line. An operation counts as offered
when the registry has its verb and path, whatever the parameters are called.

What is not offered is listed below, by noun or, where a noun is offered in part, by operation. A
noun stands for all its operations; so an entry that is partly true is as wrong as a stale one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from tests.contract.kit import operations, verb_of

PROJECT = Path(__file__).resolve().parents[2]
REFERENCE = Path(os.environ.get("CROSSBAR_REFERENCE", PROJECT.parent / "shared" / "reference"))
FILE = REFERENCE / "operations.tsv"

if not FILE.is_file():
    pytest.skip(
        "the published operations are not here; set CROSSBAR_REFERENCE to their folder",
        allow_module_level=True,
    )

LATER: frozenset[str] = frozenset()
"""What later work brings."""

ACCOUNT = "/accounts/{ACCOUNT_ID}"

PENDING: frozenset[str] = frozenset()
"""What is missing of account configuration, people and telephony."""

NO_PUBLIC_KEY = "tokens are signed with a secret that all servers share; there is no public key"

DIFFERENT = {
    "GET /auth/keys": NO_PUBLIC_KEY,
    "GET /auth/keys/{KEY_ID}": NO_PUBLIC_KEY,
    "PUT /auth/keys/{KEY_ID}": NO_PUBLIC_KEY,
    "PUT /auth/authorize": "fails upstream as well: the schema that it names does not exist",
    f"PUT {ACCOUNT}/cccps/{{CCCP_ID}}": "documented upstream, and not there either",
}
"""What will not be offered, each with the reason."""

ENDPOINT_TYPES = ("devices", "users")
"""What the parameter of that name stands for; here these are nouns of their own."""


def published() -> list[str]:
    """Every published operation as verb and path, without the version."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if line.strip())
    return [f"{verb} {path.removeprefix('/v2')}" for verb, path in pairs]


def shape(operation: str) -> str:
    """An operation with its parameters nameless. A part of a token is the whole token here."""
    return re.sub(r"[^/]*\{[^/]*", "{}", operation)


def noun_of(operation: str) -> str:
    """The first token below the account; without an account, the first of all."""
    tokens = operation.split("/")[1:]
    in_account = tokens[0] == "accounts" and len(tokens) > 2
    return tokens[2] if in_account else tokens[0]


OFFERED = frozenset(shape(f"{verb_of(each)} {each.template}") for each in operations())
PUBLISHED = published()


def is_offered(operation: str) -> bool:
    """Whether the registry has the operation, for every kind of endpoint that it speaks of."""
    kinds = ENDPOINT_TYPES if "{ENDPOINT_TYPE}" in operation else ("",)
    return all(shape(operation.replace("{ENDPOINT_TYPE}", kind)) in OFFERED for kind in kinds)


def is_listed(operation: str, entries: Collection[str]) -> bool:
    """Whether the operation or its noun is among the entries."""
    return operation in entries or noun_of(operation) in entries


def stale(entries: Collection[str]) -> Iterator[str]:
    """Entries that stand for nothing published, or for something that is offered."""
    for entry in sorted(entries):
        meant = [each for each in PUBLISHED if entry in (each, noun_of(each))]
        if not meant:
            yield f"{entry}: not published"
        yield from (f"{entry}: {each} is offered" for each in meant if is_offered(each))


def test_every_published_operation_is_offered_or_accounted_for() -> None:
    missing = [each for each in PUBLISHED if not is_offered(each)]
    later, pending, different = (
        [each for each in missing if is_listed(each, entries)]
        for entries in (LATER, PENDING, DIFFERENT)
    )
    print(
        f"{len(PUBLISHED)} published: {len(PUBLISHED) - len(missing)} offered,"
        f" {len(pending)} pending, {len(later)} later, {len(different)} different"
    )
    assert [each for each in missing if each not in {*later, *pending, *different}] == []
    assert len(later) + len(pending) + len(different) == len(missing), "listed twice"


@pytest.mark.parametrize(
    "entries", [LATER, PENDING, DIFFERENT], ids=["later", "pending", "different"]
)
def test_no_entry_is_stale(entries: Collection[str]) -> None:
    assert list(stale(entries)) == [], "remove these, or list what is still missing by operation"


def test_account_configuration_people_and_telephony_wait_for_nothing() -> None:
    index = (REFERENCE / "resources" / "INDEX-1.md").read_text(encoding="utf-8")
    families = set(re.findall(r"^\| (\w+)", index, re.MULTILINE)) - {"family"}
    assert len(families) > 30
    assert families & LATER == set()


def test_every_difference_has_a_reason() -> None:
    assert [each for each, reason in DIFFERENT.items() if not reason.strip()] == []


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("GET /accounts/{ACCOUNT_ID}/users/{USER_ID}", "GET /accounts/{}/users/{}"),
        ("GET /a/report-{REPORT_ID}", "GET /a/{}"),
        ("PUT /user_auth", "PUT /user_auth"),
    ],
)
def test_the_comparison_forgets_names_of_parameters(operation: str, expected: str) -> None:
    assert shape(operation) == expected


def test_the_comparison_notices() -> None:
    assert is_offered("GET /accounts/{A}/users/{B}")
    assert not is_offered("GET /accounts/{A}/users/{B}/unheard_of")
    assert noun_of("GET /accounts/{A}/users/{B}/photo") == "users"
    assert noun_of("PATCH /accounts/{A}") == "accounts"
    assert noun_of("PUT /auth/keys") == "auth"
    assert list(stale({"nothing"})) == ["nothing: not published"]
    assert any(found.endswith("is offered") for found in stale({"menus"}))
