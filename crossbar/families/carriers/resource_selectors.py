"""Resource selectors: by which property of a call which resource is offered; and the rules of it.

Rules say in which order a switch narrows the resources of a call; selectors are the tables that
they look into. Without an account in the path those of the master account are meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace as with_changes

from crossbar.core import recipes, singletons
from crossbar.core.answers import DOCUMENT, ROWS, SOME_OBJECT, Answers, some
from crossbar.core.reading import list_span, revision_of_list
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import (
    Access,
    Collection,
    Handler,
    Index,
    Route,
    Scope,
    Singleton,
    field_index,
)
from crossbar.core.summaries import summarizer
from crossbar.documents import Document
from crossbar.families.carriers.places import master_of, moved
from crossbar.storage import Entry, Span

SELECTOR_TYPE = "resource_selector"
PAIR = "resource/name"

RULES = Singleton(
    noun="resource_selector_rules",
    doc_type="resource_selector_rules",
    schema="resource_selectors.rules",
    actions=frozenset(),
    optional=True,
)
"""The rules as a document. Its path is below that of the selectors."""


def _pair(resource: str, name: str) -> str:
    return f"{len(resource)}:{resource}{name}"


def _pairs(document: Document) -> tuple[str, ...]:
    resource, name = document.get("resource"), document.get("name")
    both = isinstance(resource, str) and isinstance(name, str)
    return (_pair(str(resource), str(name)),) if both else ()


def _on_rules(recipe: Handler) -> Handler:
    """Does to the document of the rules what recipes do to documents."""

    async def handle(request: Request) -> Result:
        operation = with_changes(request.operation, family=RULES)
        return await recipe(with_changes(request, operation=operation))

    handle.__doc__ = recipe.__doc__
    return handle


def _counts(of: str, by: str = "") -> Handler:
    """How many selectors there are for each value of a field; of one ``by``, if it is given."""

    async def handle(request: Request) -> Result:
        """How many selectors there are of each."""
        entry = Entry(by, request.ids[f"selector_{by}"]) if by else None
        span = Span(account_id=request.account_id, doc_type=SELECTOR_TYPE, entry=entry)
        counts: Counter[str] = Counter()
        async for row in request.services.store.scan(span):
            counts[row.document[of]] += 1
        data = [{value: count} for value, count in sorted(counts.items())]
        return Result(data=data, revision=revision_of_list(data))

    return handle


async def list_pair(request: Request) -> Result:
    """The selectors of a name that offer a resource."""
    ids = request.ids
    entry = Entry(PAIR, _pair(ids["selector_resource"], ids["selector_name"]))
    span = Span(account_id=request.account_id, doc_type=SELECTOR_TYPE, entry=entry)
    return await list_span(request, span, _row)


SUMMARY = ("name", "resource", "selector", "value", "start_time", "stop_time")
_row = summarizer(SUMMARY)

COUNTS = Answers(some(SOME_OBJECT))
NAME, RESOURCE = "name/{selector_name}", "resource/{selector_resource}"
ONE = f"{{{SELECTOR_TYPE}_id}}"


def _routes(move: Callable[[Handler], Handler], writing: Access) -> tuple[Route, ...]:
    """All that is done with selectors; ``move`` says in which account, ``writing`` by whom."""

    def route(
        path: str, action: Action, handler: Handler, about: str, answers: Answers, schema: str = ""
    ) -> Route:
        is_write = action not in (Action.LIST, Action.FETCH)
        return Route(
            path=path,
            action=action,
            handler=move(handler),
            about=about,
            access=writing if is_write else None,
            schema=schema or None,
            loads=False,
            answers=answers,
        )

    schema, rules = "resource_selectors", "resource_selectors.rules"
    read_rules, write_rules = _on_rules(singletons.fetch), _on_rules(singletons.replace)
    return (
        route("", Action.LIST, recipes.list_documents, "List selectors", ROWS),
        route("", Action.CREATE, recipes.create, "Create a selector", DOCUMENT, schema),
        route(ONE, Action.FETCH, recipes.fetch, "Read a selector", DOCUMENT),
        route(ONE, Action.REPLACE, recipes.replace, "Replace a selector", DOCUMENT, schema),
        route(ONE, Action.DELETE, recipes.delete, "Delete a selector", DOCUMENT),
        route("rules", Action.FETCH, read_rules, "Read the rules", Answers(SOME_OBJECT)),
        route("rules", Action.REPLACE, write_rules, "Set the rules", Answers(SOME_OBJECT), rules),
        route("name", Action.LIST, _counts("name"), "Count the selectors by name", COUNTS),
        route("resource", Action.LIST, _counts("resource"), "Count them by resource", COUNTS),
        route(
            NAME, Action.LIST, _counts("resource", "name"), "Count a name's by resource", COUNTS
        ),
        route(
            RESOURCE,
            Action.LIST,
            _counts("name", "resource"),
            "Count a resource's by name",
            COUNTS,
        ),
        route(f"{NAME}/{RESOURCE}", Action.LIST, list_pair, "List those of both", ROWS),
        route(f"{RESOURCE}/{NAME}", Action.LIST, list_pair, "List those of both", ROWS),
    )


def _here(handler: Handler) -> Handler:
    return handler


RESOURCE_SELECTORS = Collection(
    noun="resource_selectors",
    doc_type=SELECTOR_TYPE,
    schema="resource_selectors",
    summary=SUMMARY,
    actions=frozenset(),
    indexes=(field_index("name"), field_index("resource"), Index(name=PAIR, values=_pairs)),
    routes=_routes(_here, Access.ADMIN),
)

RESOURCE_SELECTORS_OF_SYSTEM = with_changes(
    RESOURCE_SELECTORS,
    scopes=(Scope.SYSTEM,),
    access=Access.SUPERDUPER,
    routes=_routes(moved(master_of), Access.SUPERDUPER),
)
