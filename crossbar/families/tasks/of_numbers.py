"""What tasks do with telephone numbers. Each row asks what the REST API would be asked."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from crossbar.core.directory import ACCOUNT_TYPE
from crossbar.core.requests import Action
from crossbar.core.services import Services
from crossbar.core.tables import text_of
from crossbar.documents import Document, lookup
from crossbar.families.numbers import (
    ASSIGNED_TO,
    MODULE,
    NUMBERS,
    STATE,
    USED_BY,
    State,
    is_registered,
    number_key,
)
from crossbar.families.tasks.kinds import OVER, BadFields, Cells, TaskAction, Worker, each
from crossbar.storage import SYSTEM, Entry, Position, Put, Remove, Span

CATEGORY = "number_management"
NUMBER, ACCOUNT, STATE_COLUMN, MODULE_COLUMN = "e164", "account_id", "state", "carrier_module"

FIELDS = (
    "cnam.inbound",
    "cnam.outbound",
    "e911.locality",
    "e911.name",
    "e911.region",
    "e911.street_address",
    "e911.extended_address",
    "e911.postal_code",
    "prepend.enabled",
    "prepend.name",
    "prepend.number",
    "ringback.early",
    "ringback.transfer",
    "force_outbound",
    "failover.e164",
    "failover.sip",
)
"""Columns that are fields of a number."""

PATHS = {
    "cnam.inbound": "cnam.inbound_lookup",
    "cnam.outbound": "cnam.display_name",
    "e911.name": "e911.caller_name",
}
"""Where fields are that are called otherwise than their columns."""

FLAGS = ("cnam.inbound", "force_outbound", "prepend.enabled")

COLUMNS = (
    NUMBER,
    "account_name",
    ACCOUNT,
    "previously_assigned_to",
    STATE_COLUMN,
    "created",
    "modified",
    "used_by",
    "ported_in",
    MODULE_COLUMN,
    *FIELDS,
)

OPAQUE = "opaque."
"""What the names of columns begin with that are further public fields."""

PORTION = 100

ACCOUNT_ID = re.compile(r"[0-9a-f]{32}")


async def _told(services: Services, document: Document) -> Document:
    """A number as a row."""
    owner = document.get(ASSIGNED_TO)
    account = await services.accounts.get(owner) if owner else None
    told = {
        NUMBER: document["_id"],
        "account_name": account.name if account else None,
        ACCOUNT: owner,
        STATE_COLUMN: document.get(STATE),
        "created": document.get("pvt_created"),
        "modified": document.get("pvt_modified"),
        "used_by": document.get(USED_BY),
        MODULE_COLUMN: document.get(MODULE),
    }
    for name in FIELDS:
        told[name] = lookup(document, PATHS.get(name, name).split("."))
    return {name: text_of(value) for name, value in told.items() if value is not None}


def _number(row: Cells) -> str:
    """The number of a row. Raises :class:`BadFields`, with all that is wrong."""
    number = row.get(NUMBER, "")
    bad = [] if re.fullmatch(r"\+[0-9]{1,20}", number) else [NUMBER]
    if ACCOUNT in row and not ACCOUNT_ID.fullmatch(row[ACCOUNT]):
        bad.append(ACCOUNT)
    bad += [name for name in FLAGS if row.get(name, "true") not in ("true", "false")]
    if row.get(STATE_COLUMN, State.RESERVED) not in list(State):
        bad.append(STATE_COLUMN)
    if bad:
        raise BadFields(*bad)
    return number


def _fields(worker: Worker, row: Cells) -> Document:
    """The fields of a number that a row says. Who is no operator cannot say the carrier."""
    document: Document = {}
    for name, cell in row.items():
        path = PATHS.get(name, name)
        if name.startswith(OPAQUE):
            path = name.removeprefix(OPAQUE)
        elif name not in FIELDS:
            continue
        *above, last = path.split(".")
        holder = document
        for part in above:
            holder = holder.setdefault(part, {})
        holder[last] = cell == "true" if name in FLAGS else cell
    caller = worker.actor.caller
    carrier = row.get(MODULE_COLUMN) or row.get("carrier_name")
    if carrier and caller is not None and caller.is_operator:
        document["carrier_name"] = carrier.removeprefix("knm_")
    return document


async def _change(
    worker: Worker, row: Cells, action: Action, tail: str = "", **controls: Any
) -> None:
    """Ask for something of a row's number, and tell what it is then."""
    number, services = _number(row), worker.services
    account_id = row.get(ACCOUNT, worker.account_id) if tail != "update" else worker.account_id
    data = _fields(worker, row) if tail in ("", "update", "import") else {}
    caller = worker.actor.caller
    if tail == "import" and row.get(STATE_COLUMN) and caller is not None and caller.is_operator:
        controls["create_with_state"] = row[STATE_COLUMN]

    async def tell(write: Put | Remove) -> Document:
        if isinstance(write, Put) and write.document.get(STATE):
            return await _told(services, write.document)
        return {NUMBER: number, STATE_COLUMN: State.DELETED.value}

    worker.tell = tell
    path = ["accounts", account_id, "phone_numbers", number]
    if tail in ("activate", "reserve"):
        path.append(tail)
    await worker.ask(action, *path, data=data, writes=NUMBERS.doc_type, **controls)
    if not worker.fenced.is_told:  # it was so already
        await _read(worker, number)


