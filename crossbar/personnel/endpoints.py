"""Operations of personnel management: computed from the components, with the scopes they ask for.

Every operation is an :class:`Endpoint`: a handler that says of itself where its rows are, what its
body and its answer are, and which scopes it needs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from crossbar.core.access import require_access
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Route, Routes, Scope
from crossbar.errors import Forbidden, NoSuchDocument
from crossbar.personnel import linking, reading, writing
from crossbar.personnel.components import COLLECTIONS, NEWSFEED, USERS
from crossbar.personnel.files import FILES
from crossbar.personnel.own import is_own
from crossbar.personnel.places import Place
from crossbar.personnel.relations import RELATIONS, Kind, RelationPath
from crossbar.personnel.scopes import Need, may
from crossbar.personnel.shapes import Component

Run = Callable[[Place, Request], Awaitable[Result]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deed:
    """Something that can be done at a place.

    ``path`` is below the place's own; ``body`` and ``answer`` name the form of what is sent and
    of ``data``. ``verb`` is that of the scope on the rows' noun.
    """

    name: str
    path: str
    action: Action
    run: Run
    verb: str
    about: str
    body: str = ""
    answer: str = "row"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endpoint:
    """An operation: a deed at a place, and the scopes that it asks for."""

    deed: Deed
    place: Place
    needs: tuple[Need, ...]

    async def __call__(self, request: Request) -> Result:
        """Do it, if the caller may."""
        await self.authorize(request)
        return await self.deed.run(self.place, request)

    async def authorize(self, request: Request) -> None:
        """Refuse a caller without the powers or the scopes, unless it is about the caller."""
        require_access(request.operation, request.caller, request.account)
        for need in self.needs:
            if not await may(request, need) and not await self._is_own(request):
                await may(request, need, insist=True)

    async def _is_own(self, request: Request) -> bool:
        try:
            return await is_own(self.deed.name, self.place, request)
        except NoSuchDocument:
            raise Forbidden from None


LIST = Deed(
    name="list",
    path="",
    action=Action.LIST,
    run=reading.list_rows,
    verb="view",
    about="List {rows}",
    answer="page",
)
ITEM = "{id}"

ROWS = (
    LIST,
    Deed(
        name="create",
        path="",
        action=Action.CREATE,
        run=writing.create_row,
        verb="create",
        about="Create {row}",
        body="row",
    ),
    Deed(
        name="search",
        path="search",
        action=Action.CREATE,
        run=reading.search_rows,
        verb="view",
        about="Search {rows}",
        body="search",
        answer="page",
    ),
)
"""What can be done with rows of which there are several."""

BATCH_CREATE = Deed(
    name="batch create",
    path="batch",
    action=Action.CREATE,
    run=writing.create_rows,
    verb="create",
    about="Create several {rows}, all or none",
    body="rows",
    answer="rows",
)
BATCHES = (
    Deed(
        name="batch update",
        path="batch",
        action=Action.PATCH,
        run=writing.update_rows,
        verb="update",
        about="Update several {rows}, all or none",
        body="rows by id",
        answer="rows",
    ),
    Deed(
        name="batch delete",
        path="batch",
        action=Action.DELETE,
        run=writing.delete_rows,
        verb="delete",
        about="Delete several {rows}, all or none",
        body="ids",
        answer="rows",
    ),
)

SINGLE = tuple(
    Deed(name=name, path=ITEM, action=action, run=run, verb=verb, about=about, body=body)
    for name, action, run, verb, about, body in (
        ("show", Action.FETCH, reading.show_row, "view", "Read {row}", ""),
        ("update", Action.PATCH, writing.update_row, "update", "Update {row}", "changes"),
        ("delete", Action.DELETE, writing.delete_row, "delete", "Delete {row}", ""),
    )
)
"""What can be done with one row."""

COLLECTION = (*ROWS, BATCH_CREATE, *BATCHES, *SINGLE)

HAS_MANY = (
    Deed(
        name="associate",
        path="associate",
        action=Action.CREATE,
        run=linking.associate,
        verb="update",
        about="Make {row} belong here",
        body="related key",
    ),
    Deed(
        name="dissociate",
        path=f"{ITEM}/dissociate",
        action=Action.DELETE,
        run=linking.dissociate,
        verb="update",
        about="Make {row} belong to nothing",
    ),
)

LINKING = tuple(
    Deed(
        name=name,
        path=path,
        action=action,
        run=run,
        verb=verb,
        about=about,
        body=body,
        answer=name,
    )
    for name, path, action, run, verb, about, body in (
        ("attach", "attach", Action.CREATE, linking.attach, "", "Link {rows}", "links"),
        ("detach", "detach", Action.DELETE, linking.detach, "", "Unlink {rows}", "links"),
        ("sync", "sync", Action.PATCH, linking.sync, "", "Link exactly these {rows}", "links"),
        ("toggle", "toggle", Action.PATCH, linking.toggle, "", "Link or unlink {rows}", "links"),
        (
            "pivot",
            f"{ITEM}/pivot",
            Action.PATCH,
            linking.update_pivot,
            "update",
            "Change what links {row}",
            "pivot",
        ),
    )
)

DEEDS: dict[Kind, tuple[Deed, ...]] = {
    Kind.HAS_ONE: (ROWS[1], *SINGLE),
    Kind.BELONGS_TO: (*SINGLE, *BATCHES),
    Kind.HAS_MANY: (*COLLECTION, *HAS_MANY),
    Kind.MANY_TO_MANY: (*COLLECTION, *LINKING),
    Kind.LIKES: (LIST, *LINKING[:3]),
}
"""What can be done below a row, by the kind of its relation."""

MAY_LEAVE_OUT_ID = frozenset({Kind.HAS_ONE, Kind.BELONGS_TO})


def _needs_of(component: Component, deed: Deed) -> tuple[Need, ...]:
    """The scopes of an operation on rows of their own."""
    if component is NEWSFEED:
        return () if deed.verb == "view" else (Need("manage", "newsfeed"),)
    return (Need(deed.verb, component.scope),)


def _needs_below(parent: Component, path: RelationPath, deed: Deed) -> tuple[Need, ...]:
    """The scopes of an operation on rows below others."""
    related = path.place.component
    if path.kind is Kind.LIKES:
        viewed = (Need("view", related.scope),)
        return viewed if deed.verb else (Need("manage", parent.scope),)
    if related.noun == "images":
        if deed.verb == "create":
            return (Need("create", "image"),)
        return (Need(deed.verb, parent.scope),)
    if not deed.verb:
        return (Need("update", parent.scope),)
    if deed.name in ("list", "search"):
        return (Need("view", related.scope), Need("view", parent.scope))
    if deed.name == "associate":
        return (Need("view", parent.scope), Need("update", related.scope))
    return (Need(deed.verb, related.scope),)


def _route(endpoint: Endpoint, path: str) -> Route:
    component = endpoint.place.component
    words = component.noun.replace("-", " ")
    one = component.param.replace("_", " ")
    article = "an" if one[0] in "aeio" else "a"
    return Route(
        path=path,
        action=endpoint.deed.action,
        handler=endpoint,
        about=endpoint.deed.about.format(rows=words, row=f"{article} {one}"),
        access=Access.ADMIN if _gives_power(endpoint) else None,
        loads=False,
    )


def _gives_power(endpoint: Endpoint) -> bool:
    """Whether people come or go by it: an administrator decides who is one of an account's."""
    return endpoint.place.component is USERS and endpoint.deed.verb in ("create", "delete")


