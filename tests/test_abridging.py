"""What an error repeats of what was sent."""

from __future__ import annotations

import time

import orjson

from crossbar.abridging import MAX_FAULTS, REPEATED, SHORT, abridged
from crossbar.errors import ContactRefused, CrossbarError, NoSuchDocument, ValidationFailed

LIMIT = 1024


def repeated(error: CrossbarError) -> int:
    """How often an error repeats the letter Q."""
    return max(orjson.dumps(error.data).count(b"Q"), error.phrase.count("Q"))


def test_what_is_short_is_repeated_as_it_is() -> None:
    sent = {"a": [1, None, True, "x"], "b": {"c": 1.5}}
    assert abridged(sent) == sent
    assert NoSuchDocument("x").data == {"message": "bad identifier", "cause": "x"}


def test_what_is_long_is_cut_wherever_it_is() -> None:
    long = "Q" * 1_000_000
    nested = {"a": [{long: long}, long], "b": long, "c": 5}
    errors = [
        NoSuchDocument(long),
        CrossbarError(f"no {long}"),
        CrossbarError("no", code="x", names=[long] * 10),
        CrossbarError("no", target=long),
        ContactRefused(long),
        *(ValidationFailed.of("a", "b", "c", value=each) for each in (long, [long] * 9, nested)),
        ValidationFailed.of("a", "b", f"no {long}", cause=long, target=long),
        ValidationFailed({f"{long}{at}": {"a": {"message": "b"}} for at in range(2)}),
    ]
    assert [found for error in errors if (found := repeated(error)) > LIMIT] == []
    assert all(repeated(error) > 0 for error in errors)
    assert NoSuchDocument(long).data["cause"] == "Q" * REPEATED + "…"


def test_numbers_and_the_rest_of_an_object_count_too() -> None:
    assert len(orjson.dumps(abridged([12345678] * 1000))) < LIMIT
    assert len(orjson.dumps(abridged({str(at): None for at in range(1000)}))) < 2 * LIMIT
    assert abridged(["Q" * REPEATED, 5]) == ["Q" * (REPEATED - 1) + "…"]
    assert abridged({"Q" * REPEATED: 5}) == {"Q" * (REPEATED - 1) + "…": "…"}


def test_what_was_expected_is_told_in_full() -> None:
    target = ["x" * SHORT] * 50
    assert ValidationFailed.of("a", "enum", "b", target=target).fields["a"]["enum"]["target"] == (
        target
    )


def test_of_many_faults_the_first_are_named() -> None:
    faults = {f"a.{at}": {"type": {"message": "x"}} for at in range(MAX_FAULTS + 5)}
    fields = ValidationFailed(faults).fields
    assert [*fields] == [*[*faults][:MAX_FAULTS], "data"]
    assert fields["data"]["faults"] == {
        "message": "At least 105 faults were found; the first 100 are named",
        "target": MAX_FAULTS,
        "cause": MAX_FAULTS + 5,
    }
    assert "data" not in ValidationFailed(dict(list(faults.items())[:MAX_FAULTS])).fields


def test_cutting_takes_no_longer_for_more() -> None:
    wide = {"a": ["x" * 10] * 1_000_000}
    began = time.process_time()
    for _ in range(100):
        abridged(wide)
    assert time.process_time() - began < 2
