"""From declared families to operations, and from a path to the operations that live there.

The registry is computed once from ``catalog.FAMILIES``. It can enumerate every operation (for the
documentation, for OpenAPI, for the negative tests) and match path tokens. Literals win over
parameters. Verbs are not known here: a dialect picks among the actions of the matched path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypedDict

from crossbar.core import journals, recipes, singletons
from crossbar.core.answers import ANYTHING, DOCUMENT, ROW, ROWS, Answers, some
from crossbar.core.requests import Action
from crossbar.core.shapes import (
    EVERYWHERE,
    Access,
    Collection,
    Family,
    Handler,
    Journal,
    Nesting,
    Route,
    Routes,
    Scope,
    Singleton,
)
from crossbar.documents import Document
from crossbar.errors import NoSuchPath

ACCOUNT_PREFIX = ("accounts", "{account_id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """A document in the path that must exist before the operation is asked: its type and id.

    ``entry`` names the index that narrows lists to its documents. What ``owns`` says is that they
    are nobody else's: below one parent those of another are unknown.
    """

    doc_type: str
    param: str
    entry: str = ""
    owns: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation:
    """One thing that can be done at one path.

    ``path`` is a template of tokens without the version. ``id_param`` names the parameter that
    holds the document id (empty for lists). ``noun`` is the family's as token restrictions
    know it, ``depth`` counts the tokens up to it (they match what follows). ``doc_type`` is what
    the family's documents are.
    """

    path: tuple[str, ...]
    action: Action
    family: Family
    handler: Handler
    access: Access
    about: str
    noun: str
    depth: int
    parent: Parent | None = None
    id_param: str = ""
    schema: str | None = None
    reads: tuple[str, ...] = ()
    produces: tuple[str, ...] = ()
    answers: Answers = ANYTHING
    loads: bool = False
    doc_type: str = field(init=False)

    def __post_init__(self) -> None:
        """Work out what nearly every request asks."""
        family = self.family
        doc_type = "" if isinstance(family, Routes) else family.doc_type
        object.__setattr__(self, "doc_type", doc_type)

    @property
    def in_account(self) -> bool:
        """Whether the family's documents belong to the account in the path."""
        return self.depth > 2

    @property
    def template(self) -> str:
        """The path as documentation shows it: ``/accounts/{account_id}/users``."""
        return "/" + "/".join(self.path)

    def is_known(self, params: Mapping[str, str], document: Document) -> bool:
        """Whether the document may be named here: below a parent that owns it, only if it is."""
        parent = self.parent
        if parent is None or not parent.owns:
            return True
        return any(
            params[parent.param] in index.values(document)
            for index in self.collection.indexes
            if index.name == parent.entry
        )

    @property
    def collection(self) -> Collection:
        """The family, where it is a collection."""
        if not isinstance(self.family, Collection):
            raise TypeError(f"{self.template} belongs to no collection")
        return self.family


@dataclass(slots=True)
class _Node:
    """A place in the tree of paths."""

    literals: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    name: str = ""
    operations: dict[Action, Operation] = field(default_factory=dict)


Match = tuple[Mapping[Action, Operation], dict[str, str]]


