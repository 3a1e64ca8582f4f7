"""A person who goes: everything in one commit, but for callflows that lead to others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from crossbar.core.change import Change
from crossbar.core.preconditions import names_revision
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Collection
from crossbar.core.writing import Work, perform
from crossbar.documents import Document
from crossbar.errors import PreconditionFailed
from crossbar.families.callflows import CALLFLOWS, nodes
from crossbar.families.endpoints import USERS
from crossbar.families.people.parts import Person, person_of, require_each
from crossbar.families.people.showing import name_of, revision_of, summary
from crossbar.storage import Key

LEADING = frozenset(("user", "device", "voicemail"))
"""Modules of steps that lead to the document that their ``id`` names, and nowhere else."""

HARMLESS = frozenset(
    (
        *("answer", "dead_air", "flush_dtmf", "hangup", "language", "noop", "prepend_cid"),
        *("response", "send_dtmf", "set_alert_info", "set_cid", "skel", "sleep", "tts"),
        "wait_for_hangup",
    )
)
"""Modules of steps that lead to nobody."""

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


async def remove(request: Request) -> Result:
    """Remove a user, its devices, voicemail boxes and callflows, all of them or none.

    A callflow is kept unless all of it is known to lead to this person alone.
    """

    async def build(work: Work) -> Document:
        person = await person_of(request.actor, request.ids["user_id"])
        _require_match(request, person)
        going, kept = _going(person)
        parts = [(family, document["_id"]) for family, document in going]
        await require_each(request, Action.DELETE, parts)
        for family, document in going:
            await _delete(work, family, document)
        removed = [_named(document) for _, document in going]
        return {
            **summary(person.user, person.callflows),
            "removed": removed,
            "kept": [_named(each) for each in kept],
        }

    turn = Key(request.account_id, USERS.doc_type, request.ids["user_id"])
    return Result(data=await perform(request.actor, turn, build, request))


def _require_match(request: Request, person: Person) -> None:
    """Conditions may name the revision of the person, or the user's own."""
    revisions = revision_of(request, person), person.user["_rev"]
    wanted, unwanted = request.if_match, request.if_none_match
    if wanted is not None and not any(names_revision(wanted, each) for each in revisions):
        raise PreconditionFailed
    if any(names_revision(unwanted, each) for each in revisions):
        raise PreconditionFailed


def _going(person: Person) -> tuple[list[tuple[Collection, Document]], list[Document]]:
    """What goes with a person, and the callflows that stay because others are reached by them."""
    own = {document["_id"] for _, document in person.parts}
    going, kept = [], []
    for family, document in person.parts:
        if family is CALLFLOWS and not _leads_only_to(own, document):
            kept.append(document)
        else:
            going.append((family, document))
    return going, kept


def _leads_only_to(own: set[str], callflow: Document) -> bool:
    """Whether every step is of a kind that is known to lead to one of these documents, or nowhere.

    Of any other kind it is not known: it may name numbers, servers, or many documents at once.
    """
    return all(_is_own(own, step) for step in nodes(callflow.get("flow")))


def _is_own(own: set[str], step: Document) -> bool:
    module, data = step.get("module"), step.get("data")
    if module in LEADING:
        leads = isinstance(data, dict) and data.get("id") in own
    else:
        leads = module in HARMLESS
    return leads and all(text in own for text in _texts(data) if _ID.fullmatch(text))


def _texts(value: Any) -> Iterator[str]:
    """Every text at any depth, names of fields too."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting += [*each, *each.values()]
        elif isinstance(each, list):
            waiting += each


async def _delete(work: Work, family: Collection, document: Document) -> None:
    key = Key(work.actor.account_id, family.doc_type, document["_id"])
    change = Change(
        actor=work.actor,
        request=work.request,
        family=family,
        key=key,
        document={},
        current=document,
    )
    is_soft = family.soft_delete and not change.says_no("should_soft_delete")
    await work.delete(change, is_soft=is_soft)


def _named(document: Document) -> Document:
    name = document.get("name") or name_of(document)
    return {"type": document["pvt_type"], "id": document["_id"], "name": name}
