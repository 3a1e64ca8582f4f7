"""Braintree: the paths of a card processor, which answer as while none is configured.

Clients take the 404 to mean that an account has no card, and offer none of it.
"""

from __future__ import annotations

from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Route, Routes, Scope
from crossbar.errors import NoSuchDocument, NotFound


async def nothing(request: Request) -> Result:
    """404: there is no card processor, and so nothing of it."""
    for value in list(request.ids.values())[1:]:
        raise NoSuchDocument(value)
    raise NotFound("no payment processor is configured")


def _route(path: str, action: Action, about: str) -> Route:
    return Route(path=path, action=action, handler=nothing, about=about)


BRAINTREE = Routes(
    noun="braintree",
    scopes=(Scope.ACCOUNT,),
    access=Access.ADMIN,
    routes=(
        _route("client_token", Action.FETCH, "Begin to take a card"),
        _route("customer", Action.FETCH, "Read who pays"),
        _route("customer", Action.REPLACE, "Replace who pays"),
        _route("cards/{card_id}", Action.DELETE, "Remove a card"),
        _route("payment_methods", Action.LIST, "List the means of payment"),
        _route("payment_methods/{payment_token}", Action.DELETE, "Remove a means of payment"),
        _route(
            "payment_methods/{payment_token}/default",
            Action.REPLACE,
            "Choose the means of payment",
        ),
        _route("ach", Action.LIST, "List the bank accounts"),
        _route("ach/vault", Action.CREATE, "Add a bank account"),
        _route("ach/{ach_id}", Action.FETCH, "Read a bank account"),
        _route("ach/{ach_id}/confirm", Action.CREATE, "Confirm a bank account"),
    ),
)
