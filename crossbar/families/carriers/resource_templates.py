"""Resource templates: carriers that a reseller offers to its accounts, to be copied from.

They are the reseller's documents. Its accounts read them; the reseller alone writes them.
"""

from __future__ import annotations

from crossbar.core import recipes
from crossbar.core.answers import DOCUMENT, ROWS, Answers
from crossbar.core.directory import Account
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Collection, Handler, Route
from crossbar.errors import NoSuchDocument, ValidationFailed
from crossbar.families.carriers.places import in_account, moved

SCHEMA = "resource_templates"


async def _keeper(request: Request) -> Account:
    """Whose templates are meant: the account's reseller's, or with ``local`` the caller's own."""
    accounts, account = request.services.accounts, request.require_account()
    if request.says_yes("local"):
        caller = await accounts.get(request.require_caller().account_id)
        if caller is not None and (caller.is_reseller or caller.is_superduper_admin):
            return caller
    keeper = await accounts.get(account.reseller_id)
    if keeper is None:
        raise NoSuchDocument(account.reseller_id)
    return keeper


_reading = moved(_keeper)


def _writing(handler: Handler) -> Handler:
    """Only in one's own account."""

    async def handle(request: Request) -> Result:
        keeper = await _keeper(request)
        if keeper.account_id != request.require_caller().account_id:
            message = "Templates are written by the reseller whose they are"
            raise ValidationFailed.of("Account", "forbidden", message, cause=keeper.account_id)
        return await handler(in_account(request, keeper))

    handle.__doc__ = handler.__doc__
    return handle


def _route(path: str, action: Action, handler: Handler, about: str, answers: Answers) -> Route:
    is_read = action in (Action.LIST, Action.FETCH)
    return Route(
        path=path,
        action=action,
        handler=(_reading if is_read else _writing)(handler),
        about=about,
        access=None if is_read else Access.ADMIN,
        schema=SCHEMA,
        loads=False,
        answers=answers,
    )


ONE = "{resource_template_id}"

RESOURCE_TEMPLATES = Collection(
    noun="resource_templates",
    doc_type="resource_template",
    schema=SCHEMA,
    summary=("name", "template_name", "classifiers"),
    actions=frozenset(),
    routes=(
        _route("", Action.LIST, recipes.list_documents, "List resource templates", ROWS),
        _route("", Action.CREATE, recipes.create, "Create a resource template", DOCUMENT),
        _route(ONE, Action.FETCH, recipes.fetch, "Read a resource template", DOCUMENT),
        _route(ONE, Action.REPLACE, recipes.replace, "Replace a resource template", DOCUMENT),
        _route(ONE, Action.PATCH, recipes.patch, "Merge changes into a template", DOCUMENT),
        _route(ONE, Action.DELETE, recipes.delete, "Delete a resource template", DOCUMENT),
    ),
)