class Registry:
    """Every operation of a set of families; ``offered`` are further routes, by noun."""

    def __init__(
        self,
        families: Iterable[Family],
        offered: Mapping[str, tuple[Route, ...]] = MappingProxyType({}),
    ) -> None:
        self.families = tuple(families)
        self.collections: dict[str, Collection] = {}
        """The families of documents, by the type of these; of two the first."""
        for family in self.families:
            if isinstance(family, Collection):
                self.collections.setdefault(family.doc_type, family)
        self._root = _Node()
        self._operations: list[Operation] = []
        for family in self.families:
            more = offered.get(family.noun, ()) if isinstance(family, Collection) else ()
            for operation in _operations_of(family, self.families, more):
                self._add(operation)

    def operations(self) -> Iterator[Operation]:
        """Every operation, in declaration order."""
        return iter(self._operations)

    def collection(self, doc_type: str) -> Collection:
        """The family of documents of a type. Raises :class:`LookupError` for an unknown one."""
        family = self.collections.get(doc_type)
        if family is None:
            raise LookupError(f"no collection has documents of type {doc_type}")
        return family

    def journals(self) -> Iterator[Journal]:
        """Every family of records by time."""
        return (family for family in self.families if isinstance(family, Journal))

    def match(self, tokens: Sequence[str]) -> Match:
        """The operations at a path, by action, and its parameters. Raises :class:`NoSuchPath`."""
        node = self._root
        params: dict[str, str] = {}
        for token in tokens:
            literal = node.literals.get(token)
            if literal is not None:
                node = literal
            elif node.parameter is not None and token:
                node = node.parameter
                params[node.name] = token
            else:
                raise NoSuchPath
        if not node.operations:
            raise NoSuchPath
        return node.operations, params

    def _add(self, operation: Operation) -> None:
        node = self._root
        for part in operation.path:
            if part.startswith("{"):
                node.parameter = node.parameter or _Node(name=part[1:-1])
                if node.parameter.name != part[1:-1]:
                    raise ValueError(f"{operation.template}: {part} is {{{node.parameter.name}}}")
                node = node.parameter
            else:
                node = node.literals.setdefault(part, _Node())
        if operation.action in node.operations:
            raise ValueError(f"declared twice: {operation.action} {operation.template}")
        node.operations[operation.action] = operation
        self._operations.append(operation)


STANDARD: Mapping[Action, tuple[Handler, str]] = {
    Action.LIST: (recipes.list_documents, "List"),
    Action.CREATE: (recipes.create, "Create"),
    Action.FETCH: (recipes.fetch, "Read"),
    Action.REPLACE: (recipes.replace, "Replace"),
    Action.PATCH: (recipes.patch, "Merge changes into"),
    Action.DELETE: (recipes.delete, "Delete"),
}

SINGLETON: Mapping[Action, tuple[Handler, str]] = {
    Action.FETCH: (singletons.fetch, "Read"),
    Action.REPLACE: (singletons.replace, "Replace"),
    Action.PATCH: (singletons.patch, "Merge changes into"),
    Action.DELETE: (singletons.delete, "Remove"),
}

JOURNAL: Mapping[Action, tuple[Handler, str]] = {
    Action.LIST: (journals.list_own, "List"),
    Action.FETCH: (journals.fetch_own, "Read"),
}

RECORDS = Answers(some(ROW), is_paged=True)

ON_COLLECTION = frozenset({Action.LIST, Action.CREATE})


def id_param_of(family: Collection | Journal) -> str:
    """The name of the path parameter that holds an id of a document, or record, of the family."""
    return f"{family.doc_type}_id"


def _nestings(family: Collection | Journal | Routes, hosts: Iterable[Family]) -> Iterator[Nesting]:
    """Where the family is nested; what is of every document is below every family of them.

    But for those below which another family of the same noun is nested by name.
    """
    for nesting in family.nested:
        if nesting is not EVERYWHERE:
            yield nesting
            continue
        taken = {
            nesting.noun
            for other in hosts
            if other.noun == family.noun and not isinstance(other, Singleton)
            for nesting in other.nested
        }
        for host in hosts:
            is_host = isinstance(host, Collection) and Scope.ACCOUNT in host.scopes
            if isinstance(host, Collection) and is_host and host.noun not in taken:
                yield Nesting(noun=host.noun, doc_type=host.doc_type)


def _operations_of(
    family: Family, families: Sequence[Family], more: tuple[Route, ...]
) -> Iterator[Operation]:
    if isinstance(family, Singleton):
        yield from _singleton_operations(family)
        return
    for scope in family.scopes:
        prefix = ACCOUNT_PREFIX if scope is Scope.ACCOUNT else ()
        yield from _operations_below(family, (*prefix, family.noun), None, more)
    for nesting in _nestings(family, families):
        parent = (*ACCOUNT_PREFIX, nesting.noun, f"{{{_param_of(nesting)}}}")
        yield from _operations_below(family, (*parent, family.noun), nesting, more)


