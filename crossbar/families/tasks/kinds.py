"""What tasks can do: the shape of an action, and what one works with while it runs.

An action either does something for each row of its input (``work``) or makes rows of what there is
(``make``). Everything goes through :class:`Worker`, which asks what the REST API would be asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crossbar.core.access import require_access, require_unrestricted
from crossbar.core.reading import require_documents
from crossbar.core.requests import Action, Actor, Query, Request, Result
from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.errors import AcceptCharges, NoSuchDocument, NoSuchPath, ValidationFailed
from crossbar.families.tasks.fencing import Fenced
from crossbar.storage import SYSTEM, Put, Remove

OVER = "over"
"""The place from which no further row is made."""

Cells = Mapping[str, str]
"""The cells of a row by their columns, without empty ones."""

Tell = Callable[[Put | Remove], Awaitable[Document]]
"""What is told of a row, beside what it said itself, once it is known what is written for it."""


async def tell_nothing(write: Put | Remove) -> Document:
    """For rows of which nothing is to be told."""
    return {}


class BadFields(Exception):
    """Cells that cannot be what their columns say."""

    def __init__(self, *names: str) -> None:
        super().__init__(f"bad field(s) {' '.join(names)}")


class Refused(Exception):
    """A row that is not done; the message is what its author is told."""


@dataclass(slots=True, kw_only=True)
class Worker:
    """Who does the rows of a task: the actor that made it, writing as the one that runs it.

    ``told`` is what came of the rows at hand, one for each, until it is written.
    """

    actor: Actor
    task: Document
    fenced: Fenced
    told: list[Document] = field(default_factory=list)
    tell: Tell = tell_nothing

    @property
    def services(self) -> Services:
        """The parts that the work is done with."""
        return self.actor.services

    @property
    def account_id(self) -> str:
        """The account that the task is of."""
        return self.actor.account_id

    async def ask(
        self,
        action: Action,
        *path: str,
        data: Any = None,
        query: Query | None = None,
        writes: str = "",
        at: tuple[str, ...] = (),
        **controls: Any,
    ) -> Result:
        """Do what the REST API does at a path, if the task's author may.

        ``writes`` is the type of the document that is written in the end, if it is not one of the
        family; ``at`` the template of the path, where what a row says is a part of that. Raises
        what is refused there.
        """
        request = await self.admitted(action, *path, data=data, query=query, **controls)
        if at and request.operation.path != at:  # an id that is a word of the API
            raise NoSuchDocument(path[-1])
        if request.operation.loads:
            await require_documents(request)
        self.fenced.await_type(writes or request.operation.doc_type)
        return await request.operation.handler(request)

    async def admitted(
        self,
        action: Action,
        *path: str,
        data: Any = None,
        query: Query | None = None,
        **controls: Any,
    ) -> Request:
        """What would be asked of the REST API, by somebody who may ask it.

        Raises :class:`~crossbar.errors.Forbidden`, :class:`BadFields` for an unknown account.
        """
        services, actor = self.services, self.actor
        operations, ids = services.registry.match(path)
        operation, account = operations.get(action), None
        if operation is None:
            raise NoSuchPath
        if "account_id" in ids:
            account = await services.accounts.get(ids["account_id"])
            if account is None:
                raise BadFields("account_id")
        require_access(operation, actor.caller, account, ids)
        await require_unrestricted(services.accounts, operation, actor.caller, account, path)
        return Request(
            actor=Actor(
                services=services,
                account_id=ids["account_id"] if operation.in_account else SYSTEM,
                account=account,
                caller=actor.caller,
                request_id=actor.request_id,
            ),
            operation=operation,
            ids=ids,
            data={} if data is None else data,
            query=query or Query(filters=(), paginate=False),
            controls={**self.task.get("pvt_controls", {}), **controls},
        )


Work = Callable[[Worker, list[Cells]], Awaitable[None]]
Make = Callable[[Worker, Any], AsyncIterator[tuple[list[Document], Any]]]
"""Makes rows, a portion at a time, each with the place from which the next is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAction:
    """An action of a category, as it is told and as it is done.

    ``work`` does ``together`` rows at a time, each of which says in the worker's ``told`` what
    comes of it before anything is written. Where the column ``instead`` has a value, ``mandatory``
    ones need none.
    """

    category: str
    name: str
    about: str
    doc: str = ""
    mandatory: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    work: Work | None = None
    make: Make | None = None
    together: int = 1
    instead: str = ""
    columns: tuple[str, ...] = ()

    def help(self) -> Document:
        """What clients are told of it."""
        told: Document = {"description": self.about, "doc": self.doc or self.about}
        if self.work is not None:
            told |= {
                "expected_content": "text/csv",
                "mandatory": [*self.mandatory],
                "optional": [*self.optional],
            }
        return told


def each(do: Callable[[Worker, Cells], Awaitable[None]]) -> Work:
    """Work that does one row at a time."""

    async def work(worker: Worker, rows: list[Cells]) -> None:
        for row in rows:
            await do(worker, row)

    return work


def told_of(error: Exception) -> str:
    """What an error says to who reads a table: the fields and what is wrong with them."""
    if isinstance(error, ValidationFailed):
        return told_of_faults(error.fields)
    return "accept_charges" if isinstance(error, AcceptCharges) else str(error)


def told_of_faults(faults: Mapping[str, Mapping[str, Any]]) -> str:
    """What is wrong with the fields of a document, in a line."""
    told = [
        f"{path}: {rule.get('message', name)}"
        for path, rules in faults.items()
        for name, rule in rules.items()
    ]
    return "; ".join(told)