async def _read(worker: Worker, number: str) -> None:
    document = await worker.services.store.get(number_key(number))
    if document is not None:
        worker.told[0] = await _told(worker.services, document)


async def _find(worker: Worker, row: Cells) -> None:
    number = _number(row)
    account_id = worker.account_id
    await worker.ask(Action.FETCH, "accounts", account_id, "phone_numbers", number)
    await _read(worker, number)


def _of_each(
    name: str,
    about: str,
    action: Action,
    tail: str = "",
    optional: tuple[str, ...] = (),
    **controls: Any,
) -> TaskAction:
    """An action that asks for the same of each number."""

    async def work(worker: Worker, row: Cells) -> None:
        await _change(worker, row, action, tail, **controls)

    return TaskAction(
        category=CATEGORY,
        name=name,
        about=about,
        mandatory=(NUMBER,),
        optional=optional,
        columns=COLUMNS,
        work=each(work),
    )


async def _spans(worker: Worker, *, below: bool) -> list[tuple[str, Span]]:
    """The numbers of the account, and of those below it, account by account."""
    accounts = [worker.account_id]
    if below:
        entry = Entry("ancestor", worker.account_id)
        tree = Span(account_id=SYSTEM, doc_type=ACCOUNT_TYPE, entry=entry)
        accounts += [row.position.doc_id async for row in worker.services.store.scan(tree)]
    return [(each, _span(Entry("assigned", each))) for each in sorted(accounts)]


def _span(entry: Entry | None, start: Position | None = None) -> Span:
    return Span(
        account_id=SYSTEM, doc_type=NUMBERS.doc_type, entry=entry, start=start, portion=PORTION
    )


async def _list(
    worker: Worker, at: Any, *, below: bool
) -> AsyncIterator[tuple[list[Document], Any]]:
    await worker.admitted(Action.LIST, "accounts", worker.account_id, "phone_numbers")
    async for found in _walk(worker, await _spans(worker, below=below), at, ""):
        yield found


async def _dump(
    worker: Worker, at: Any, *, state: str
) -> AsyncIterator[tuple[list[Document], Any]]:
    """All numbers of the system, or those in a state; nothing but to operators."""
    caller, account = worker.actor.caller, worker.actor.require_account()
    if caller is None or not caller.is_operator or account.tree:
        return
    async for found in _walk(worker, [("", _span(None))], at, state):
        yield found


async def _walk(
    worker: Worker, spans: list[tuple[str, Span]], at: Any, state: str
) -> AsyncIterator[tuple[list[Document], Any]]:
    """The numbers of spans in the order of their names, from where another has stopped."""
    rows: list[Document] = []
    for name, span in spans:
        if at and name < at[0]:
            continue
        entry = span.entry
        start = Position(at[1], f"{at[2]}\x00") if at and name == at[0] else None
        async for row in worker.services.store.scan(_span(entry, start)):
            document = row.document
            if is_registered(document) and state in ("", document[STATE]):
                rows.append(await _told(worker.services, document))
            if len(rows) == PORTION:
                yield rows, [name, *row.position]
                rows = []
    yield rows, OVER


def _without_input(name: str, about: str, make: Any) -> TaskAction:
    return TaskAction(category=CATEGORY, name=name, about=about, columns=COLUMNS, make=make)


DUMPED = tuple(state.value for state in State)

NUMBER_ACTIONS = (
    _without_input("list", "List the numbers of the account", partial(_list, below=False)),
    _without_input(
        "list_all", "List the numbers of the account and those below", partial(_list, below=True)
    ),
    _without_input("dump", "List all numbers of the system", partial(_dump, state="")),
    *(
        _without_input(
            f"dump_{state}",
            f"List all numbers of the system that are {state}",
            partial(_dump, state=state),
        )
        for state in DUMPED
    ),
    TaskAction(
        category=CATEGORY,
        name="find",
        about="Tell what is known of numbers",
        mandatory=(NUMBER,),
        columns=COLUMNS,
        work=each(_find),
    ),
    _of_each("import", "Make numbers", Action.CREATE, "import", COLUMNS[1:]),
    _of_each("assign_to", "Give numbers to accounts", Action.CREATE, "activate", (ACCOUNT,)),
    _of_each(
        "update_merge",
        "Change what is said of numbers",
        Action.PATCH,
        "update",
        ("carrier_name", *FIELDS),
    ),
    _of_each(
        "update_overwrite",
        "Replace what is said of numbers",
        Action.REPLACE,
        "update",
        ("carrier_name", *FIELDS),
    ),
    _of_each("release", "Give numbers back", Action.DELETE, "release"),
    _of_each("reserve", "Reserve numbers for accounts", Action.CREATE, "reserve", (ACCOUNT,)),
    _of_each("delete", "Remove numbers for good", Action.DELETE, "delete", hard=True),
)