def _operations_below(
    family: Collection | Journal | Routes,
    base: tuple[str, ...],
    nesting: Nesting | None,
    more: tuple[Route, ...],
) -> Iterator[Operation]:
    if not isinstance(family, Routes):
        taken = {(route.path, route.action) for route in family.routes}
        yield from (
            _standard_operation(family, base, action, nesting)
            for action in Action
            if action in family.actions and (_standard_path(family, action), action) not in taken
        )
    for route in (*family.routes, *more):
        yield _route_operation(family, base, route, nesting)


def _standard_path(family: Collection | Journal, action: Action) -> str:
    """Where an action is below the family's own path."""
    return "" if action in ON_COLLECTION else f"{{{id_param_of(family)}}}"


def _param_of(nesting: Nesting) -> str:
    return f"{nesting.doc_type}_id"


class _Place(TypedDict):
    """What all operations of a family at one place have in common."""

    parent: Parent | None
    noun: str
    depth: int


def _place(family: Family, base: tuple[str, ...], nesting: Nesting | None) -> _Place:
    if nesting is None:
        return {"parent": None, "noun": family.noun, "depth": len(base)}
    # Documents that exist only below others are theirs, and part of them for token restrictions.
    owns = isinstance(family, Collection) and not family.scopes
    return {
        "parent": Parent(
            doc_type=nesting.doc_type, param=_param_of(nesting), entry=nesting.index, owns=owns
        ),
        "noun": nesting.noun if owns else family.noun,
        "depth": len(base) - 2 if owns else len(base),
    }


def _access_of(family: Collection | Singleton | Journal, action: Action) -> Access:
    is_guarded = not isinstance(family, Journal) and action in family.powers.actions
    return Access.ADMIN if is_guarded else family.access


def _standard_operation(
    family: Collection | Journal, base: tuple[str, ...], action: Action, nesting: Nesting | None
) -> Operation:
    if isinstance(family, Collection):
        handler, about = STANDARD[action]
        answers = ROWS if action is Action.LIST else DOCUMENT
    else:
        handler, about = JOURNAL[action]
        answers = RECORDS if action is Action.LIST else Answers(ROW)
    on_collection = action in ON_COLLECTION
    id_param = id_param_of(family)
    return Operation(
        path=base if on_collection else (*base, f"{{{id_param}}}"),
        action=action,
        family=family,
        handler=handler,
        access=_access_of(family, action),
        about=f"{about} {family.noun.replace('_', ' ')}",
        id_param="" if on_collection else id_param,
        schema=family.schema,
        answers=answers,
        **_place(family, base, nesting),
    )


def _route_operation(
    family: Family, base: tuple[str, ...], route: Route, nesting: Nesting | None
) -> Operation:
    tail = tuple(part for part in route.path.split("/") if part)
    id_param = id_param_of(family) if isinstance(family, Collection | Journal) else ""
    names_document = f"{{{id_param}}}" in tail
    return Operation(
        path=(*base, *tail),
        action=route.action,
        family=family,
        handler=route.handler,
        access=route.access or family.access,
        about=route.about,
        id_param=id_param if names_document else "",
        schema=route.schema,
        reads=route.reads,
        produces=route.produces,
        answers=route.answers,
        loads=route.loads and (names_document or nesting is not None),
        **_place(family, base, nesting),
    )


def _singleton_operations(family: Singleton) -> Iterator[Operation]:
    base = (*ACCOUNT_PREFIX, family.noun)
    for action in Action:
        if action in family.actions:
            handler, about = SINGLETON[action]
            yield Operation(
                path=base,
                action=action,
                family=family,
                handler=handler,
                access=_access_of(family, action),
                about=f"{about} {family.noun.replace('_', ' ')}",
                schema=family.schema,
                answers=DOCUMENT,
                **_place(family, base, None),
            )
