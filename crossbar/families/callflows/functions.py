"""Functions: programs that callflows run."""

from __future__ import annotations

from crossbar.core.change import Change
from crossbar.core.directory import ACCOUNT_TYPE
from crossbar.core.ports import FunctionFailed
from crossbar.core.reading import revision_of_list
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Collection, Hooks, Route, Routes, defaulted, route
from crossbar.documents import Document, public
from crossbar.errors import RangeNotSatisfiable
from crossbar.storage import SYSTEM, Span

SAMPLES: tuple[Document, ...] = (
    {
        "Account-ID": "4891b59f7ba64ce4a6e5a7e0a5f0e5b2",
        "Api-Version": "4.x",
        "Call-ID": "b1d3c4e2-8a7f-4f60-9d2e-5c1a7e3f9b08",
        "Call-Status": "ringing",
        "Caller-ID-Name": "Ann Lee",
        "Caller-ID-Number": "+14155550100",
        "Direction": "inbound",
        "From": "+14155550100",
        "From-Realm": "sip.example.com",
        "Language": "en-us",
        "Request": "2001",
        "Request-Realm": "sip.example.com",
        "To": "2001",
        "To-Realm": "sip.example.com",
        "User-ID": "",
    },
)
"""What a function is given: the facts of a call, as an example."""


JAVASCRIPT = "javascript"
"""The one language in which functions are run; others are kept as they are."""


async def check_body(change: Change) -> None:
    """A text that is new has to be a function's body, where it can be run at all.

    What was stored before stays as it is, so that its other fields can be changed.
    """
    text = change.value("function_js")
    is_new = change.changed("function_js") or change.changed("language_pack")
    if not is_new or not isinstance(text, str) or change.value("language_pack") != JAVASCRIPT:
        return
    try:
        await change.actor.services.functions.check(text, change.key.account_id)
    except FunctionFailed as failed:
        message = f"This is no body of a function: {failed}"
        if failed.said:
            message = f"{message}: {failed.said}"
        change.refusals.add("function_js", "invalid", message)


async def list_all(request: Request) -> Result:
    """The functions of all accounts, whole, for those who operate the system."""
    store, limit = request.services.store, request.services.settings.lists.memory_limit
    data: list[Document] = []
    async for account in store.scan(Span(account_id=SYSTEM, doc_type=ACCOUNT_TYPE)):
        span = Span(account_id=account.position.doc_id, doc_type=FUNCTIONS.doc_type)
        async for row in store.scan(span):
            data.append({**public(row.document), "id": row.position.doc_id})
            if limit and len(data) > limit:
                raise RangeNotSatisfiable
    return Result(data=data, revision=revision_of_list(data))


async def list_samples(request: Request) -> Result:
    """What functions are given."""
    return Result(data=list(SAMPLES))


def _samples(access: Access) -> Route:
    return Route(
        path="samples",
        action=Action.LIST,
        handler=list_samples,
        about="Read what functions are given",
        access=access,
    )


FUNCTIONS = Collection(
    noun="functions",
    doc_type="function",
    schema="functions",
    summary=("name", "function_js", defaulted("enabled", True), "disable_reason"),
    hooks=Hooks(check=(check_body,)),
    routes=(_samples(Access.ACCOUNT),),
)

FUNCTIONS_OF_SYSTEM = Routes(
    noun="functions",
    access=Access.SUPERDUPER,
    routes=(
        route("", Action.LIST, list_all, "List all functions"),
        _samples(Access.PUBLIC),
    ),
)
