"""Callflows: what happens when a number is dialed.

The data of each step of a flow is judged by the schema of its module (``callflows.<module>``), as
``callflows.action`` asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crossbar.core.change import Change
from crossbar.core.reading import live_documents
from crossbar.core.requests import Action, Request
from crossbar.core.shapes import (
    FLAGS,
    Collection,
    Column,
    Hooks,
    Index,
    Nesting,
    Unique,
    defaulted,
    field_index,
)
from crossbar.documents import Document, texts_at
from crossbar.families.numbers import CALLFLOW, Carrying
from crossbar.numbers import normalized

TAKEN = "Number {value} exists in callflow {holder}"
NO_NUMBERS = "Callflows must be assigned at least one number or pattern"


def nodes(flow: Any) -> Iterator[Document]:
    """Every node of a flow, depth first."""
    waiting = [flow]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict):
            continue
        yield node
        children = node.get("children")
        if isinstance(children, dict):
            waiting.extend(reversed(children.values()))


def modules(document: Document) -> list[str]:
    """The modules that a flow uses, each once; nodes that are skipped do not count."""
    used: dict[str, None] = {}
    for node in nodes(document.get("flow")):
        data = node.get("data")
        if isinstance(data, dict) and not data.get("skip_module"):
            used[str(node.get("module"))] = None
    return list(used)


async def normalize(change: Change) -> None:
    """Full telephone numbers are kept as E.164; extensions stay as they are."""
    numbers = change.value("numbers")
    if isinstance(numbers, list):
        change.document["numbers"] = [
            normalized(number) if isinstance(number, str) else number for number in numbers
        ]


async def check_numbers(change: Change) -> None:
    """A callflow that nothing can reach is refused."""
    numbers, patterns = change.value("numbers"), change.value("patterns")
    if not isinstance(numbers, list | None) or not isinstance(patterns, list | None):
        return  # the schema has said so already
    if not numbers and not patterns:
        change.refusals.add("numbers", "required", NO_NUMBERS)


def referenced(flow: Any) -> Iterator[str]:
    """Ids that a flow mentions: in data under ``id`` or ``…_id…``, and as names of branches."""
    for node in nodes(flow):
        data = node.get("data")
        for name, value in data.items() if isinstance(data, dict) else ():
            if isinstance(value, str) and (name == "id" or "_id" in name):
                yield value
        children = node.get("children")
        yield from (name for name in children or () if len(name) > 1)


async def add_metadata(request: Request, shown: Document, stored: Document) -> None:
    """On reading one callflow: names and numbers of the documents that the flow mentions."""
    if request.operation.action is not Action.FETCH:
        return
    ids = dict.fromkeys(referenced(stored.get("flow")))
    found = await live_documents(request.actor, ids)
    shown["metadata"] = {doc_id: _about(found[doc_id]) for doc_id in ids if doc_id in found}


def _about(document: Document) -> Document:
    name = document.get("name")
    if document.get("pvt_type") == "user":
        name = f"{document.get('first_name', '')} {document.get('last_name', '')}".strip()
    facts = {"name": name, "numbers": document.get("numbers"), "pvt_type": document["pvt_type"]}
    return {key: value for key, value in facts.items() if value is not None}


def _patterned(callflow: Document) -> tuple[str, ...]:
    """Those with patterns are found together: each is tried on a number that none lists."""
    return ("true",) if texts_at(callflow, "patterns") else ()


CARRYING = Carrying(kind=CALLFLOW, numbers_of=lambda callflow: texts_at(callflow, "numbers"))

CALLFLOWS = Collection(
    noun="callflows",
    doc_type="callflow",
    schema="callflows",
    summary=(
        "name",
        "type",
        "numbers",
        "patterns",
        defaulted("featurecode", False),
        "owner_id",
        "group_id",
        Column("modules", modules),
        FLAGS,
    ),
    unique=(
        Unique(
            path="numbers",
            values=lambda document: texts_at(document, "numbers"),
            message=TAKEN,
        ),
        Unique(
            path="patterns",
            values=lambda document: texts_at(document, "patterns"),
            message=TAKEN,
        ),
    ),
    indexes=(
        *map(field_index, ("owner_id", "numbers", "type", "group_id", "flow.module")),
        field_index("ui_is_main_number_cf"),
        Index(name="patterned", values=_patterned),
    ),
    nested=(Nesting(noun="users", doc_type="user", index="owner_id"),),
    hooks=Hooks(
        normalize=(normalize,),
        check=(check_numbers,),
        prepare=(CARRYING.index_numbers,),
        deleting=(CARRYING.forget_numbers,),
        reindexed=(CARRYING.make_known,),
        present=(add_metadata,),
    ),
    shown={"metadata": {}},  # computed on reading; what a client writes there it gets back
)
