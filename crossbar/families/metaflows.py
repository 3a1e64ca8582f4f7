"""Metaflows: features that parties start with keys during a call (resources/metaflows.md).

A sub-object of the account and of any of its documents, at a path of its own or within them. Each
action's data is checked here against the schema of its module (``metaflows.<module>``), at every
depth.
"""

from __future__ import annotations

from crossbar.core.actions import Context
from crossbar.core.change import Change
from crossbar.core.shapes import Access, Routes, Scope
from crossbar.core.subobjects import SubObject
from crossbar.documents import Document
from crossbar.families.callflows import check_nodes, nodes
from crossbar.validation import Refusals


def check_actions(
    context: Context, metaflows: Document, refusals: Refusals, prefix: str = ""
) -> None:
    """Judge every action, and every callflow that an action brings along.

    ``prefix`` is the dotted path of the metaflows, with its last dot.
    """
    schemas = context.services.schemas
    for group in ("numbers", "patterns"):
        actions = metaflows.get(group)
        for code, action in actions.items() if isinstance(actions, dict) else ():
            path = f"{prefix}{group}.{code.replace('.', '%2E')}"
            check_nodes(schemas, refusals, action, path, "metaflow")
            for at, node in nodes(action, path):
                data = node.get("data")
                if node.get("module") == "callflow" and isinstance(data, dict):
                    check_nodes(schemas, refusals, data.get("flow"), f"{at}.data.flow")


async def check_metaflows(change: Change) -> None:
    """What the metaflows within a document do is checked as it is at their own path."""
    metaflows = change.value("metaflows")
    if isinstance(metaflows, dict):
        check_actions(change.context, metaflows, change.refusals, "metaflows.")


METAFLOWS = Routes(
    noun="metaflows",
    routes=SubObject(noun="metaflows", schema="metaflows", check=check_actions).routes(),
    scopes=(Scope.ACCOUNT,),
    everywhere=True,
    access=Access.ACCOUNT,
)
"""Metaflows of the account and of every document."""
