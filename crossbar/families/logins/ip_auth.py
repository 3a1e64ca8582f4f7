"""Logging in by the client's address alone.

An account lists addresses in its ``ips``; whoever calls from one is let in, if the operator wants
that at all. An address that several accounts list lets nobody in.
"""

from __future__ import annotations

from crossbar.core.answers import Answers
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Route, Routes
from crossbar.errors import InvalidCredentials
from crossbar.families.accounts import BY_ADDRESS, canonical
from crossbar.families.logins.attempts import Way
from crossbar.families.logins.auth import SESSION, login_answer
from crossbar.families.logins.rules import ADDRESS_METHOD, admit

WAY = Way(method=ADDRESS_METHOD, proof="ip_address")


async def login(request: Request) -> Result:
    """A token for the only account that lists the client's address."""
    address = canonical(request.address)
    if not request.services.settings.auth.by_address or address is None:
        raise InvalidCredentials
    accounts = await request.services.accounts.find(BY_ADDRESS, address)
    if len(accounts) != 1:
        raise InvalidCredentials
    granted = await admit(request, WAY, accounts[0], None)
    return await login_answer(request, accounts[0], None, ADDRESS_METHOD, **granted)


IP_AUTH = Routes(
    noun="ip_auth",
    routes=(
        Route(
            path="",
            action=Action.CREATE,
            handler=login,
            about="Log in by the client's address",
            access=Access.PUBLIC,
            answers=Answers(SESSION),
        ),
    ),
)
