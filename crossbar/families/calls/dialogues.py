"""The call inspector: SIP dialogues of calls, as switches have captured them."""

from __future__ import annotations

from typing import Any

from crossbar.core.answers import SOME_OBJECT, Answers, some
from crossbar.core.journals import bucket_at, list_records, oldest_kept
from crossbar.core.reading import require_parents
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Journal, Nesting, Routes, Scope, field_index, route
from crossbar.documents import Document
from crossbar.errors import NoSuchDocument
from crossbar.families.calls.cdrs import CDRS
from crossbar.families.calls.records import RETENTION
from crossbar.families.calls.rows import columns_for, values_of
from crossbar.storage import Entry, Span

DIALOGUES = Journal(
    noun="call_inspector",
    doc_type="dialogue",
    time="timestamp",
    retention=RETENTION,
    indexes=(field_index("call_id"), field_index("owner_id")),
    actions=frozenset(),
    scopes=(),
)
"""The entry of the records; they are read by the routes below."""


SIP_PORT = 5060


async def list_dialogues(request: Request) -> Result:
    """The calls in a range of time of which a dialogue was captured; below a user, its own."""
    await require_parents(request)
    values, columns = values_of(0, for_reseller=False), columns_for(for_reseller=False)
    owner = request.ids.get("user_id")
    entry = Entry("owner_id", owner) if owner else None

    def show(dialogue: Document) -> Any:
        return dict(zip(columns, values(_call_of(dialogue, request.account_id)), strict=True))

    return await list_records(request, DIALOGUES, show, entry=entry, seen=show)


def _call_of(dialogue: Document, account_id: str) -> Document:
    """What a dialogue says of its call, as the record of a call would; its id is that of one."""
    named = {name: dialogue[name] for name in ("owner_id", "authorizing_id") if name in dialogue}
    began, lasted = dialogue["timestamp"], dialogue.get("duration_seconds", 0)
    return {
        **dialogue,
        "_id": f"{bucket_at(CDRS, began + lasted)}-{dialogue['call_id']}",
        "pvt_account_id": account_id,
        "custom_channel_vars": named,
        "timestamp": began + lasted,
    }


async def fetch(request: Request) -> Result:
    """The dialogue of one call."""
    call_id = request.ids["call_id"]
    span = Span(
        account_id=request.account_id,
        doc_type=DIALOGUES.doc_type,
        entry=Entry("call_id", call_id),
        buckets=(bucket_at(DIALOGUES, max(0, oldest_kept(request.services, DIALOGUES))), "9" * 8),
    )
    async for row in request.services.store.scan(span):
        found = row.document
        messages = sorted(found["messages"], key=_captured)
        return Result(
            data={
                "call-id": call_id,
                "messages": messages,
                "dialog_entities": found.get("dialog_entities") or _entities(messages),
                "analysis": found.get("analysis", []),
            },
            revision=found["_rev"],
        )
    raise NoSuchDocument(call_id)


def _captured(message: Any) -> float:
    """When a message was captured; one that does not say so is as early as can be."""
    return message.get("timestamp", 0) if isinstance(message, dict) else 0


def _entities(messages: list[Any]) -> list[str]:
    """The addresses that messages came from and went to, in the order in which they appear."""
    found = [
        f"{message[f'{end}_ip']}:{message.get(f'{end}_port', SIP_PORT)}"
        for message in messages
        if isinstance(message, dict)
        for end in ("src", "dst")
        if f"{end}_ip" in message
    ]
    return list(dict.fromkeys(found))


_LIST = route(
    "",
    Action.LIST,
    list_dialogues,
    "List calls whose dialogue is known",
    Answers(some(SOME_OBJECT), is_paged=True),
)

CALL_INSPECTOR = Routes(
    noun="call_inspector",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        _LIST,
        route(
            "{call_id}", Action.FETCH, fetch, "Read the dialogue of a call", Answers(SOME_OBJECT)
        ),
    ),
)

CALL_INSPECTOR_OF_USER = Routes(
    noun="call_inspector",
    scopes=(),
    nested=(Nesting(noun="users", doc_type="user"),),
    access=Access.ACCOUNT,
    routes=(_LIST,),
)
