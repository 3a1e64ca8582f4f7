"""What every error of a kind has in common."""

from __future__ import annotations

from collections.abc import Iterator

from crossbar.errors import CrossbarError, StoreUnavailable


def refusals_of(status: int) -> Iterator[type[CrossbarError]]:
    """Every class of errors with this status."""
    pending: list[type[CrossbarError]] = [CrossbarError]
    while pending:
        pending += (each := pending.pop()).__subclasses__()
        if each.status == status:
            yield each


def test_every_503_says_when_to_try_again() -> None:
    classes = list(refusals_of(503))
    assert StoreUnavailable in classes
    assert [each for each in classes if int(each().headers["retry-after"]) < 1] == []
