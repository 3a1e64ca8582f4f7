"""What is reported: an event of the log as webhooks see it, and which of them want it.

A report is a small JSON object, since it waits in the store until it is delivered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from crossbar.core.directory import ACCOUNT_TYPE
from crossbar.core.presenting import without
from crossbar.core.services import Services
from crossbar.core.telling import HAPPENING
from crossbar.documents import Document, public
from crossbar.families.webhooks.kinds import (
    ACTIONS,
    ALL,
    KINDS,
    OBJECT,
    OBJECT_TYPES,
)
from crossbar.storage import SYSTEM, Key, Numbered

HOOK_TYPE = "webhook"

REASON = "pvt_disable_reason"
"""Why the server switched a webhook off."""


def report_of(numbered: Numbered, types: Collection[str] = OBJECT_TYPES) -> Document | None:
    """What is reported of an event; ``None`` for one that no webhook is ever told of.

    ``types`` are those of the documents whose changes are reported.
    """
    event = numbered.event
    report: Document = {
        "number": numbered.number,
        "at": event.at,
        "account_id": event.key.account_id,
        "about": event.key.doc_id,
    }
    if event.key.doc_type == HAPPENING:
        if event.action not in KINDS:
            return None
        return {**report, "kind": event.action, "facts": event.summary}
    if event.key.doc_type not in types or event.action not in ACTIONS:
        return None
    report |= {
        "kind": OBJECT,
        "facts": {"action": ACTIONS[event.action], "type": event.key.doc_type},
        "revision": event.revision,
    }
    if event.key.doc_type == ACCOUNT_TYPE:
        report |= {"account_id": event.key.doc_id, "tree": event.summary.get("tree", [])}
    elif event.key.account_id == SYSTEM:
        return None
    return report


def facts_of(report: Document) -> Document:
    """The data of a report, as both versions of the body say it."""
    if report["kind"] != OBJECT:
        return {**report["facts"], "account_id": report["account_id"]}
    return {"id": report["about"], "account_id": report["account_id"], **report["facts"]}


async def full_facts(services: Services, report: Document) -> Document:
    """The data of version 2: of documents also what they are by now, if they still are.

    Passwords and PINs are left out: they would go to others, and stay in the attempts.
    """
    facts = facts_of(report)
    if report["kind"] != OBJECT:
        return facts
    doc_type = facts["type"]
    account_id = SYSTEM if doc_type == ACCOUNT_TYPE else report["account_id"]
    stored = await services.store.get(Key(account_id, doc_type, report["about"]))
    if stored is None:
        return facts
    metadata = {
        "id": stored["_id"],
        "revision": stored.get("_rev"),
        "type": doc_type,
        "created": stored.get("pvt_created"),
        "modified": stored.get("pvt_modified"),
    }
    document = {**public(stored), "id": stored["_id"]}
    secrets = services.registry.collection(doc_type).powers.secrets
    return {**facts, "doc": without(secrets, document), "metadata": metadata}


def wants(hook: Document, report: Document, tree: tuple[str, ...]) -> bool:
    """Whether a webhook is told of a report, whose account has these above it."""
    if report["number"] <= hook.get("pvt_since", 0) or hook["hook"] not in (ALL, report["kind"]):
        return False
    return _is_in_reach(hook, report, tree) and _is_chosen(hook, report)


def _is_in_reach(hook: Document, report: Document, tree: tuple[str, ...]) -> bool:
    """Whether the event is of the webhook's account, or of one below that it asks for.

    That an account was deleted is the matter of who is above it.
    """
    owner = hook["pvt_account_id"]
    if owner == report["account_id"]:
        return True
    if owner not in tree:
        return False
    is_gone = report["facts"].get("action") == ACTIONS["deleted"] and "tree" in report
    return bool(hook.get("include_subaccounts")) or (is_gone and owner == tree[-1])


def _is_chosen(hook: Document, report: Document) -> bool:
    """Whether the event is one of those that the custom data choose."""
    facts = report["facts"]
    if facts.get("is_internal_leg") and hook.get("include_internal_legs") is False:
        return False
    if hook["hook"] == ALL:
        return True
    modifiers = KINDS[report["kind"]].modifiers or {}
    chosen = hook.get("custom_data") or {}
    return all(chosen.get(name, ALL) in (ALL, facts.get(name)) for name in modifiers)


MANY_GONE = 1000
"""Accounts that are gone of which it is remembered who was above."""


class Hooks:
    """The webhooks that are told of anything, by account; a few facts of each are in memory."""

    def __init__(self) -> None:
        self._by_account: dict[str, dict[str, Document]] = {}
        self._gone: dict[str, tuple[str, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_account)

    def put(self, account_id: str, hook_id: str, hook: Document | None) -> None:
        """A webhook as it is from now on; ``None`` for one that is told of nothing any more."""
        own = self._by_account.setdefault(account_id, {})
        if hook is not None:
            own[hook_id] = hook
        else:
            own.pop(hook_id, None)
        if not own:
            del self._by_account[account_id]

    def get(self, account_id: str, hook_id: str) -> Document | None:
        """A webhook, if it is told of anything."""
        return self._by_account.get(account_id, {}).get(hook_id)

    def drop(self, account_id: str) -> None:
        """All of an account, which is gone."""
        self._by_account.pop(account_id, None)

    def every(self) -> Iterator[Document]:
        """All of them."""
        return (hook for own in self._by_account.values() for hook in own.values())

    async def _tree_of_gone(self, services: Services, report: Document) -> tuple[str, ...]:
        """Who was above an account that was deleted meanwhile: the log tells of it later on."""
        account_id, number = report["account_id"], report["number"]
        while account_id not in self._gone and (found := await services.store.events(number)):
            number = found[-1].number
            for _, event in found:
                if event.key.doc_type == ACCOUNT_TYPE and event.action == "deleted":
                    self._gone[event.key.doc_id] = tuple(event.summary.get("tree", ()))
        tree = self._gone.setdefault(account_id, ())
        while len(self._gone) > MANY_GONE:
            del self._gone[next(iter(self._gone))]
        return tree

    async def telling(self, services: Services, report: Document) -> list[Document]:
        """Those that want a report."""
        tree: tuple[str, ...] = tuple(report.get("tree", ()))
        if not tree and self._by_account.keys() - {report["account_id"]}:
            account = await services.accounts.get(report["account_id"])
            tree = account.tree if account else await self._tree_of_gone(services, report)
        near: list[dict[str, Any]] = []
        for account_id in (report["account_id"], *tree):
            near += self._by_account.get(account_id, {}).values()
        return [hook for hook in near if wants(hook, report, tree)]
