"""What tasks do with the documents of any family: import, delete, export.

The families themselves say what there is: whatever an account can make and delete one by one can
be imported and deleted by the row, and whatever it can list can be exported. The columns are the
fields of the schema. Each row asks what the REST API would be asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from crossbar.core.registry import ACCOUNT_PREFIX, Operation, Registry, id_param_of
from crossbar.core.requests import Action, Query
from crossbar.core.shapes import Collection, Scope
from crossbar.documents import Document, is_private
from crossbar.errors import NoSuchDocument
from crossbar.families.tasks.cells import Types, columns_of, document_of, row_of
from crossbar.families.tasks.kinds import OVER, Cells, Refused, TaskAction, Worker, each
from crossbar.storage import Put, Remove
from crossbar.validation import Schemas

NOT_AS_ROWS = {
    "api_keys": "the text of a key is told once, in the answer that makes it",
    "faxes": "a fax is a file",
    "port_requests": "they need papers, and go through states",
    "whitelabel": "an account has one",
}
"""Families that have no tasks, though their documents are made and deleted one by one."""

PAGE = 100
"""Documents that are exported together."""

ID = "id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the documents of a family are: their paths below the API, and the columns."""

    category: str
    schema: str
    listed: tuple[str, ...]
    made: tuple[str, ...]
    one: tuple[str, ...]
    may: frozenset[str]

    def path(self, template: tuple[str, ...], worker: Worker, doc_id: str = "") -> list[str]:
        """A path with the account of the task, and the document, in their places."""
        account_id = doc_id if template == ACCOUNT_PREFIX and doc_id else worker.account_id
        named = {"{account_id}": account_id}
        return [named.get(part, doc_id if part.startswith("{") else part) for part in template]


def places(registry: Registry) -> Iterator[Place]:
    """Where there are documents to make, delete and list, in every family."""
    operations: dict[tuple[str, ...], dict[Action, Operation]] = {}
    for operation in registry.operations():
        operations.setdefault(operation.path, {})[operation.action] = operation
    accounts = registry.collection("account")
    yield Place(
        category=accounts.noun,
        schema=accounts.schema,
        listed=(*ACCOUNT_PREFIX, "descendants"),
        made=ACCOUNT_PREFIX,
        one=ACCOUNT_PREFIX,
        may=frozenset({"import", "delete", "export", "change"}),
    )
    for family in registry.families:
        if not isinstance(family, Collection) or Scope.ACCOUNT not in family.scopes:
            continue
        base = (*ACCOUNT_PREFIX, family.noun)
        one = (*base, f"{{{id_param_of(family)}}}")
        many, single = operations.get(base, {}), operations.get(one, {})
        may = {
            name
            for name, there in (
                ("import", Action.CREATE in many and Action.DELETE in single),
                ("delete", Action.DELETE in single),
                ("export", Action.LIST in many),
                ("change", Action.PATCH in single),
            )
            if there
        }
        if family.noun not in NOT_AS_ROWS:
            yield Place(
                category=family.noun,
                schema=family.schema,
                listed=base,
                made=base,
                one=one,
                may=frozenset(may),
            )


def actions_of_families(registry: Registry, schemas: Schemas) -> Iterator[TaskAction]:
    """The actions that follow from the families."""
    for place in places(registry):
        if "import" in place.may:
            yield _importing(place, schemas)
        if "delete" in place.may:
            yield _deleting(place)
        if "export" in place.may:
            yield _exporting(place, schemas)


def _importing(place: Place, schemas: Schemas) -> TaskAction:
    types = columns_of(schemas, place.schema)
    mandatory = tuple(_mandatory(schemas.document(place.schema), types))
    optional = tuple(name for name in types if name not in mandatory)

    async def work(worker: Worker, row: Cells) -> None:
        await _import(worker, place, types, row)

    return TaskAction(
        category=place.category,
        name="import",
        about=f"Make {_words(place)}; rows with the id of one that is there change it",
        mandatory=mandatory,
        optional=(ID, *optional),
        instead=ID,
        work=each(work),
    )


def _mandatory(schema: Document, types: Types) -> Iterator[str]:
    """The columns of what a document needs; what has a default is not missed."""
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name in types and "default" not in properties.get(name, {}):
            yield name


def _words(place: Place) -> str:
    return place.category.replace("_", " ")


async def _import(worker: Worker, place: Place, types: Types, row: Cells) -> None:
    """Make a document, or change the one with the id."""
    document = document_of(types, {name: cell for name, cell in row.items() if name != ID})
    document = {name: value for name, value in document.items() if not is_private(name)}
    doc_id = row.get(ID, "")

    async def tell(write: Put | Remove) -> Document:
        return {ID: write.key.doc_id}

    worker.tell = tell
    if doc_id and "change" in place.may:
        try:
            path = place.path(place.one, worker, doc_id)
            await worker.ask(Action.PATCH, *path, data=document, at=place.one)
            return
        except NoSuchDocument as unknown:
            if unknown.detail.get("cause") != doc_id:
                raise
    if doc_id:
        document[ID] = doc_id
    await worker.ask(Action.CREATE, *place.path(place.made, worker), data=document)


def _deleting(place: Place) -> TaskAction:
    async def work(worker: Worker, row: Cells) -> None:
        doc_id = row.get(ID, "")
        if not doc_id:
            raise Refused("the row names no id")
        if doc_id == worker.account_id:
            raise Refused("an account does not go by a task of its own")
        path = place.path(place.one, worker, doc_id)
        await worker.ask(Action.DELETE, *path, at=place.one)

    return TaskAction(
        category=place.category,
        name="delete",
        about=f"Delete {_words(place)}",
        mandatory=(ID,),
        work=each(work),
    )


def _exporting(place: Place, schemas: Schemas) -> TaskAction:
    types = columns_of(schemas, place.schema)

    async def make(worker: Worker, at: Any) -> AsyncIterator[tuple[list[Document], Any]]:
        path = place.path(place.listed, worker)
        while True:
            query = Query(filters=(), page_size=PAGE, start_key=at, ascending=True, full_docs=True)
            listed = await worker.ask(Action.LIST, *path, query=query)
            at = (listed.page and listed.page.next_start_key) or OVER
            rows = [row for row in listed.data if isinstance(row, dict)]
            yield [row_of(types, {ID: row.get(ID), **row}) for row in rows], at
            if at == OVER:
                return

    return TaskAction(
        category=place.category,
        name="export",
        about=f"Write all {_words(place)} of the account as rows",
        columns=(ID, *types),
        make=make,
    )
