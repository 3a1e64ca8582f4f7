"""What a reader of a span tells its store of the documents that it wants, so that it need not be
handed all the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from crossbar.values import valueclass


class Hint(NamedTuple):
    """Every document that is wanted has a value at ``path``: keys of objects, from the outside in.

    As text it is one of ``texts``, or any where there are none of these. The text of a string is
    itself, of an array what its strings make in a row, of any other value its compact JSON.
    No part of the path is a number, and no text is empty.
    """

    path: tuple[str, ...]
    texts: frozenset[str] = frozenset()


@valueclass
class Sieve:
    """What all documents have that are wanted.

    A store may leave out a document that surely has not all of it, and hands out any that may: who
    reads judges by itself. It tells ``left_out`` how many it has left out, a few hundred or
    thousand at a time; what that raises ends the walk.
    """

    hints: Sequence[Hint]
    left_out: Callable[[int], None]