def _joined(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def _collection_routes(component: Component) -> Iterator[Route]:
    place = Place(component=component, includes=component.includes, columns=component.columns)
    for deed in COLLECTION:
        endpoint = Endpoint(deed=deed, place=place, needs=_needs_of(component, deed))
        yield _route(endpoint, deed.path.replace(ITEM, f"{{{component.param}}}"))


def _relation_routes(parent: Component) -> Iterator[Route]:
    for path in RELATIONS:
        if path.parent is not parent:
            continue
        base, item = f"{{{parent.param}}}/{path.name}", f"{{{path.place.component.param}}}"
        for deed in DEEDS[path.kind]:
            endpoint = Endpoint(
                deed=deed, place=path.place, needs=_needs_below(parent, path, deed)
            )
            yield _route(endpoint, _joined(base, deed.path.replace(ITEM, item)))
            if deed.path == ITEM and path.kind in MAY_LEAVE_OUT_ID:
                yield _route(endpoint, base)


def _family(noun: str, routes: Iterator[Route] | tuple[Route, ...]) -> Routes:
    return Routes(noun=noun, routes=tuple(routes), scopes=(Scope.ACCOUNT,), access=Access.ACCOUNT)


ME = Endpoint(
    deed=Deed(
        name="me",
        path="",
        action=Action.LIST,
        run=reading.show_caller,
        verb="view",
        about="Read the calling user",
        answer="page",
    ),
    place=Place(component=USERS),
    needs=(Need("view", "user"),),
)


def _all_routes(component: Component) -> Iterator[Route]:
    yield from _collection_routes(component)
    yield from _relation_routes(component)


def perscom_families() -> tuple[Routes, ...]:
    """The families whose routes are the operations of personnel management."""
    return (
        *(_family(component.noun, _all_routes(component)) for component in COLLECTIONS),
        _family("me", (_route(ME, ""),)),
        FILES,
    )
