"""Which events a caller is told of: those about what it might read itself, at a path of its own.

What nobody reads below an account (jobs, sessions, …) nobody is told of either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from crossbar.core.access import require_access, require_unrestricted
from crossbar.core.directory import Account, AccountDirectory
from crossbar.core.reading import require_documents
from crossbar.core.registry import ACCOUNT_PREFIX, Operation, Registry, id_param_of
from crossbar.core.requests import Action, Caller, Query, Request
from crossbar.core.shapes import Collection, Routes, Singleton
from crossbar.documents import Document
from crossbar.errors import Forbidden, InvalidCredentials, NotFound
from crossbar.storage import Event, Key

Values = Callable[[Document], Iterable[str]]

UNKNOWN = ""
"""Stands in a path for the document that another belongs to, where that is not known."""


class Reading(NamedTuple):
    """How documents of a type are read one by one, below their account.

    ``param`` holds the id, empty where there is only one. ``above`` finds the ids of documents
    that one belongs to, by their parameters, in the stored document.
    """

    operation: Operation
    param: str = ""
    above: Mapping[str, Values] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAt:
    """For documents that are read by a route of another family: its path below the account.

    ``param`` and ``above`` are as in :class:`Reading`.
    """

    path: str
    param: str = ""
    above: Mapping[str, Values] = field(default_factory=dict)


class Place(NamedTuple):
    """Where one document is read: the operation, and what is named in its path."""

    reading: Reading
    ids: Mapping[str, str]

    @property
    def path(self) -> list[str]:
        """The tokens of the path, without the version."""
        parts = self.reading.operation.path
        return [self.ids[part[1:-1]] if part.startswith("{") else part for part in parts]


class Sight:
    """What callers may be told of. ``read_at`` is by the type of documents."""

    def __init__(
        self, registry: Registry, accounts: AccountDirectory, read_at: Mapping[str, ReadAt]
    ) -> None:
        self._registry = registry
        self._accounts = accounts
        self._readings = dict(_readings(registry))
        for doc_type, at in read_at.items():
            operations, _ = registry.match([*ACCOUNT_PREFIX, *at.path.split("/")])
            reading = Reading(operations[Action.FETCH], at.param, at.above)
            self._readings[doc_type] = (*self._readings.get(doc_type, ()), reading)

    async def places(self, caller: Caller, account: Account, event: Event) -> list[Place]:
        """Where the caller may read what an event of the account is about; often one place.

        What is not known of a path is allowed by rules that allow whatever is there, and by no
        other.
        """
        found = []
        for reading in self._readings.get(event.key.doc_type, ()):
            path = reading.operation.path
            ids = {part[1:-1]: UNKNOWN for part in path if part.startswith("{")}
            ids |= {"account_id": account.account_id}
            if reading.param:
                ids[reading.param] = event.key.doc_id
            place = Place(reading, ids)
            if await self._admits(caller, account, reading.operation, ids, place.path):
                found.append(place)
        return found

    async def may_read(self, caller: Caller, account: Account, path: Sequence[str]) -> bool:
        """Whether the caller may read what is at a path below the account."""
        tokens = ["accounts", account.account_id, *path]
        operations, ids = self._registry.match(tokens)
        return await self._admits(caller, account, operations[Action.FETCH], ids, tokens)

    async def _admits(
        self,
        caller: Caller,
        account: Account,
        operation: Operation,
        ids: Mapping[str, str],
        path: Sequence[str],
    ) -> bool:
        try:
            require_access(operation, caller, account, ids)
            await require_unrestricted(self._accounts, operation, caller, account, path)
        except (Forbidden, InvalidCredentials):
            return False
        return True


async def read_at(request: Request, key: Key, place: Place) -> Any:
    """What the caller of a request would be answered who reads there; ``None`` for nothing."""
    operation, above = place.reading.operation, place.reading.above
    ids = dict(place.ids)
    if above:
        stored = await request.services.store.get(key)
        if stored is None:
            return None
        for param, values in above.items():
            ids[param] = next(iter(values(stored)), UNKNOWN)
    wanted = replace(
        request,
        operation=operation,
        ids=ids,
        actor=replace(request.actor, account_id=key.account_id),
        query=Query(filters=()),
        controls={},
        if_match=None,
        if_none_match=None,
        accept=(),
        changes_nothing=True,
    )
    try:
        if operation.loads:
            await require_documents(wanted)
        return (await operation.handler(wanted)).decoded()
    except (NotFound, Forbidden):
        return None


@cache
def _readings(registry: Registry) -> Mapping[str, tuple[Reading, ...]]:
    """What operations read, by the type of documents. It is the same for all of a process."""
    found: defaultdict[str, tuple[Reading, ...]] = defaultdict(tuple)
    for operation in registry.operations():
        if reading := _reading_of(operation):
            found[operation.doc_type] += (reading,)
    return found


def _reading_of(operation: Operation) -> Reading | None:
    """What the operation reads, if that is one document of its family, below an account.

    Documents that are found below others, too, are read at their own path.
    """
    family, parent = operation.family, operation.parent
    in_account = operation.path[:2] == ACCOUNT_PREFIX and operation.action is Action.FETCH
    if not in_account or isinstance(family, Routes):
        return None
    if isinstance(family, Singleton):
        return Reading(operation) if operation.path == (*ACCOUNT_PREFIX, family.noun) else None
    param = id_param_of(family)
    if operation.path[-1] != f"{{{param}}}" or (parent is not None and not parent.owns):
        return None
    above = {parent.param: _values_of(operation.collection, parent.entry)} if parent else {}
    return Reading(operation, param, above)


def _values_of(family: Collection, entry: str) -> Values:
    return next(index.values for index in family.indexes if index.name == entry)
