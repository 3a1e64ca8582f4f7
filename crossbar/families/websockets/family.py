"""What one can ask of the socket without being connected to it: its bindings and who is there."""

from __future__ import annotations

from crossbar.core.answers import SOME_OBJECT, Answers, some
from crossbar.core.reading import revision_of_list
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Route, Routes, Scope, route
from crossbar.families.websockets.bindings import ADVERTISED
from crossbar.families.websockets.connections import connections_of, find_connection


async def list_bindings(request: Request) -> Result:
    """What clients of the socket can bind to, by kind."""
    return Result(data=ADVERTISED)


def _accounts(request: Request) -> list[str]:
    """Whose connections are shown: those of the path's account and of the caller's own."""
    own = request.require_caller().account_id
    return list(dict.fromkeys((request.account_id, own)))


async def list_connections(request: Request) -> Result:
    """Who is connected to the socket, of the account and of the caller's own."""
    found = [
        shown
        for account_id in _accounts(request)
        async for shown in connections_of(request.services, account_id)
    ]
    return Result(data=found, revision=revision_of_list(found))


async def fetch_connection(request: Request) -> Result:
    """One connection, by the address and port of its client; empty when there is none."""
    name = request.ids["socket_id"]
    return Result(data=await find_connection(request.services, _accounts(request), name))


BINDINGS = Routes(
    noun="websockets",
    access=Access.PUBLIC,
    routes=(
        route("", Action.LIST, list_bindings, "List what can be bound to", Answers(SOME_OBJECT)),
    ),
)

CONNECTIONS = Routes(
    noun="websockets",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route("", Action.LIST, list_connections, "List connections", Answers(some(SOME_OBJECT))),
        Route(
            path="{socket_id}",
            action=Action.FETCH,
            handler=fetch_connection,
            about="Read a connection",
            answers=Answers(SOME_OBJECT),
        ),
    ),
)
