"""One test of many things of a kind: thousands of tests of a millisecond take long to set up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from tests.conftest import Api

T = TypeVar("T")


def for_each(
    things: Iterable[T], name: Callable[[T], str] = str
) -> Callable[[Callable[[T], None]], Callable[[], None]]:
    """A test of every thing, which goes on after one that fails and names all that do."""
    every = list(things)

    def of_all(test: Callable[[T], None]) -> Callable[[], None]:
        def test_all() -> None:
            failed = {}
            for thing in every:
                try:
                    test(thing)
                except Exception as error:
                    failed[name(thing)] = f"{type(error).__name__}: {error}"
            _judge(every, failed)

        test_all.__name__, test_all.__doc__ = test.__name__, test.__doc__
        return test_all

    return of_all


def one_gateway_for_each(
    things: Iterable[T], name: Callable[[T], str] = str
) -> Callable[[Callable[[Api, T], Awaitable[None]]], Callable[[Api], Awaitable[None]]]:
    """As :func:`for_each`, of tests that ask a gateway: to open one takes longer than most."""
    every = list(things)

    def of_all(test: Callable[[Api, T], Awaitable[None]]) -> Callable[[Api], Awaitable[None]]:
        async def test_all(api: Api) -> None:
            failed = {}
            for thing in every:
                try:
                    await test(api, thing)
                except Exception as error:
                    failed[name(thing)] = f"{type(error).__name__}: {error}"
            _judge(every, failed)

        test_all.__name__, test_all.__doc__ = test.__name__, test.__doc__
        return test_all

    return of_all


def _judge(every: list[T], failed: dict[str, str]) -> None:
    assert every, "there is nothing to test"
    assert not failed, "\n".join(f"{thing}: {why}" for thing, why in failed.items())
